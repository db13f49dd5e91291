"""PRG206."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ReferenceKind
from ebpf_static.support import Release, limit
from ebpf_static_rules.facts import iter_linked
from ebpf_static_rules.release import ReleaseRule

_MAPS = (ReferenceKind.MAP, ReferenceKind.MAP_VALUE)
_WORDS = {
    "program_insns": "insns",
    "subprograms": "functions",
    "maps_per_program": "maps",
    "kfuncs_per_program": "kernel functions",
}


class ProgramLimitExceeded(ReleaseRule):
    """A program has more instructions, functions or maps than the target kernel takes.

    What it does
    ------------
    Counts what a loader puts together for each program, subprograms included: 8-byte
    instructions (4096 before 5.2, a million since), functions (256), maps (64) and kernel
    functions (256).

    Why it matters
    --------------
    The kernel refuses the program (`-E2BIG`).

    Example
    -------
    A program of 5000 instructions on Linux 4.19.

    How to fix
    ----------
    Split the program with tail calls, and put tables into one map.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_design_QA.html
    """

    code = "PRG206"
    name = "program-limit-exceeded"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each program and limit."""
        limits = {name: limit(name, release).value for name in _WORDS}
        locate = Locator(spec, context)
        for program, linked in iter_linked(spec):
            for name, count in _counts(spec, linked).items():
                most = limits[name]
                if most is not None and count > most:
                    yield self.finding(
                        context,
                        f"program `{program.name}` has {count} {_WORDS[name]} in all, and "
                        f"{release.label} takes {most}",
                        locate.function(program),
                        help="split the program with tail calls",
                        targeted=True,
                    )


def _counts(spec: CollectionSpec, linked: frozenset[int]) -> dict[str, int]:
    """Return how much of everything limited a program has."""
    references = [it for index in linked for it in spec.functions[index].references]
    return {
        "program_insns": sum(spec.functions[index].insn_count for index in linked),
        "subprograms": len(linked),
        "maps_per_program": len({it.target for it in references if it.kind in _MAPS}),
        "kfuncs_per_program": len(
            {it.target for it in references if it.kind is ReferenceKind.KFUNC}
        ),
    }
