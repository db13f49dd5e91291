"""How one map, one helper and one program are told about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ebpf_static.analysis import Base, analyse
from ebpf_static.analysis.context import Context, ContextField, find_context
from ebpf_static.analysis.returns import returned_constants
from ebpf_static.findings import Location
from ebpf_static.plugins import Locator
from ebpf_static.port.facts import find_differences, find_section
from ebpf_static.port.model import (
    Blocker,
    FieldPort,
    HelperPort,
    MapPort,
    ProgramPort,
    VerdictPort,
    tick,
)
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapOrigin, MapSpec, ProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static.uapi.helpers import is_provided_to, linux_equivalent, windows_equivalents

SHOWN = 5
"""Places a report names; it says how many there are."""

_BPF_F_NO_PREALLOC = 1
_RINGS = ("RINGBUF", "PERF_EVENT_ARRAY")
_PAGE = 4096

Call = tuple[FunctionSpec, int | None]
"""A function and the insn of the call; None in a native image, which has no bytecode."""


def port_map(item: MapSpec, to: Platform, locate: Locator) -> MapPort:
    """Return what becomes of a map."""
    twin = item.type.on(to)
    windows = twin if to is Platform.WINDOWS else item.type
    place = locate.map(item)
    noted = twin is not None and item.origin is not MapOrigin.DATA
    differences = [*find_differences(windows if noted else None)]
    blockers = []
    if twin is None:
        name = item.type.uapi
        blockers.append(Blocker(what=f"{to.label} has no {name}", locations=(place,)))
    elif item.origin is not MapOrigin.DATA:
        check = _to_windows if to is Platform.WINDOWS else _to_linux
        differences += check(item, twin.name)
    return MapPort(
        name=item.name,
        type=item.type,
        twin=twin,
        differences=tuple(differences),
        blockers=tuple(blockers),
    )


def _to_windows(item: MapSpec, name: str) -> Iterator[str]:
    if item.flags or item.numa_node or item.map_extra:
        yield "map_flags, numa_node and map_extra must be left out"
    if name in _RINGS and (item.max_entries < _PAGE or item.max_entries & item.max_entries - 1):
        yield f"max_entries {item.max_entries} must become a power of two of at least {_PAGE} bytes"
    if item.origin is MapOrigin.LEGACY:
        yield "the record has other fields from offset 16 on: define the map in .maps with BTF"
    if item.pinning not in (0, 1):
        yield f"pinning {item.pinning} must become 0 or 1"


def _to_linux(item: MapSpec, name: str) -> Iterator[str]:
    if name == "LPM_TRIE":
        yield "map_flags must be BPF_F_NO_PREALLOC"
    if name == "PERF_EVENT_ARRAY":
        yield "key_size and value_size must be 4, and max_entries is the number of processors"
    if item.origin is MapOrigin.LEGACY:
        yield "legacy records are refused by libbpf 1.0: define the map in .maps with BTF"
    if item.pinning not in (0, 1):
        yield f"pinning {item.pinning} must become 0 or 1"


def port_helper(
    helper: HelperId, calls: Sequence[Call], to: Platform, locate: Locator
) -> HelperPort:
    """Return what becomes of a helper that is called at ``calls``."""
    twins: tuple[HelperId, ...] = windows_equivalents(helper)
    if to is Platform.LINUX:
        linux = linux_equivalent(helper)
        twins = () if linux is None else (linux,)
    places = locations(calls, locate)
    blockers = []
    if not twins:
        what = f"{to.label} has no {helper.name}" if helper.known else f"{helper.uapi} is not known"
        blockers.append(Blocker(what=what, locations=places, count=len(calls)))
    known = twins if to is Platform.WINDOWS else (helper,)
    notes = [note for it in known for note in find_differences(it)] if twins else []
    return HelperPort(
        helper=helper,
        twins=twins,
        calls=places,
        count=len(calls),
        differences=tuple(dict.fromkeys(notes)),
        blockers=tuple(blockers),
    )


def locations(calls: Iterable[Call], locate: Locator) -> tuple[Location, ...]:
    """Return the first few places."""
    return tuple(locate.function(function, insn) for function, insn in list(calls)[:SHOWN])


def port_program(
    spec: CollectionSpec,
    program: ProgramSpec,
    helpers: Sequence[HelperId],
    to: Platform,
    locate: Locator,
) -> ProgramPort:
    """Return what becomes of a program that calls ``helpers``."""
    type_ = program.type.on(to) if program.type.number else None
    attach = program.attach_type.on(to) if program.attach_type is not None else None
    section = None
    blockers = list(_type_blockers(program, to, locate))
    if type_ is not None and not blockers:
        section = find_section(type_, attach, program.section)
        blockers += _unprovided(program, type_.platform, helpers, locate)
    blockers += _flag_blockers(program, to, locate)
    here, there = find_context(program.type), find_context(type_) if type_ else None
    fields = tuple(_fields(spec, program, here, there, locate)) if here and there else ()
    missing = [it for it in fields if it.field is not None and it.twin is None]
    if missing:
        names = ", ".join(dict.fromkeys(f"`{it.field}`" for it in missing))
        struct = there.struct if there else ""
        places = tuple(it.location for it in missing[:SHOWN])
        what = f"`{struct}` has no {names}"
        blockers.append(Blocker(what=what, locations=places, count=len(missing)))
    windows = program.type if to is Platform.LINUX else type_
    return ProgramPort(
        name=program.name,
        section=program.section,
        type=program.type,
        attach_type=program.attach_type,
        twin_section=section,
        twin_type=type_,
        twin_attach_type=attach,
        context=here.struct if here else None,
        twin_context=there.struct if there else None,
        fields=fields,
        verdicts=tuple(_verdicts(program, here, there, locate)) if here and there else (),
        differences=find_differences(windows) if type_ is not None else (),
        blockers=tuple(blockers),
    )


def _type_blockers(program: ProgramSpec, to: Platform, locate: Locator) -> Iterator[Blocker]:
    place = (locate.function(program),)
    if not program.type.number:
        what = f"nothing says what {tick(program.section)} programs are"
        yield Blocker(what=what, locations=place)
    elif program.type.on(to) is None:
        yield Blocker(what=f"{to.label} has no {program.type.name} programs", locations=place)
    elif program.attach_type is not None and program.attach_type.on(to) is None:
        what = f"{to.label} has no attach type {program.attach_type.name}"
        if to is Platform.LINUX and "LISTEN" in program.attach_type.name:
            what += ", although docs/ListenHook.md of eBPF for Windows says so"
        yield Blocker(what=what, locations=place)


def _flag_blockers(program: ProgramSpec, to: Platform, locate: Locator) -> Iterator[Blocker]:
    place = (locate.function(program),)
    for flag in ("sleepable", "xdp_frags", "multi"):
        if to is Platform.WINDOWS and getattr(program, flag):
            yield Blocker(what=f"{to.label} loads no program as {flag}", locations=place)


def _unprovided(
    program: ProgramSpec, to: Platform, helpers: Sequence[HelperId], locate: Locator
) -> Iterator[Blocker]:
    """Yield the helpers that exist on Windows, but not for this program type."""
    type_ = program.type.on(to)
    if to is not Platform.WINDOWS or type_ is None:
        return
    for helper in helpers:
        twins = windows_equivalents(helper)
        if twins and not any(is_provided_to(twin, type_) for twin in twins):
            what = f"{to.label} has {helper.name}, but not for {type_.name} programs"
            yield Blocker(what=what, locations=(locate.function(program),))


def _fields(
    spec: CollectionSpec, program: ProgramSpec, here: Context, there: Context, locate: Locator
) -> Iterator[FieldPort]:
    seen: set[tuple[int, int, bool]] = set()
    for (index, insn), access in sorted(analyse(spec, program).accesses.items()):
        offset = access.pointer.offset
        key = (offset or 0, access.size, access.writes)
        if access.pointer.base is not Base.CONTEXT or offset is None or key in seen:
            continue
        seen.add(key)
        field = here.find_field(offset, access.size)
        twin = _twin(field, here, there)
        yield FieldPort(
            offset=offset,
            size=access.size,
            writes=access.writes,
            field=field.name if field else None,
            twin=twin.name if twin else None,
            twin_offset=twin.offset + offset - field.offset if twin and field else None,
            twin_size=twin.size if twin else None,
            location=locate.function(spec.functions[index], insn),
        )


def _twin(field: ContextField | None, here: Context, there: Context) -> ContextField | None:
    if field is None:
        return None
    if here.program_type.platform is Platform.LINUX:
        return there.find_named(field.twin) if field.twin else None
    # Two Linux fields may mean one Windows field: the one of the same name is meant.
    found = [it for it in there.fields if it.twin == field.name]
    return next((it for it in found if it.name == field.name), found[0] if found else None)


def _verdicts(
    program: ProgramSpec, here: Context, there: Context, locate: Locator
) -> Iterator[VerdictPort]:
    if not here.verdicts:
        return
    seen: set[int] = set()
    for insn, value in returned_constants(program).items():
        if value in seen:
            continue
        seen.add(value)
        meant = here.find_verdict(value)
        twin = None
        if meant is not None and here.program_type.platform is Platform.LINUX:
            twin = next((it for it in there.verdicts if it.name == meant.twin), None)
        elif meant is not None:
            twin = next((it for it in there.verdicts if it.twin == meant.name), None)
        yield VerdictPort(
            value=value - (1 << 32) if value >> 31 else value,
            name=meant.name if meant else None,
            twin=twin.name if twin else None,
            twin_value=twin.value if twin else None,
            location=locate.function(program, insn),
        )


def find_helper(spec: CollectionSpec, program: ProgramSpec, number: int) -> HelperId:
    """Return the helper a number means in a program."""
    scope = program.type if spec.numbering is Platform.WINDOWS else None
    return HelperId.of(spec.numbering, number, scope)
