"""Rules of .gitignore files mean what they mean to git: both are asked about the same trees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf_static.engine import gitignore
from ebpf_static.engine.inputs import Inputs, find_inputs
from ebpf_static.errors import UsageError

BPF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\xf7\x00" + bytes(44)

FILES = (
    "a.o", "keep.o", "z [1].o", "#odd.o", "!odd.o", "trailing .o",
    "build/a.o", "build/keep.o", "build/deep/a.o", "build/deep/er/keep.o",
    "src/a.o", "src/build/a.o", "src/gen/x/a.o", "src/gen/y/keep.o",
    "lib/one/two/three/a.o", "lib/one/keep.o", "lib/A.O",
)  # fmt: skip

RULES = {
    "names": {".gitignore": "a.o\n"},
    "nothing": {".gitignore": "\n# a.o\n   \n"},
    "anchored": {".gitignore": "/a.o\n/build/a.o\n"},
    "folders": {".gitignore": "build/\n"},
    "folder at the root": {".gitignore": "/build/\n"},
    "stars": {".gitignore": "*.o\n!keep.o\n"},
    "two stars": {".gitignore": "**/deep/**\nlib/**/a.o\nsrc/**/\n"},
    "star in a path": {".gitignore": "src/*/a.o\nlib/*\n!lib/one\n"},
    "contents": {".gitignore": "build/*\n!build/keep.o\n"},
    "nothing comes back from an ignored folder": {".gitignore": "build/\n!build/keep.o\n"},
    "brackets": {".gitignore": "[a-k]*.o\nlib/[!o]*\n"},
    "escapes": {".gitignore": "\\#odd.o\n\\!odd.o\nz\\ \\[1\\].o\ntrailing\\ .o\n"},
    "trailing blanks": {".gitignore": "a.o   \n"},
    "line ends": {".gitignore": "a.o\r\nbuild/\r\n"},
    "question marks": {".gitignore": "?.o\n"},
    "deeper goes first": {".gitignore": "*.o\n", "src/.gitignore": "!a.o\n"},
    "deeper ignores": {"src/.gitignore": "/a.o\ngen/x\n", "build/.gitignore": "*\n"},
    "deeper is anchored to itself": {"lib/.gitignore": "/one/two\n"},
    "own rules of the clone": {".git/info/exclude": "a.o\n", "src/.gitignore": "!a.o\n"},
    "not text": {".gitignore": "\udcff\udcfe.o\nkeep.o\n"},
    "a folder named by a file rule": {".gitignore": "gen\ndeep\n"},
    "only folders": {".gitignore": "a.o/\n"},
    "last wins": {".gitignore": "!a.o\na.o\n!src/a.o\n"},
}


@pytest.fixture(scope="module", autouse=True)
def needs_git_and_pathspec() -> None:
    pytest.importorskip("pathspec", reason="needs pathspec: pip install ebpf-static[gitignore]")
    if shutil.which("git") is None:
        pytest.skip("needs git to compare with")


def plant(root: Path, rules: dict[str, str], files: tuple[str, ...] = FILES) -> Path:
    """Make a repository with objects and rules, without what git takes from the user's home."""
    git(root, "init", "-q")
    (root / ".git" / "info" / "exclude").unlink(missing_ok=True)
    for name in files:
        if sys.platform == "win32" and name.startswith("trailing"):
            continue
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BPF)
    for name, text in rules.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return root


def git(root: Path, *words: str) -> str:
    settings = ("core.excludesFile=", "core.quotePath=false", "core.ignoreCase=false")
    quiet = [word for setting in settings for word in ("-c", setting)]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *quiet, *words], cwd=root, env=env, capture_output=True, check=True
    )
    return done.stdout.decode("utf-8", "surrogateescape")


def seen_by_git(root: Path) -> list[str]:
    listed = git(root, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    return sorted(name for name in listed if name.lower().endswith(".o"))


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_what_git_ignores_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: dict[str, str]
) -> None:
    monkeypatch.chdir(plant(tmp_path, rules))
    found = sorted(find_inputs(["."], respect_gitignore=True).found)
    assert found == seen_by_git(tmp_path)
    assert len(find_inputs(["."]).found) >= len(FILES) - 1, "it is asked for, never assumed"


def test_rules_above_the_directory_asked_for_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {".gitignore": "/src/gen/\na.o\n", "src/.gitignore": "!a.o\n"}
    monkeypatch.chdir(plant(tmp_path, rules) / "src")
    inputs = find_inputs(["."], respect_gitignore=True)
    assert sorted(inputs.found) == ["a.o", "build/a.o"]
    assert inputs.skipped == ["gen/: ignored by git"]


def test_an_ignored_directory_is_looked_in_when_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {".gitignore": "/build/\n", "build/.gitignore": "deep/\n"}
    monkeypatch.chdir(plant(tmp_path, rules))
    for top in ("build", "build/", str(tmp_path / "build")):
        found = find_inputs([top], respect_gitignore=True).found
        assert sorted(found) == ["build/a.o", "build/keep.o"]


def test_a_named_file_is_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plant(tmp_path, {".gitignore": "*\n"}))
    assert list(find_inputs(["a.o"], respect_gitignore=True).found) == ["a.o"]


def test_a_repository_inside_another_starts_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = plant(tmp_path, {".gitignore": "keep.o\n"})
    git(root / "src", "init", "-q")
    (root / "src" / ".gitignore").write_text("a.o\n", encoding="utf-8")
    monkeypatch.chdir(root)
    found = set(find_inputs(["."], respect_gitignore=True).found)
    assert "src/gen/y/keep.o" in found
    assert "src/a.o" not in found
    assert "lib/one/keep.o" not in found


def test_rules_count_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("x/a.o", "x/b.o"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(BPF)
    (tmp_path / "x" / ".gitignore").write_text("a.o\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert list(find_inputs(["."], respect_gitignore=True).found) == ["x/b.o"]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.text("ab*?[]!\\\\/^-# \t.", max_size=9), max_size=4))
def test_any_rules_are_rules(lines: list[str]) -> None:
    spec = gitignore._spec_maker()(lines)
    for name in ("a", "a/b.o", "a/", "!", "#a", " "):
        assert spec.check_file(name).include in (True, False, None)


@pytest.mark.parametrize("rule", ["!", "\\", "a\\", "[z-a]", "[", "[[a]", "/", "***"])
def test_what_is_no_pattern_matches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.chdir(plant(tmp_path, {".gitignore": f"{rule}\na.o\n"}))
    found = sorted(find_inputs(["."], respect_gitignore=True).found)
    assert found == seen_by_git(tmp_path)


def test_rules_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitignore, "_MAX_BYTES", 8)
    monkeypatch.chdir(plant(tmp_path, {".gitignore": "0123456789\n"}))
    with pytest.raises(UsageError, match=r"\.gitignore: more than 8 bytes"):
        find_inputs(["."], respect_gitignore=True)


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pathspec", None)
    inputs = Inputs()
    with pytest.raises(UsageError, match=r"pip install 'ebpf-static\[gitignore\]'"):
        find_inputs([str(tmp_path)], respect_gitignore=True, into=inputs)
    assert find_inputs([str(tmp_path)], into=inputs) is inputs


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device without an end")
def test_rules_without_an_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").symlink_to("/dev/zero")
    (tmp_path / "a.o").write_bytes(b"")
    with pytest.raises(UsageError, match="bytes of ignore rules"):
        find_inputs([str(tmp_path)], respect_gitignore=True)
