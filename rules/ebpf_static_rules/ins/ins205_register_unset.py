"""INS205."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule, iter_flows

_EXIT: Final = 0x95
# check_return_code: what these replace or hook may return nothing, and then r0 is not looked at.
_MAY_RETURN_NOTHING: Final = frozenset({"LSM", "STRUCT_OPS", "EXT"})


class RegisterUnset(ReleaseRule):
    """A program reads a register that nothing has written.

    What it does
    ------------
    Follows each program as the verifier does and reports reads of registers that no path to them
    sets: after a call, r1 to r5; at an exit without a result, r0.

    Why it matters
    --------------
    The verifier refuses the program: "R3 !read_ok", "R0 !read_ok". A function without a return
    statement, or a variable without a value, is the usual reason.

    Example
    -------
    ::

        SEC("xdp")
        int filter(struct xdp_md *ctx) { bpf_printk("here"); }    // returns what?

    How to fix
    ----------
    Give the variable a value, and return one. `-Wall` names the place.

    References
    ----------
    https://docs.kernel.org/bpf/verifier.html
    """

    code = "INS205"
    name = "register-unset"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each place of such a read."""
        places: dict[tuple[int, int, int], list[str]] = {}
        for program, flow in iter_flows(spec, context):
            for place in sorted(flow.unset):
                if not _is_excused(spec, program, place):
                    places.setdefault(place, []).append(program.name)
        locate = Locator(spec, context)
        for (index, insn, register), programs in places.items():
            function = spec.functions[index]
            yield self.finding(
                context,
                f"`{function.name or function.section}` reads r{register}, which nothing has "
                f"written (target {release.label})",
                locate.function(function, insn),
                help="give the variable a value, or return one",
                targeted=True,
                programs=tuple(programs),
            )


def _is_excused(spec: CollectionSpec, program: ProgramSpec, place: tuple[int, int, int]) -> bool:
    """Tell whether the read is an exit of a program that may return nothing."""
    index, insn, register = place
    if register != 0 or program.type.name not in _MAY_RETURN_NOTHING:
        return False
    return spec.functions[index].code[8 * insn] == _EXIT
