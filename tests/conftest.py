"""What every test may rely on."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

# No deadline: a test that depends on how busy the machine is tells nothing about the code.
# No example database: a failure is kept by writing it down as an @example.
hypothesis.settings.register_profile("ebpf-static", deadline=None, database=None)
hypothesis.settings.load_profile("ebpf-static")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout the tests run in."""
    return Path(__file__).resolve().parent.parent
