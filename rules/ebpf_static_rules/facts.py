"""Facts about a whole object that several rules need, worked out once.

Rules run one after another on one object, so the facts of the latest one are kept, and only as
long as it lives.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from functools import cached_property

from ebpf_static.btf import Btf
from ebpf_static.btf.verify import BtfProblem, KernelRules, find_kernel_problem
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec, ReferenceKind
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import ProgramType
from ebpf_static_rules.code import CodeFacts, read_code

_CODE_REFERENCES = (ReferenceKind.CALL, ReferenceKind.FUNCTION)
_MAX_LINKED = 1 << 18
"""Functions linked into programs, once for each program; only hostile objects have more."""
_MAX_STEPS = 1 << 21
"""Call edges followed in working out who calls whom; real objects have a few thousand."""


class ObjectFacts:
    """What an object's functions are to each other, and what their code shows."""

    def __init__(self, functions: tuple[ProgramSpec | FunctionSpec, ...]) -> None:
        self.functions = functions
        self._code: dict[int, CodeFacts] = {}
        self._btf_problems: dict[KernelRules, BtfProblem | None] = {}
        self._types: dict[Platform, dict[int, frozenset[ProgramType]] | None] = {}

    def code(self, index: int) -> CodeFacts:
        """Return what the code of a function shows, by its position in ``spec.functions``."""
        found = self._code.get(index)
        if found is None:
            found = self._code[index] = read_code(self.functions[index])
        return found

    def btf_problem(self, btf: Btf, rules: KernelRules) -> BtfProblem | None:
        """Return the first thing a kernel with these bounds refuses about the object's BTF.

        Most kernels have the same bounds.
        """
        if rules not in self._btf_problems:
            self._btf_problems[rules] = find_kernel_problem(btf, rules)
        return self._btf_problems[rules]

    @cached_property
    def programs(self) -> tuple[int, ...]:
        """Positions of the entry programs."""
        return tuple(i for i, f in enumerate(self.functions) if isinstance(f, ProgramSpec))

    @cached_property
    def callees(self) -> tuple[tuple[int, ...], ...]:
        """For each function, the functions it refers to by call or callback, each once."""
        count = len(self.functions)
        return tuple(
            tuple(
                dict.fromkeys(
                    r.target
                    for r in function.references
                    if r.kind in _CODE_REFERENCES and 0 <= r.target < count
                )
            )
            for function in self.functions
        )

    @cached_property
    def loaded(self) -> tuple[int, ...]:
        """Positions of the functions some program brings into the kernel, in order."""
        return tuple(sorted(self.reach(self.programs)))

    def reach(self, starts: tuple[int, ...]) -> set[int]:
        """Return the functions reached from ``starts``, themselves included."""
        found: set[int] = set()
        todo = list(starts)
        while todo:
            index = todo.pop()
            if index not in found:
                found.add(index)
                todo.extend(self.callees[index])
        return found

    def types(self, index: int, platform: Platform) -> frozenset[ProgramType] | None:
        """Return the types of the programs that reach a function, as ``platform`` sees them.

        None when the object makes working it out unreasonably expensive.
        """
        if platform not in self._types:
            self._types[platform] = self._work_out_types(platform)
        by_function = self._types[platform]
        return None if by_function is None else by_function.get(index, frozenset())

    def _work_out_types(self, platform: Platform) -> dict[int, frozenset[ProgramType]] | None:
        starts: dict[ProgramType, list[int]] = {}
        for index in self.programs:
            program = self.functions[index]
            assert isinstance(program, ProgramSpec)  # noqa: S101 - what `programs` lists
            starts.setdefault(program_type(program, platform), []).append(index)
        if len(starts) * sum(map(len, self.callees)) > _MAX_STEPS:
            return None
        found: dict[int, set[ProgramType]] = {}
        for type_, indices in starts.items():
            for index in self.reach(tuple(indices)):
                found.setdefault(index, set()).add(type_)
        return {index: frozenset(types) for index, types in found.items()}


def program_type(program: ProgramSpec, platform: Platform) -> ProgramType:
    """Return a program's type as ``platform`` sees it: by its section name."""
    if program.type.platform is platform.numbering:
        return program.type
    from ebpf_static.uapi.sections import match_linux, match_windows

    windows = platform is Platform.WINDOWS
    match = match_windows(program.section) if windows else match_linux(program.section)
    return ProgramType.of(platform, 0) if match is None else match.program_type


_latest: tuple[weakref.ref[CollectionSpec], ObjectFacts] | None = None


def facts_of(spec: CollectionSpec) -> ObjectFacts:
    """Return the facts of ``spec``, kept until another object is asked about."""
    global _latest  # noqa: PLW0603 - a cache of one
    kept = _latest
    if kept is not None and kept[0]() is spec:
        return kept[1]
    facts = ObjectFacts(tuple(spec.functions))
    _latest = (weakref.ref(spec, _forget), facts)
    return facts


def _forget(dead: weakref.ref[CollectionSpec]) -> None:
    global _latest  # noqa: PLW0603 - a cache of one
    if _latest is not None and _latest[0] is dead:
        _latest = None


def iter_loaded(spec: CollectionSpec) -> Iterator[tuple[FunctionSpec, CodeFacts]]:
    """Yield every function that reaches a kernel, with what its code shows.

    A subprogram nobody calls never leaves the object, and a native image has no bytecode.
    """
    facts = facts_of(spec)
    for index in facts.loaded:
        yield facts.functions[index], facts.code(index)


def iter_loaded_with_types(
    spec: CollectionSpec, platform: Platform
) -> Iterator[tuple[FunctionSpec, CodeFacts, frozenset[ProgramType] | None]]:
    """Yield every function that reaches a kernel, its code, and the program types it runs in."""
    facts = facts_of(spec)
    for index in facts.loaded:
        yield facts.functions[index], facts.code(index), facts.types(index, platform)


def may_run(spec: CollectionSpec, context: RuleContext, function: FunctionSpec, insn: int) -> bool:
    """Tell whether any program may run an instruction on the target kernel."""
    key = ("reached", id(spec))
    reached: dict[int, set[int]] | None = context.cache.get(key)
    if reached is None:
        reached = context.cache[key] = {}
        view = context.view(spec)
        for program in spec.programs:
            flow = view.flow(program)
            if not flow.complete:
                reached.clear()
                break
            for index, insns in flow.reached.items():
                reached.setdefault(id(spec.functions[index]), set()).update(insns)
    return not reached or insn in reached.get(id(function), ())


def iter_linked(spec: CollectionSpec) -> Iterator[tuple[ProgramSpec, frozenset[int]]]:
    """Yield every program with the positions of the functions a loader links into it."""
    facts = facts_of(spec)
    budget = _MAX_LINKED
    for index in facts.programs:
        linked = frozenset(facts.reach((index,)))
        budget -= len(linked)
        if budget < 0:
            return
        program = spec.functions[index]
        if isinstance(program, ProgramSpec):
            yield program, linked


def programs_linking(spec: CollectionSpec) -> dict[int, tuple[ProgramSpec, ...]]:
    """Return for each function the programs it is linked into."""
    found: dict[int, list[ProgramSpec]] = {}
    for program, linked in iter_linked(spec):
        for index in linked:
            found.setdefault(index, []).append(program)
    return {index: tuple(programs) for index, programs in found.items()}
