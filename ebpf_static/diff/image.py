"""How bpf2c names an object's things in the image it makes, so that the two can be compared.

Source: efW ``tools/bpf2c/bpf_code_generator.cpp``: maps of global variables are named after the
output file and their section, inner maps without a name become maps of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ebpf_static.specs import ByName, CollectionSpec, MapOrigin, MapSpec
from ebpf_static.specs.native import NativeImageSpec

_GLOBALS = re.compile(r"\.(?:data|rodata|bss)\Z")


@dataclass(frozen=True, slots=True)
class ImageNames:
    """The names an image gives to what an object names otherwise.

    Attributes:
        globals_of: name of the map of each section of global variables, by section.
        anonymous: names of the maps that were anonymous inner maps.
    """

    globals_of: dict[str, str]
    anonymous: frozenset[str]

    @classmethod
    def of(cls, image: NativeImageSpec) -> ImageNames:
        """Return the names an image uses."""
        sections = {}
        for item in image.maps:
            match = _GLOBALS.search(item.name)
            if match:
                sections[match.group()] = item.name
        anonymous = frozenset(m.name for m in image.maps if m.name.startswith("__anonymous_"))
        return cls(sections, anonymous)


def as_image_has_it(spec: CollectionSpec, names: ImageNames) -> CollectionSpec:
    """Return an object's spec with maps named and counted as an image of it has them."""
    maps = [_renamed(item, names) for item in spec.maps]
    nested = [m.inner for m in maps if m.inner is not None and m.inner_name is None]
    # bpf2c numbers anonymous inner maps from 1, behind all others.
    for index, inner in enumerate(nested, 1):
        name = f"__anonymous_{index}"
        if name in names.anonymous:
            maps.append(inner.model_copy(update={"name": name}))
    return spec.model_copy(update={"maps": ByName(maps)})


def _renamed(item: MapSpec, names: ImageNames) -> MapSpec:
    if item.origin is MapOrigin.DATA and item.name in names.globals_of:
        return item.model_copy(update={"name": names.globals_of[item.name]})
    return item
