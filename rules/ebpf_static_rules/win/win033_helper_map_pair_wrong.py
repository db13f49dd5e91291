"""WIN033."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import Base, CallSite, Pointer
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId, MapType, ProgramType
from ebpf_static.uapi.helpers import windows_equivalents
from ebpf_static_rules.facts import program_type
from ebpf_static_rules.win.base import WindowsRule, map_type
from ebpf_static_rules.win.flows import iter_flows
from ebpf_static_rules.win.tables import helper_arguments, map_operations

_MAPS = ("PTR_TO_MAP", "PTR_TO_MAP_OF_PROGRAMS")
_PROG_ARRAY = "PROG_ARRAY"
_TAKES = {"tail_call": _PROG_ARRAY}


class HelperMapPair(WindowsRule):
    """A helper is called with a map of a type it does not work on.

    What it does
    ------------
    Where a call's map can be told, compares its type with what the helper works on: lookups in
    queues and rings, pushes to hashes, output to anything but its ring.

    Why it matters
    --------------
    The verifier's tables end at type 7. For LRU_HASH, LPM_TRIE, QUEUE, STACK, RINGBUF and
    PERF_EVENT_ARRAY it knows no rules, so a wrong pair passes verification and every call fails
    when the program runs. Only prog arrays are kept apart: there a wrong pair fails to load, and
    the finding is an error.

    Example
    -------
    ::

        bpf_map_lookup_elem(&queue, &key);     // verified, and always NULL

    How to fix
    ----------
    Use the helper that belongs to the map type.

    References
    ----------
    microsoft/ebpf-for-windows: libs/api_common/windows_platform_common.cpp,
    libs/execution_context/ebpf_maps.c
    """

    code = "WIN033"
    name = "helper-map-pair-wrong"
    severity = Severity.WARNING

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each call with a wrong map."""
        seen: set[tuple[int, int]] = set()
        for program, flow in iter_flows(spec):
            type_ = program_type(program, Platform.WINDOWS)
            for place, site in flow.calls.items():
                pair = _wrong_pair(spec, site, type_)
                if pair is None or place in seen:
                    continue
                seen.add(place)
                helper, item, there = pair
                at_load = _PROG_ARRAY in (there.name, _TAKES.get(helper.name))
                when = "at load" if at_load else "at run time, past the verifier"
                function = spec.functions[site.function]
                yield self.finding(
                    context,
                    f"`{function.name or function.section}` calls {helper.name} on map "
                    f"`{item.name}` of type {there.name}, which fails {when}",
                    locate.function(function, site.insn),
                    help="use the helper that belongs to the map type",
                    severity=Severity.ERROR if at_load else self.severity,
                )


def _wrong_pair(
    spec: CollectionSpec, site: CallSite, type_: ProgramType
) -> tuple[HelperId, MapSpec, MapType] | None:
    for helper in _meant(spec, site, type_):
        if helper.per_program_type:
            continue  # an extension's helper: its own rules
        for kind, value in zip(helper_arguments(helper) or (), site.arguments, strict=False):
            if kind not in _MAPS or not isinstance(value, Pointer) or value.base is not Base.MAP:
                continue
            item = spec.maps[value.id]
            there = map_type(item)
            operations = None if there is None else map_operations(there)
            if there is None or operations is None or operations.helpers is None:
                continue
            if helper.name not in operations.helpers:
                return helper, item, there
    return None


def _meant(spec: CollectionSpec, site: CallSite, type_: ProgramType) -> tuple[HelperId, ...]:
    """Return the Windows helper a call means."""
    if site.helper is None:
        return ()
    if spec.numbering is Platform.WINDOWS:
        return (HelperId.of(Platform.WINDOWS, site.helper, type_),)
    return windows_equivalents(HelperId.of(Platform.LINUX, site.helper))
