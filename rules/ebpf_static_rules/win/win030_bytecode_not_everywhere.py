"""WIN030."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec
from ebpf_static_rules.facts import facts_of
from ebpf_static_rules.win.base import WindowsRule

_UBPF_INSNS = 65_536
_JIT_HELPERS = 64
_PROGRAMS = 1024
"""Programs whose size with all they call is added up; no real object has as many."""


class BytecodeNotEverywhere(WindowsRule):
    """The object holds bytecode, which not every build of efW loads.

    What it does
    ------------
    Notes, once per object, that builds without JIT and interpreter refuse it. Warns about programs
    beyond the JIT's bounds (65536 insns, 64 different helpers).

    Why it matters
    --------------
    NativeOnly builds answer BPF_PROG_LOAD with EINVAL, the interpreter is in debug builds only,
    and the JIT is off where memory integrity (HVCI) is on, the default of new machines. A native
    image runs everywhere. Where bytecode is loaded, `expected_attach_type` and `prog_flags` must
    be 0: a loader that passes what a section implies on Linux is refused (cilium/ebpf: leave
    `ProgramSpec.AttachType` and `Flags` alone).

    Example
    -------
    ::

        bpf_prog_load(..., "prog.o")     // ERROR_NOT_SUPPORTED in a NativeOnly build

    How to fix
    ----------
    Convert the object with bpf2c and sign the driver.

    References
    ----------
    microsoft/ebpf-for-windows: docs/NativeCodeGeneration.md, libs/api/bpf_syscall.cpp
    """

    code = "WIN030"
    name = "bytecode-not-everywhere"
    severity = Severity.NOTE
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield one note for the object, and a finding for each program beyond a bound."""
        programs = [it for it in spec.programs if it.code]
        if not programs:
            return
        yield self.finding(
            context,
            "object holds bytecode, which NativeOnly builds of eBPF for Windows and the JIT under "
            "HVCI refuse",
            locate.object(),
            help="convert it with bpf2c and ship the signed driver",
        )
        yield from self._bounds(spec, context, locate)

    def _bounds(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each program beyond what the JIT takes."""
        facts = facts_of(spec)
        sizes = [function.insn_count for function in spec.functions]
        large = sum(sizes) >= _UBPF_INSNS
        many = (
            len({number for i in facts.loaded for number in facts.code(i).helpers}) > _JIT_HELPERS
        )
        for index in facts.programs[:_PROGRAMS] if large or many else ():
            linked = facts.reach((index,))
            program, size = spec.functions[index], sum(sizes[i] for i in linked)
            if size >= _UBPF_INSNS:
                yield self._bound(context, locate, program, f"{size} insns", _UBPF_INSNS - 1)
            helpers = len({number for i in linked for number in facts.code(i).helpers})
            if helpers > _JIT_HELPERS:
                yield self._bound(context, locate, program, f"{helpers} helpers", _JIT_HELPERS)

    def _bound(
        self, context: RuleContext, locate: Locator, program: FunctionSpec, what: str, most: int
    ) -> Finding:
        return self.finding(
            context,
            f"`{program.name}` has {what}; JIT and interpreter take {most}",
            locate.function(program),
            help="ship it as a native image",
            severity=Severity.WARNING,
        )
