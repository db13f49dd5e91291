"""``sarif``: Static Analysis Results Interchange Format 2.1.0.

Sources: OASIS SARIF 2.1.0 (errata 01), and GitHub's "SARIF support for code scanning", which takes
at most 25 000 results a run, shows alerts by line, and tells them apart by fingerprint. Our
artefacts are binary, so the fingerprints are ours: nobody could compute them from source text.
"""

from __future__ import annotations

import re
from typing import Any

from ebpf_static import __version__
from ebpf_static.errors import escape
from ebpf_static.findings import Failure, Finding, Location, Report
from ebpf_static.output.json_text import dumps
from ebpf_static.output.places import is_in_source, path_inside, with_fingerprints
from ebpf_static.output.rule_page import RulePage, section, to_markdown
from ebpf_static.output.style import RenderOptions

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
HOME = "https://github.com/ebpf-static/ebpf-static"
FINGERPRINT = "ebpfStatic/v1"
MAX_RESULTS = 25_000
"""Results GitHub takes in a run; the most severe are kept."""

MAX_PLACES = 100
"""Copies of an object a result names; a layered image may hold thousands."""

_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:/")
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}


def render(report: Report, options: RenderOptions) -> str:
    """Return a log of one run."""
    kept = report.findings
    if len(kept) > MAX_RESULTS:
        kept = tuple(sorted(kept, key=lambda finding: finding.severity.rank)[:MAX_RESULTS])
    rules = _rules(kept, options.pages)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {
        "name": "ebpf-static",
        "semanticVersion": __version__,
        "informationUri": HOME,
        "rules": rules,
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(report, len(kept))],
        "results": [
            _result(f, mark, index[f.code], report.places_of(f.location.object))
            for f, mark in with_fingerprints(kept)
        ],
        "properties": {"targets": list(report.targets), "objects": list(report.objects)},
    }
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(findings: tuple[Finding, ...], pages: tuple[RulePage, ...]) -> list[dict[str, Any]]:
    known = {page.meta.code: page for page in pages}
    fired = {finding.code: finding.name for finding in findings}
    return [
        _describe(known[code]) if code in known else {"id": code, "name": name}
        for code, name in sorted(fired.items())
    ]


def _describe(page: RulePage) -> dict[str, Any]:
    meta = page.meta
    markdown = to_markdown(meta)
    rule: dict[str, Any] = {
        "id": meta.code,
        "name": meta.name,
        "shortDescription": {"text": meta.summary},
        "fullDescription": {"text": section(meta, "What it does") or meta.summary},
        "help": {"text": markdown, "markdown": markdown},
        "defaultConfiguration": {"level": meta.severity.value},
        "properties": {
            "tags": ["ebpf", meta.code.rstrip("0123456789"), *(p.value for p in meta.platforms)],
            "problem.severity": _PROBLEM[meta.severity.value],
        },
    }
    if page.url:
        rule["helpUri"] = page.url
    return rule


def _invocation(report: Report, kept: int) -> dict[str, Any]:
    notices = [_notification(failure) for failure in report.failures]
    if kept < len(report.findings):
        text = f"{len(report.findings) - kept} findings are left out: a run holds {MAX_RESULTS}"
        notices.append({"level": "warning", "message": {"text": text}})
    invocation: dict[str, Any] = {"executionSuccessful": not report.failures}
    if notices:
        invocation["toolExecutionNotifications"] = notices
    return invocation


def _notification(failure: Failure) -> dict[str, Any]:
    notice: dict[str, Any] = {"level": "error", "message": {"text": _text(failure.message)}}
    if failure.object:
        notice["locations"] = [{"physicalLocation": {"artifactLocation": _uri(failure.object)}}]
    return notice


def _result(
    finding: Finding, fingerprint: str, index: int, places: tuple[str, ...]
) -> dict[str, Any]:
    text = finding.message + (f" [{finding.target}]" if finding.target else "")
    first, *rest = finding.locations
    related = [_location(place) for place in rest]
    if first.file is not None and first.line:
        related.insert(0, _in_object(first))
    related += [_copy(name) for name in places[:MAX_PLACES]]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": _text(text)},
        "locations": [_location(first)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": _properties(finding),
    }
    if related:
        result["relatedLocations"] = [{**place, "id": n} for n, place in enumerate(related, 1)]
    if finding.suppressed_by is not None:
        kind = "inSource" if is_in_source(finding) else "external"
        reason = _text(finding.suppressed_by)
        result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": reason}]
    return result


def _copy(name: str) -> dict[str, Any]:
    physical = {"artifactLocation": _uri(name), "region": {"startLine": 1}}
    return {"physicalLocation": physical, "message": {"text": "the same object"}}


def _properties(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {"confidence": finding.confidence.value}
    if finding.target:
        found["target"] = finding.target
    if finding.help:
        found["help"] = finding.help
    if finding.related:
        found["related"] = list(finding.related)
    if finding.undecided:
        found["undecided"] = True
    return found


def _location(place: Location) -> dict[str, Any]:
    """Return the source line where it is known, else the place in the object."""
    if place.file is None or not place.line:
        return _in_object(place)
    region: dict[str, Any] = {"startLine": place.line}
    if place.column:
        region["startColumn"] = place.column
    if place.source:
        region["snippet"] = {"text": escape(place.source)}
    return {
        "physicalLocation": {"artifactLocation": _uri(place.file), "region": region},
        **_logical(place),
    }


def _in_object(place: Location) -> dict[str, Any]:
    # Code scanning shows alerts by line; the 1 is for it alone, what is known is the offset.
    region: dict[str, Any] = {"startLine": 1}
    if place.offset is not None:
        region["byteOffset"] = place.offset
    physical = {"artifactLocation": _uri(place.object), "region": region}
    return {"physicalLocation": physical, **_logical(place)}


def _logical(place: Location) -> dict[str, Any]:
    name = place.program or place.map or place.symbol or place.section
    if not name:
        return {}
    kind = "function" if place.program else "variable" if place.map or place.symbol else "module"
    logical = {"name": escape(name), "fullyQualifiedName": path_inside(place), "kind": kind}
    found: dict[str, Any] = {"logicalLocations": [logical]}
    if place.insn is not None:
        found["properties"] = {"insn": place.insn}
    return found


def _uri(path: str) -> dict[str, str]:
    from urllib.parse import quote

    text = path.replace("\\", "/")
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogatepass")
    prefix = "file://" if text.startswith("/") else ""
    if _WINDOWS_DRIVE.match(text):
        return {"uri": f"file:///{text[:2]}{quote(raw[2:], safe='/')}"}
    return {"uri": prefix + quote(raw, safe="/")}


def _text(text: str) -> str:
    """Return text as SARIF's plain text, in which ``[a](b)`` would be a link."""
    return escape(text).replace("](", "] (")
