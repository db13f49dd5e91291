from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ebpf_static.engine.inputs import Inputs, display_name, find_inputs, is_excluded

BPF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\xf7\x00" + bytes(44)
X86 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\x3e\x00" + bytes(44)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with objects under every sort of name, and the working directory."""
    files = {
        "build/b.o": BPF,
        "build/a.bpf.o": BPF,
        "build/no_extension": BPF,
        "build/deep/er/x.dat": BPF,
        "build/native.o": X86,
        "build/lib.a": b"!<arch>\n",
        "build/driver.sys": b"MZ" + bytes(62),
        "build/notes.txt": b"hello",
        "build/empty.o": b"",
        "build/.git/objects/x.o": BPF,
        "build/legacy/old.o": BPF,
    }
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(inputs: Inputs) -> list[str]:
    return list(inputs.found)


def test_a_directory_is_searched_by_content_in_a_fixed_order(tree: Path) -> None:
    del tree
    inputs = find_inputs(["build"])
    assert names(inputs) == [
        "build/a.bpf.o",
        "build/b.o",
        "build/driver.sys",
        "build/lib.a",
        "build/native.o",
        "build/no_extension",
        "build/deep/er/x.dat",
        "build/legacy/old.o",
    ]
    assert not any(item.named for item in inputs.found.values())
    assert inputs.skipped == []
    assert inputs.looked_at == 10


def test_named_files_are_taken_as_they_are(tree: Path) -> None:
    inputs = find_inputs(["build/notes.txt", str(tree / "build" / "b.o"), "./build/b.o"])
    assert names(inputs) == ["build/notes.txt", "build/b.o"]
    assert all(item.named for item in inputs.found.values())


def test_naming_a_file_counts_more_than_finding_it(tree: Path) -> None:
    del tree
    assert find_inputs(["build", "build/b.o"]).found["build/b.o"].named


def test_globs_are_expanded(tree: Path) -> None:
    del tree
    assert names(find_inputs(["build/*.bpf.o"])) == ["build/a.bpf.o"]
    assert "build/deep/er/x.dat" in names(find_inputs(["build/**/*.dat"]))
    assert find_inputs(["build/*.nope"]).failures[0].message == "no file matches this pattern"


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tree: Path) -> None:
    (tree / "a[1].o").write_bytes(BPF)
    assert names(find_inputs(["a[1].o"])) == ["a[1].o"]


def test_what_is_not_there_is_a_failure(tree: Path) -> None:
    del tree
    (failure,) = find_inputs(["nowhere.o"]).failures
    assert (failure.object, failure.message) == ("nowhere.o", "no such file or directory")


@pytest.mark.parametrize(
    ("exclude", "missing"),
    [
        ("legacy", "build/legacy/old.o"),
        ("build/legacy/*.o", "build/legacy/old.o"),
        ("legacy/", "build/legacy/old.o"),
        ("*.dat", "build/deep/er/x.dat"),
        ("deep", "build/deep/er/x.dat"),
        ("no_ext*", "build/no_extension"),
    ],
)
def test_exclude(tree: Path, exclude: str, missing: str) -> None:
    del tree
    found = names(find_inputs(["build"], exclude=[exclude]))
    assert missing not in found
    assert len(found) == 7


def test_named_files_are_excluded_only_by_force(tree: Path) -> None:
    del tree
    paths = ["build/b.o", "build/.git/objects/x.o"]
    assert names(find_inputs(paths, exclude=["b.o"])) == paths
    forced = find_inputs(paths, exclude=["b.o"], force_exclude=True)
    assert names(forced) == []
    assert forced.skipped == ["build/b.o: excluded", "build/.git/objects/x.o: excluded"]


def test_the_directory_asked_for_is_never_excluded_itself(tree: Path) -> None:
    del tree
    assert names(find_inputs(["build/.git"])) == ["build/.git/objects/x.o"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links and FIFOs")
def test_odd_files_do_not_stop_the_walk(tree: Path) -> None:
    (tree / "build" / "loop").symlink_to(tree / "build")
    (tree / "build" / "dangling.o").symlink_to("nowhere")
    os.mkfifo(tree / "build" / "pipe.o")
    inputs = find_inputs(["build"])
    assert len(inputs.found) == 8
    assert "build/dangling.o: No such file or directory" in inputs.skipped


def test_names_are_relative_with_forward_slashes(tree: Path) -> None:
    assert display_name(tree / "build" / "b.o") == "build/b.o"
    assert display_name(Path("./build/b.o")) == "build/b.o"
    assert display_name(tree.parent / "x.o") == (tree.parent / "x.o").as_posix()


def test_exclusion_looks_at_the_path_its_parents_and_their_parts() -> None:
    assert is_excluded("a/b/c.o", ["a/b"])
    assert is_excluded("a/b/c.o", ["b"])
    assert is_excluded("a/b/c.o", ["c.*"])
    assert not is_excluded("a/b/c.o", ["d", "c", "."])
