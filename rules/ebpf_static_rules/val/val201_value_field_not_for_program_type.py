"""VAL201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import MapProgramRule, Release
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.val.uses import iter_clashes


class ValueFieldNotForProgramType(ReleaseRule):
    """A program uses a map whose values hold a lock, timer or list its type may not use.

    What it does
    ------------
    Looks for special fields (`struct bpf_spin_lock`, `struct bpf_timer`, `struct bpf_wq`,
    `struct bpf_list_head`, `struct bpf_rb_root`) in the value types of the maps a program refers
    to, and reports those its type may not use: tracing programs (kprobe, tracepoint, perf event,
    raw tracepoint) may use none of them on most releases, socket filters no locks, sleepable
    programs no locks before Linux 6.6.

    Why it matters
    --------------
    The kernel refuses the program for referring to such a map, whatever it does with it: "tracing
    progs cannot use bpf_spin_lock yet".

    Example
    -------
    ::

        struct value { struct bpf_spin_lock lock; int count; };     // values of `counts`
        SEC("kprobe/do_exit")
        int f(void *ctx) { int key = 0; return bpf_map_lookup_elem(&counts, &key) != 0; }

    How to fix
    ----------
    Keep a map without the field for such programs, or use another type (`fentry` programs may).

    References
    ----------
    Linux: kernel/bpf/verifier.c (`check_map_prog_compatibility`)
    """

    code = "VAL201"
    name = "value-field-not-for-program-type"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each program and map that do not go together."""
        for use, rule in iter_clashes(spec, release, about_fields=True):
            yield self.finding(
                context,
                f"`{use.program.name}` uses map `{use.item.name}`, whose values hold "
                f"{rule.field}, which {_who(rule)} may not use",
                Locator(spec, context).function(use.function, use.insn),
                help="keep a map without it for such programs",
                targeted=True,
                programs=(use.program.name,),
            )


def _who(rule: MapProgramRule) -> str:
    if rule.sleepable:
        return "sleepable programs"
    return "socket filters" if "SOCKET_FILTER" in rule.program_types else "tracing programs"
