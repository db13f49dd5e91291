"""``jsonl``: one finding a line, suppressed ones included, each an item of ``json``'s findings.

Failures and counts are not part of it: the exit status and standard error tell of them.
"""

from __future__ import annotations

from ebpf_static.findings import Report
from ebpf_static.output.json_text import dumps_line
from ebpf_static.output.json_v1 import finding_to_dict
from ebpf_static.output.style import RenderOptions


def render(report: Report, options: RenderOptions) -> str:
    """Return one JSON object a line."""
    return "".join(
        dumps_line(finding_to_dict(finding, options.links, report)) for finding in report.findings
    )
