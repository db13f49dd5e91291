"""The corpus agrees with its manifest: nothing changed, nothing missing, nothing left over."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from corpus import build

CORPUS = Path(build.__file__).parent
ENTRIES: list[dict[str, Any]] = json.loads((CORPUS / "MANIFEST.json").read_text("utf-8"))["objects"]
BY_PATH = {entry["path"]: entry for entry in ENTRIES}
SIZE_LIMIT = 1_500_000


@pytest.mark.parametrize("path", BY_PATH)
def test_object_is_the_one_described(path: str) -> None:
    data = (CORPUS / path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == BY_PATH[path]["sha256"]
    assert len(data) == BY_PATH[path]["size"]
    assert data[5] == {"little": 1, "big": 2}[BY_PATH[path]["byte_order"]]


def test_no_object_is_left_over() -> None:
    on_disk = {path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("objects/**/*.o")}
    assert on_disk == BY_PATH.keys()
    assert len(BY_PATH) == len(ENTRIES)


def test_every_source_is_used_and_every_expectation_has_a_source() -> None:
    for suffix in (".c", ".toml"):
        files = {
            f"{platform}/{path.stem}.c"
            for platform in build.PLATFORMS
            for path in (CORPUS / platform).glob(f"*{suffix}")
        }
        assert files == {entry["source"] for entry in ENTRIES}


def test_manifest_is_what_build_would_write() -> None:
    assert build.manifest(build.read_builds())["objects"] == ENTRIES


def test_every_source_states_its_licence() -> None:
    sources = [*CORPUS.glob("*/*.c"), *CORPUS.glob("include/**/*.h")]
    assert sources
    for path in sources:
        assert "SPDX-License-Identifier: MIT" in path.read_text("utf-8").splitlines()[0], path


def test_no_path_of_a_machine_is_inside() -> None:
    absolute = re.compile(rb"/(?:home|root|tmp|work|usr/(?:lib|include|local))/")
    for entry in ENTRIES:
        assert not absolute.search((CORPUS / entry["path"]).read_bytes()), entry["path"]


def test_objects_stay_small() -> None:
    assert sum(entry["size"] for entry in ENTRIES) < SIZE_LIMIT


@pytest.mark.parametrize("path", BY_PATH)
def test_expected_names_are_in_the_object(path: str) -> None:
    """A slip of the pen in a TOML file names something that the object does not have."""
    data = (CORPUS / path).read_bytes()
    expectations = BY_PATH[path]["expectations"]
    names = [program["name"] for program in expectations["programs"]]
    names += [program["section"] for program in expectations["programs"]]
    names += [row["name"] for row in expectations["maps"] or () if row["name"] != ".kconfig"]
    names += expectations.get("subprograms", ())
    names += [row["name"] for row in expectations.get("externs", ())]
    assert [name for name in names if name.encode() + b"\0" not in data] == []


@pytest.mark.parametrize("major", sorted(build.PINNED))
def test_pinned_compiler_gives_the_same_bytes(major: int, tmp_path: Path) -> None:
    if major not in build.pinned_compilers():
        pytest.skip(f"clang {build.PINNED[major]} is not installed")
    one = next(item for item in build.read_builds() if item.clang == major)
    build.compile_object(one, tmp_path / "object.o")
    assert (tmp_path / "object.o").read_bytes() == one.path.read_bytes()
