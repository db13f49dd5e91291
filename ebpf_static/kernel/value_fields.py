"""Fields of map values that mean something to the kernel: locks, timers, kernel pointers, lists.

Source: Linux ``kernel/bpf/btf.c`` (``btf_get_field_type``) as of 5.10.262, 6.1.192, 6.12.117 and
7.3.4. Which programs may use maps with them is in :func:`ebpf_static.support.map_program_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import Array, Datasec, Ptr, Struct, TypeTag, Var
from ebpf_static.errors import FormatError
from ebpf_static.specs import MapSpec

STRUCTS: Final = {
    "bpf_spin_lock": "SPIN_LOCK",
    "bpf_res_spin_lock": "RES_SPIN_LOCK",
    "bpf_timer": "TIMER",
    "bpf_wq": "WORKQUEUE",
    "bpf_task_work": "TASK_WORK",
    "bpf_list_head": "LIST_HEAD",
    "bpf_rb_root": "RB_ROOT",
    "bpf_refcount": "REFCOUNT",
}
"""Structures that are special fields, with the name the support tables give the field."""

TAGS: Final = {
    "kptr_untrusted": "KPTR_REF",
    "kptr": "KPTR_REF",
    "percpu_kptr": "KPTR_PERCPU",
    "uptr": "UPTR",
}
"""Type tags that make a pointer a special field."""

_MAX_DEPTH: Final = 8
_MAX_MEMBERS: Final = 1 << 14


def find_fields(item: MapSpec, btf: Btf | None, *, deep: bool) -> frozenset[str]:
    """Return the special fields of a map's values.

    Args:
        item: the map.
        btf: the object's.
        deep: look into arrays and structures as newer kernels do; otherwise only where every
            kernel looks: the members themselves, or the variables of a data section.
    """
    if btf is None or not item.value_type_id:
        return frozenset()
    try:
        return frozenset(_iter_fields(btf, item.value_type_id, _MAX_DEPTH if deep else 1))
    except FormatError:
        return frozenset()


def _iter_fields(btf: Btf, type_id: int, depth: int) -> Iterator[str]:
    todo = [(type_id, depth)]
    budget = _MAX_MEMBERS
    while todo and budget > 0:
        at, left = todo.pop()
        record = btf.type(btf.resolve(at))
        if isinstance(record, Struct):
            inner = [member.type_id for member in record.members]
        elif isinstance(record, Datasec):
            inner = [btf.resolve(entry.type_id) for entry in record.vars]
            inner = [_of_variable(btf, it) for it in inner]
        elif isinstance(record, Array) and left:
            inner = [record.type_id]
        else:
            continue
        budget -= len(inner)
        for found in inner[:_MAX_MEMBERS]:
            name = _field_name(btf, found)
            if name is not None:
                yield name
            elif left > 1:
                todo.append((found, left - 1))


def _of_variable(btf: Btf, type_id: int) -> int:
    record = btf.type(type_id)
    return record.type_id if isinstance(record, Var) else type_id


def _field_name(btf: Btf, type_id: int) -> str | None:
    record = btf.type(btf.resolve(type_id))
    if isinstance(record, Struct):
        return STRUCTS.get(record.name)
    if isinstance(record, Ptr):
        target = btf.type(record.type_id)
        return TAGS.get(target.name) if isinstance(target, TypeTag) else None
    return None


def tags_what_is_no_structure(btf: Btf) -> bool:
    """Tell whether the BTF has a kernel pointer to what is no structure, a forward declaration say.

    Kernels since 6.12, or an earlier release newer than 6.1, refuse such BTF as a whole
    (``btf_find_kptr``: "Only pointer to struct is allowed"); 6.1.192 loads it.
    """
    try:
        for type_id in btf.iter_ids(Kind.TYPE_TAG):
            target = btf.type(btf.resolve(type_id))
            if btf.name(type_id) in TAGS and not isinstance(target, Struct):
                return True
    except FormatError:
        return False
    return False
