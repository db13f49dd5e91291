"""VAL204."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, map_rules
from ebpf_static.target import Version
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.val.uses import MapUse, iter_uses

_HASHES = frozenset({"HASH", "PERCPU_HASH", "HASH_OF_MAPS"})
_NO_PREALLOC = 1
_LOOSE_HASHES = Version(5, 11)  # 5.10.262 refuses, 6.1.192 does not; nothing between was read


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
        for use in iter_uses(spec):
            why = _problem(use, release)
            if why is not None:
                yield self.finding(
                    context,
                    f"`{use.program.name}` uses map `{use.item.name}`, {why}",
                    Locator(spec, context).function(use.function, use.insn),
                    help="use another type of map, or another type of program",
                    targeted=True,
                    programs=(use.program.name,),
                )


def _problem(use: MapUse, release: Release) -> str | None:
    type_, program = use.item.type, use.program
    if type_.name == "STRUCT_OPS":
        return "a structure of callbacks, which no program may use"
    old = release.version is not None and release.version < _LOOSE_HASHES
    loose = type_.name in _HASHES and bool(use.item.flags & _NO_PREALLOC)
    if old and loose and program.type.name == "PERF_EVENT":
        return "a hash map without preallocation, which perf_event programs may not use here"
    if not program.sleepable:
        return None
    rules = map_rules(type_, release)
    if rules is not None and type_.known and not rules.sleepable:
        return f"a {type_.name} map, which sleepable programs may not use on {release.label}"
    if old and loose:
        return "a hash map without preallocation, which sleepable programs may not use here"
    return None
