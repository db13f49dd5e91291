"""``markdown``: a summary and the findings, made for ``$GITHUB_STEP_SUMMARY`` and merge requests.

Every text from an object or a message is escaped: see :mod:`ebpf_static.markdown`.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from ebpf_static.findings import Confidence, Finding, Report, Severity
from ebpf_static.markdown import code, message, text
from ebpf_static.output.places import also_at
from ebpf_static.output.rule_page import RulePage
from ebpf_static.output.style import PLAIN, RenderOptions
from ebpf_static.output.summary import footer

MAX_SHOWN = 500
"""Findings spelled out; a step summary holds 1 MiB."""

_MARKS = {"error": "❌", "warning": "⚠️", "note": "ℹ️"}  # noqa: RUF001 - the information sign


def render(report: Report, options: RenderOptions) -> str:
    """Return the report, a table of counts first."""
    urls = {page.meta.code: page for page in options.pages}
    parts = ["# ebpf-static", footer(report, PLAIN).strip()]
    if report.targets:
        parts.append("Judged for " + ", ".join(code(target) for target in report.targets) + ".")
    if report.loaders:
        parts.append("Loaded with " + ", ".join(code(it) for it in report.loaders) + ".")
    if report.failures:
        parts.append("## Failures")
        parts.append("\n".join(_failure(f.object, f.message) for f in report.failures))
    active = report.active
    if active:
        shown = set(sorted(active, key=lambda finding: finding.severity.rank)[:MAX_SHOWN])
        parts += [_table(report), "## Findings"]
        parts += [_finding(it, urls, also_at(report, it)) for it in active if it in shown]
        parts += _left_out([finding for finding in active if finding not in shown])
    parts += _suppressed(report)
    return "\n\n".join(parts) + "\n"


def _table(report: Report) -> str:
    rows = ["| object | errors | warnings | notes |", "|---|--:|--:|--:|"]
    for name, group in groupby(report.active, key=lambda finding: finding.location.object):
        found = [finding.severity for finding in group]
        counts = " | ".join(str(found.count(severity)) for severity in Severity)
        rows.append(f"| {code(name)} | {counts} |")
    return "\n".join(rows)


def _finding(finding: Finding, pages: dict[str, RulePage], elsewhere: str) -> str:
    page = pages.get(finding.code)
    title = f"{text(finding.code)} {text(finding.name)}"
    if page is not None and page.url:
        title = f"[{title}]({page.url})"
    mark = _MARKS[finding.severity.value]
    lines = [f"- {mark} **{finding.severity.value}** {title}: {message(finding.message)}"]
    lines += [f"at {text(str(place))}" for place in finding.locations]
    if finding.location.source and finding.location.source.strip():
        lines.append(code(finding.location.source.strip()))
    lines += [f"note: {message(line)}" for line in finding.related]
    if elsewhere:
        lines.append(text(elsewhere))
    if finding.target:
        lines.append(f"judged for {code(finding.target)}")
    if finding.confidence is not Confidence.HIGH:
        lines.append(f"{finding.confidence.value} confidence")
    lines += [f"**help**: {message(line)}" for line in finding.help.splitlines()]
    return "<br>\n  ".join(lines)


def _left_out(findings: list[Finding]) -> list[str]:
    """Return a line that counts what there was no room for; the most severe had it first."""
    if not findings:
        return []
    counts = Counter(finding.code for finding in findings)
    listed = ", ".join(f"{text(code)} ({number})" for code, number in sorted(counts.items()))
    return [f"… and {len(findings)} more: {listed}."]


def _failure(name: str, what: str) -> str:
    return f"- ❌ {code(name)}: {text(what)}" if name else f"- ❌ {text(what)}"


def _suppressed(report: Report) -> list[str]:
    hidden = [f for f in report.findings if f.suppressed_by is not None]
    if not hidden:
        return []
    lines = [
        f"- {text(f.code)} at {text(str(f.location))}: {message(f.message)} "
        f"({text(f.suppressed_by or '')})"
        for f in hidden[:MAX_SHOWN]
    ]
    if len(hidden) > MAX_SHOWN:
        lines.append(f"- … and {len(hidden) - MAX_SHOWN} more")
    summary = f"<details><summary>{len(hidden)} suppressed</summary>"
    return [summary, "\n".join(lines), "</details>"]
