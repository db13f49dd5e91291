"""MAP104."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec, ReferenceKind
from ebpf_static.support import loader_answer
from ebpf_static.target import Library, Platform
from ebpf_static_rules.wording import listed, tick

_RECORD_BYTES = 20
"""Type, sizes of key and value, entries and flags."""


class LegacyMapDefinition(Rule):
    """Maps are declared by fixed records, which libbpf takes no longer.

    What it does
    ------------
    Reports objects that declare maps in a section called `maps`, as `struct bpf_map_def` did, and
    those whose code refers to a map in `maps/NAME` or `NAME/maps`. Where nothing refers to such a
    section, libbpf passes over it, and it is a warning.

    Why it matters
    --------------
    libbpf 1.0 and newer refuse the whole object: "legacy map definitions in 'maps' section are
    not supported by libbpf v1.0+", or "bad map relo against 'x'". iproute2 built without libbpf,
    cilium/ebpf and aya take such objects to this day, hence the medium confidence; if one of these
    is your loader, ignore this rule.

    Example
    -------
    ::

        struct bpf_map_def SEC("maps") packets = {
                .type = BPF_MAP_TYPE_ARRAY,
                .key_size = sizeof(__u32),
                .value_size = sizeof(__u64),
                .max_entries = 1,
        };

    How to fix
    ----------
    Declare the map by its type, and compile with `-g`::

        struct {
                __uint(type, BPF_MAP_TYPE_ARRAY);
                __type(key, __u32);
                __type(value, __u64);
                __uint(max_entries, 1);
        } packets SEC(".maps");

    References
    ----------
    https://github.com/libbpf/libbpf/wiki/Libbpf-1.0-migration-guide
    """

    code = "MAP104"
    name = "legacy-map-definition"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each section of records, or each record that is not taken."""
        if loader_answer("legacy_maps", context.loader) == "takes":
            yield from self._by_record(spec, context)
            return
        by_section: dict[str, list[MapSpec]] = {}
        for item in spec.maps:
            if item.origin is MapOrigin.LEGACY and item.section != ".maps":
                by_section.setdefault(item.section, []).append(item)
        used = _used_sections(spec) if by_section else frozenset()
        for section, maps in by_section.items():
            names = listed([tick(item.name) for item in maps])
            refused = section == "maps" or section in used
            yield self.finding(
                context,
                f"section `{section}` declares {names} by legacy records, which libbpf "
                + ("1.0 and newer refuse" if refused else "passes over"),
                Locator(spec, context).map(maps[0]),
                help="declare the maps in `.maps` with `__uint` and `__type`, and compile with "
                "`-g`",
                severity=Severity.ERROR if refused else Severity.WARNING,
                confidence=Confidence.MEDIUM,
            )

    def _by_record(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        for item in spec.maps:
            if item.origin is not MapOrigin.LEGACY or item.record is None:
                continue
            if len(item.record) < _RECORD_BYTES:
                what = f"is a record of {len(item.record)} bytes, and needs {_RECORD_BYTES}"
            elif context.loader.library is not Library.AYA and any(item.record[_RECORD_BYTES:]):
                what = f"is a record with more behind its first {_RECORD_BYTES} bytes"
            else:
                continue
            yield self.finding(
                context,
                f"map `{item.name}` {what}, which {context.loader.label} refuses",
                Locator(spec, context).map(item),
                help="declare the map in `.maps` with `__uint` and `__type`",
            )


def _used_sections(spec: CollectionSpec) -> frozenset[str]:
    """Return the sections of the maps that code refers to."""
    targets = {
        reference.target
        for function in spec.functions
        for reference in function.references
        if reference.kind is ReferenceKind.MAP and 0 <= reference.target < len(spec.maps)
    }
    return frozenset(spec.maps[target].section for target in targets)
