"""The three drawings in the three formats: goldens of a small object, structure of the SVG."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import ebpf_static as es
from ebpf_static.errors import UsageError
from ebpf_static.findings import Finding, Location, Severity
from ebpf_static.graph import links
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.output.code_facts import CodeIndex
from ebpf_static.output.pictures import dot, mermaid, svg
from ebpf_static.output.pictures.calls import draw_calls
from ebpf_static.output.pictures.drawing import (
    MAX_NODES,
    Drawing,
    Edge,
    Line,
    Node,
    Shape,
    cut_lines,
    ensure_drawable,
)
from ebpf_static.output.pictures.flow import draw_flow
from ebpf_static.output.pictures.maps import draw_maps
from ebpf_static.output.pictures.marks import Marks
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec, MapValue, ReferenceKind
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from tests.analysis.programs import collection, function, program
from tests.build.asm import LE, R0, R1, R2, R3, R10

GOLDEN = Path(__file__).parent / "golden" / "pictures"
CORPUS = Path(__file__).parents[2] / "corpus" / "objects" / "linux"
RENDERERS = {"dot": dot.render, "mermaid": mermaid.render, "svg": svg.render}
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>",
    '"]; n0 -> n1 ["',
    '"]\n  click n0 call alert()',
    "\\N\\l&quot;&lt;b&gt;",
    "]]><![CDATA[<!-- -->",
    "`**md**`\x1b[31m\u202e\u2066\ud800\x00",
    "end; style n0 fill:#f00; ﬂ°lt¶ß",
    "%%{init: {}}%%",
)


def a_map(name: str, kind: str, **more: object) -> MapSpec:
    return MapSpec.model_validate(
        {
            "name": name, "type": MapType.named(Platform.LINUX, kind), "key_size": 4,
            "value_size": 8, "max_entries": 1, "origin": MapOrigin.BTF, "section": ".maps", **more,
        }
    )  # fmt: skip


def small(name: str = "main", leaf: str = "leaf", array: str = "stages") -> CollectionSpec:
    """Return a program with a loop, dead code, a call, a lookup and a tail call."""
    code = (
        LE.lddw(R1, 0, 1) + LE.mov(R2, R10) + LE.call(1)
        + LE.jump("jeq", R0, 0, 2) + LE.call_local() + LE.jump("jne", R0, 7, -2)
        + LE.lddw(R2, 0, 1) + LE.mov(R3, 1) + LE.call(12)
        + LE.mov(R1, 3) + LE.jump("jeq", R1, 3, 1) + LE.mov(R0, 9) + LE.mov(R0, 0) + LE.exit()
    )  # fmt: skip
    main = program(
        code,
        [(0, ReferenceKind.MAP, 0, 0), (5, ReferenceKind.CALL, 1, 0), (7, ReferenceKind.MAP, 1, 0)],
        name,
    )
    maps = [
        a_map("counts", "HASH"),
        a_map(array, "PROG_ARRAY", values=(MapValue(1, "program", name),)),
    ]
    return collection([main, function(LE.mov(R0, 7) + LE.exit(), leaf)], maps)


def finding(message: str = "a message", **place: object) -> Finding:
    return Finding(
        code="HLP201", name="helper-unavailable", severity=Severity.ERROR, message=message,
        target="linux:4.9", locations=(Location.model_validate({"object": "a.o", **place}),),
    )  # fmt: skip


def drawings(spec: CollectionSpec, *findings: Finding) -> dict[str, Drawing]:
    index, flows, marks = CodeIndex(spec), TargetFlows(spec), Marks(findings)
    main = spec.programs[0]
    return {
        "flow": draw_flow(index, main, flows, marks),
        "calls": draw_calls(index, main, flows, marks),
        "calls-all": draw_calls(index, None, flows, marks),
        "maps": draw_maps(index, main, flows, marks),
    }


MARKS = (
    finding(section="xdp", program="main", insn=4),
    finding("a map is odd", section=".maps", map="counts"),
)


@pytest.mark.parametrize("kind", ["flow", "calls", "calls-all", "maps"])
@pytest.mark.parametrize("output_format", ["dot", "mermaid"])
def test_goldens(kind: str, output_format: str) -> None:
    text = RENDERERS[output_format](drawings(small(), *MARKS)[kind])
    file = GOLDEN / f"{kind}.{output_format}.txt"
    if os.environ.get("EBPF_STATIC_UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")


def test_findings_are_marked_at_their_instruction_and_dead_code_is_told() -> None:
    flow = drawings(small(), *MARKS)["flow"]
    marked = [node for node in flow.nodes if node.severity == "error"]
    (block,) = marked
    texts = [line.text for line in block.lines if line.severity == "error"]
    assert texts[0].startswith("4: ")
    assert texts[0].endswith("◀ HLP201")
    assert texts[1] == "error HLP201 [linux:4.9]: a message"
    dead = [node for node in flow.nodes if node.dead]
    assert [line.text for node in dead for line in node.lines] == [
        "never runs", "13: mov64 r0, 0x9",
    ]  # fmt: skip


def test_every_box_and_arrow_is_in_the_svg_and_no_boxes_overlap() -> None:
    for drawing in drawings(small(), *MARKS).values():
        root = ET.fromstring(svg.render(drawing).encode())
        boxes = [g for g in root.iter(f"{SVG}g") if "box" in g.get("class", "").split()]
        wires = [p for p in root.iter(f"{SVG}path") if "wire" in p.get("class", "").split()]
        assert len(boxes) == len(drawing.nodes)
        assert len(wires) == len(drawing.edges)
        texts = {text.text for text in root.iter(f"{SVG}text")}
        assert {line.text for node in drawing.nodes for line in node.lines} <= texts
        width, height = int(root.get("width", 0)), int(root.get("height", 0))
        places = []
        for group in root.iter(f"{SVG}g"):
            found = re.match(r"translate\((\d+) (\d+)\)", group.get("transform", ""))
            if found:
                for rect in group.findall(f"{SVG}g/{SVG}rect[@rx]"):
                    x, y, w, h = (int(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
                    places.append((x + int(found[1]), y + int(found[2]), w, h))
        assert len(places) == len(drawing.nodes)
        for n, (x, y, w, h) in enumerate(places):
            assert 0 <= x <= x + w <= width
            assert 0 <= y <= y + h <= height
            for x2, y2, w2, h2 in places[n + 1 :]:
                assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_messages_cannot_leave_their_place(name: str) -> None:
    spec = small(name, name, name)
    marks = (finding(name, section="xdp", program=name, insn=4), finding(name, map=name))
    for drawing in drawings(spec, *marks).values():
        text = svg.render(drawing)
        root = ET.fromstring(text.encode())  # well-formed, and encodable
        allowed = {"svg", "title", "desc", "style", "rect", "g", "text", "path"}
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
        attributes = {key for element in root.iter() for key in element.keys()}  # noqa: SIM118
        assert not {key for key in attributes if key.startswith("on") or "href" in key}
        assert_dot(dot.render(drawing))
        assert_mermaid(mermaid.render(drawing))


def assert_dot(text: str) -> None:
    """Check that outside quoted strings there is nothing but what we write."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "Q", text)
    for line in bare.splitlines():
        assert re.fullmatch(
            r"digraph \{|\}|  \}|  subgraph cluster\d+ \{|\s+(label|labelloc|rankdir)=Q;"
            r"|\s+(n\d+|node|edge) \[\w+=Q(, \w+=Q)*\];|\s+n\d+ -> n\d+( \[\w+=Q(, \w+=Q)*\])?;",
            line,
        ), line
    for string in re.findall(r'"((?:[^"\\]|\\.)*)"', text):
        # The only escapes are ours, and an ampersand begins the one entity that means itself.
        assert not re.search(r'\\[^l"]', string.replace("\\\\", ""))
        assert not re.search(r"&(?!amp;)", string)


def assert_mermaid(text: str) -> None:
    label = r'"(?:[A-Za-z0-9 _.,+/*=()\[\]-]|#\d+;|<br/>)*"'
    node = rf"n\d+(?:\[{label}\]|\[\({label}\)\]|\(\[{label}\]\)|\{{\{{{label}\}}\}})"
    arrow = rf"n\d+ (?:-->|-\.->|==>)(?:\|{label}\|)? n\d+"
    other = rf"flowchart (?:TD|LR)|%% [^%{{}}\"]*|subgraph g\d+\[{label}\]|end"
    style = r"classDef \w+ [\w:#.,\- ]+|class [n\d,]+ \w+"
    for line in text.splitlines():
        assert re.fullmatch(rf"\s*(?:{node}|{arrow}|{other}|{style})", line), line


def test_large_drawings_are_refused_in_words_and_long_boxes_are_cut() -> None:
    with pytest.raises(UsageError, match="8001 boxes, and 8000 are the most"):
        ensure_drawable("the call graph", MAX_NODES + 1)
    lines = [Line(f"{n}", "code") for n in range(50)]
    lines[40] = Line("error X: here", "error", "error")
    cut = cut_lines(lines, 5, "instructions")
    assert [line.text for line in cut] == [
        "0", "1", "2", "3", "4", "error X: here", "… and 44 more instructions",
    ]  # fmt: skip


def test_mermaid_leaves_code_out_where_viewers_would_refuse_it() -> None:
    nodes = tuple(Node(Shape.BLOCK, f"b{n}", (Line("x" * 70, "code"),)) for n in range(700))
    drawing = Drawing("t", nodes, tuple(Edge(n, n + 1, "next") for n in range(600)))
    text = mermaid.render(drawing)
    assert "xxx" not in text
    assert len(text) < mermaid.MAX_TEXT
    assert mermaid.warnings(drawing, text) == ["600 arrows, and most viewers of Mermaid draw 500"]


def test_source_lines_and_callbacks_of_a_real_object() -> None:
    spec = es.read(CORPUS / "callbacks-clang19-el.o")
    found = drawings(spec)
    assert any(line.role == "source" for node in found["flow"].nodes for line in node.lines)
    assert any(edge.kind == "callback" for edge in found["calls"].edges)
    assert len(found["flow"].groups) == len(spec.get_linked(spec.programs[0]))
    assert all(
        found["flow"].nodes[edge.source].group == found["flow"].nodes[edge.target].group
        for edge in found["flow"].edges
    )


def test_a_native_image_has_calls_and_maps_but_no_flow() -> None:
    spec = es.read(CORPUS.parents[1] / "native" / "signed-no-table.sys")
    index, flows, marks = CodeIndex(spec), TargetFlows(spec), Marks()
    calls = draw_calls(index, spec.programs["gate_connect4"], flows, marks)
    assert any(node.shape is Shape.HELPER for node in calls.nodes)
    assert not any(node.dead for node in calls.nodes)
    maps = draw_maps(index, None, flows, marks)
    assert {edge.label for edge in maps.edges if edge.kind == "uses"} == {"refers to"}
    with pytest.raises(UsageError, match="no bytecode"):
        draw_flow(index, spec.programs[0], flows, marks)


def test_many_programs_that_reach_many_functions_are_followed_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(links, "MAX_LINKED", 3)
    call = [(0, ReferenceKind.CALL, 4, 0)]
    mains = [program(LE.call_local() + LE.exit(), call, f"main{n}") for n in range(4)]
    spec = collection([*mains, function(LE.exit(), "leaf")], [a_map("counts", "HASH")])
    found = draw_calls(CodeIndex(spec), None, TargetFlows(spec), Marks())
    assert found.notes == ("too many functions: not all were followed",)
    assert len(found.nodes) == 5
    found = draw_maps(CodeIndex(spec), None, TargetFlows(spec), Marks())
    assert found.notes == ("too many functions: not all were followed",)
