"""Collects what an object needs, from its maps, programs, code and CO-RE relocations."""

from __future__ import annotations

from typing import Final, NamedTuple

from ebpf_static.btf.core.requires import requires_types
from ebpf_static.findings import Location
from ebpf_static.interpret.by_loader import as_read_by
from ebpf_static.isa import classify
from ebpf_static.requirements.courses import Courses
from ebpf_static.requirements.model import Guard, Need, Requirement, Requirements
from ebpf_static.specs import (
    CollectionSpec,
    ExternKind,
    MapOrigin,
    MapSpec,
    ProgramSpec,
    ReferenceKind,
)
from ebpf_static.support import Fact, flag_names, program_rules
from ebpf_static.support.known import (
    attach_type_fact,
    feature_fact,
    helper_fact,
    instruction_fact,
    kfunc_fact,
    map_flag_fact,
    map_type_fact,
    program_type_fact,
)
from ebpf_static.support.tables import read_table
from ebpf_static.target import ObjectLoader, Platform, Target
from ebpf_static.uapi.constants import HelperId
from ebpf_static.uapi.helpers import gpl_only

_SHOWN: Final = 5
_OLDEST: Final = frozenset({"3.18", "3.19"})
"""Instructions every release of Linux with bpf(2) takes are no requirement."""

_INTERNAL: Final = (MapOrigin.DATA, MapOrigin.KCONFIG)
_DROPPED: Final = "BPF_F_MMAPABLE"
"""The flag libbpf takes from the maps behind global variables where a kernel has it not."""

_RELOCATED: Final = {
    ReferenceKind.CALL: "bpf_to_bpf_calls",
    ReferenceKind.FUNCTION: "callbacks",
    ReferenceKind.MAP_VALUE: "global_data",
    ReferenceKind.KCONFIG: "global_data",
}


class _Use(NamedTuple):
    # One place something is needed in; no program means all of them.
    program: ProgramSpec | None
    place: Location
    guard: Guard


class _Key(NamedTuple):
    kind: Need
    name: str


def requires(
    spec: CollectionSpec, *, name: str = "<spec>", loader: ObjectLoader | None = None
) -> Requirements:
    """Return every platform feature an object needs.

    Needs are those of the object's own platform, by its own numbering. Code no program can run
    needs nothing; code that runs only where the kernel says yes to a question is marked so.

    Args:
        spec: the object.
        name: what to call it.
        loader: the library it is loaded with on Linux; by default libbpf 1.0 or newer.
    """
    used = loader or ObjectLoader()
    spec = as_read_by(spec, used)
    found = _Collector(spec, name)
    found.collect()
    return Requirements(
        object=name, platform=spec.numbering, loader=used.library.label, items=found.items()
    )


class _Collector:
    """Gathers uses by what is used."""

    def __init__(self, spec: CollectionSpec, name: str) -> None:
        self._spec = spec
        self._name = name
        self._platform = spec.numbering
        self._linux = self._platform is Platform.LINUX
        self._uses: dict[_Key, list[_Use]] = {}
        self._facts: dict[_Key, Fact | None] = {}
        self._replaced = _replacements(self._platform)

    def collect(self) -> None:
        """Look at everything."""
        for item in self._spec.maps:
            self._map(item)
        for program in self._spec.programs:
            self._program(program)
        if self._spec.elf is not None:
            courses = Courses(self._spec)
            for program in self._spec.programs:
                self._code(program, courses)
        self._externs()
        self._types()

    def items(self) -> tuple[Requirement, ...]:
        """Return the requirements by kind and name."""
        order = list(Need)
        keys = sorted(self._uses, key=lambda key: (order.index(key.kind), key.name))
        return tuple(self._item(key, self._uses[key]) for key in keys)

    def _item(self, key: _Key, uses: list[_Use]) -> Requirement:
        fact = self._facts.get(key)
        span = fact.spans[0] if fact is not None and fact.spans else None
        programs = dict.fromkeys(use.program.name for use in uses if use.program is not None)
        everybody = any(use.program is None for use in uses)
        return Requirement(
            kind=key.kind,
            name=key.name,
            since=span.since if span is not None else None,
            conditions=tuple(str(it) for it in span.when) if span is not None else (),
            guard=_guard_of(uses),
            replaced_by=self._replaced.get(key),
            programs=() if everybody else tuple(programs),
            locations=tuple(dict.fromkeys(use.place for use in uses))[:_SHOWN],
            count=len({use.place for use in uses}),
            source=fact.source if fact is not None else None,
        )

    def _add(
        self,
        kind: Need,
        name: str,
        fact: Fact | None,
        place: Location,
        program: ProgramSpec | None = None,
        guard: Guard = Guard.NONE,
    ) -> None:
        if program is not None and not program.autoload and guard is Guard.NONE:
            guard = Guard.OPTIONAL
        key = _Key(kind, name)
        self._facts.setdefault(key, fact)
        self._uses.setdefault(key, []).append(_Use(program, place, guard))

    def _map(self, item: MapSpec) -> None:
        place = Location(object=self._name, section=item.section, map=item.name)
        definition: MapSpec | None = item
        while definition is not None:
            type_ = definition.type
            if type_.number and type_.known:
                self._add(Need.MAP_TYPE, type_.name, map_type_fact(type_), place)
                for flag in flag_names(definition.flags) if self._linux else ():
                    if item.origin not in _INTERNAL or flag != _DROPPED:
                        self._add(Need.MAP_FLAG, flag, map_flag_fact(type_, flag), place)
            definition = definition.inner

    def _program(self, program: ProgramSpec) -> None:
        place = Location(object=self._name, section=program.section, program=program.name)
        type_, attach = program.type, program.attach_type
        if type_.number and type_.known:
            self._add(Need.PROGRAM_TYPE, type_.name, program_type_fact(type_), place, program)
            rules = program_rules(type_, Target(self._platform)) if self._linux else None
            if rules is not None and rules.gpl_required:
                self._add(Need.LICENSE, "GPL-compatible", None, place, program)
        if attach is not None and attach.known:
            self._add(Need.ATTACH_TYPE, attach.name, attach_type_fact(attach), place, program)
        if program.attach_to and self._linux and type_.name in ("TRACING", "LSM", "EXT"):
            self._add(Need.ATTACH_TARGET, program.attach_to, None, place, program)
        flags = {"sleepable_programs": program.sleepable, "xdp_frags": program.xdp_frags}
        for name, needed in flags.items():
            if needed:
                self._add(Need.FEATURE, name, feature_fact(name), place, program)

    def _code(self, program: ProgramSpec, courses: Courses) -> None:
        flow = courses.flows(program)[0]
        for (function, insn), site in flow.calls.items():
            guard = courses.guard(program, function, insn)
            if site.helper is not None:
                self._helper(site.helper, program, self._place(function, insn), guard)
            elif 0 <= site.extern < len(self._spec.externs):
                name = self._spec.externs[site.extern].name
                self._add(
                    Need.KFUNC, name, kfunc_fact(name), self._place(function, insn), program, guard
                )
        for function, insns in flow.reached.items():
            self._instructions(program, courses, function, insns)

    def _helper(self, number: int, program: ProgramSpec, place: Location, guard: Guard) -> None:
        helper = HelperId.of(self._platform, number)
        if not helper.known:
            return
        self._add(Need.HELPER, helper.name, helper_fact(helper), place, program, guard)
        if self._linux and gpl_only(helper, program.type, None):
            self._add(Need.LICENSE, "GPL-compatible", None, place, program, guard)

    def _instructions(
        self, program: ProgramSpec, courses: Courses, function: int, insns: set[int]
    ) -> None:
        code = self._spec.functions[function]
        seen: set[str] = set()
        for instruction in code.instructions:
            if instruction.index not in insns:
                continue
            reference = code.references_by_index.get(instruction.index)
            if reference is not None:
                self._relocated(reference.kind, program, courses, function, instruction.index)
                continue
            operation = classify(instruction)
            if not operation.known or operation.name in seen:
                continue
            seen.add(operation.name)
            fact = instruction_fact(operation.name, self._platform)
            if fact is None or not fact.spans or fact.spans[0].since in _OLDEST:
                continue
            guard = courses.guard(program, function, instruction.index)
            place = self._place(function, instruction.index)
            self._add(Need.INSTRUCTION, operation.name, fact, place, program, guard)

    def _relocated(
        self, kind: ReferenceKind, program: ProgramSpec, courses: Courses, function: int, insn: int
    ) -> None:
        name = _RELOCATED.get(kind)
        fact = feature_fact(name) if name is not None and self._linux else None
        if name is not None and fact is not None:
            guard = courses.guard(program, function, insn)
            self._add(Need.FEATURE, name, fact, self._place(function, insn), program, guard)

    def _externs(self) -> None:
        needs = {ExternKind.KSYM: Need.KSYM, ExternKind.KCONFIG: Need.KCONFIG}
        for extern in self._spec.externs:
            kind = needs.get(extern.kind)
            if kind is not None:
                guard = Guard.OPTIONAL if extern.weak else Guard.NONE
                place = Location(object=self._name, symbol=extern.name)
                self._add(kind, extern.name, None, place, None, guard)

    def _types(self) -> None:
        ext, btf = self._spec.btf_ext, self._spec.btf
        if ext is None or btf is None:
            return
        relocations = [it for section in ext.core_sections for it in ext.core_relocations(section)]
        for needed in requires_types(btf, relocations):
            guard = Guard.GUARDED if needed.is_optional else Guard.NONE
            place = Location(object=self._name, symbol=needed.name)
            self._add(Need.KERNEL_TYPE, str(needed), None, place, None, guard)

    def _place(self, function: int, insn: int) -> Location:
        code = self._spec.functions[function]
        place = Location(object=self._name, section=code.section, program=code.name, insn=insn)
        line = self._spec.line_for(code, insn)
        if line is None:
            return place
        source = {"file": line.file, "line": line.line, "column": line.column, "source": line.text}
        return place.model_copy(update=source)


def _guard_of(uses: list[_Use]) -> Guard:
    """Return the guard of all uses together: none unless each has one."""
    guards = {use.guard for use in uses}
    if Guard.NONE in guards:
        return Guard.NONE
    if len(guards) == 1:
        return guards.pop()
    # Used where the answer is yes and elsewhere where it is no: some program needs it anyway.
    return Guard.NONE if {Guard.GUARDED, Guard.FALLBACK} <= guards else Guard.OPTIONAL


def _replacements(platform: Platform) -> dict[_Key, str]:
    """Return what libbpf calls in place of helpers a kernel lacks.

    What else it replaces (kinds of BTF, names, flags of the maps behind global variables) is no
    requirement to begin with.
    """
    if platform is not Platform.LINUX:
        return {}
    return {
        _Key(Need.HELPER, name): row["by"]
        for row in read_table(Platform.LINUX, "libbpf").rows
        if row["when"].startswith("helper ")
        for name in row["replaces"]
    }
