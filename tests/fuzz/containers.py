"""What is asked of every container, damaged or not: results within bounds, or an error of ours.

``python -m tests.fuzz.containers DIRECTORY`` runs it under atheris, which is no dependency of the
tests; give it archives to start from.
"""

from __future__ import annotations

import importlib
import sys

from ebpf_static.containers import Bounds, Contained, Unopened, is_container, iter_objects

SMALL = Bounds(free_bytes=8 << 20, ratio=1, members=2_000, depth=6)
"""Bounds that hostile input of some kilobytes can reach."""


def search(data: bytes, bounds: Bounds = SMALL) -> list[Contained | Unopened]:
    """Return what is found; anything but results within bounds is an AssertionError."""
    is_container(data[:512])
    results = list(iter_objects(data, "f", bounds=bounds))
    assert len(results) <= 2 * bounds.members + 2
    assert sum(len(it.data) for it in results if isinstance(it, Contained)) <= bounds.free_bytes
    for item in results:
        assert item.path.startswith("f")
        assert item.path.count("!obj@") <= 1
        assert isinstance(item, Contained) or "\n" not in item.reason.replace(item.path, "")
    return results


def test_one_input(data: bytes) -> None:
    """Search; an exception is a crash."""
    search(data)


if __name__ == "__main__":
    atheris = importlib.import_module("atheris")
    atheris.instrument_all()
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
