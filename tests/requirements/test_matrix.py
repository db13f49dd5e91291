"""Objects against targets: cells, the lowest release, and how they are printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ebpf_static
from ebpf_static.lowest import find_lowest
from ebpf_static.matrix import build_matrix
from ebpf_static.output.matrix_text import render_json, render_markdown, render_text
from ebpf_static.output.style import PLAIN
from ebpf_static.support.targets import parse_target
from ebpf_static.verdict import Status
from tests.rules.spec_builder import build_spec

_CLOCK = ["call 208", "mov r0 0", "exit"]  # ktime_get_tai_ns: no arguments to be wrong
CLOCK = build_spec({"programs": [{"name": "f", "section": "tc", "code": _CLOCK}]})
PLAIN_ONE = build_spec({"programs": [{"name": "f", "section": "tc"}]})
TRACING = build_spec({"programs": [{"name": "f", "section": "fentry/vfs_read"}]})
TARGETS = [parse_target(text) for text in ("linux:5.10", "linux:6.1", "debian:12")]


def test_cells() -> None:
    matrix = build_matrix([("a.o", CLOCK), ("b.o", TRACING)], TARGETS)
    found = [[cell.verdict.status for cell in row.cells] for row in matrix.rows]
    assert found[0] == [Status.REJECTED, Status.LOADS, Status.LOADS]
    assert found[1] == [Status.UNKNOWN] * 3
    assert matrix.rows[0].cells[0].programs["f"].reasons[0].code == "HLP201"


def test_lowest_release_and_what_decides_it() -> None:
    lowest = find_lowest(CLOCK)
    assert (lowest.line, lowest.below) == ("6.1", "6.0")
    assert lowest.reason is not None
    assert lowest.reason.code == "HLP201"


def test_lowest_of_what_is_refused_everywhere() -> None:
    lowest = find_lowest(build_spec({"programs": [{"name": "f", "section": "nonsense"}]}))
    assert lowest.line is None
    assert lowest.reason is not None
    assert lowest.reason.code == "PRG001"


def test_lowest_of_windows_objects_is_a_release_of_efw() -> None:
    corpus = Path(__file__).parents[2] / "corpus" / "objects" / "windows"
    lowest = find_lowest(ebpf_static.read(corpus / "netevent-clang19-el.o"))
    assert (str(lowest), lowest.below) == ("0.21", "0.20")
    assert lowest.reason is not None
    assert lowest.reason.code == "WIN101"
    assert str(find_lowest(ebpf_static.read(corpus / "bind-clang19-el.o"))) == "0.9 or older"


def test_text() -> None:
    matrix = build_matrix([("a.o", CLOCK), ("b.o", PLAIN_ONE)], TARGETS, lowest=True)
    lines = render_text(matrix, PLAIN).splitlines()
    assert lines[0].split() == ["object", "linux:5.10", "linux:6.1", "debian:12", "lowest"]
    assert lines[1].split() == ["a.o", "rejected", "loads", "loads", "6.1"]
    assert "a.o" in lines[3:]
    assert any(line.startswith("  linux:5.10: rejected: HLP201 ") for line in lines)
    assert any(line.startswith("  not before 6.1: HLP201 ") for line in lines)


def test_markdown_and_json() -> None:
    matrix = build_matrix([("a|b.o", CLOCK)], TARGETS, lowest=True)
    row_in_markdown = render_markdown(matrix).splitlines()[2]
    assert row_in_markdown.startswith("| <code>a\\|b.o</code> | rejected | loads |")
    document = json.loads(render_json(matrix))
    (row,) = document["objects"]
    assert document["targets"] == ["linux:5.10", "linux:6.1", "debian:12"]
    assert row["targets"]["linux:5.10"]["programs"]["f"]["status"] == "rejected"
    assert row["lowest"]["line"] == "6.1"


def test_the_public_verb() -> None:
    found = ebpf_static.verdicts(CLOCK, "linux:5.10")
    assert found.object.status is ebpf_static.Status.REJECTED
    assert found["f"].reasons[0].programs == ("f",)
    assert ebpf_static.verdicts(CLOCK, "debian:12").object.status is ebpf_static.Status.LOADS
    with pytest.raises(ebpf_static.UnknownTargetError):
        ebpf_static.verdicts(CLOCK, "linux:9.9")


def test_reasons_come_in_the_order_loading_meets_them() -> None:
    spec = build_spec(
        {
            "byte_order": "big",
            "maps": [{"name": "m", "type": "HASH"}],
            "programs": [{"name": "f", "section": "nonsense"}],
        }
    )
    found = ebpf_static.verdicts(spec, "linux:6.1", assume_setup=False)
    assert [it.code for it in found["f"].reasons] == ["ELF201", "MAP203", "PRG001"]


def test_what_cannot_be_opened_has_no_programs() -> None:
    spec = build_spec(
        {
            "maps": [{"name": "m", "type": "HASH", "linkage": "static"}],
            "programs": [{"name": "f", "section": "xdp"}],
        }
    )
    found = ebpf_static.verdicts(spec, "linux:6.1")
    assert dict(found) == {}
    assert found.object.reasons[0].code == "MAP106"


def test_assumed_sizes() -> None:
    sizes = {"key_size": 4, "value_size": 4}
    spec = build_spec(
        {
            "maps": [{"name": "m", "type": "HASH", **sizes}],
            "programs": [{"name": "f", "section": "xdp"}],
        }
    )
    assert ebpf_static.verdicts(spec, "linux:6.1")["f"].status is Status.LOADS
    as_is = ebpf_static.verdicts(spec, "linux:6.1", assume_setup=False)
    assert as_is["f"].reasons[0].code == "MAP203"


def test_programs_that_are_needed_together() -> None:
    array = {
        "name": "m", "type": "PROG_ARRAY", "key_size": 4, "value_size": 4, "max_entries": 1,
        "values": [{"index": 0, "kind": "program", "name": "g"}],
    }  # fmt: skip
    programs = [{"name": "f"}, {"name": "g"}]
    whole = ebpf_static.verdicts(build_spec({"maps": [array], "programs": programs}), "linux:6.1")
    assert {verdict.status for verdict in whole.values()} == {Status.LOADS}
    broken = {"name": "h", "section": "nonsense"}
    found = ebpf_static.verdicts(
        build_spec({"maps": [array], "programs": [*programs, broken]}), "linux:6.1"
    )
    assert found.object.status is Status.REJECTED
    assert (found["f"].status, found["g"].status) == (Status.REJECTED, Status.LOADS)
    assert found["f"].reasons[0].code == "MAP211"


def test_a_platform_is_no_release_to_give_a_verdict_on() -> None:
    with pytest.raises(ebpf_static.UsageError, match="names no release"):
        ebpf_static.verdicts(PLAIN_ONE, "linux")
