"""Kernel structures of callbacks that objects implement, matched with BTF as libbpf does.

Source: libbpf 1.7 ``src/libbpf.c``: ``find_struct_ops_kern_types``,
``bpf_map__init_kern_struct_ops``, ``bpf_object_adjust_struct_ops_autoload``; Linux
``kernel/bpf/verifier.c``: ``check_struct_ops_btf_id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.core.compat import essential_name
from ebpf_static.btf.types import FuncProto, Member, Ptr, Struct
from ebpf_static.errors import FormatError
from ebpf_static.kernel.attach import KernelFunction
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec, ProgramSpec

VALUE_PREFIX: Final = "bpf_struct_ops_"

UNSUPPORTED: Final = {("tcp_congestion_ops", "get_info")}
"""Members the kernel lets no program implement (``net/ipv4/bpf_tcp_ca.c``, 5.10 to 7.3)."""

_MAX_MEMBERS: Final = 1 << 16
"""Members compared for one structure; the kernel's largest has some hundred."""


class KernelStructure(NamedTuple):
    """A structure of callbacks as a kernel has it.

    Attributes:
        btf: the BTF it stands in.
        record: the structure.
        value: the structure around it that a map holds (``bpf_struct_ops_NAME``).
    """

    btf: Btf
    record: Struct
    value: Struct


class StructureProblem(NamedTuple):
    """Why libbpf refuses a structure.

    Attributes:
        what: in words, as the end of a sentence about the map.
        member: the member at fault, None for the whole structure.
    """

    what: str
    member: str | None = None


def iter_maps(spec: CollectionSpec) -> Iterator[MapSpec]:
    """Yield the object's structures of callbacks."""
    yield from (item for item in spec.maps if item.origin is MapOrigin.STRUCT_OPS)


def structure_name(spec: CollectionSpec, item: MapSpec) -> str | None:
    """Return the kernel structure a map implements, a ``___flavour`` left out."""
    record = _local_structure(spec, item)
    return None if record is None else essential_name(record.name)


def find_structure(name: str, targets: Sequence[Btf]) -> KernelStructure | StructureProblem:
    """Return a kernel's structure, or why it has none that programs may implement."""
    for btf in targets:
        type_id = btf.find(name, Kind.STRUCT)
        if type_id is None:
            continue
        value_id = btf.find(VALUE_PREFIX + name, Kind.STRUCT)
        if value_id is None:
            what = f"and no `struct {VALUE_PREFIX}{name}`: programs cannot implement it"
            return StructureProblem(f"`struct {name}`, of which the kernel has the type {what}")
        record, value = btf.type(type_id), btf.type(value_id)
        if isinstance(record, Struct) and isinstance(value, Struct):
            if any(member.type_id == type_id for member in value.members):
                return KernelStructure(btf, record, value)
            what = f"`struct {name}`, which is not in `struct {VALUE_PREFIX}{name}`"
            return StructureProblem(what)
    return StructureProblem(f"`struct {name}`, which the kernel does not have")


def iter_problems(
    spec: CollectionSpec, item: MapSpec, kernel: KernelStructure
) -> Iterator[StructureProblem]:
    """Yield why libbpf refuses to turn a map into the kernel's structure, the first one first."""
    local = _local_structure(spec, item)
    if local is None or spec.btf is None:
        return
    programs = {value.index: value.name for value in item.values}
    members = {member.name: member for member in kernel.record.members[:_MAX_MEMBERS]}
    for member in local.members[:_MAX_MEMBERS]:
        try:
            what = _member_problem(spec, item, member, members.get(member.name), kernel, programs)
        except FormatError:
            continue  # a type that does not resolve is another rule's finding
        if what is not None:
            yield StructureProblem(what, member.name)


def _member_problem(
    spec: CollectionSpec,
    item: MapSpec,
    member: Member,
    theirs: Member | None,
    kernel: KernelStructure,
    programs: dict[int, str],
) -> str | None:
    btf = spec.btf
    assert btf is not None  # noqa: S101 - iter_problems asked
    offset = member.bit_offset // 8
    size = btf.size_of(member.type_id)
    if theirs is None:
        if offset in programs:
            return "which the kernel's does not have"
        data = (item.data or b"")[offset : offset + size]
        return "which the kernel's does not have and which is not zero" if any(data) else None
    if member.bitfield_size or theirs.bitfield_size:
        return "a bit-field, which libbpf does not copy"
    ours_id, theirs_id = btf.resolve(member.type_id), kernel.btf.resolve(theirs.type_id)
    if btf.kind(ours_id) != kernel.btf.kind(theirs_id):
        return "which is of another kind of type in the kernel's"
    if btf.kind(ours_id) == Kind.PTR:
        if offset in programs and _prototype(kernel.btf, theirs) is None:
            return "which is no function pointer in the kernel's"
        return None
    their_size = kernel.btf.size_of(theirs_id)
    if size != their_size:
        return f"which has {size} bytes here and {their_size} in the kernel's"
    return None


def find_callback(
    spec: CollectionSpec, program: ProgramSpec, targets: Sequence[Btf]
) -> tuple[KernelFunction, int] | None:
    """Return the function pointer a program implements, and which member of the structure it is.

    None when the kernel has none for it. The number of the member is the program's expected attach
    type.
    """
    for item, name in iter_members(spec, program):
        structure = structure_name(spec, item)
        if structure is None:
            continue
        kernel = find_structure(structure, targets)
        if isinstance(kernel, StructureProblem):
            continue
        for number, member in enumerate(kernel.record.members):
            prototype = _prototype(kernel.btf, member) if member.name == name else None
            if prototype is not None:
                parameters = tuple(it.type_id for it in prototype.params)
                function = KernelFunction(name, kernel.btf, parameters, prototype.type_id)
                return function, number
    return None


def iter_members(spec: CollectionSpec, program: ProgramSpec) -> Iterator[tuple[MapSpec, str]]:
    """Yield each map that names a program, and the member it does so for."""
    for item in iter_maps(spec):
        places = [value.index for value in item.values if value.name == program.name]
        local = _local_structure(spec, item) if places else None
        if local is not None:
            names = {it.bit_offset: it.name for it in local.members[:_MAX_MEMBERS]}
            yield from ((item, names[8 * at]) for at in places if 8 * at in names)


def _local_structure(spec: CollectionSpec, item: MapSpec) -> Struct | None:
    if spec.btf is None or not item.value_type_id:
        return None
    try:
        record = spec.btf.type(spec.btf.resolve(item.value_type_id))
    except FormatError:
        return None
    return record if isinstance(record, Struct) else None


def _prototype(btf: Btf, member: Member) -> FuncProto | None:
    pointer = btf.type(btf.resolve(member.type_id))
    if not isinstance(pointer, Ptr):
        return None
    target = btf.type(btf.resolve(pointer.type_id))
    return target if isinstance(target, FuncProto) else None
