"""MAP108."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec
from ebpf_static.target import Platform

# sizeof(ebpf_map_definition_in_file_t): 32 from efW 0.2.0 on, 36 with a leading size before.
_EFW_BYTES = (32, 36)


class LegacyRecordLayoutUnknown(Rule):
    """A legacy map record has the layout of no loader known here.

    What it does
    ------------
    Warns about map records whose size and content fit none of libbpf's, iproute2's and the
    kernel samples' structures, or, on Windows, that of eBPF for Windows. Only the first four
    numbers (type, key size, value size, entries) were read.

    Why it matters
    --------------
    What stands behind the fourth number (flags, inner map, pinning) is read differently by each
    loader. Old libbpf refuses such records ("unrecognized, non-zero options"); eBPF for Windows
    takes Linux map flags for the number of an inner map.

    Example
    -------
    ::

        struct my_map_def {
                unsigned int type, key_size, value_size, max_entries, flags;
                char pin_path[64];
        };

        struct my_map_def SEC("maps") flows = { … };

    How to fix
    ----------
    Declare the map in `.maps`, whose members carry their names.

    References
    ----------
    https://github.com/libbpf/libbpf/wiki/Libbpf-1.0-migration-guide
    """

    code = "MAP108"
    name = "legacy-record-layout-unknown"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such record."""
        platform = context.judged_platform(spec)
        for item in spec.maps:
            if item.origin is MapOrigin.LEGACY and _is_strange(item, platform):
                size = len(item.record or b"")
                yield self.finding(
                    context,
                    f"map `{item.name}` is a legacy record of {size} bytes, which is no layout "
                    f"known on {platform.label}",
                    Locator(spec, context).map(item),
                    help="declare the map in `.maps` with `__uint` and `__type`",
                )


def _is_strange(item: MapSpec, platform: Platform) -> bool:
    if item.record is None:
        return False
    if platform is Platform.WINDOWS:
        return len(item.record) not in _EFW_BYTES
    return item.layout == "unknown"
