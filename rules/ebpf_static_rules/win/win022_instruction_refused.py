"""WIN022."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.isa import Instruction, Kind, LddwSource, classify, reserved_fields
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, Reference, ReferenceKind
from ebpf_static_rules.facts import iter_loaded
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.releases import find_gap
from ebpf_static_rules.win.tables import Encoding, find_encoding
from ebpf_static_rules.wording import capped, listed

_RESOLVED = {
    ReferenceKind.MAP: LddwSource.MAP_FD,
    ReferenceKind.FUNCTION: LddwSource.FUNC,
}
"""What a relocated LDDW becomes; global variables are WIN021's, externs WIN024's."""

_ELSEWHERE = (
    ReferenceKind.MAP_VALUE,
    ReferenceKind.KFUNC,
    ReferenceKind.KSYM,
    ReferenceKind.KCONFIG,
    ReferenceKind.UNRESOLVED,
)


_MAP_BY_FD = "lddw map by fd"
"""The one row whose documentation is plainly wrong: it is the normal reference to a map."""

_Place = tuple[FunctionSpec, int]


class _Degree(NamedTuple):
    severity: Severity
    confidence: Confidence
    words: str


class _Verdict(NamedTuple):
    name: str
    degree: _Degree


_NOBODY = _Degree(Severity.ERROR, Confidence.HIGH, "which no part of eBPF for Windows knows")
_REFUSED = _Degree(
    Severity.ERROR, Confidence.HIGH, "which the verifier of eBPF for Windows refuses"
)
_DROPPED = _Degree(
    Severity.ERROR,
    Confidence.HIGH,
    "for which bpf2c silently emits no code; JIT and interpreter refuse it",
)
_UNDOCUMENTED = _Degree(
    Severity.NOTE,
    Confidence.LOW,
    "which the JIT of eBPF for Windows takes in its newest source but not by its documentation of "
    "2024; native images take it",
)


class InstructionRefused(WindowsRule):
    """The code has instructions that parts of eBPF for Windows do not take.

    What it does
    ------------
    Compares every instruction with what the verifier, the JIT and interpreter, and bpf2c take.
    Reports what no way of running it takes (`ld_abs`, `ld_ind`, `callx`, most relocated forms of
    LDDW, newer Linux instructions), what bpf2c takes only from some release on, and notes what
    efW's documentation says the JIT refuses although the newest source does not.

    Why it matters
    --------------
    efW's own documentation (2024) still lists `ld_abs` and `callx` as accepted; the verifier has
    both groups switched off. For LDDW with source 3 to 6 bpf2c emits no code at all and says
    nothing: the register keeps its old value in the driver.

    Example
    -------
    ::

        asm volatile("r0 = *(u8 *)skb[0]");    // ld_abs

    How to fix
    ----------
    Compile with `-mcpu=v3` or lower, and read packets through the context's data pointers.

    References
    ----------
    vbpf/prevail: src/ir/unmarshal.cpp; microsoft/ebpf-for-windows:
    tools/bpf2c/bpf_code_generator.cpp; iovisor/ubpf: vm/ubpf_instruction_valid.c
    """

    code = "WIN022"
    name = "instruction-refused"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield an error for each function and kind, and one finding for what is milder."""
        milder: dict[_Degree, dict[str, _Place]] = {}
        for function, _ in iter_loaded(spec):
            errors: dict[_Verdict, _Place] = {}
            for insn, verdict in _find(function, context):
                if verdict.degree.severity is Severity.ERROR:
                    errors.setdefault(verdict, (function, insn))
                else:
                    names = milder.setdefault(verdict.degree, {})
                    names.setdefault(verdict.name, (function, insn))
            for verdict, place in errors.items():
                yield self._finding(context, locate, verdict.degree, {verdict.name: place})
        for degree, names in milder.items():
            yield self._finding(context, locate, degree, names)

    def _finding(
        self, context: RuleContext, locate: Locator, degree: _Degree, names: dict[str, _Place]
    ) -> Finding:
        function, insn = next(iter(names.values()))
        others = [
            f"{name}: {it.name or it.section}, insn {at}" for name, (it, at) in names.items()
        ][1:]
        return self.finding(
            context,
            f"`{function.name or function.section}` has {listed(list(names))}, {degree.words}",
            locate.function(function, insn),
            help="compile with -mcpu=v3 or lower, without what eBPF for Windows lacks",
            severity=degree.severity,
            confidence=degree.confidence,
            related=capped(others, len(others)),
            targeted=degree.severity is not Severity.NOTE,
        )


def _find(function: FunctionSpec, context: RuleContext) -> Iterator[tuple[int, _Verdict]]:
    references = function.references_by_index
    known: dict[Encoding, _Verdict | None] = {}
    for instruction in function.instructions:
        meant = _resolved(instruction, references.get(instruction.index))
        if meant is None:
            continue
        encoding = find_encoding(meant)
        if encoding is None:
            yield instruction.index, _Verdict(f"`{classify(meant).name}`", _NOBODY)
            continue
        if encoding not in known:
            known[encoding] = _judge(encoding, context)
        verdict = known[encoding]
        if verdict is not None:
            yield instruction.index, verdict


def _resolved(instruction: Instruction, reference: Reference | None) -> Instruction | None:
    """Return the instruction as a loader leaves it; None where other rules judge it."""
    operation = classify(instruction)
    if not operation.known:
        return None
    if reference is None:
        # Values in reserved fields are INS rules' business, whatever the platform.
        return None if reserved_fields(instruction) else instruction
    if reference.kind in _ELSEWHERE:
        return None
    if operation.kind is Kind.LOAD_CONSTANT and reference.kind in _RESOLVED:
        return instruction._replace(src=int(_RESOLVED[reference.kind]))
    if operation.kind is Kind.CALL:
        return instruction._replace(off=0)
    return instruction


def _judge(encoding: Encoding, context: RuleContext) -> _Verdict | None:
    name = encoding.name
    if not encoding.verifier:
        return _Verdict(name, _REFUSED)
    if not encoding.native and not encoding.jit:
        return _Verdict(name, _DROPPED)
    gap = find_gap(context, encoding.native_since) if encoding.native_since else None
    if gap is not None:
        # With a JIT the program still runs, so nothing worse than a warning; native is what ships.
        severity = gap.severity if not encoding.jit else Severity.WARNING
        words = f"which bpf2c takes from {encoding.native_since} on only"
        return _Verdict(name, _Degree(severity, Confidence.HIGH, words))
    if not encoding.jit_documented and name != _MAP_BY_FD:
        return _Verdict(name, _UNDOCUMENTED)
    return None
