"""MAP202."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec
from ebpf_static.support import Release, feature, flag_names, map_flag, map_type
from ebpf_static_rules.map.creation import iter_created
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.wording import listed, tick

_MMAPABLE = "BPF_F_MMAPABLE"


class MapFlagUnavailable(ReleaseRule):
    """A map is created with a flag the target kernel does not take for its type.

    What it does
    ------------
    Reports map flags that the release judged for does not know, or refuses for maps of that type.

    Why it matters
    --------------
    Creating the map fails (`-EINVAL`), and with it the whole object. What libbpf drops by itself
    (`BPF_F_MMAPABLE` of the maps behind global variables, before 5.5) is not reported.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_ARRAY);
                __uint(map_flags, BPF_F_MMAPABLE);         // since 5.5
                __type(key, __u32);
                __type(value, __u64);
                __uint(max_entries, 16);
        } shared SEC(".maps");

    How to fix
    ----------
    Leave the flag out, or set it from the loader where the kernel takes it
    (`bpf_map__set_map_flags`).

    References
    ----------
    https://docs.kernel.org/bpf/maps.html
    """

    code = "MAP202"
    name = "map-flag-unavailable"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.MAPS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each map with such flags."""
        locate = Locator(spec, context)
        for created in iter_created(spec, context, release):
            item = created.definition
            if not item.type.known or not map_type(item.type, release).available:
                continue
            refused = []
            for flag in flag_names(item.flags):
                answer = map_flag(item.type, flag, release)
                if not answer.available and not _is_dropped(item, flag, release):
                    since = f" (since {answer.since})" if answer.since else ""
                    refused.append(f"{tick(flag)}{since}")
            if refused:
                yield self.finding(
                    context,
                    f"{created.words} has {listed(refused)} among its flags, which "
                    f"{release.label} does not take for type {item.type.name}",
                    locate.map(created.declared),
                    help="leave the flag out on that release",
                    targeted=True,
                )


def _is_dropped(item: MapSpec, flag: str, release: Release) -> bool:
    """Tell whether libbpf takes a flag away that the kernel would refuse."""
    internal = item.origin in (MapOrigin.DATA, MapOrigin.KCONFIG)
    return flag == _MMAPABLE and internal and not feature("array_mmapable", release).available
