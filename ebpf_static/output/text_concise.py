"""``concise``: one line per finding, ``path: location: CODE message``, stable and greppable."""

from __future__ import annotations

from ebpf_static.errors import escape
from ebpf_static.findings import Finding, Report
from ebpf_static.output.style import RenderOptions, Style
from ebpf_static.output.summary import ending


def render(report: Report, options: RenderOptions) -> str:
    """Return one line per active finding, then the counts."""
    lines = [_line(finding, options.style) for finding in report.active]
    return "".join(lines) + ending(
        report, options.style, with_footer=options.footer, with_statistics=options.statistics
    )


def _line(finding: Finding, style: Style) -> str:
    code = style(finding.severity.value, escape(finding.code))
    target = f" [{escape(finding.target)}]" if finding.target else ""
    return f"{style('bold', str(finding.location))}: {code} {escape(finding.message)}{target}\n"
