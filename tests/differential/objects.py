"""The real objects the differential tests read, and what to say when they are not there."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "corpus" / "debian"
OURS = ROOT / "corpus" / "objects"
MISSING = "the Debian corpus is not here: run corpus/fetch_debian.py"


@cache
def debian_objects() -> dict[str, Path]:
    """Return every fetched Debian object by its name in the oracle, ``package/file``."""
    found = (p for p in DEBIAN.rglob("*") if p.suffix in (".o", ".elf"))
    return {p.relative_to(DEBIAN).as_posix(): p for p in sorted(found)}


def get_debian_object(name: str, sha256_16: str | None = None) -> Path:
    """Return a fetched object; skip the test where it, or this very build of it, is missing."""
    path = debian_objects().get(name)
    if path is None:
        pytest.skip(MISSING)
    if sha256_16 and hashlib.sha256(path.read_bytes()).hexdigest()[:16] != sha256_16:
        pytest.skip(f"{name}: the package was updated since the oracle spoke")
    return path
