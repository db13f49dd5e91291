"""Objects for the packaging tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.objects import Objects


@pytest.fixture(scope="session")
def objects(repository: Path) -> Objects:
    """Compiled objects of the corpus."""
    return Objects.of(repository / "corpus")
