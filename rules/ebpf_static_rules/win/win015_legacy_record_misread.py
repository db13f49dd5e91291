"""WIN015."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.specs.section import ByteOrder
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.win.base import WindowsRule

_RECORD = 32
_OLD_RECORD = 36
_SHORTEST = 16
_OF_MAPS = ("HASH_OF_MAPS", "ARRAY_OF_MAPS")
_TOLERANT = ("PROG_ARRAY",)
"""Types whose constructor tolerates an inner map it has no use for."""

Problem = tuple[Severity, str, str]


class LegacyRecordMisread(WindowsRule):
    """A map record in section `maps` is read as something it does not say.

    What it does
    ------------
    Looks at legacy map records as Windows lays them out: `inner_map_idx` at offset 16, where Linux
    has `map_flags`, and `pinning` at 20. Reports an inner map on a type that has none, records from
    before 0.2 and of impossible length, and inner map index 0 in a map of maps. (MAP108 reports
    records of merely another length.)

    Why it matters
    --------------
    A Linux record with flags becomes a map with an inner map, which Windows refuses or resolves to
    a map nobody meant; fields a short record lacks read as zero. The 36-byte records from before
    0.2 start with their size, so every field moves. Index 0 means "none" in native images.

    Example
    -------
    ::

        struct bpf_map_def SEC("maps") m = { .type = BPF_MAP_TYPE_HASH, .key_size = 4,
            .value_size = 4, .max_entries = 16, .map_flags = BPF_F_NO_PREALLOC };

    How to fix
    ----------
    Define maps in `.maps` with BTF, which both platforms read the same way.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_structs.h (ebpf_map_definition_in_file_t)
    """

    code = "WIN015"
    name = "legacy-record-misread"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each record that is misread."""
        for item in spec.maps:
            if item.record is None:
                continue
            problem = _problem(item.record, spec.byte_order)
            if problem is not None:
                severity, words, advice = problem
                yield self.finding(
                    context, f"map `{item.name}` {words}", locate.map(item),
                    help=advice, severity=severity,
                )  # fmt: skip


def _problem(record: bytes, byte_order: ByteOrder) -> Problem | None:
    words = [int.from_bytes(record[at : at + 4], byte_order) for at in range(0, _RECORD, 4)]
    advice = "define the map in `.maps` with BTF"
    size = len(record)
    if size < _SHORTEST or size % 4:
        return Severity.ERROR, f"has a record of {size} bytes, which the verifier refuses", advice
    if size == _OLD_RECORD and words[0] == _OLD_RECORD:
        return Severity.ERROR, "has a 36-byte record from before efW 0.2: every field moved", advice
    number, index, inner_id = words[0], words[4], words[7]
    type_ = MapType.of(Platform.WINDOWS, number)
    if type_.name in _OF_MAPS:
        if not index and not inner_id:
            what = "names its inner map by index 0, which native images take for none"
            return Severity.WARNING, what, "name the inner map by `id` and `inner_id`"
        return None
    if (index or inner_id) and type_.name not in _TOLERANT:
        return Severity.ERROR, _inner(index, inner_id, size), advice
    return None


def _inner(index: int, inner_id: int, size: int) -> str:
    if not index:
        return f"has inner map id {inner_id}, but its type takes no inner map"
    linux = " (on Linux these bytes are map_flags)" if size != _RECORD else ""
    return f"has {index:#x} at offset 16, read as an inner map its type does not take{linux}"
