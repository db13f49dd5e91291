from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf_static.graph.layout import Layout, Size, lay_out

TURN = 20
"""How far a wire that turns round goes on."""
Graph = tuple[list[Size], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 25))
    sizes = st.builds(Size, st.integers(10, 300), st.integers(10, 200))
    node = st.integers(0, count - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=60))
    return draw(st.lists(sizes, min_size=count, max_size=count)), edges


def large(count: int) -> Graph:
    choose = random.Random(7)
    edges = [(n, n + 1) for n in range(count - 1)]
    edges += [(n, choose.randrange(max(0, n - 9), min(count, n + 40))) for n in range(count)]
    edges += [(choose.randrange(count), count - 1) for _ in range(count // 5)]
    return [Size(180, 60)] * count, edges


def assert_apart(layout: Layout) -> None:
    boxes = sorted(layout.boxes, key=lambda box: (box.y, box.x))
    for n, box in enumerate(boxes):
        for other in boxes[n + 1 :]:
            if other.y >= box.y + box.height:
                continue
            assert other.x >= box.x + box.width or box.x >= other.x + other.width


def assert_wired(graph: Graph, layout: Layout, *, sideways: bool) -> None:
    _, edges = graph
    assert [wire.edge for wire in layout.wires] == list(range(len(edges)))
    for (source, target), wire in zip(edges, layout.wires, strict=True):
        tail, head = layout.boxes[source], layout.boxes[target]
        (x, y), (to_x, to_y) = wire.points[0], wire.points[-1]
        if sideways:
            assert x == tail.x + tail.width
            assert to_x == head.x
            assert tail.y <= y <= tail.y + tail.height
            assert head.y <= to_y <= head.y + head.height
        else:
            assert y == tail.y + tail.height
            assert to_y == head.y
            assert tail.x <= x <= tail.x + tail.width
            assert head.x <= to_x <= head.x + head.width
        for at in wire.points:
            assert 0 <= at[0] <= layout.width
            assert 0 <= at[1] <= layout.height


def assert_clear(layout: Layout, *, sideways: bool) -> None:
    """No wire passes behind a box: where it goes aside or turns, there is none at that height."""
    for wire in layout.wires:
        points = [(y, x) for x, y in wire.points] if sideways else list(wire.points)
        for n, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
            low, high = min(y, to_y), max(y, to_y)
            if low == high and x != to_x:  # it turns round: downwards first, then upwards
                low, high = (low, low + TURN) if n < len(points) - 2 else (low - TURN, low)
            for box in layout.boxes:
                left, top, width, height = box
                if sideways:
                    left, top, width, height = box.y, box.x, box.height, box.width
                beside = x == to_x and not left < x < left + width
                assert beside or high <= top or top + height <= low


@given(graphs(), st.booleans())
def test_boxes_stand_apart_inside_the_picture_and_every_edge_is_drawn(
    graph: Graph,
    sideways: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    layout = lay_out(*graph, sideways=sideways)
    assert [(box.width, box.height) for box in layout.boxes] == graph[0]
    assert_apart(layout)
    assert_wired(graph, layout, sideways=sideways)
    assert_clear(layout, sideways=sideways)
    for box in layout.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= layout.width
        assert box.y + box.height <= layout.height
    assert lay_out(*graph, sideways=sideways) == layout


def test_edges_lead_down_but_for_those_that_close_a_loop() -> None:
    sizes = [Size(50, 20)] * 4
    layout = lay_out(sizes, [(0, 1), (1, 2), (2, 1), (2, 3)])
    assert [wire.back for wire in layout.wires] == [False, False, True, False]
    assert all(above.y + above.height < below.y for above, below in pairwise(layout.boxes))


def test_a_chain_is_straight_and_a_fork_is_symmetric() -> None:
    chain = lay_out([Size(60, 20)] * 3, [(0, 1), (1, 2)])
    assert len({box.x for box in chain.boxes}) == 1
    fork = lay_out([Size(60, 20)] * 4, [(0, 1), (0, 2), (1, 3), (2, 3)])
    top, left, right, end = fork.boxes
    assert top.x == end.x
    assert abs(right.x - top.x) == abs(top.x - left.x) > 0


@pytest.mark.parametrize("sideways", [False, True])
def test_thousands_of_blocks_do_not_make_many_thousand_wires(*, sideways: bool) -> None:
    graph = large(3_000)
    layout = lay_out(*graph, sideways=sideways)
    assert_wired(graph, layout, sideways=sideways)
    assert sum(len(wire.points) for wire in layout.wires) < 40 * len(graph[1])
    across = layout.height if sideways else layout.width
    assert across < 20_000


def test_nothing_is_drawn_of_nothing() -> None:
    assert lay_out([], []).boxes == ()
