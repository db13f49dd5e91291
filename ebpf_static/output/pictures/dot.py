r"""DOT, for Graphviz and whatever else reads it.

Source: https://graphviz.org/doc/info/lang.html. Every name goes into a quoted string, never into an
HTML-like one, with quotes, backslashes and ampersands escaped: in such a string nothing else has a
meaning, and ``\N``, ``\l`` or ``&quot;`` of an object's making stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.output.pictures.drawing import Drawing, Edge, Node, Shape

_COLORS = {"error": "#c62828", "warning": "#b26a00", "note": "#1565c0"}
_SHAPES = {Shape.MAP: "cylinder", Shape.HELPER: "ellipse", Shape.KFUNC: "ellipse",
           Shape.NOWHERE: "octagon"}  # fmt: skip
_STYLES = {"computed": "dashed", "callback": "dashed", "holds": "dotted", "tail-call": "bold"}


def render(drawing: Drawing) -> str:
    """Return the drawing as one directed graph, a cluster for each group of several."""
    lines = [
        "digraph {",
        f"  label={_quoted(' – '.join((drawing.title, *drawing.notes)))};",
        '  labelloc="t";',
        *(['  rankdir="LR";'] if drawing.sideways else []),
        '  node [shape="box", fontname="monospace", fontsize="10"];',
        '  edge [fontname="monospace", fontsize="9"];',
    ]
    for number, group in enumerate(drawing.groups):
        inside = [n for n, node in enumerate(drawing.nodes) if node.group == number]
        indent = "  "
        if group:
            lines += [f"  subgraph cluster{number} {{", f"    label={_quoted(group)};"]
            indent = "    "
        lines += [f"{indent}n{n} [{_node(drawing.nodes[n])}];" for n in inside]
        lines += ["  }"] if group else []
    lines += [f"  n{edge.source} -> n{edge.target}{_edge(edge)};" for edge in drawing.edges]
    return "\n".join((*lines, "}")) + "\n"


def _node(node: Node) -> str:
    text = "\\l".join(_escaped(line) for line in (node.title, *(it.text for it in node.lines)))
    attributes = [f'label="{text}\\l"' if node.lines else f'label="{text}"']
    if node.shape in _SHAPES:
        attributes.append(f'shape="{_SHAPES[node.shape]}"')
    if node.severity is not None:
        attributes.append(f'color="{_COLORS[node.severity]}", penwidth="2"')
    if node.dead:
        attributes.append('style="dashed", fontcolor="gray40"')
    elif node.shape is Shape.PROGRAM:
        attributes.append('style="bold"')
    return ", ".join(attributes)


def _edge(edge: Edge) -> str:
    return f" [{', '.join(found)}]" if (found := list(_edge_attributes(edge))) else ""


def _edge_attributes(edge: Edge) -> Iterator[str]:
    if edge.label:
        yield f"label={_quoted(edge.label)}"
    if edge.kind in _STYLES:
        yield f'style="{_STYLES[edge.kind]}"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
