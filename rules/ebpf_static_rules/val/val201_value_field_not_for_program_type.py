"""VAL201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.value_fields import field_refusal, find_fields
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, map_rules
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.val.uses import iter_uses


class ValueFieldNotForProgramType(ReleaseRule):
    """A program uses a map whose values hold a lock, timer or list its type may not use.

    What it does
    ------------
    Looks for special fields (`struct bpf_spin_lock`, `struct bpf_timer`, `struct bpf_wq`,
    `struct bpf_list_head`, `struct bpf_rb_root`) in the value types of the maps a program refers
    to, and reports those its type may not use: tracing programs (kprobe, tracepoint, perf event,
    raw tracepoint) may use none of them on most releases, socket filters no locks, sleepable
    programs no locks before Linux 6.3.

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
        for use in iter_uses(spec):
            rules = map_rules(use.item.type, release)
            known = frozenset() if rules is None else frozenset(rules.value_fields)
            # What the kernel does not take in such a map libbpf leaves out, BTF and all: VAL202.
            for field in sorted(find_fields(use.item, spec.btf, deep=False) & known):
                why = field_refusal(
                    field, use.program.type.name, release.version, sleepable=use.program.sleepable
                )
                if why is not None:
                    yield self.finding(
                        context,
                        f"`{use.program.name}` uses map `{use.item.name}`, whose values hold "
                        f"{field}, which {why}",
                        Locator(spec, context).function(use.function, use.insn),
                        help="keep a map without it for such programs",
                        targeted=True,
                        programs=(use.program.name,),
                    )
                    break
