"""HLP203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import Base, Pointer
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapSpec, ProgramSpec
from ebpf_static.support import MapRules, Release, helper, helper_map_types, map_rules
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static_rules.calls import iter_helper_calls, split_by_course
from ebpf_static_rules.meetings import BEHIND_A_QUESTION
from ebpf_static_rules.release import ReleaseRule

_MAP_ARGUMENTS = 2
"""Helpers take the map as their first or second argument."""


class HelperMapMismatch(ReleaseRule):
    """A program may call a helper with a map of a type the helper does not take.

    What it does
    ------------
    Follows which map each call that may run is given, and holds the pair against what the release
    judged for takes: `bpf_perf_event_output` wants a perf event array, a ring buffer takes the
    `bpf_ringbuf_` helpers only, and some pairs are for some program types only.

    Why it matters
    --------------
    The verifier refuses the program: "cannot pass map_type 27 into func bpf_map_lookup_elem#1".

    Example
    -------
    ::

        bpf_map_lookup_elem(&events, &key);        // events is a ring buffer

    How to fix
    ----------
    Use the helper made for the map's type, or a map of the type the helper takes.

    References
    ----------
    https://docs.kernel.org/bpf/maps.html
    """

    code = "HLP203"
    name = "helper-map-mismatch"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each place of such a call and map."""
        locate = Locator(spec, context)
        for call in iter_helper_calls(spec, context, release):
            if not helper(call.helper, None, None, release).available:
                continue  # HLP201
            wrong: dict[tuple[str, str], list[ProgramSpec]] = {}
            for program, site in zip(call.programs, call.sites, strict=True):
                for value in site.arguments[:_MAP_ARGUMENTS]:
                    item = _map(value, spec)
                    why = "" if item is None else _mismatch(call.helper, item, program, release)
                    if item is not None and why:
                        wrong.setdefault((item.name, why), []).append(program)
            function = spec.functions[call.site.function]
            for (name, why), programs in wrong.items():
                words = (
                    f"`{function.name}` calls the helper `bpf_{call.helper.name}` with the map "
                    f"`{name}`, {why} (target {release.label})"
                )
                for surely, group in split_by_course(spec, context, call.site, tuple(programs)):
                    yield self.finding(
                        context,
                        words if surely else f"{words}, {BEHIND_A_QUESTION}",
                        locate.function(function, call.site.insn),
                        help="use the helper made for this type of map",
                        severity=None if surely else Severity.NOTE,
                        targeted=True,
                        programs=tuple(program.name for program in group),
                        undecided=not surely,
                    )


def _map(value: object, spec: CollectionSpec) -> MapSpec | None:
    if not isinstance(value, Pointer) or value.base is not Base.MAP or value.offset != 0:
        return None
    found = spec.maps[value.id] if 0 <= value.id < len(spec.maps) else None
    known = found is not None and found.type.platform is Platform.LINUX and found.type.known
    return found if known else None


def _mismatch(asked: HelperId, item: MapSpec, program: ProgramSpec, release: Release) -> str:
    """Return what is wrong with a pair in words, empty when nothing is known to be."""
    rules = map_rules(item.type, release)
    if rules is None:
        return ""
    types = helper_map_types(asked)
    if types is not None and item.type.name not in types:
        return f"of type {item.type.name}, which it does not take"
    listed = asked.name in rules.helpers or asked.name in rules.restricted_helpers
    if rules.only_these_helpers and not listed:
        return f"and maps of type {item.type.name} do not take it"
    if _is_restricted(asked, rules, program):
        return f"of type {item.type.name}, which programs of type {program.type.name} may not"
    return ""


def _is_restricted(asked: HelperId, rules: MapRules, program: ProgramSpec) -> bool:
    allowed = rules.restricted_helpers.get(asked.name)
    if allowed is None or program.type.number == 0:
        return False
    attach = program.attach_type.name if program.attach_type else ""
    return program.type.name not in allowed and f"{program.type.name}/{attach}" not in allowed
