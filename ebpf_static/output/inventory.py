"""The inventory of a scan: which objects there are, as text for people or JSON for programs.

JSON, version 1::

    {
      "schema_version": 1,
      "tool": {"name": "ebpf-static", "version": "0.1.0"},
      "objects": [{
        "path": "image.tar!layer2!/usr/bin/agent!obj@0x4f2a0",
        "also_at": ["..."],               where else, byte for byte the same
        "sha256": "64 hex digits", "size": bytes,
        "platform": "linux|windows|unknown",
        "programs": [{"name": "...", "type": "XDP"}], "maps": [{"name": "...", "type": "HASH"}],
        "problem": "..." or null          why it cannot be read
      }],
      "failures": [{"object": "...", "message": "..."}],
      "skipped": ["..."]
    }

``jsonl`` is one item of ``objects`` a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ebpf_static import __version__
from ebpf_static.errors import escape
from ebpf_static.output.json_text import dumps, dumps_line
from ebpf_static.output.style import Style

if TYPE_CHECKING:
    from ebpf_static.scanning.inventory import FoundObject, Inventory

SCHEMA_VERSION = 1
FORMATS = ("full", "concise", "json", "jsonl")
"""Formats of reports an inventory has, too."""

_MAX_PLACES = 5


def render(inventory: Inventory, output_format: str, style: Style) -> str:
    """Return the inventory in one of :data:`FORMATS`."""
    if output_format == "json":
        return dumps(_document(inventory))
    if output_format == "jsonl":
        return "".join(dumps_line(_object(found)) for found in inventory.objects)
    if output_format == "concise":
        return "".join(f"{escape(found.path)}\n" for found in inventory.objects)
    number = len(inventory.objects)
    footer = f"Found {number} {'object' if number == 1 else 'objects'}\n"
    return "".join(_block(found, style) for found in inventory.objects) + footer


def _block(found: FoundObject, style: Style) -> str:
    lines = [style("bold", escape(found.path))]
    lines.append(f"  {found.platform or 'unreadable'}, {found.size} bytes, sha256 {found.sha256}")
    for title, rows in (("programs", found.programs), ("maps", found.maps)):
        if rows:
            listed = ", ".join(f"{escape(name)} ({escape(kind)})" for name, kind in rows)
            lines.append(f"  {title}: {listed}")
    if found.problem:
        lines.append(f"  {style('error', 'malformed')}: {escape(found.problem)}")
    lines += [f"  also at {escape(place)}" for place in found.also_at[:_MAX_PLACES]]
    if len(found.also_at) > _MAX_PLACES:
        lines.append(f"  and at {len(found.also_at) - _MAX_PLACES} more places")
    return "\n".join(lines) + "\n\n"


def _document(inventory: Inventory) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "ebpf-static", "version": __version__},
        "objects": [_object(found) for found in inventory.objects],
        "failures": [{"object": f.object, "message": f.message} for f in inventory.failures],
        "skipped": list(inventory.skipped),
    }


def _object(found: FoundObject) -> dict[str, Any]:
    return {
        "path": found.path,
        "also_at": list(found.also_at),
        "sha256": found.sha256,
        "size": found.size,
        "platform": found.platform or "unknown",
        "programs": [{"name": name, "type": kind} for name, kind in found.programs],
        "maps": [{"name": name, "type": kind} for name, kind in found.maps],
        "problem": found.problem or None,
    }
