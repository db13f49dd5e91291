"""INS201."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.analysis import ExternState
from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.isa import Kind, Operation, classify, known_operations
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, FunctionSpec, Reference, ReferenceKind
from ebpf_static.support import Availability, Release, instruction
from ebpf_static_rules.facts import facts_of, programs_linking
from ebpf_static_rules.release import ReleaseRule, iter_flows, open_conditions, since_words
from ebpf_static_rules.wording import capped

# What a loader makes of a relocated instruction (libbpf ``bpf_object__relocate_data``). References
# to global data are INS208's, those to the kernel depend on what it has.
_RELOCATED: Final = {
    ReferenceKind.CALL: "call_local",
    ReferenceKind.FUNCTION: "lddw_func",
    ReferenceKind.MAP: "lddw_map_fd",
}
_EXTERNS: Final = frozenset({ReferenceKind.KFUNC, ReferenceKind.KSYM})
_LDDW: Final = 0x18
_PASSED_OVER: Final = frozenset(
    {ReferenceKind.MAP_VALUE, ReferenceKind.KCONFIG, ReferenceKind.UNRESOLVED}
)


class _Use(NamedTuple):
    # The first place of an operation in a function, and how often it is there.
    insn: int
    name: str
    answer: Availability
    count: int  # type: ignore[assignment]  # hides tuple.count, on purpose


class InstructionUnavailable(ReleaseRule):
    """A program has instructions the target kernel does not take.

    What it does
    ------------
    Holds every instruction, relocated as a loader would, against what the release judged for
    takes. An opcode the release does not know stops the program wherever it stands; an old opcode
    with a new meaning (signed division, sign-extending moves) only where it may run.

    Why it matters
    --------------
    The verifier refuses the program: "unknown opcode 06", "BPF_STX uses reserved fields". LLVM 20
    emits the third level of instructions unless told otherwise, and clang 19 an atomic fetch even
    for the first, so objects stop loading on old kernels when only the compiler changed.

    Example
    -------
    On Linux 5.10::

        __sync_fetch_and_add(&counter, 1);         // its result used: an atomic fetch, since 5.12

    How to fix
    ----------
    Compile with `-mcpu=v1`, `-mcpu=v2` or `-mcpu=v3` for the oldest kernel you ship to, and avoid
    what no option takes away (use the result of no atomic operation before 5.12).

    References
    ----------
    https://docs.kernel.org/bpf/standardization/instruction-set.html
    """

    code = "INS201"
    name = "instruction-unavailable"
    severity = Severity.ERROR
    step = Step.STRUCTURE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each function with such instructions."""
        locate = Locator(spec, context)
        tables = _Tables(release, context)
        facts = facts_of(spec)
        reached: dict[int, dict[str, set[int]]] | None = None
        for index, programs in programs_linking(spec).items():
            function = spec.functions[index]
            plain = any(tables.lacking(name) for name in facts.code(index).operations)
            suspects = [
                (insn, name)
                for insn, name in _operations(function, spec, context, plain=plain)
                if tables.lacking(name)
            ]
            if not suspects:
                continue
            if reached is None:
                reached = _reached(spec, context)
            everybody = tuple(program.name for program in programs)
            grouped = _group(suspects, tables, reached.get(index, {}), everybody)
            for names, uses in grouped.items():
                yield self._finding(context, locate, function, uses, names, release)

    def _finding(
        self,
        context: RuleContext,
        locate: Locator,
        function: FunctionSpec,
        uses: list[_Use],
        programs: tuple[str, ...],
        release: Release,
    ) -> Finding:
        first = uses[0]
        unknown = all(use.answer.status == "unknown" for use in uses)
        words = [f"{use.name} ({since_words(use.answer, release)})" for use in uses]
        message = f"`{function.name or function.section}` uses {words[0]} (target {release.label})"
        if unknown:
            message = (
                f"`{function.name or function.section}` uses {first.name}; whether "
                f"{release.label} takes it is not known"
            )
        return self.finding(
            context,
            message,
            locate.function(function, first.insn),
            help="compile for a lower instruction-set level (`-mcpu=`)",
            severity=Severity.NOTE if unknown else None,
            confidence=first.answer.confidence if not unknown else Confidence.LOW,
            related=capped(
                (f"insn {use.insn}: {use.name}, {use.count} times" for use in uses), len(uses)
            ),
            targeted=True,
            programs=programs,
            undecided=unknown,
        )


class _Tables:
    """What the release takes, each operation looked up once."""

    def __init__(self, release: Release, context: RuleContext) -> None:
        self._release = release
        self._context = context
        self._answers: dict[str, Availability] = {}
        self._lacking: dict[str, bool] = {}
        self._opcodes: set[int] | None = None
        self._by_name: dict[str, Operation] = {}

    def answer(self, name: str) -> Availability:
        """Return what the tables say of an operation."""
        found = self._answers.get(name)
        if found is None:
            found = self._answers[name] = instruction(name, self._release)
        return found

    def lacking(self, name: str) -> bool:
        """Tell whether the release does not take an operation, or nobody knows."""
        found = self._lacking.get(name)
        if found is None:
            answer = self.answer(name)
            unmet = open_conditions(answer, self._context)
            found = self._lacking[name] = not answer.available or bool(unmet)
        return found

    def everywhere(self, name: str) -> bool:
        """Tell whether the operation stops a program even where it cannot run.

        ``resolve_pseudo_ldimm64`` and ``add_subprog_and_kfunc`` look at every instruction: at the
        opcode, at the immediate of stores before atomics came, and at what calls and LDDW name.
        """
        if self._opcodes is None:
            self._by_name = {operation.name: operation for operation in known_operations()}
            self._opcodes = {
                operation.opcode
                for operation in self._by_name.values()
                if self.answer(operation.name).available
            }
        operation = self._by_name.get(name)
        if operation is None or operation.opcode not in self._opcodes:
            return True
        return operation.kind in (Kind.ATOMIC, Kind.CALL, Kind.LOAD_CONSTANT)


def _operations(
    function: FunctionSpec, spec: CollectionSpec, context: RuleContext, *, plain: bool
) -> Iterator[tuple[int, str]]:
    """Yield every instruction's operation, after relocation; relocated ones only unless plain."""
    references = function.references_by_index
    for insn in function.instructions if plain or references else ():
        reference = references.get(insn[0])
        if reference is None:
            operation = classify(insn) if plain else None
            if operation is not None and operation.known:
                yield insn.index, operation.name
        elif reference.kind in _EXTERNS:
            name = _extern_operation(insn.opcode, reference, spec, context)
            if name is not None:
                yield insn.index, name
        elif reference.kind not in _PASSED_OVER:
            yield insn.index, _RELOCATED.get(reference.kind, "lddw")


def _extern_operation(
    opcode: int, reference: Reference, spec: CollectionSpec, context: RuleContext
) -> str | None:
    """Return what a loader makes of a reference to the kernel, None where nothing is left.

    A call of a function the kernel lacks becomes an invalid helper call, which REL201 judges; the
    address of what it lacks becomes a plain zero.
    """
    state = context.view(spec).externs.get(reference.target, ExternState.UNKNOWN)
    if opcode != _LDDW:
        return None if state is ExternState.ABSENT else "call_kfunc"
    typed = spec.externs[reference.target].typed
    return "lddw_btf_id" if typed and state is not ExternState.ABSENT else "lddw"


def _reached(spec: CollectionSpec, context: RuleContext) -> dict[int, dict[str, set[int]]]:
    """Return for each function the insns each program may run."""
    found: dict[int, dict[str, set[int]]] = {}
    for program, flow in iter_flows(spec, context):
        for index, insns in flow.reached.items():
            found.setdefault(index, {})[program.name] = insns
    return found


def _group(
    suspects: list[tuple[int, str]],
    tables: _Tables,
    reached: dict[str, set[int]],
    everybody: tuple[str, ...],
) -> dict[tuple[str, ...], list[_Use]]:
    """Return the operations that stop programs, by the programs they stop."""
    counted: dict[tuple[tuple[str, ...], str], tuple[int, int]] = {}
    for insn, name in suspects:
        names = everybody
        if not tables.everywhere(name):
            names = tuple(program for program, insns in reached.items() if insn in insns)
        if names:
            first, count = counted.get((names, name), (insn, 0))
            counted[names, name] = (first, count + 1)
    found: dict[tuple[str, ...], list[_Use]] = {}
    for (names, name), (first, count) in counted.items():
        found.setdefault(names, []).append(_Use(first, name, tables.answer(name), count))
    return found
