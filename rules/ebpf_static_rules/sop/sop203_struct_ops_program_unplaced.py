"""SOP203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.struct_ops import UNSUPPORTED, iter_members, structure_name
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule


class StructOpsProgramUnplaced(ReleaseRule):
    """A callback is a member of no structure, or of one the kernel lets no program implement.

    What it does
    ------------
    Reports programs of `SEC("struct_ops")` that no `.struct_ops` variable of the object names,
    and those that are `get_info` of a `tcp_congestion_ops`.

    Why it matters
    --------------
    The kernel verifies such a program against the member it implements. libbpf learns which one
    that is from the variable; without it the kernel is given none, and refuses.

    Example
    -------
    ::

        SEC("struct_ops/init")
        void BPF_PROG(init, struct sock *sk) {}
        SEC(".struct_ops")
        struct tcp_congestion_ops cc = { .name = "cc" };     // .init is not set

    How to fix
    ----------
    Set the member of the structure to the program, or put `?` in front of its section.

    References
    ----------
    libbpf: src/libbpf.c (`bpf_object__collect_st_ops_relos`); Linux: kernel/bpf/verifier.c
    (`check_struct_ops_btf_id`), net/ipv4/bpf_tcp_ca.c
    """

    code = "SOP203"
    name = "struct-ops-program-unplaced"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such program."""
        del release
        for program in spec.programs:
            if program.type.name != "STRUCT_OPS":
                continue
            what = _problem(spec, program)
            if what is not None:
                yield self.finding(
                    context,
                    f"`{program.name}` is a callback {what}",
                    Locator(spec, context).function(program),
                    help="set a member of a `.struct_ops` variable to it, one programs may be",
                    targeted=True,
                )


def _problem(spec: CollectionSpec, program: ProgramSpec) -> str | None:
    found = list(iter_members(spec, program))
    if not found:
        return "that no structure of the object names"
    for item, member in found:
        if (structure_name(spec, item), member) in UNSUPPORTED:
            return f"for `{member}`, which no program may implement"
    return None
