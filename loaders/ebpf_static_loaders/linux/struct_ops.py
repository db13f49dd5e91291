"""struct_ops: an object's table of programs turned into the running kernel's.

The object has its own idea of the struct, the kernel its own; members are matched by name.
Source: libbpf ``src/libbpf.c`` (1.7): ``bpf_map__init_kern_struct_ops``,
``find_struct_ops_kern_types``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.core.compat import essential_name
from ebpf_static.btf.types import Member, Ptr, Struct
from ebpf_static.specs import MapOrigin, MapSpec
from ebpf_static_loaders.linux.errors import rejected
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.session import Session
from ebpf_static_loaders.linux.syscall import Value

_PREFIX: Final = "bpf_struct_ops_"
_ENOTSUP: Final = 95
_EINVAL: Final = 22
_VTYPE_FD: Final = 1 << 15  # BPF_F_VTYPE_BTF_OBJ_FD


@dataclass(slots=True)
class StructOps:
    """How the kernel wants one struct_ops map.

    Attributes:
        type_id: the kernel's id of the struct.
        value_type_id: the kernel's id of what wraps it.
        module: the module it is of, None for the kernel itself.
        contents: the value, function members still zero.
        programs: byte offset in the value of each program by its name, and its member's position.
    """

    type_id: int
    value_type_id: int
    module: str | None
    contents: bytearray
    programs: dict[str, tuple[int, int]]

    def map_fields(self, session: Session) -> dict[str, Value]:
        """Return what creating the map takes beside the usual."""
        if session.btf is None:
            raise rejected(
                "a struct_ops map needs types, which this kernel does not take", _ENOTSUP
            )
        fields: dict[str, Value] = {
            "btf_fd": session.btf.number,
            "btf_vmlinux_value_type_id": self.value_type_id,
            "value_size": len(self.contents),
        }
        if self.module is not None:
            fields["value_type_btf_obj_fd"] = session.host.module_fd(self.module)
        return fields

    def value(self, programs: dict[str, Fd]) -> bytes:
        """Return the contents with the programs that are loaded in place."""
        filled = bytearray(self.contents)
        for name, (offset, _) in self.programs.items():
            if name in programs:
                struct.pack_into("=Q", filled, offset, programs[name].number)
        return bytes(filled)


def prepare(session: Session) -> None:
    """Work out every struct_ops map of the spec that is to be created.

    Raises:
        LoadRejectedError: the kernel has no such struct, or an incompatible one.
    """
    for index, item in enumerate(session.spec.maps):
        if item.origin is MapOrigin.STRUCT_OPS and item.autocreate:
            known = session.host.btf is not None or not session.host.pretends
            session.struct_ops[index] = _prepare(session, item) if known else _assume(item)


def _assume(item: MapSpec) -> StructOps:
    """Return a map as the object declares it, for a kernel nothing is known of."""
    programs = {value.name: (value.index, 0) for value in item.values}
    return StructOps(0, 0, None, bytearray(item.data or b""), programs)


def _prepare(session: Session, item: MapSpec) -> StructOps:
    local = session.spec.btf
    declared = local.type(item.value_type_id) if local is not None else None
    if local is None or not isinstance(declared, Struct):
        raise rejected(f"struct_ops map `{item.name}` is declared by no struct", _EINVAL)
    name = essential_name(declared.name)
    module, btf, wrapper = _find_wrapper(session, item, name)
    data = wrapper.members[-1]
    for member in wrapper.members:
        if btf.name(btf.resolve(member.type_id)) == name:
            data = member
    target = btf.type(btf.resolve(data.type_id))
    if not isinstance(target, Struct):
        raise rejected(f"struct_ops map `{item.name}`: the kernel's `{name}` is no struct", _EINVAL)
    ops = StructOps(target.id, wrapper.id, module, bytearray(wrapper.size), {})
    _fill(_Match(local, btf, item, ops, data.bit_offset // 8), declared, target)
    return ops


def _find_wrapper(session: Session, item: MapSpec, name: str) -> tuple[str | None, Btf, Struct]:
    sources: list[tuple[str | None, Btf]] = []
    if session.host.btf is not None:
        sources.append((None, session.host.btf))
    sources += [(module.name, module.btf) for module in session.host.modules]
    for module, btf in sources:
        type_id = btf.find(_PREFIX + name, Kind.STRUCT)
        found = None if type_id is None else btf.type(type_id)
        if isinstance(found, Struct) and found.members:
            return module, btf, found
    raise rejected(
        f"struct_ops map `{item.name}`: this kernel has no struct_ops `{name}`",
        _ENOTSUP,
        rule="SOP201",
    )


@dataclass(frozen=True, slots=True)
class _Match:
    """The object's struct being written as the kernel's."""

    local: Btf
    kernel: Btf
    item: MapSpec
    ops: StructOps
    base: int

    def refuse(self, member: Member, what: str) -> Exception:
        return rejected(
            f"struct_ops map `{self.item.name}`: member `{member.name}` {what}",
            _ENOTSUP,
            rule="SOP202",
        )


def _fill(match: _Match, declared: Struct, target: Struct) -> None:
    programs = {value.index: value.name for value in match.item.values}
    data = match.item.data or b""
    positions = {member.name: index for index, member in enumerate(target.members)}
    for member in declared.members:
        offset = member.bit_offset // 8
        size = match.local.size_of(member.type_id)
        contents = data[offset : offset + size]
        position = positions.get(essential_name(member.name))
        if position is None:
            if any(contents) or offset in programs:
                raise match.refuse(member, "is set, but this kernel's struct has it not")
            continue
        there = target.members[position]
        _copy(match, member, there, contents, programs.get(offset), position)


def _copy(
    match: _Match,
    member: Member,
    there: Member,
    contents: bytes,
    program: str | None,
    position: int,
) -> None:
    local, kernel = match.local, match.kernel
    if member.bitfield_size or there.bitfield_size:
        raise match.refuse(member, "is a bitfield")
    ours = local.type(local.resolve(member.type_id))
    theirs = kernel.type(kernel.resolve(there.type_id))
    if ours.kind != theirs.kind:
        raise match.refuse(member, "is of another kind in this kernel")
    offset = match.base + there.bit_offset // 8
    if isinstance(ours, Ptr):
        if program is not None:
            match.ops.programs[program] = (offset, position)
        return
    size = kernel.size_of(there.type_id)
    if size != len(contents):
        raise match.refuse(member, f"has {len(contents)} bytes, in this kernel {size}")
    match.ops.contents[offset : offset + size] = contents
