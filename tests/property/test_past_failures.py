"""What once broke a reader does so no more: files kept in tests/fuzz/past, one a failure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fuzz.readers import READERS, holds

PAST = Path(__file__).parents[1] / "fuzz" / "past"
FILES = sorted(path for path in PAST.iterdir() if path.suffix != ".md")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_holds(file: Path) -> None:
    reader = max((name for name in READERS if file.name.startswith(f"{name}-")), key=len)
    holds(reader, file.read_bytes())


def test_every_file_is_small_and_explained() -> None:
    explained = re.findall(r"(?m)^- `([^`]+)`: ", (PAST / "README.md").read_text("utf-8"))
    assert explained == [file.name for file in FILES]
    assert all(file.stat().st_size < 16_384 for file in FILES)
