"""What is asked of every container, damaged or not: results within bounds."""

from __future__ import annotations

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
        if isinstance(item, Contained):
            assert item.data
        else:
            assert item.reason.isprintable()
    return results
