"""Every map definition of an object, inner ones included."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.specs import CollectionSpec, MapSpec

_DEPTH = 8  # of inner definitions; the reader takes fewer, a spec made by hand may have more


def iter_definitions(spec: CollectionSpec) -> Iterator[tuple[MapSpec, MapSpec, str]]:
    """Yield (declared map, definition, words): each map, then the definitions nested in it.

    An inner map that is another map of the object is yielded once, as that map.
    """
    for item in spec.maps:
        yield item, item, f"map `{item.name}`"
        outer, inner = item, item.inner
        for _ in range(_DEPTH):
            if inner is None or outer.inner_name is not None:
                break
            yield item, inner, f"the inner map of `{item.name}`"
            outer, inner = inner, inner.inner
