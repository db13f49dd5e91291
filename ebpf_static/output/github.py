"""``github``: workflow commands, which GitHub Actions shows as annotations.

Source: GitHub documentation, "Workflow commands for GitHub Actions", and the escaping of
actions/toolkit (packages/core/src/command.ts). GitHub shows ten annotations of a kind per step.
"""

from __future__ import annotations

from ebpf_static.errors import escape
from ebpf_static.findings import Finding, Report, Severity
from ebpf_static.output.places import also_at
from ebpf_static.output.style import RenderOptions

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def render(report: Report, options: RenderOptions) -> str:
    """Return one command per active finding and per failure."""
    del options
    lines = [_command(finding, also_at(report, finding)) for finding in report.active]
    for failure in report.failures:
        properties = {"title": "ebpf-static", "file": failure.object}
        lines.append(_format("error", properties, escape(failure.message)))
    return "".join(lines)


def _command(finding: Finding, elsewhere: str) -> str:
    place = finding.location
    properties = {"title": f"ebpf-static ({finding.code})", "file": place.file or place.object}
    if place.file is not None:
        properties |= {
            name: str(value)
            for name, value in (("line", place.line), ("col", place.column))
            if value
        }
    text = f"{place}: {escape(finding.message)}"
    if finding.target:
        text += f" [{escape(finding.target)}]"
    if elsewhere:
        text += f"\n{escape(elsewhere)}"
    if finding.help:
        text += "\n" + "\n".join(escape(line) for line in finding.help.splitlines())
    return _format(_COMMANDS[finding.severity], properties, text)


def _format(command: str, properties: dict[str, str], text: str) -> str:
    shown = ",".join(
        f"{key}={escape(value).translate(_PROPERTY)}" for key, value in properties.items() if value
    )
    return f"::{command} {shown}::{text.translate(_DATA)}\n"
