"""Map drafts become specs: numbers get their platform, records their layout."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ebpf_static.formats.draft import MapDraft
from ebpf_static.interpret.legacy_maps import find_layout, parse_record
from ebpf_static.specs.base import ByName
from ebpf_static.specs.map import MapSpec
from ebpf_static.specs.section import ByteOrder
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType


def interpret_maps(
    drafts: tuple[MapDraft, ...], platform: Platform, byte_order: ByteOrder
) -> ByName[MapSpec]:
    """Return the specs of ``drafts`` in the platform's numbers, inner maps resolved."""
    rows = [_fields(draft, platform, byte_order) for draft in drafts]
    specs = [MapSpec.model_construct(**row) for row in rows]
    siblings: dict[int, list[MapSpec]] = defaultdict(list)
    by_id: dict[int, MapSpec] = {}
    for spec, draft in zip(specs, drafts, strict=True):
        siblings[draft.section_index].append(spec)
        if spec.legacy_id:
            by_id.setdefault(spec.legacy_id, spec)
    return ByName(
        spec
        if draft.record is None
        else _with_inner(spec, row, siblings[draft.section_index], by_id)
        for spec, row, draft in zip(specs, rows, drafts, strict=True)
    )


def _fields(draft: MapDraft, platform: Platform, byte_order: ByteOrder) -> dict[str, Any]:
    fields = draft.shared_fields()
    number = draft.number or 0
    if draft.record is not None:
        layout = find_layout(draft.record, platform, byte_order)
        fields |= parse_record(draft.record, layout, byte_order)
        fields["layout"] = layout.name
        number = fields.pop("number")
    fields["type"] = MapType.of(platform, number)
    if draft.inner is not None:
        fields["inner"] = MapSpec.model_construct(**_fields(draft.inner, platform, byte_order))
    return fields


def _with_inner(
    spec: MapSpec, row: dict[str, Any], siblings: list[MapSpec], by_id: dict[int, MapSpec]
) -> MapSpec:
    """Resolve a legacy map's inner map, named by id or by record index."""
    inner_id, index = row.get("legacy_inner_id"), row.get("legacy_inner_index")
    inner = None
    if inner_id:
        inner = by_id.get(inner_id)
    elif index and index < len(siblings):
        inner = siblings[index]
    if inner is None or inner is spec:
        return spec
    return spec.model_copy(update={"inner": inner, "inner_name": inner.name})
