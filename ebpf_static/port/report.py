"""Makes the report for a whole object."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.errors import LimitError, UsageError
from ebpf_static.isa import CallKind, call_kind
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.port.model import Blocker, HelperPort, PortReport, tick
from ebpf_static.port.parts import (
    SHOWN,
    Call,
    find_helper,
    locations,
    port_helper,
    port_map,
    port_program,
)
from ebpf_static.specs import (
    CollectionSpec,
    ExternKind,
    MapOrigin,
    ProgramSpec,
    ReferenceKind,
)
from ebpf_static.specs.native import NativeImageSpec, NativeProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static.uapi.helpers import gpl_only

_MODULE_TAG = "module_id:"
_DATA = (".data", ".rodata", ".bss")
_LICENCE = 'char LICENSE[] SEC("license") = "…";'


def port(spec: CollectionSpec, to: Platform, name: str = "object") -> PortReport:
    """Return what would have to change for an object to work on the platform ``to``.

    Args:
        spec: the object; its numbers are taken to be those of ``spec.numbering``.
        to: ``LINUX`` or ``WINDOWS``.
        name: what locations call the object.

    Raises:
        UsageError: the object's numbers are those of ``to`` already.
        LimitError: the object has more programs, or more code to follow, than any real one.
    """
    source = spec.numbering
    if source is to.numbering:
        raise UsageError(
            f"{name} has {to.label} numbers already: read it with the other platform, or ask for "
            "the other direction"
        )
    locate = Locator(spec, RuleContext(name))
    by_program = _helpers_by_program(spec)
    return PortReport(
        object=name,
        source=source,
        to=to,
        established=spec.platform is source,
        maps=tuple(
            port_map(item, to, locate)
            for item in spec.maps
            if item.origin not in (MapOrigin.KCONFIG, MapOrigin.STRUCT_OPS)
        ),
        programs=tuple(
            port_program(spec, program, tuple(by_program[id(program)]), to, locate)
            for program in spec.programs
        ),
        helpers=_port_helpers(by_program, to, locate),
        differences=tuple(_differences(spec, to, by_program)),
        blockers=tuple(_blockers(spec, to, locate)),
    )


Calls = dict[HelperId, list[Call]]

_MAX_PROGRAMS = 4096
_MAX_INSNS = 4_000_000
"""Insns looked at, those of a shared subprogram once for each program that calls it."""


def _helpers_by_program(spec: CollectionSpec) -> dict[int, Calls]:
    if len(spec.programs) > _MAX_PROGRAMS:
        raise LimitError(f"more than {_MAX_PROGRAMS} programs")
    found: dict[int, Calls] = {}
    left = _MAX_INSNS
    for program in spec.programs:
        left -= sum(function.insn_count for function in spec.get_linked(program))
        if left < 0:
            raise LimitError(f"programs and their subprograms have more than {_MAX_INSNS} insns")
        found[id(program)] = _helpers(spec, program)
    return found


def _helpers(spec: CollectionSpec, program: ProgramSpec) -> Calls:
    """Return the helpers a program and its subprograms call, with the places."""
    found: Calls = {}
    if isinstance(program, NativeProgramSpec):
        return {helper: [(program, None)] for helper in program.helper_ids}
    for function in spec.get_linked(program):
        references = function.references_by_index
        for instruction in function.instructions:
            helper_call = call_kind(instruction) is CallKind.HELPER
            if helper_call and instruction.index not in references:
                helper = find_helper(spec, program, instruction.imm & 0xFFFFFFFF)
                found.setdefault(helper, []).append((function, instruction.index))
    return found


def _port_helpers(
    by_program: dict[int, Calls], to: Platform, locate: Locator
) -> tuple[HelperPort, ...]:
    merged: dict[HelperId, dict[tuple[int, int | None], Call]] = {}
    for calls in by_program.values():
        for helper, places in calls.items():
            # A subprogram of many programs is one place, not many.
            known = merged.setdefault(helper, {})
            known.update({(id(function), insn): (function, insn) for function, insn in places})
    ordered = sorted(merged, key=lambda it: (it.number, it.scope.number if it.scope else 0))
    return tuple(port_helper(it, tuple(merged[it].values()), to, locate) for it in ordered)


def _differences(spec: CollectionSpec, to: Platform, by_program: dict[int, Calls]) -> Iterator[str]:
    if to is Platform.WINDOWS:
        if any(it.origin is MapOrigin.DATA for it in spec.maps):
            yield "global variables work in native images only, from 0.21 on; .rodata is writable"
        if spec.byte_order == "big":
            yield "the object must be compiled little-endian"
        if spec.btf_ext is not None and spec.btf_ext.core_sections:
            yield "CO-RE relocations stay as compiled: there is no kernel BTF to relocate to"
        yield "NativeOnly builds refuse bytecode: convert the object with bpf2c and sign the driver"
        return
    if spec.license is None:
        gpl = sorted({twin.name for twin in _linux_helpers(by_program) if gpl_only(twin)})
        if gpl:
            yield f"Linux gives {', '.join(gpl)} to GPL-compatible programs only: {_LICENCE}"
        else:
            yield f"Linux objects state their licence ({_LICENCE}); no helper used asks for the GPL"
    if spec.tag is not None:
        yield "the tag `.ebpf_for_windows` must be left out of the Linux build"


def _linux_helpers(by_program: dict[int, Calls]) -> Iterator[HelperId]:
    for calls in by_program.values():
        for helper in calls:
            twin = helper.on(Platform.LINUX)
            if twin is not None:
                yield twin


def _blockers(spec: CollectionSpec, to: Platform, locate: Locator) -> Iterator[Blocker]:
    if isinstance(spec, NativeImageSpec):
        what = "a native image holds machine code for Windows: port the object it was made from"
        yield Blocker(what=what, locations=(locate.object(),))
    for extern in spec.externs:
        windows = any(tag.startswith(_MODULE_TAG) for tag in extern.tags)
        if extern.kind is ExternKind.UNKNOWN or windows is (to is Platform.WINDOWS):
            continue
        place = locate.object(extern.section).model_copy(update={"symbol": extern.name})
        kind = "function of an efW module" if windows else extern.kind.value
        what = f"{tick(extern.name)} is a {kind}, which {to.label} does not resolve"
        yield Blocker(what=what, locations=(place,))
    if to is Platform.WINDOWS:
        yield from _windows_blockers(spec, locate)


def _windows_blockers(spec: CollectionSpec, locate: Locator) -> Iterator[Blocker]:
    for item in spec.maps:
        if item.origin is MapOrigin.STRUCT_OPS:
            what = f"{tick(item.name)} is struct_ops, which eBPF for Windows does not have"
            yield Blocker(what=what, locations=(locate.map(item),))
        elif item.origin is MapOrigin.DATA and item.section not in _DATA:
            what = f"bpf2c knows no variables in {tick(item.section)}"
            yield Blocker(what=what, locations=(locate.map(item),))
    visible = {it.name for it in spec.variables if it.linkage != "static"}
    calls: list[Call] = []
    callbacks: list[Call] = []
    for function in spec.functions:
        for reference in function.references:
            if reference.kind is ReferenceKind.MAP_VALUE and reference.name in visible:
                calls.append((function, reference.index))
            elif reference.kind is ReferenceKind.FUNCTION:
                callbacks.append((function, reference.index))
    if calls:
        what = "global variables that are not static are refused by bpf2c: make them static"
        yield Blocker(what=what, locations=locations(calls, locate), count=len(calls))
    if callbacks:
        what = "addresses of functions (callbacks) have no code in native images"
        yield Blocker(
            what=what, locations=locations(callbacks[:SHOWN], locate), count=len(callbacks)
        )
