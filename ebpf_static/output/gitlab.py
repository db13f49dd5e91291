"""``gitlab``: a Code Quality report, an array of issues.

Source: GitLab documentation, "Code Quality", "Implement a custom tool": ``description``,
``check_name``, ``fingerprint``, ``severity``, ``location.path`` and ``location.lines.begin``. Paths
are relative to the repository, without ``./``; GitLab does not show ``check_name``, so the
description begins with it.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ebpf_static.errors import escape
from ebpf_static.findings import Failure, Finding, Report
from ebpf_static.output.json_text import dumps
from ebpf_static.output.places import also_at, file_and_line, with_fingerprints
from ebpf_static.output.style import RenderOptions

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}
FAILURE = "ebpf-static-failure"


def render(report: Report, options: RenderOptions) -> str:
    """Return one issue per active finding, and one per failure."""
    del options
    issues = [
        _issue(finding, mark, also_at(report, finding))
        for finding, mark in with_fingerprints(report.active)
    ]
    return dumps([*issues, *(_failure(failure) for failure in dict.fromkeys(report.failures))])


def _issue(finding: Finding, fingerprint: str, elsewhere: str) -> dict[str, Any]:
    place = finding.location
    path, line = file_and_line(place)
    text = f"{finding.code}: {escape(finding.message)}"
    if finding.target:
        text += f" [{escape(finding.target)}]"
    if path != place.object:
        text += f" ({place})"
    elif place.logical:
        text += f" ({place.logical})"
    if elsewhere:
        text += f"; {escape(elsewhere)}"
    severity = _SEVERITIES[finding.severity.value]
    return _entry(text, finding.name, fingerprint, severity, path, line)


def _failure(failure: Failure) -> dict[str, Any]:
    parts = f"{FAILURE}\0{failure.object}\0{failure.message}"
    digest = hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return _entry(escape(failure.message), FAILURE, digest, "critical", failure.object or ".", 1)


def _entry(
    text: str, check: str, fingerprint: str, severity: str, path: str, line: int
) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": escape(path).removeprefix("./"), "lines": {"begin": line}},
    }
