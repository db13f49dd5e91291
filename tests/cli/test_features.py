from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from ebpf_static.cli import features
from ebpf_static.cli.main import main
from ebpf_static.support.catalogue import GROUPS
from tests.cli.conftest import Run


def rows(text: str) -> list[dict[str, str]]:
    """Return what a program reads from tab-separated output."""
    header, *lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_shells_complete_the_groups_there_are(run: Run) -> None:
    assert tuple(group.name for group in GROUPS) == features.GROUPS
    assert "program-types" in run("completion", "bash").out


def test_without_a_group_the_groups_are_listed(run: Run) -> None:
    found = rows(run("features").out)
    assert [row["group"] for row in found] == [group.name for group in GROUPS]
    document = json.loads(run("features", "--output-format", "json").out)
    assert document["schema_version"] == 1
    assert {it["name"]: it["entries"] for it in document["groups"]}["helpers"]["windows"] > 40


@pytest.mark.parametrize("group", [group.name for group in GROUPS])
def test_every_group_can_be_browsed(run: Run, group: str) -> None:
    result = run("features", group)
    assert (result.status, result.err) == (0, "")
    found = rows(result.out)
    assert found
    assert all(row["name"] for row in found)


def test_without_a_target_releases_of_both_platforms_are_told(run: Run) -> None:
    found = rows(run("features", "map-types", "RINGBUF", "ARENA").out)
    told = {(row["platform"], row["name"]): row["releases"] for row in found}
    assert told[("linux", "RINGBUF")] == "since 5.8"
    assert all(row["source"] for row in found)
    assert told[("windows", "RINGBUF")].startswith("since 0.")
    only = rows(run("features", "map-types", "R*", "--platform", "windows").out)
    assert {row["platform"] for row in only} == {"windows"}


def test_a_target_is_answered(run: Run) -> None:
    found = rows(run("features", "helpers", "--target", "linux:5.15").out)
    told = {row["name"]: row for row in found}
    assert told["ringbuf_output"]["linux:5.15"] == "available"
    assert told["ringbuf_output"]["source"] == "457f44363a8894135c85b7a9afd2bd8196db24ab"
    assert told["loop"]["linux:5.15"] == "unavailable"
    assert (told["loop"]["since"], told["loop"]["confidence"]) == ("5.17", "high")
    vendor = rows(run("features", "helpers", "loop", "snprintf", "--target", "rhel:9.0").out)
    assert {row["confidence"] for row in vendor} == {"low"}


def test_targets_are_put_side_by_side(run: Run) -> None:
    words = ("--target", "linux:5.4", "--target", "linux:6.1", "--target", "windows:1.1")
    found = rows(run("features", "map-types", *words).out)
    ringbuf = next(row for row in found if row["name"] == "RINGBUF")
    assert ringbuf == {
        "name": "RINGBUF", "linux:5.4": "unavailable", "linux:6.1": "available",
        "windows:1.1": "available",
    }  # fmt: skip


def test_helpers_are_a_matter_of_the_program_type(run: Run) -> None:
    words = ("--target", "linux:6.1", "--program-type")
    xdp = {
        row["name"]: row["linux:6.1"] for row in rows(run("features", "helpers", *words, "xdp").out)
    }
    assert (xdp["redirect_map"], xdp["get_current_comm"]) == ("available", "unavailable")
    kprobe = {
        row["name"]: row["linux:6.1"]
        for row in rows(run("features", "helpers", *words, "BPF_PROG_TYPE_KPROBE").out)
    }
    assert (kprobe["redirect_map"], kprobe["get_current_comm"]) == ("unavailable", "available")
    spans = rows(run("features", "helper", "loop", "ringbuf_", "--program-type", "netfilter").out)
    assert {row["name"]: row["releases"] for row in spans}["loop"] == "since 6.4"


def test_one_name_is_told_in_full(run: Run) -> None:
    text = run("features", "helper", "bpf_loop", "--target", "linux:5.15").out
    assert text.startswith("helper loop (bpf_loop)\n\nLinux, number 181\n")
    assert "needs CAP_BPF" in text
    assert "torvalds/linux commit e6f2dd0f8067" in text
    assert "linux:5.15     unavailable (comes in 5.17): every program type\n" in text
    both = run("features", "map-type", "ringbuf").out
    assert "\nLinux, number 27\n" in both
    assert "\neBPF for Windows, number 13\n" in both


def test_json_has_spans_answers_and_sources(run: Run) -> None:
    words = ("--target", "linux:5.15", "--target", "linux:6.1", "--output-format", "json")
    document = json.loads(run("features", "helpers", "bpf_loop", *words).out)
    assert document["targets"] == ["linux:5.15", "linux:6.1"]
    (entry,) = document["entries"]
    assert entry["facts"][""][0]["since"] == "5.17"
    assert entry["targets"]["linux:5.15"]["status"] == "unavailable"
    assert entry["program_types"]["XDP"]["linux:6.1"]["status"] == "available"
    assert len(entry["source"]) == 40
    limits = json.loads(run("features", "limits", "hash_key_bytes", *words).out)
    assert limits["entries"][0]["targets"]["linux:5.15"]["value"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("helpers", "no_such_helper"),
        ("helpers", "--target", "linux:99.1"),
        ("helpers", "--target", "linux:6.1", "--target", "windows:1.1", "--program-type", "xdp"),
        ("helpers", "--program-type", "nonsense"),
        ("map-types", "--program-type", "xdp"),
        ("distributions", "--target", "linux:6.1"),
        ("kfuncs", "--target", "windows:1.1"),
        ("helper", "bpf_loop", "--target", "windows:1.1"),
        ("--target", "linux:6.1"),
        ("helpers", "--profile", "nowhere.json"),
        ("helpers", "--profile", "nowhere.json", "--target", "linux:6.1"),
        ("helpers", "--profile", "x.json", "--target", "linux:6.1", "--target", "linux:6.6"),
        ("helpers", "--profile", "x.json", "--target", "windows:1.1"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(run: Run, words: tuple[str, ...]) -> None:
    result = run("features", *words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1


def test_a_profile_goes_before_the_tables(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    told = {"format": "ebpf-static-profile", "version": 1, "map_types": {"RINGBUF": False}}
    file.write_text(json.dumps(told), encoding="utf-8")
    words = ("--target", "linux:6.1", "--profile", str(file))
    found = rows(run("features", "map-types", *words).out)
    status = {row["name"]: row["linux:6.1"] for row in found}
    assert (status["RINGBUF"], status["BLOOM_FILTER"]) == ("unavailable", "available")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_columns_are_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    assert main(["features", "map-types", "--platform", "linux"]) == 0
    text = screen.getvalue()
    assert "\t" not in text
    starts = {line.index("since") for line in text.splitlines() if "since" in line}
    assert len(starts) == 1


def test_on_a_terminal_long_lists_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    assert main(["features", "helper", "bpf_loop"]) == 0
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert any("SYSCALL" in line for line in lines)


def test_a_file_gets_what_a_pipe_gets(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "types.tsv"
    assert run("features", "map-types", "-o", str(file)).out == ""
    assert file.read_text("utf-8") == run("features", "map-types").out
