"""Mermaid, which GitHub, GitLab and most Markdown viewers draw.

Source: https://mermaid.js.org/syntax/flowchart.html ("Entity codes to escape characters"). Labels
are quoted, and every character of a name that is no letter, digit or harmless mark is written as
its number, so that nothing can end the label, start Markdown or become HTML.
"""

from __future__ import annotations

import re
from typing import Final

from ebpf_static.output.pictures.drawing import Drawing, Edge, Node, Shape

MAX_TEXT: Final = 50_000
"""Characters viewers draw by default (``maxTextSize``)."""
MAX_EDGES: Final = 500
"""Arrows they draw (``maxEdges``)."""
_SPECIAL = re.compile(r"[^A-Za-z0-9 _.,+/*=()\[\]-]")
_BRACKETS = {Shape.MAP: ('[("', '")]'), Shape.HELPER: ('(["', '"])'), Shape.KFUNC: ('(["', '"])'),
             Shape.NOWHERE: ('{{"', '"}}')}  # fmt: skip
_ARROWS = {"computed": "-.->", "callback": "-.->", "holds": "-.->", "tail-call": "==>"}
_CLASSES = {
    "error": "stroke:#c62828,stroke-width:3px",
    "warning": "stroke:#b26a00,stroke-width:3px",
    "note": "stroke:#1565c0,stroke-width:2px",
    "dead": "stroke-dasharray:4 3,opacity:0.6",
}


def render(drawing: Drawing) -> str:
    """Return the drawing as a flowchart; boxes lose their code where viewers would not take it."""
    text = _render(drawing)
    if len(text) <= MAX_TEXT:
        return text
    spare = [_without_code(node) for node in drawing.nodes]
    return _render(drawing._replace(nodes=tuple(spare)))


def warnings(drawing: Drawing, text: str) -> list[str]:
    """Return why viewers may refuse the text, one line each."""
    found = []
    if len(text) > MAX_TEXT:
        found.append(f"{len(text)} characters, and most viewers of Mermaid draw {MAX_TEXT}")
    if len(drawing.edges) > MAX_EDGES:
        found.append(f"{len(drawing.edges)} arrows, and most viewers of Mermaid draw {MAX_EDGES}")
    return found


def _render(drawing: Drawing) -> str:
    title = " – ".join((drawing.title, *drawing.notes))
    lines = [f"flowchart {'LR' if drawing.sideways else 'TD'}", f"  %% {_SPECIAL.sub('.', title)}"]
    classes: dict[str, list[str]] = {}
    for number, group in enumerate(drawing.groups):
        inside = [n for n, node in enumerate(drawing.nodes) if node.group == number]
        if group:
            lines.append(f'  subgraph g{number}["{_escaped(group)}"]')
        lines += [f"  {'  ' if group else ''}{_node(n, drawing.nodes[n])}" for n in inside]
        lines += ["  end"] if group else []
    lines += [f"  {_edge(edge)}" for edge in drawing.edges]
    for n, node in enumerate(drawing.nodes):
        for name in (node.severity, "dead" if node.dead else None):
            if name is not None:
                classes.setdefault(name, []).append(f"n{n}")
    for name, members in sorted(classes.items()):
        lines.append(f"  classDef {name} {_CLASSES[name]}")
        lines.append(f"  class {','.join(members)} {name}")
    return "\n".join(lines) + "\n"


def _node(number: int, node: Node) -> str:
    before, after = _BRACKETS.get(node.shape, ('["', '"]'))
    lines = (node.title, *(line.text for line in node.lines))
    return f"n{number}{before}{'<br/>'.join(_escaped(line) for line in lines)}{after}"


def _edge(edge: Edge) -> str:
    label = f'|"{_escaped(edge.label)}"|' if edge.label else ""
    return f"n{edge.source} {_ARROWS.get(edge.kind, '-->')}{label} n{edge.target}"


def _without_code(node: Node) -> Node:
    kept = tuple(line for line in node.lines if line.role not in ("code", "source"))
    return node._replace(lines=kept)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)
