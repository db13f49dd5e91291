"""Where on its layer each box stands: first in which order, then how far from the left."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final

from ebpf_static.graph.layers import Layers

BOX_GAP: Final = 24
WIRE_GAP: Final = 14
_ORDERING: Final = 8
"""Sweeps over all layers that look for an order with few crossings."""
_PLACING: Final = 8
_LARGE: Final = 4_000
"""Nodes from which on half the sweeps must do."""


def place(layers: Layers, widths: Sequence[int]) -> list[int]:
    """Return the centre of each node; ``layers.layers`` is put in order on the way."""
    above: list[list[int]] = [[] for _ in range(layers.count)]
    below: list[list[int]] = [[] for _ in range(layers.count)]
    for top, bottom in layers.links:
        above[bottom].append(top)
        below[top].append(bottom)
    halved = 2 if layers.count > _LARGE else 1
    _order(layers, above, below, _ORDERING // halved)
    return _centres(layers, widths, above, below, _PLACING // halved)


def _order(layers: Layers, above: list[list[int]], below: list[list[int]], sweeps: int) -> None:
    """Order each layer by where the neighbours of its nodes stand, and keep the best order."""
    position = [0] * layers.count
    for nodes in layers.layers:
        _number(nodes, position)
    best = [list(nodes) for nodes in layers.layers]
    fewest = _crossings(layers, below, position)
    for sweep in range(sweeps):
        if not fewest:
            break
        down = sweep % 2 == 0
        towards = above if down else below
        for nodes in layers.layers if down else reversed(layers.layers):
            keys = {node: _middle(towards[node], position, position[node]) for node in nodes}
            nodes.sort(key=lambda node: (keys[node], position[node]))
            _number(nodes, position)
        crossings = _crossings(layers, below, position)
        if crossings < fewest:
            fewest, best = crossings, [list(nodes) for nodes in layers.layers]
    layers.layers[:] = best


def _number(nodes: list[int], position: list[int]) -> None:
    for n, node in enumerate(nodes):
        position[node] = n


def _middle(neighbours: list[int], position: list[int], otherwise: int) -> float:
    if not neighbours:
        return otherwise
    return sum(position[n] for n in neighbours) / len(neighbours)


def _crossings(layers: Layers, below: list[list[int]], position: list[int]) -> int:
    """Return how many pairs of wires cross between neighbouring layers."""
    total = 0
    for nodes in layers.layers:
        seen: list[int] = []
        for node in nodes:
            ends = sorted(position[n] for n in below[node])
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _centres(
    layers: Layers,
    widths: Sequence[int],
    above: list[list[int]],
    below: list[list[int]],
    sweeps: int,
) -> list[int]:
    """Return centres: each node as near to the middle of its neighbours as its layer allows."""
    centre = [0.0] * len(widths)
    for nodes in layers.layers:
        x = 0.0
        for before, node in zip((None, *nodes), nodes, strict=False):
            x += 0 if before is None else _apart(before, node, widths)
            centre[node] = x
    for sweep in range(sweeps):
        down = sweep % 2 == 0
        for nodes in layers.layers if down else reversed(layers.layers):
            _settle(nodes, centre, widths, above if down else below, below if down else above)
    return [round(x) for x in centre]


def _settle(
    nodes: list[int],
    centre: list[float],
    widths: Sequence[int],
    towards: list[list[int]],
    other: list[list[int]],
) -> None:
    """Move the nodes of a layer to where they want to be, in order and apart.

    The squares of what is left to wish for are least: an isotonic regression, found by pooling
    neighbours that are in each other's way.
    """
    pools: list[list[float]] = []  # sum of weights, sum of weighted wishes, nodes
    shift, shifts = 0.0, []
    for n, node in enumerate(nodes):
        shift += _apart(nodes[n - 1], node, widths) if n else 0
        shifts.append(shift)
        wish, weight = _wish(node, centre, widths, towards, other)
        pools.append([weight, weight * (wish - shift), 1])
        while len(pools) > 1 and pools[-2][1] / pools[-2][0] > pools[-1][1] / pools[-1][0]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    n = 0
    for weight, wished, count in pools:
        for _ in range(int(count)):
            centre[nodes[n]] = wished / weight + shifts[n]
            n += 1


def _wish(
    node: int,
    centre: list[float],
    widths: Sequence[int],
    towards: list[list[int]],
    other: list[list[int]],
) -> tuple[float, float]:
    """Return where a node wants to be, and how much: wires through many layers most of all."""
    near = towards[node] or other[node]
    if not near:
        return centre[node], 0.1
    if not widths[node]:
        return sum(centre[n] for n in near) / len(near), 8.0
    weights = [4.0 if not widths[n] else 1.0 for n in near] if len(near) > 1 else [1.0]
    wish = sum(w * centre[n] for w, n in zip(weights, near, strict=True)) / sum(weights)
    return wish, float(len(near))


def _apart(left: int, right: int, widths: Sequence[int]) -> float:
    """Return how far apart the centres of two neighbours must be."""
    gap = BOX_GAP if widths[left] and widths[right] else WIRE_GAP
    return (widths[left] + widths[right]) / 2 + gap
