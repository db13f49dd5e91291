"""VAL204."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import MapProgramRule, Release, map_rules
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.val.uses import MapUse, iter_clashes, iter_uses


class MapNotForProgram(ReleaseRule):
    """A program uses a map that programs of its kind may not use.

    What it does
    ------------
    Reports sleepable programs that refer to maps of a type sleepable programs may not use on the
    target, and, before Linux 6.1, sleepable and `perf_event` programs that refer to hash maps
    without preallocation. Programs that refer to a struct_ops map are reported, too.

    Why it matters
    --------------
    The kernel looks at every map a program refers to: "Sleepable programs can only use array,
    hash, ringbuf and local storage maps".

    Example
    -------
    On Linux 5.15::

        struct { __uint(type, BPF_MAP_TYPE_QUEUE); … } queue SEC(".maps");
        SEC("fentry.s/do_unlinkat")
        int f(void *ctx) { long v = 0; return bpf_map_push_elem(&queue, &v, 0); }

    How to fix
    ----------
    Use an array, hash or ring buffer, or a program that does not sleep.

    References
    ----------
    Linux: kernel/bpf/verifier.c (`check_map_prog_compatibility`)
    """

    code = "VAL204"
    name = "map-not-for-program"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each program and map that do not go together."""
        clashes = {
            (use.program.name, use.item.name): _why(rule)
            for use, rule in iter_clashes(spec, release, about_fields=False)
        }
        for use in iter_uses(spec):
            known = clashes.get((use.program.name, use.item.name))
            why = _sleep_problem(use, release) or known
            if why is not None:
                yield self.finding(
                    context,
                    f"`{use.program.name}` uses map `{use.item.name}`, {why}",
                    Locator(spec, context).function(use.function, use.insn),
                    help="use another type of map, or another type of program",
                    targeted=True,
                    programs=(use.program.name,),
                )


def _sleep_problem(use: MapUse, release: Release) -> str | None:
    if not use.program.sleepable or not use.item.type.known:
        return None
    rules = map_rules(use.item.type, release)
    if rules is None or rules.sleepable or use.item.type.name == "STRUCT_OPS":
        return None
    return f"a {use.item.type.name} map, which sleepable programs may not use on {release.label}"


def _why(rule: MapProgramRule) -> str:
    if not rule.without_prealloc:
        return "a structure of callbacks, which no program may use"
    who = "sleepable" if rule.sleepable else "perf_event"
    return f"a hash map without preallocation, which {who} programs may not use here"
