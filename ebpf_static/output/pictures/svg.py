"""SVG, laid out here: no other program is asked.

The text of an object becomes text nodes and nothing else. There are no scripts, links, references
or ``style`` attributes in the picture, so that it may stand in a page with a strict policy.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple
from xml.sax.saxutils import escape as escape_xml

from ebpf_static.graph.layout import Box, Layout, Size, Wire, lay_out
from ebpf_static.output.pictures.drawing import Drawing, Edge, Line, Node
from ebpf_static.package_data import read_data

_CHAR: Final = 7.3
"""Width of a character of a monospaced font at 12 pixels, rounded up."""
_LINE: Final = 16
_PAD: Final = 9
_PORT: Final = 15
"""Height of a line of text on an edge."""
_GROUP_GAP: Final = 28
_TITLE: Final = 26
_TIP: Final = 4
_TURN: Final = 26
"""How far on a wire aims that turns round; it gets three quarters of that."""
_NAMESPACE: Final = "http://www.w3.org/2000/svg"


class _Placed(NamedTuple):
    # One group, laid out, and where its top left corner is.
    group: int
    layout: Layout
    nodes: list[int]
    edges: list[int]
    x: int
    y: int


def render(drawing: Drawing) -> str:
    """Return the drawing as a file of its own, with its colours for light and dark."""
    style = read_data("ebpf_static.output", "pictures", "picture.css")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{render_inline(drawing, style)}'


def render_inline(drawing: Drawing, style: str = "") -> str:
    """Return the drawing as an element of an HTML page, whose style sheet has its colours."""
    placed, width, height = _place(drawing)
    label = escape_xml(". ".join((drawing.title, *drawing.notes, _summary(drawing))))
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    name = f'role="img" aria-label="{_attribute(label)}"'
    parts = [
        f'<svg xmlns="{_NAMESPACE}" class="picture" {size} {name}>',
        f"<title>{escape_xml(drawing.title)}</title>",
        f"<desc>{label}</desc>",
    ]
    if style:
        parts.append(f"<style>{escape_xml(style)}</style>")
    parts.append(f'<rect class="paper" width="{width}" height="{height}"/>')
    for part in placed:
        parts.extend(_group(drawing, part))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _summary(drawing: Drawing) -> str:
    marked = sum(node.severity is not None for node in drawing.nodes)
    dead = sum(node.dead for node in drawing.nodes)
    text = f"{len(drawing.nodes)} boxes, {len(drawing.edges)} arrows"
    text += f", {marked} with findings" if marked else ""
    return text + (f", {dead} that never run" if dead else "")


def _place(drawing: Drawing) -> tuple[list[_Placed], int, int]:
    """Return each group laid out, side by side and in rows, and the size of it all."""
    members: list[list[int]] = [[] for _ in drawing.groups]
    for n, node in enumerate(drawing.nodes):
        members[node.group].append(n)
    inside: list[list[int]] = [[] for _ in drawing.groups]
    for n, edge in enumerate(drawing.edges):
        inside[drawing.nodes[edge.source].group].append(n)
    layouts = [_lay_out(drawing, *pair) for pair in zip(members, inside, strict=True)]
    area = sum((it.width + _GROUP_GAP) * (it.height + _TITLE) for it in layouts)
    most = max([int((2 * area) ** 0.5), *(it.width for it in layouts)], default=0)
    placed = []
    x = width = tall = 0
    y = _TITLE
    for group, layout in enumerate(layouts):
        titled = _text_width(drawing.groups[group]) + 2 * _PAD
        wide = max(layout.width, titled)
        if x and x + wide > most:
            x, y, tall = 0, y + tall + _GROUP_GAP, 0
        head = _TITLE if drawing.groups[group] else 0
        placed.append(_Placed(group, layout, members[group], inside[group], x, y + head))
        tall = max(tall, layout.height + head)
        width = max(width, x + wide)
        x += wide + _GROUP_GAP
    heading = _text_width(_heading(drawing)) + 2 * _PAD
    return placed, max(width, heading), y + tall


def _lay_out(drawing: Drawing, nodes: list[int], edges: list[int]) -> Layout:
    position = {node: n for n, node in enumerate(nodes)}
    pairs = [(position[drawing.edges[e].source], position[drawing.edges[e].target]) for e in edges]
    ports = [[0, 0] for _ in nodes]
    for source, target in pairs:
        ports[source][0] += 1
        ports[target][1] += 1
    sizes = []
    for node, count in zip(nodes, ports, strict=True):
        size = _size(drawing.nodes[node])
        room = _PORT * max(count) + _PAD
        wide, high = (0, room) if drawing.sideways else (_PORT * min(max(count), 40) + _PAD, 0)
        sizes.append(Size(max(size.width, wide), max(size.height, high)))
    if not drawing.sideways:
        return lay_out(sizes, pairs)
    longest = max((_text_width(drawing.edges[e].label) for e in edges), default=0)
    return lay_out(sizes, pairs, gap=longest + 56, sideways=True)


def _size(node: Node) -> Size:
    width = max(_text_width(text) for text in (node.title, *(it.text for it in node.lines)))
    return Size(width + 2 * _PAD, _LINE * (1 + len(node.lines)) + _PAD)


def _text_width(text: str) -> int:
    wide = sum(
        1 for char in text if ord(char) > 0x10FF and unicodedata.east_asian_width(char) in "WF"
    )
    return int((len(text) + wide) * _CHAR) + 1


def _heading(drawing: Drawing) -> str:
    return " – ".join((drawing.title, *drawing.notes))


def _group(drawing: Drawing, part: _Placed) -> Iterator[str]:
    if part.group == 0:
        yield _text(_PAD, 17, _heading(drawing), "heading")
    name = drawing.groups[part.group]
    if name:
        yield _text(part.x + _PAD, part.y - 7, name, "group")
    yield f'<g transform="translate({part.x} {part.y})">'
    for wire in part.layout.wires:
        yield from _wire(drawing.edges[part.edges[wire.edge]], wire, sideways=drawing.sideways)
    for node, box in zip(part.nodes, part.layout.boxes, strict=True):
        yield from _node(drawing.nodes[node], box)
    yield "</g>"


def _node(node: Node, box: Box) -> Iterator[str]:
    classes = ["box", node.shape.value]
    classes += [node.severity] if node.severity else []
    classes += ["dead"] if node.dead else []
    yield f'<g class="{" ".join(classes)}">'
    round_ = 12 if node.shape in ("helper", "kfunc") else 3
    yield (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="{round_}"/>'
    )
    yield _text(box.x + _PAD, box.y + _LINE, node.title, "name")
    for n, line in enumerate(node.lines):
        yield from _line(line, box, box.y + _LINE * (n + 2))
    yield "</g>"


def _line(line: Line, box: Box, y: int) -> Iterator[str]:
    if line.severity is not None:
        yield (
            f'<rect class="mark {line.severity}" x="{box.x + 3}" y="{y - 12}" '
            f'width="{box.width - 6}" height="{_LINE}"/>'
        )
    yield _text(box.x + _PAD, y, line.text, line.role)


def _text(x: int, y: int, text: str, role: str) -> str:
    return f'<text x="{x}" y="{y}" class="{role}" xml:space="preserve">{escape_xml(text)}</text>'


def _wire(edge: Edge, wire: Wire, *, sideways: bool) -> Iterator[str]:
    classes = f"wire {edge.kind}{' back' if wire.back else ''}"
    x, y = wire.points[-1]
    tip = f"M{x - 2 * _TIP} {y - _TIP}L{x} {y}L{x - 2 * _TIP} {y + _TIP}"
    if not sideways:
        tip = f"M{x - _TIP} {y - 2 * _TIP}L{x} {y}L{x + _TIP} {y - 2 * _TIP}"
    yield f'<path class="{classes}" d="{_curve(wire, sideways=sideways)}{tip}"/>'
    if edge.label:
        x, y = wire.points[0]
        at = (x + 6, y - 3) if sideways else (x + 4, y + 12)
        yield _text(*at, edge.label, "label")


def _curve(wire: Wire, *, sideways: bool) -> str:
    points = [(y, x) for x, y in wire.points] if sideways else wire.points
    (x, y), *rest = points
    found = [_command("M", [(x, y)], sideways=sideways)]
    turn = _TURN
    for to_x, to_y in rest:
        if x == to_x:
            if y != to_y:
                found.append(_command("L", [(to_x, to_y)], sideways=sideways))
        elif y == to_y:
            around = [(x, y + turn), (to_x, y + turn), (to_x, to_y)]
            found.append(_command("C", around, sideways=sideways))
            turn = -turn
        else:
            reach = max((to_y - y) // 2, 8)
            bent = [(x, y + reach), (to_x, to_y - reach), (to_x, to_y)]
            found.append(_command("C", bent, sideways=sideways))
        x, y = to_x, to_y
    return "".join(found)


def _command(letter: str, points: list[tuple[int, int]], *, sideways: bool) -> str:
    return letter + " ".join(f"{y} {x}" if sideways else f"{x} {y}" for x, y in points)


def _attribute(text: str) -> str:
    return text.replace('"', "&quot;")
