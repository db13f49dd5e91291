"""Which files to read: what the user named, and what a directory holds, told by content.

File names decide nothing while walking: 512 bytes of each file tell objects, and what may contain
some, from the rest, so an object is found whatever it is called, and nothing has to be configured.
``.gitignore`` is consulted only when asked for, because build output is usually ignored by git.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from stat import S_ISREG
from typing import TYPE_CHECKING, NamedTuple

from ebpf_static.findings import Failure
from ebpf_static.formats.sniff import sniff

if TYPE_CHECKING:
    from ebpf_static.engine.gitignore import GitIgnore

ALWAYS_EXCLUDED = (
    ".cache",
    ".eggs",
    ".git",
    ".hg",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "node_modules",
)
"""Directories nobody keeps build output in."""

_MAGIC = frozenset("*?[")
_HEAD_BYTES = 512
"""What tells an object, or what may contain one: the header of a tar archive is that long."""


class Input(NamedTuple):
    """A file to read.

    Attributes:
        path: where it is.
        name: what reports call it: relative to the working directory, with forward slashes.
        named: the user named it, so its not being an object is an error.
        claims_bpf: found in a directory, its header says it is an object for BPF.
        data: what it holds, when it is no file; ``path`` then says whose settings hold.
    """

    path: Path
    name: str
    named: bool
    claims_bpf: bool = False
    data: bytes | None = None


@dataclass
class Inputs:
    """What was found.

    Attributes:
        found: files to read, in order, each once.
        failures: what the user named and is not there.
        skipped: what was passed over, with the reason.
        unread: what is among it because it could not be read.
        looked_at: how many files directories held.
    """

    found: dict[str, Input] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unread: list[Failure] = field(default_factory=list)
    looked_at: int = 0
    _containers: set[tuple[int, int]] = field(default_factory=set)

    def is_link(self, status: os.stat_result) -> bool:
        """Tell whether a container was found before under another name, and note it."""
        identity = (status.st_dev, status.st_ino)
        known = identity in self._containers
        self._containers.add(identity)
        return known

    def pass_over(self, name: str, error: OSError) -> None:
        """Note what could not be looked at."""
        reason = error.strerror or str(error)
        self.skipped.append(f"{name}: {reason}")
        self.unread.append(Failure.model_construct(object=name, message=reason))

    def add(self, path: Path, *, named: bool, claims_bpf: bool = False) -> None:
        """Note a file to read; naming it twice counts once."""
        name = display_name(path)
        known = self.found.get(name)
        if known is None or (named and not known.named):
            self.found[name] = Input(path, name, named, claims_bpf)


def find_inputs(
    paths: Iterable[str],
    *,
    exclude: Sequence[str] = (),
    force_exclude: bool = False,
    respect_gitignore: bool = False,
    everywhere: bool = False,
    into: Inputs | None = None,
) -> Inputs:
    """Return the files that ``paths`` stand for.

    Args:
        paths: files, directories to walk, and glob patterns (for shells that expand none).
        exclude: glob patterns of paths, file names or directory names to pass over in
            directories, beside :data:`ALWAYS_EXCLUDED`.
        force_exclude: pass over excluded files even when they are named.
        respect_gitignore: pass over what git ignores in directories.
        everywhere: look into the directories of :data:`ALWAYS_EXCLUDED`, too.
        into: what was found before, to be added to.

    Raises:
        UsageError: the library that reads git's rules is not installed.
    """
    inputs = Inputs() if into is None else into
    always = () if everywhere else ALWAYS_EXCLUDED
    patterns = tuple(pattern.rstrip("/") for pattern in (*always, *exclude))
    for text in paths:
        for path in _expand(text, inputs):
            if force_exclude and is_excluded(display_name(path), patterns):
                inputs.skipped.append(f"{display_name(path)}: excluded")
            elif path.is_dir():
                _walk(path, patterns, inputs, _ignores(path, wanted=respect_gitignore))
            else:
                inputs.add(path, named=True)
    return inputs


def display_name(path: Path) -> str:
    """Return a path as reports show it: relative where possible, with forward slashes."""
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def is_excluded(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a pattern matches the path, one of its parents, or a part of either."""
    pure = PurePath(name)
    candidates = {name, *pure.parts, *(parent.as_posix() for parent in pure.parents)} - {"."}
    return any(fnmatchcase(text, pattern) for pattern in patterns for text in candidates)


def _expand(text: str, inputs: Inputs) -> Iterator[Path]:
    path = Path(text)
    if path.exists() or path.is_symlink():
        yield path
        return
    if not _MAGIC.isdisjoint(text):
        matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - absolute patterns too
        if matches:
            yield from map(Path, matches)
            return
        inputs.failures.append(
            Failure.model_construct(object=text, message="no file matches this pattern")
        )
        return
    inputs.failures.append(
        Failure.model_construct(object=text, message="no such file or directory")
    )


def _ignores(top: Path, *, wanted: bool) -> GitIgnore | None:
    if not wanted:
        return None
    from ebpf_static.engine.gitignore import GitIgnore

    return GitIgnore(top)


def _walk(top: Path, patterns: Sequence[str], inputs: Inputs, ignores: GitIgnore | None) -> None:
    def note(error: OSError) -> None:
        inputs.pass_over(display_name(Path(error.filename)), error)

    for folder, folders, files in os.walk(top, onerror=note):
        here = Path(folder)
        # Only what lies below the directory asked for is excluded, never that directory itself.
        below = here.relative_to(top)
        folders[:] = sorted(
            name for name in folders if not is_excluded((below / name).as_posix(), patterns)
        )
        if ignores is not None:
            folders[:] = _kept(here, folders, ignores, inputs)
        for file in sorted(files):
            path = here / file
            names = ((below / file).as_posix(), display_name(path))
            if is_excluded(names[0], patterns) or _matches_whole(names[1], patterns):
                inputs.skipped.append(f"{names[1]}: excluded")
            elif ignores is not None and ignores.ignores(path, is_folder=False):
                inputs.skipped.append(f"{names[1]}: ignored by git")
            else:
                _look_at(path, names[1], inputs)


def _kept(here: Path, folders: list[str], ignores: GitIgnore, inputs: Inputs) -> list[str]:
    """Return the directories git does not ignore."""
    kept = []
    for name in folders:
        if ignores.ignores(here / name, is_folder=True):
            inputs.skipped.append(f"{display_name(here / name)}/: ignored by git")
        else:
            kept.append(name)
    return kept


def _matches_whole(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _look_at(path: Path, name: str, inputs: Inputs) -> None:
    inputs.looked_at += 1
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            return
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        inputs.pass_over(name, error)
        return
    if sniff(head) == "bpf-elf":
        inputs.add(path, named=False, claims_bpf=True)
        return
    from ebpf_static.containers import is_container  # a plain object is read without it

    if is_container(head) and not inputs.is_link(status):
        inputs.add(path, named=False)
