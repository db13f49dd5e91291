"""MAP201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, map_type
from ebpf_static_rules.kernel_btf import has_map_type
from ebpf_static_rules.map.creation import iter_created
from ebpf_static_rules.release import ReleaseRule, open_conditions, since_words, words_of


class MapTypeUnavailable(ReleaseRule):
    """A map has a type the target kernel does not have.

    What it does
    ------------
    Reports maps, and inner maps, of a type that came later than the release judged for, or that
    its configuration leaves out.

    Why it matters
    --------------
    Creating the map fails (`-EINVAL`). libbpf creates every map before it loads the first
    program, so one such map stops the whole object, even if no program uses it.

    Example
    -------
    A ring buffer on Linux 5.4::

        struct {
                __uint(type, BPF_MAP_TYPE_RINGBUF);        // since 5.8
                __uint(max_entries, 262144);
        } events SEC(".maps");

    How to fix
    ----------
    Use a type the release has (a perf event array instead of a ring buffer), or let the loader
    decide: `bpf_map__set_type()`, or `bpf_map__set_autocreate(map, false)` where programs that
    use it are switched off, too.

    References
    ----------
    https://docs.kernel.org/bpf/maps.html
    """

    code = "MAP201"
    name = "map-type-unavailable"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.MAPS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each map of such a type."""
        locate = Locator(spec, context)
        for created in iter_created(spec, context, release):
            type_ = created.definition.type
            if not type_.known:
                continue  # MAP101
            answer = map_type(type_, release)
            lacking = open_conditions(answer, context)
            if answer.available and not lacking:
                continue
            if not answer.available and has_map_type(context, type_):
                continue  # a vendor's backport
            why = words_of(lacking) if answer.available else since_words(answer, release)
            unknown = answer.status == "unknown"
            yield self.finding(
                context,
                f"{created.words} has type {type_.name}, {why} (target {release.label})"
                if not unknown
                else f"{created.words} has type {type_.name}; whether {release.label} has it is "
                "not known",
                locate.map(created.declared),
                help="use a type the release has, or do not create the map there",
                severity=Severity.NOTE if unknown else None,
                confidence=answer.confidence,
                targeted=True,
                undecided=unknown,
            )
