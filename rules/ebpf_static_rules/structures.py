"""Which kernel structure a struct_ops program belongs to."""

from __future__ import annotations

from ebpf_static.btf.types import Struct, Var
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec, ProgramSpec


def find_structure(spec: CollectionSpec, program: ProgramSpec) -> str | None:
    """Return the name of the structure that has ``program`` as a member, None when none has."""
    for item in spec.maps:
        if item.origin is MapOrigin.STRUCT_OPS and _holds(item, program):
            return structure_of(spec, item)
    return None


def structure_of(spec: CollectionSpec, item: MapSpec) -> str | None:
    """Return the name of the structure a struct_ops map declares, without its flavour."""
    btf = spec.btf
    if btf is None or item.btf_id is None:
        return None
    record = btf.type(item.btf_id)
    if isinstance(record, Var):
        record = btf.type(btf.resolve(record.type_id))
    return record.name.partition("___")[0] if isinstance(record, Struct) else None


def _holds(item: MapSpec, program: ProgramSpec) -> bool:
    return any(value.name == program.name for value in item.values)
