r"""``json``: one versioned document, independent of how the models happen to be written.

Version 1::

    {
      "schema_version": 1,
      "tool": {"name": "ebpf-static", "version": "0.1.0"},
      "loaders": ["cilium:0.22"],       libraries objects are loaded with; empty: libbpf
      "targets": ["linux:5.15"],        what was judged for; empty: each object's own platform
      "objects": ["a.bpf.o"],           what was judged, sorted
      "findings": [{
        "code": "MAP101", "name": "map-type-unknown",
        "severity": "error|warning|note", "confidence": "high|medium|low",
        "message": "...", "help": "...", "related": ["..."],
        "url": "https://..." or null,   the rule's page, where one is published
        "target": "linux:5.15" or null, "fingerprint": "32 hex digits",
        "suppressed_by": "..." or null,
        "also_at": ["..."],               where else the same object was found
        "programs": entry programs concerned, empty when the location says,
        "undecided": true when it cannot be decided from what is known,
        "locations": [{               the first is the primary one
          "object": "a.bpf.o",
          "section": ..., "program": ..., "map": ..., "symbol": ...,    text or null
          "insn": ..., "offset": ...,                                   number or null
          "file": ..., "line": ..., "column": ..., "source": ...        from line information
        }]
      }],
      "failures": [{"object": "...", "message": "...", "rule": code or null}],  exit status 2
      "skipped": ["..."],
      "rules": ["MAP101"],              codes of the rules that ran on any object, sorted
      "stale": ["..."],                 entries of the baseline that no finding matches any more
      "copies": [{"object": "...", "places": ["..."]}],   byte for byte the same, judged once
      "summary": {"errors": 0, "warnings": 0, "notes": 0, "suppressed": 0, "objects": 1,
                  "failures": 0, "by_code": {"MAP101": 1}}
    }

Fields are added within a version; removing or changing one makes a new version. Everything but
printable ASCII in texts is written as ``\\uXXXX``, so no name can reach a terminal raw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ebpf_static import __version__
from ebpf_static.findings import Finding, Location, Report, Severity
from ebpf_static.output.json_text import dumps
from ebpf_static.output.style import RenderOptions
from ebpf_static.output.summary import count_by_code

SCHEMA_VERSION = 1


def render(report: Report, options: RenderOptions) -> str:
    """Return the document, indented, keys in the documented order."""
    return dumps(to_dict(report, options.links))


def to_dict(report: Report, links: Mapping[str, str]) -> dict[str, Any]:
    """Return the document as plain values, with addresses of rules' pages by code."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "ebpf-static", "version": __version__},
        "targets": list(report.targets),
        "loaders": list(report.loaders),
        "objects": list(report.objects),
        "findings": [finding_to_dict(finding, links, report) for finding in report.findings],
        "failures": [
            {"object": f.object, "message": f.message, "rule": f.rule} for f in report.failures
        ],
        "skipped": list(report.skipped),
        "rules": sorted({code for ran in report.ran for code in ran.rules}),
        "stale": list(report.stale),
        "copies": [{"object": c.object, "places": list(c.places)} for c in report.copies],
        "summary": _summary(report),
    }


def finding_to_dict(finding: Finding, links: Mapping[str, str], report: Report) -> dict[str, Any]:
    """Return one finding as plain values, with addresses of rules' pages by code."""
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": finding.message,
        "help": finding.help,
        "related": list(finding.related),
        "url": links.get(finding.code) or None,
        "target": finding.target,
        "fingerprint": finding.fingerprint,
        "suppressed_by": finding.suppressed_by,
        "also_at": list(report.places_of(finding.location.object)),
        "programs": list(finding.programs),
        "undecided": finding.undecided,
        "locations": [_location(location) for location in finding.locations],
    }


def _location(location: Location) -> dict[str, Any]:
    return {
        "object": location.object,
        "section": location.section,
        "program": location.program,
        "map": location.map,
        "symbol": location.symbol,
        "insn": location.insn,
        "offset": location.offset,
        "file": location.file,
        "line": location.line,
        "column": location.column,
        "source": location.source,
    }


def _summary(report: Report) -> dict[str, Any]:
    return {
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "notes": report.count(Severity.NOTE),
        "suppressed": len(report.findings) - len(report.active),
        "objects": len(report.objects),
        "failures": len(report.failures),
        "by_code": {code: number for (code, _), number in count_by_code(report).items()},
    }
