"""Where boxes and wires go: a layered drawing of a directed graph.

After K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical System
Structures" (1981): break cycles, put boxes on layers, order each layer so that few wires cross,
then place boxes as straight below each other as their widths allow. Every step takes about as long
as the graph is large, and the same graph gives the same drawing everywhere.

Wires that would pass many layers, and those that go back up, run through lanes beside the drawing:
threaded between the boxes they could be as many as boxes times layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ebpf_static.graph.layers import Layers
from ebpf_static.graph.placing import place

LAYER_GAP: Final = 44
"""Height between layers, for wires to bend in."""
LANE_GAP: Final = 9
MARGIN: Final = 12
_LOOP: Final = 26
"""How far a wire from a box to itself swings out."""

Point = tuple[int, int]


class Size(NamedTuple):
    """How large a box is; pixels."""

    width: int
    height: int


class Box(NamedTuple):
    """A box; pixels from the top left corner of the drawing."""

    x: int
    y: int
    width: int
    height: int


class Wire(NamedTuple):
    """One edge.

    Attributes:
        edge: position of the edge among those given.
        points: where it passes, from the bottom of its source to the top of its target; from each
            point to the next it leaves and arrives vertically, and between two of the same height
            it turns round.
        back: it goes back up.
    """

    edge: int
    points: tuple[Point, ...]
    back: bool


class Layout(NamedTuple):
    """A drawing: its size, and one box and one wire for each node and edge, in their order."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


def lay_out(
    sizes: Sequence[Size],
    edges: Sequence[tuple[int, int]],
    *,
    gap: int = LAYER_GAP,
    sideways: bool = False,
) -> Layout:
    """Return where the boxes of a graph and the wires between them go.

    Args:
        sizes: of each box; the first should be where reading starts.
        edges: pairs of positions in ``sizes``.
        gap: pixels between layers.
        sideways: layers go from left to right instead of from top to bottom; wires then leave at
            the right, arrive at the left, and do both horizontally.
    """
    if sideways:
        turned = lay_out([Size(s.height, s.width) for s in sizes], edges, gap=gap)
        return Layout(
            turned.height,
            turned.width,
            tuple(Box(b.y, b.x, b.height, b.width) for b in turned.boxes),
            tuple(w._replace(points=tuple((y, x) for x, y in w.points)) for w in turned.wires),
        )
    if not sizes:
        return Layout(2 * MARGIN, 2 * MARGIN, (), ())
    layers = Layers(len(sizes), edges)
    widths = [size.width for size in sizes] + [0] * (layers.count - len(sizes))
    centres = place(layers, widths)
    tops, bottoms = _heights(layers, sizes, gap)
    left = min(x - w // 2 for x, w in zip(centres, widths, strict=True))
    shift = MARGIN - left + layers.left_lanes * LANE_GAP + (LANE_GAP if layers.left_lanes else 0)
    centres = [x + shift for x in centres]
    boxes = tuple(
        Box(x - size.width // 2, tops[layers.layer_of[n]], *size)
        for n, (size, x) in enumerate(zip(sizes, centres[: len(sizes)], strict=True))
    )
    right = max(x + w - w // 2 for x, w in zip(centres, widths, strict=True))
    wires = _Wiring(layers, edges, boxes, centres, (tops, bottoms), right, gap).wires()
    width = right + MARGIN + (LANE_GAP * (layers.right_lanes + 1) if layers.right_lanes else 0)
    looped = any(source == target for source, target in edges)
    return Layout(width + (_LOOP if looped else 0), bottoms[-1] + MARGIN, boxes, wires)


def _heights(layers: Layers, sizes: Sequence[Size], gap: int) -> tuple[list[int], list[int]]:
    """Return the top of each layer's boxes, and the bottom of the highest of them."""
    tall = [0] * len(layers.layers)
    for node, size in enumerate(sizes):
        at = layers.layer_of[node]
        tall[at] = max(tall[at], size.height)
    tops, bottoms = [], []
    bend = gap // 2 if any(route.back for route in layers.routes) else 0
    y = MARGIN + bend
    for height in tall:
        tops.append(y)
        bottoms.append(y + height)
        y += height + gap
    bottoms[-1] += bend
    return tops, bottoms


class _Wiring:
    """Draws the wires once the boxes stand."""

    def __init__(
        self,
        layers: Layers,
        edges: Sequence[tuple[int, int]],
        boxes: Sequence[Box],
        centres: Sequence[int],
        heights: tuple[Sequence[int], Sequence[int]],
        right: int,
        gap: int,
    ) -> None:
        self._layers = layers
        self._edges = edges
        self._boxes = boxes
        self._centres = centres
        self._tops, self._bottoms = heights
        self._right = right
        self._bend = gap // 2
        self._starts, self._ends = self._ports()

    def wires(self) -> tuple[Wire, ...]:
        """Return one wire for each edge."""
        return tuple(self._wire(edge) for edge in range(len(self._edges)))

    def _wire(self, edge: int) -> Wire:
        source, target = self._edges[edge]
        start = (self._starts[edge], self._bottom(source))
        end = (self._ends[edge], self._boxes[target].y)
        route = self._layers.routes[edge]
        under = (start[0], self._bottoms[self._layers.layer_of[source]])
        if route.back:
            x = self._right_of(source) if route.lane is None else self._lane(route.lane)
            return Wire(edge, (start, under, (x, under[1]), (x, end[1]), end), back=True)
        if route.lane is None:
            return Wire(edge, (start, under, *self._through(route.dummies), end), back=False)
        x = self._lane(route.lane)
        lane = ((x, under[1] + self._bend), (x, end[1] - self._bend))
        return Wire(edge, (start, under, *lane, end), back=False)

    def _through(self, dummies: Sequence[int]) -> list[Point]:
        points = []
        for dummy in dummies:
            layer = self._layers.layer_of[dummy]
            points += [
                (self._centres[dummy], self._tops[layer]),
                (self._centres[dummy], self._bottoms[layer]),
            ]
        return points

    def _right_of(self, node: int) -> int:
        """Return where the wire of a box that leads to itself goes back up."""
        box = self._boxes[node]
        return box.x + box.width + _LOOP // 2

    def _lane(self, lane: int) -> int:
        """Return where a lane runs: to the right from 0 on, to the left for negative ones."""
        if lane >= 0:
            return self._right + LANE_GAP * (lane + 1)
        return MARGIN + LANE_GAP * (self._layers.left_lanes + lane)

    def _bottom(self, node: int) -> int:
        box = self._boxes[node]
        return box.y + box.height

    def _ports(self) -> tuple[list[int], list[int]]:
        """Return where each edge leaves its source and enters its target."""
        leaving: dict[int, list[int]] = {}
        entering: dict[int, list[int]] = {}
        for edge, (source, target) in enumerate(self._edges):
            leaving.setdefault(source, []).append(edge)
            entering.setdefault(target, []).append(edge)
        starts, ends = [0] * len(self._edges), [0] * len(self._edges)
        for node, mine in leaving.items():
            self._spread(self._boxes[node], mine, [self._heading(e, 0) for e in mine], starts)
        for node, mine in entering.items():
            self._spread(self._boxes[node], mine, [self._heading(e, -1) for e in mine], ends)
        return starts, ends

    def _heading(self, edge: int, at: int) -> int:
        """Return about where an edge comes from or goes to, as seen from one of its ends."""
        source, target = self._edges[edge]
        route = self._layers.routes[edge]
        if source == target:
            return self._right
        if route.lane is not None:
            return self._lane(route.lane)
        if route.dummies:
            return self._centres[route.dummies[at]]
        return self._centres[source if at else target]

    @staticmethod
    def _spread(box: Box, mine: list[int], headings: list[int], into: list[int]) -> None:
        room = min(box.width - 16, 28 * (len(mine) - 1))
        first = box.x + (box.width - room) // 2
        ordered = sorted(zip(headings, mine, strict=True))
        for n, (_, edge) in enumerate(ordered):
            into[edge] = first + (room * n // (len(mine) - 1) if len(mine) > 1 else 0)
