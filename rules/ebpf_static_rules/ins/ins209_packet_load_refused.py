"""INS209."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ebpf_static.findings import Finding, Severity
from ebpf_static.isa import Kind, known_operations
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, program_rules
from ebpf_static_rules.release import ReleaseRule, iter_flows


class PacketLoadRefused(ReleaseRule):
    """A program reads the packet by classic loads, which its type may not.

    What it does
    ------------
    Reports `ld_abs` and `ld_ind` instructions that may run in programs other than socket filters
    and traffic-control classifiers and actions.

    Why it matters
    --------------
    The verifier refuses the program: "BPF_LD_[ABS|IND] instructions not allowed for this program
    type".

    Example
    -------
    ::

        SEC("xdp")
        int filter(struct xdp_md *ctx) { return load_byte(ctx, 23) == IPPROTO_TCP; }

    How to fix
    ----------
    Read between `data` and `data_end`, or use `bpf_skb_load_bytes()` or `bpf_xdp_load_bytes()`.

    References
    ----------
    https://docs.kernel.org/bpf/standardization/instruction-set.html
    """

    code = "INS209"
    name = "packet-load-refused"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each program and function with such loads."""
        loads = {
            index: found
            for index, function in enumerate(spec.functions)
            if not _opcodes().isdisjoint(function.code[::8])
            and (found := [it.index for it in function.instructions if it.opcode in _opcodes()])
        }
        if not loads:
            return
        locate = Locator(spec, context)
        for program, flow in iter_flows(spec, context):
            rules = program_rules(program.type, release)
            if rules is None or rules.legacy_packet_loads or program.type.name == "EXT":
                continue
            for index, insns in loads.items():
                at = next((insn for insn in insns if flow.is_reached(index, insn)), None)
                if at is None:
                    continue
                function = spec.functions[index]
                yield self.finding(
                    context,
                    f"`{function.name}` loads from the packet by `ld_abs` or `ld_ind` in program "
                    f"`{program.name}`, which programs of type {program.type.name} may not",
                    locate.function(function, at),
                    help="read between `data` and `data_end`, or by a helper",
                    targeted=True,
                    programs=(program.name,),
                )


@cache
def _opcodes() -> frozenset[int]:
    loads = (it for it in known_operations() if it.kind is Kind.LEGACY_LOAD)
    return frozenset(it.opcode for it in loads)
