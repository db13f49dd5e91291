"""Renderers: a report in, text out; one module per format, imported when asked for.

Every renderer is a pure function of the report and the options, so the same report gives the same
text everywhere. To add a format: one module with ``render`` and one row here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from ebpf_static.findings import Report
    from ebpf_static.output.style import RenderOptions

_MODULES = {
    "full": "text_full",
    "concise": "text_concise",
    "json": "json_v1",
    "jsonl": "jsonl",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
    "markdown": "markdown",
}

FORMATS = tuple(_MODULES)
"""Names of the formats, the default first."""

DESCRIBING_FORMATS = ("sarif", "markdown")
"""Those that say what the rules are about, and want their pages."""

LINKING_FORMATS = ("json", "jsonl")
"""Those that say of every finding where its rule's page is."""


class Renderer(Protocol):
    """Turns a report into the whole text of one format, newline at the end included."""

    def __call__(self, report: Report, options: RenderOptions) -> str:
        """Return the text."""


def get_renderer(name: str) -> Renderer:
    """Return the renderer of the format called ``name``, one of :data:`FORMATS`."""
    module = import_module(f"ebpf_static.output.{_MODULES[name]}")
    return cast("Renderer", module.render)
