"""No real Linux object is taken for a Windows one, nor the other way round."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebpf_static.reading import read
from tests.differential.objects import MISSING, OURS, debian_objects

_LINUX = sorted((OURS / "linux").glob("*.o"))
_WINDOWS = sorted((OURS / "windows").glob("*.o"))
_SILENT = {
    "plain_map-clang19-el",
    "plain_xdp-clang19-el",
    "plain_xdp-nobtf-clang19-el",
}
"""Written for Windows, and nothing in the bytes says so."""

_CONTRADICTORY = {"contradictory-clang19-el"}


@pytest.mark.parametrize("path", _LINUX, ids=lambda path: path.stem)
def test_no_linux_object_is_windows(path: Path) -> None:
    assert read(path).platform.value in ("linux", "unknown")


@pytest.mark.parametrize("path", _WINDOWS, ids=lambda path: path.stem)
def test_windows_objects(path: Path) -> None:
    name = path.stem
    found = read(path).platform.value
    if name in _SILENT:
        assert found == "unknown"
    elif name in _CONTRADICTORY:
        assert found == "linux"
    else:
        assert found == "windows"


@pytest.mark.parametrize("path", _WINDOWS, ids=lambda path: path.stem)
def test_the_tag_is_not_needed(path: Path) -> None:
    """Every Windows object that shows a platform fact is one without its tag, too."""
    name = path.stem
    spec = read(path)
    if name in _SILENT | _CONTRADICTORY:
        return
    windows = {i.kind: i.weight for i in spec.evidence if i.platform.value == "windows"}
    linux = {i.kind: i.weight for i in spec.evidence if i.platform.value == "linux"}
    windows.pop("tag-section", None)
    assert sum(windows.values()) > sum(linux.values())
    assert sum(windows.values()) >= 30


def test_no_debian_object_is_windows() -> None:
    objects = debian_objects()
    if not objects:
        pytest.skip(MISSING)
    found = {name: read(path) for name, path in objects.items()}
    assert [name for name, spec in found.items() if spec.platform.value == "windows"] == []
    unknown = [name for name, spec in found.items() if spec.platform.value == "unknown"]
    assert len(unknown) <= 6
    assert not any(e.platform.value == "windows" for spec in found.values() for e in spec.evidence)
