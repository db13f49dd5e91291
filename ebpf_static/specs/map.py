"""Maps as an object declares them, whichever of the many ways it does so."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from ebpf_static.specs.base import FrozenModel, Text
from ebpf_static.uapi.constants import MapType

_OBJ_NAME_LEN = 16  # BPF_OBJ_NAME_LEN in include/uapi/linux/bpf.h, terminating NUL included


class MapOrigin(StrEnum):
    """How the object declares a map."""

    BTF = "btf"
    """A variable of ``.maps`` described by its BTF type."""
    LEGACY = "legacy"
    """A fixed record of ``maps`` or ``maps/NAME``."""
    DATA = "data"
    """A section of global variables: ``.data*``, ``.rodata*``, ``.bss*``."""
    KCONFIG = "kconfig"
    """The kernel-configuration values an object imports (``.kconfig``)."""
    STRUCT_OPS = "struct_ops"
    """A variable of ``.struct_ops`` or ``.struct_ops.link``."""
    IMAGE = "image"
    """An entry of a native image's map table."""


class MapValue(NamedTuple):
    """One initial element: ``index`` of the map holds the map or program called ``name``.

    For struct_ops maps ``index`` is the byte offset of the member the program implements.
    """

    index: int  # type: ignore[assignment]
    kind: str
    name: Text


class MapSpec(FrozenModel):
    """One map.

    Attributes:
        name: symbol name; for data sections the section's name.
        type: map type, platform-tagged.
        key_size: bytes.
        value_size: bytes.
        max_entries: elements (bytes for ring buffers).
        flags: ``map_flags``.
        pinning: 0 none, 1 by name; other values as they stand (iproute2 and old efW headers).
        map_extra: ``map_extra`` (bloom filter hashes, arena address).
        numa_node: NUMA node, 0 when unset.
        inner: definition of the inner map, or None.
        inner_name: name of the map used as inner map, when it is another map of the object.
        values: initial elements that refer to maps or programs.
        origin: how it is declared.
        section: section it is declared in.
        section_offset: byte offset of the declaration in that section.
        linkage: ``static``, ``global`` or ``weak``.
        layout: record layout of a legacy map (``libbpf``, ``iproute2``, ``efw``, ``unknown``).
        record: the bytes of a legacy record.
        declared: names of the members a BTF-defined map sets, in order.
        key_type_id: BTF id of the key type, 0 for none.
        value_type_id: BTF id of the value type, 0 for none.
        btf_id: BTF id of the map's own VAR or struct, None for none.
        data: initial contents; None when there are none (``.bss``).
        legacy_id: ``id`` of an efW or iproute2 record, None elsewhere.
        autocreate: False for struct_ops maps of a ``?`` section.
    """

    name: Text
    type: MapType
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    pinning: int = 0
    map_extra: int = 0
    numa_node: int = 0
    inner: MapSpec | None = None
    inner_name: Text | None = None
    values: tuple[MapValue, ...] = ()
    origin: MapOrigin
    section: Text
    section_offset: int = 0
    linkage: str = "global"
    layout: str | None = None
    record: bytes | None = None
    declared: tuple[Text, ...] = ()
    key_type_id: int = 0
    value_type_id: int = 0
    btf_id: int | None = None
    data: bytes | None = None
    legacy_id: int | None = None
    autocreate: bool = True

    def libbpf_name(self, object_name: str) -> str:
        """Return what libbpf calls this map in an object whose file is called ``object_name``.

        Data-section maps are named after the file: its name up to the first dot, cut so that the
        whole fits 15 characters, then the section's name; sections with a second dot keep their
        own name (libbpf/src/libbpf.c, ``internal_map_name``).
        """
        if self.origin not in (MapOrigin.DATA, MapOrigin.KCONFIG):
            return self.name
        if "." in self.name[1:]:
            return self.name
        stem = re.split(r"[/\\]", object_name)[-1].split(".", 1)[0]
        suffix_len = min(max(7, len(self.name)), _OBJ_NAME_LEN - 1)
        prefix = stem[: _OBJ_NAME_LEN - suffix_len - 1]
        name = (prefix + self.name[:suffix_len])[: _OBJ_NAME_LEN - 1]
        return re.sub(r"[^0-9A-Za-z_.]", "_", name)
