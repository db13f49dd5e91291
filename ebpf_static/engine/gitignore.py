"""What git ignores: the rules of ``.gitignore`` files, for ``--respect-gitignore``.

Read as git reads them (https://git-scm.com/docs/gitignore): rules of deeper directories go before
those above, the last rule of a file that matches decides, what lies in an ignored directory cannot
be included again, a repository inside another starts afresh, and ``.git/info/exclude`` counts.
The user's own ``core.excludesFile`` does not, so that every machine gives the same answer; nor is
it known here which files are tracked in spite of a rule.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pathspec import GitIgnoreSpec

_MAX_BYTES = 1 << 20
_EXTRA = "ebpf-static[gitignore]"

Rules = tuple[tuple[Path, "GitIgnoreSpec"], ...]


class GitIgnore:
    """Tells what git would ignore below one directory.

    The directory itself was asked for, so rules above it that ignore it as a whole do not count.
    """

    def __init__(self, top: Path) -> None:
        """Read the rules that hold for ``top``; those below are read when they are reached.

        Raises:
            UsageError: the library that reads such rules is not installed, or a file is too large.
        """
        self._make_spec = _spec_maker()
        self._rules: dict[Path, Rules] = {}
        self._top = _absolute(top)
        above = self._from_above()
        if any(_decides(above, each, is_folder=True) for each in self._between(above)):
            above = ()
        self._rules[self._top] = self._with_own(self._top, above)

    def ignores(self, path: Path, *, is_folder: bool) -> bool:
        """Return whether git ignores ``path``, which lies in a directory that is not ignored."""
        path = _absolute(path)
        return _decides(self._rules_in(path.parent), path, is_folder=is_folder)

    def _rules_in(self, folder: Path) -> Rules:
        found = self._rules.get(folder)
        if found is None:
            found = self._rules[folder] = self._with_own(folder, self._rules_in(folder.parent))
        return found

    def _from_above(self) -> Rules:
        """Return the rules of the directories above the top, from its repository's root on."""
        folders = [self._top, *self._top.parents]
        root = next((n for n, folder in enumerate(folders) if _is_root(folder)), 0)
        rules: Rules = ()
        for folder in reversed(folders[1 : root + 1]):
            rules = self._with_own(folder, rules)
        return rules

    def _between(self, rules: Rules) -> Iterator[Path]:
        """Yield the directories from below the root down to the top."""
        if rules:
            root = rules[0][0]
            parts = self._top.relative_to(root).parts
            yield from (root.joinpath(*parts[: n + 1]) for n in range(len(parts)))

    def _with_own(self, folder: Path, above: Rules) -> Rules:
        """Return the rules that hold in ``folder``: those above it and its own."""
        files = [folder / ".gitignore"]
        if _is_root(folder):
            above = ()
            files.insert(0, folder / ".git" / "info" / "exclude")
        lines = [line for file in files for line in _read_lines(file)]
        return (*above, (folder, self._make_spec(lines))) if lines or not above else above


def _spec_maker() -> Callable[[list[str]], GitIgnoreSpec]:
    try:
        from pathspec import GitIgnoreSpec
    except ImportError as error:
        raise UsageError(f"--respect-gitignore needs pathspec: pip install '{_EXTRA}'") from error

    def make(lines: list[str]) -> GitIgnoreSpec:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of re, about brackets in brackets
            return GitIgnoreSpec.from_lines([line for line in lines if is_rule(line)])

    def is_rule(line: str) -> bool:
        # What is no pattern matches nothing in git, and is an error here.
        try:
            GitIgnoreSpec.from_lines([line])
        except (ValueError, re.error):
            return False
        return True

    return make


def _decides(rules: Rules, path: Path, *, is_folder: bool) -> bool:
    """Return whether the rules ignore ``path``: the deepest directory with a say has it."""
    for folder, spec in reversed(rules):
        name = path.relative_to(folder).as_posix()
        include = spec.check_file(f"{name}/" if is_folder else name).include
        if include is not None:
            return include
    return False


def _is_root(folder: Path) -> bool:
    return (folder / ".git").exists()


def _read_lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            data = opened.read(_MAX_BYTES + 1)
    except OSError:
        return []
    if len(data) > _MAX_BYTES:  # a device has no size to ask for
        raise UsageError(f"{file.as_posix()}: more than {_MAX_BYTES} bytes of ignore rules")
    text = data.decode("utf-8", "surrogateescape")
    return [_rule(line) for line in text.removeprefix("\ufeff").split("\n")]


def _rule(line: str) -> str:
    """Return a rule as pathspec has to see it: it takes ``src/**/`` for ``src`` itself."""
    line = line.removesuffix("\r")
    return f"{line}*/" if line.endswith("/**/") else line


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links out of the tree
