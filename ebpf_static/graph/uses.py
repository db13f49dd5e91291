"""Who calls what, and which code does what to which map."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from ebpf_static.analysis import Access, Base, CallSite, Flow, Pointer
from ebpf_static.isa import INSN_BYTES, decode, is_helper_call, memory_access
from ebpf_static.specs import (
    CollectionSpec,
    FunctionSpec,
    ProgramSpec,
    Reference,
    ReferenceKind,
)
from ebpf_static.specs.native import NativeProgramSpec
from ebpf_static.uapi.constants import HelperId, ProgramType

_MAPS = (ReferenceKind.MAP, ReferenceKind.MAP_VALUE)


class CallKind(StrEnum):
    """What is called, and how."""

    FUNCTION = "call"
    CALLBACK = "callback"
    """The address of a function of the object is taken."""
    HELPER = "helper"
    KFUNC = "kfunc"


class Call(NamedTuple):
    """Calls of one thing from one function.

    Attributes:
        kind: what is called.
        name: helper or kfunc, else empty.
        target: position of the function called in ``spec.functions``, else -1.
        insns: insn indices of the calls; none in a native image.
    """

    kind: CallKind
    name: str
    target: int
    insns: tuple[int, ...]


class MapUse(NamedTuple):
    """One sort of use of one map by one function.

    Attributes:
        map: position in ``spec.maps``.
        what: ``read``, ``write`` or ``atomic`` for global data; the helper's name without ``map_``
            and ``_elem``; ``pass`` for an address in global data that is given to a helper; or
            ``refer`` where nothing better is known.
        insns: insn indices; none in a native image.
    """

    map: int
    what: str
    insns: tuple[int, ...]


def calls_of(
    spec: CollectionSpec, function: FunctionSpec, program_type: ProgramType | None = None
) -> tuple[Call, ...]:
    """Return what a function calls, each thing once, in the order of its code.

    Args:
        spec: the object.
        function: one of its functions.
        program_type: type of the program it runs in, where known: some Windows helper numbers
            mean something only within a program type.

    Raises:
        FormatError: the code is not whole instructions.
    """
    if isinstance(function, NativeProgramSpec):
        return _native_calls(function)
    relocated = function.references_by_index
    found: dict[tuple[CallKind, str, int], list[int]] = {}
    for instruction in function.instructions:
        reference = relocated.get(instruction.index)
        key: tuple[CallKind, str, int] | None = None
        if reference is None:
            if is_helper_call(instruction):
                helper = HelperId.of(spec.numbering, instruction.imm, program_type)
                key = (CallKind.HELPER, helper.name, -1)
        elif reference.kind is ReferenceKind.KFUNC:
            key = (CallKind.KFUNC, reference.name, -1)
        elif reference.kind is ReferenceKind.CALL and reference.target >= 0:
            key = (CallKind.FUNCTION, "", reference.target)
        elif reference.kind is ReferenceKind.FUNCTION and reference.target >= 0:
            key = (CallKind.CALLBACK, "", reference.target)
        if key is not None:
            found.setdefault(key, []).append(instruction.index)
    return tuple(Call(*key, tuple(insns)) for key, insns in found.items())


def map_uses_of(
    spec: CollectionSpec,
    program: ProgramSpec,
    linked: Iterable[FunctionSpec],
    flows: Iterable[Flow],
) -> dict[int, tuple[MapUse, ...]]:
    """Return what the functions of a program do to maps, by position in ``spec.functions``.

    Accesses to elements a lookup returned are not told apart from other memory: the lookup is what
    is listed of them.

    Args:
        spec: the object.
        program: one of its programs.
        linked: the functions it runs, itself included.
        flows: what happens when it runs, on each target.

    Raises:
        FormatError: the code is not whole instructions.
    """
    found: dict[int, dict[tuple[int, str], set[int]]] = {}

    def add(function: int, item: int, what: str, insn: int) -> None:
        if 0 <= item < len(spec.maps):
            found.setdefault(function, {}).setdefault((item, what), set()).add(insn)

    for flow in flows:
        for site in flow.calls.values():
            for value in site.arguments:
                if isinstance(value, Pointer) and value.base is Base.MAP:
                    add(site.function, value.id, _verb(spec, site, program.type), site.insn)
                elif isinstance(value, Pointer) and value.base is Base.MAP_VALUE:
                    add(site.function, value.id, "pass", site.insn)
        for access in flow.accesses.values():
            if access.pointer.base is Base.MAP_VALUE:
                what = _access(spec.functions[access.function], access)
                add(access.function, access.pointer.id, what, access.insn)
    for function in linked:
        index = spec.get_position(function)
        used = {item for item, _ in found.get(index, ())}
        if isinstance(function, NativeProgramSpec):
            for item in function.referenced_maps:
                found.setdefault(index, {}).setdefault((item, "refer"), set())
        for reference in function.references:
            target = _map_of(spec, reference)
            if target not in used:
                add(index, target, "refer", reference.index)
    return {
        index: tuple(MapUse(*key, tuple(sorted(insns))) for key, insns in sorted(uses.items()))
        for index, uses in found.items()
    }


def _native_calls(program: NativeProgramSpec) -> tuple[Call, ...]:
    """Return what an image's tables list; where in the machine code is not known."""
    helpers = (it.id.name for it in program.helpers if not it.is_placeholder)
    functions = (it.name for it in program.resolved_functions)
    return (
        *(Call(CallKind.HELPER, name, -1, ()) for name in dict.fromkeys(helpers)),
        *(Call(CallKind.KFUNC, name, -1, ()) for name in dict.fromkeys(functions)),
    )


def _map_of(spec: CollectionSpec, reference: Reference) -> int:
    """Return the map a reference leads to, -1 for others; the configuration is one, too."""
    if reference.kind is ReferenceKind.KCONFIG:
        return next((n for n, item in enumerate(spec.maps) if item.name == ".kconfig"), -1)
    return reference.target if reference.kind in _MAPS else -1


def _access(function: FunctionSpec, access: Access) -> str:
    if not access.writes:
        return "read"
    start = access.insn * INSN_BYTES
    (instruction,) = decode(function.code[start : start + INSN_BYTES], function.byte_order)
    memory = memory_access(instruction)
    return "atomic" if memory is not None and memory.atomic else "write"


def _verb(spec: CollectionSpec, site: CallSite, program_type: ProgramType) -> str:
    if site.helper is None:
        return spec.externs[site.extern].name if 0 <= site.extern < len(spec.externs) else "call"
    name = HelperId.of(spec.numbering, site.helper, program_type).name
    return name.removeprefix("map_").removesuffix("_elem")
