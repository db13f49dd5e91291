"""The layers of a drawing: which box stands on which, and which way each wire takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Final, NamedTuple

_THREADED: Final = 12
"""Layers a wire may pass between the boxes."""
_DUMMIES: Final = 4
"""Places of wires between boxes, for each box there is and beside :data:`_DUMMIES_FREE`."""
_DUMMIES_FREE: Final = 2_000


class Route(NamedTuple):
    """Which way a wire takes.

    Attributes:
        dummies: the places it passes on the layers between, from its source on.
        lane: the lane beside the drawing it takes instead: from 0 on at the right, from -1 down
            at the left; None when it takes none.
        back: it goes back up.
    """

    dummies: tuple[int, ...] = ()
    lane: int | None = None
    back: bool = False


class Layers:
    """Boxes and the places of wires between them, on layers.

    Attributes:
        count: nodes, the places wires pass included: those have numbers behind the boxes'.
        layer_of: the layer of each.
        layers: the nodes of each layer, from the left.
        links: wires between neighbouring layers, as pairs (above, below).
        routes: the way of each edge.
        right_lanes: lanes at the right.
        left_lanes: lanes at the left.
    """

    def __init__(self, count: int, edges: Sequence[tuple[int, int]]) -> None:
        back, order = _back_edges(count, edges)
        self.layer_of = _longest_paths(count, edges, back, order)
        self.routes: list[Route] = [Route()] * len(edges)
        self.links: list[tuple[int, int]] = []
        self.count = count
        self._thread(edges, back)
        self.right_lanes, self.left_lanes = self._assign_lanes(edges, back)
        self.layers: list[list[int]] = [[] for _ in range(max(self.layer_of) + 1)]
        rank = {node: n for n, node in enumerate(order)}
        for node in sorted(range(self.count), key=lambda n: rank.get(n, n)):
            self.layers[self.layer_of[node]].append(node)

    def _thread(self, edges: Sequence[tuple[int, int]], back: set[int]) -> None:
        """Lead short edges from layer to layer; those to the same box share their way."""
        reach = self._reach(edges, back)
        shared: dict[tuple[int, int], int] = {}
        linked: set[tuple[int, int]] = set()
        for edge, (source, target) in enumerate(edges):
            top, bottom = self.layer_of[source], self.layer_of[target]
            if edge in back or bottom - top > reach:
                continue
            way = []
            for layer in range(top + 1, bottom):
                if (target, layer) not in shared:
                    shared[target, layer] = self.count
                    self.layer_of.append(layer)
                    self.count += 1
                way.append(shared[target, layer])
            self.routes[edge] = Route(tuple(way))
            for link in zip((source, *way), (*way, target), strict=True):
                if link not in linked:
                    linked.add(link)
                    self.links.append(link)

    def _reach(self, edges: Sequence[tuple[int, int]], back: set[int]) -> int:
        """Return how many layers down an edge may lead before it takes a lane."""
        spans = Counter(
            self.layer_of[target] - self.layer_of[source]
            for edge, (source, target) in enumerate(edges)
            if edge not in back
        )
        budget = _DUMMIES_FREE + _DUMMIES * self.count
        reach = 1
        for span in sorted(spans):
            budget -= (span - 1) * spans[span]
            if budget < 0 or span > _THREADED:
                break
            reach = span
        return reach

    def _assign_lanes(self, edges: Sequence[tuple[int, int]], back: set[int]) -> tuple[int, int]:
        """Give the other edges lanes, those back up at the right, those far down at the left."""
        up: dict[int, list[int]] = {}
        down: dict[int, list[int]] = {}
        for edge, (source, target) in enumerate(edges):
            if source == target:
                self.routes[edge] = Route(back=True)
            elif edge in back:
                up.setdefault(target, []).append(edge)
            elif (
                self.layer_of[target] > self.layer_of[source] + 1 and not self.routes[edge].dummies
            ):
                down.setdefault(target, []).append(edge)
        right = _colour(
            {
                t: (self.layer_of[t], max(self.layer_of[edges[e][0]] for e in mine))
                for t, mine in up.items()
            }
        )
        left = _colour(
            {
                t: (min(self.layer_of[edges[e][0]] for e in mine), self.layer_of[t])
                for t, mine in down.items()
            }
        )
        for target, mine in up.items():
            for edge in mine:
                self.routes[edge] = Route(lane=right[target], back=True)
        for target, mine in down.items():
            for edge in mine:
                self.routes[edge] = Route(lane=-1 - left[target])
        return max(right.values(), default=-1) + 1, max(left.values(), default=-1) + 1


def _back_edges(count: int, edges: Sequence[tuple[int, int]]) -> tuple[set[int], list[int]]:
    """Return the edges that close a cycle as seen from the first nodes, and a reading order.

    Without those edges the order is one in which every edge leads on (a reversed postorder).
    """
    out: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    entered = [False] * count
    for edge, (source, target) in enumerate(edges):
        out[source].append((edge, target))
        entered[target] = entered[target] or source != target
    back: set[int] = set()
    state = [0] * count  # 1: on the way, 2: done
    post: list[int] = []
    roots = [0, *(n for n in range(1, count) if not entered[n]), *range(1, count)]
    for root in roots:
        if state[root]:
            continue
        state[root] = 1
        stack: list[tuple[int, Iterator[tuple[int, int]]]] = [(root, iter(out[root]))]
        while stack:
            node, rest = stack[-1]
            step = next(rest, None)
            if step is None:
                state[node] = 2
                post.append(node)
                stack.pop()
                continue
            edge, target = step
            if state[target] == 1:
                back.add(edge)
            elif not state[target]:
                state[target] = 1
                stack.append((target, iter(out[target])))
    return back, post[::-1]


def _longest_paths(
    count: int, edges: Sequence[tuple[int, int]], back: set[int], order: list[int]
) -> list[int]:
    """Return the layer of each node: as high as the edges into it allow."""
    out: list[list[int]] = [[] for _ in range(count)]
    for edge, (source, target) in enumerate(edges):
        if edge not in back:
            out[source].append(target)
    layer = [0] * count
    for node in order:
        for target in out[node]:
            layer[target] = max(layer[target], layer[node] + 1)
    return layer


def _colour(spans: dict[int, tuple[int, int]]) -> dict[int, int]:
    """Return a lane for each span of layers so that no two in a lane meet; short ones inside."""
    lanes: dict[int, int] = {}
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    used = 0
    for key, (first, last) in sorted(spans.items(), key=lambda it: (it[1], it[0])):
        while busy and busy[0][0] < first:
            heappush(free, heappop(busy)[1])
        if free:
            lane = heappop(free)
        else:
            lane, used = used, used + 1
        lanes[key] = lane
        heappush(busy, (last, lane))
    return lanes
