"""Map drafts become specs: numbers get their platform, records their layout."""

from __future__ import annotations

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
    return ByName(
        spec if draft.record is None else _with_inner(spec, row, specs, draft, drafts)
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
    spec: MapSpec,
    row: dict[str, Any],
    specs: list[MapSpec],
    draft: MapDraft,
    drafts: tuple[MapDraft, ...],
) -> MapSpec:
    """Resolve a legacy map's inner map, named by record index or by id."""
    inner = _find_inner(row, specs, draft, drafts)
    if inner is None or inner is spec:
        return spec
    return spec.model_copy(update={"inner": inner, "inner_name": inner.name})


def _find_inner(
    row: dict[str, Any], specs: list[MapSpec], draft: MapDraft, drafts: tuple[MapDraft, ...]
) -> MapSpec | None:
    inner_id = row.get("legacy_inner_id")
    if inner_id:
        return next((s for s in specs if s.legacy_id == inner_id), None)
    index = row.get("legacy_inner_index")
    if not index:
        return None
    siblings = [i for i, d in enumerate(drafts) if d.section_index == draft.section_index]
    return specs[siblings[index]] if index < len(siblings) else None
