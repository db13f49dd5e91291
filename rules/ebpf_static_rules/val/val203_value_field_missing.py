"""VAL203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.value_fields import find_fields, tags_what_is_no_structure
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ExternKind, MapSpec
from ebpf_static.support import Release, map_rules
from ebpf_static.target import Version
from ebpf_static_rules.calls import iter_helper_calls
from ebpf_static_rules.guards import runs_surely
from ebpf_static_rules.release import ReleaseRule

_FIELDS = {
    "spin_lock": "SPIN_LOCK",
    "spin_unlock": "SPIN_LOCK",
    "timer_init": "TIMER",
    "timer_set_callback": "TIMER",
    "timer_start": "TIMER",
    "timer_cancel": "TIMER",
}

_STRUCTURES_ONLY = Version(6, 12)


class ValueFieldMissing(ReleaseRule):
    """A program calls a helper for locks or timers, and no map of the object holds one.

    What it does
    ------------
    Reports programs that may call `bpf_spin_lock` or `bpf_timer_init` and their like in objects
    none of whose maps has a `struct bpf_spin_lock` or `struct bpf_timer` in its BTF value type,
    or only maps of types that do not support it, or BTF the kernel refuses because a pointer
    tagged `kptr` points to a type that is only declared. Objects that allocate structures
    themselves (kfuncs) are left alone.

    Why it matters
    --------------
    The verifier looks the field up in the map's BTF: "map 'x' has to have BTF in order to use
    bpf_spin_lock", "map 'x' doesn't have bpf_timer".

    Example
    -------
    ::

        struct value { __u64 timer[2]; };                 // not a struct bpf_timer
        bpf_timer_init((struct bpf_timer *)value, &timers, CLOCK_MONOTONIC);

    How to fix
    ----------
    Declare the field with its own type, in a map declared with `__type(value, …)`.

    References
    ----------
    Linux: kernel/bpf/verifier.c (`process_spin_lock`, `process_timer_func`)
    """

    code = "VAL203"
    name = "value-field-missing"
    severity = Severity.ERROR
    step = Step.CODE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such call, once for each program."""
        if any(extern.kind is ExternKind.KFUNC for extern in spec.externs):
            return
        held: frozenset[str] | None = None
        seen: set[str] = set()
        for call in iter_helper_calls(spec, context, release):
            field = _FIELDS.get(call.helper.name)
            if field is None:
                continue
            if held is None:
                held = _held(spec, release)
            for program in call.programs:
                if field in held or program.name in seen:
                    continue
                seen.add(program.name)
                place = (call.site.function, call.site.insn)
                doubtful = not runs_surely(spec, context, program, place)
                yield self.finding(
                    context,
                    f"`{program.name}` calls `bpf_{call.helper.name}`, and no map of the object "
                    f"holds {field}",
                    Locator(spec, context).function(
                        spec.functions[call.site.function], call.site.insn
                    ),
                    help="declare the field with its own type in a map with `__type(value, …)`",
                    severity=Severity.NOTE if doubtful else self.severity,
                    targeted=True,
                    programs=(program.name,),
                    undecided=doubtful,
                )


def _held(spec: CollectionSpec, release: Release) -> frozenset[str]:
    """Return the fields some map holds in a way the release supports."""
    refused = release.version is not None and not release.version < _STRUCTURES_ONLY
    if refused and spec.btf is not None and tags_what_is_no_structure(spec.btf):
        return frozenset()  # libbpf goes on without any BTF
    found: set[str] = set()
    todo: list[MapSpec] = list(spec.maps)
    todo += [item.inner for item in spec.maps if item.inner is not None]
    for item in todo:
        rules = map_rules(item.type, release)
        if rules is not None:
            found |= find_fields(item, spec.btf, deep=True) & set(rules.value_fields)
    return frozenset(found)
