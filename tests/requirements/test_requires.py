"""What objects need, where, and whether they can do without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import ebpf_static
from ebpf_static.requirements import Guard, Need, Requirement, requires
from ebpf_static.requirements.text import render_markdown, render_text
from tests.rules.spec_builder import build_spec

OBJECTS = Path(__file__).resolve().parents[2] / "corpus" / "objects" / "linux"


def _by_name(given: dict[str, Any]) -> dict[tuple[Need, str], Requirement]:
    report = requires(build_spec(given), name="a.o")
    return {(item.kind, item.name): item for item in report.items}


def _program(*code: str, **fields: Any) -> dict[str, Any]:
    return {"name": "f", "section": "tc", "code": list(code), **fields}


def test_maps_programs_and_flags() -> None:
    ring = {"name": "m", "type": "RINGBUF", "max_entries": 4096}
    outer = {"name": "o", "type": "HASH_OF_MAPS", "flags": 1, "inner": ring}
    found = _by_name(
        {"maps": [outer], "programs": [_program("mov r0 0", "exit", section="fentry.s/vfs_read")]}
    )
    assert found[Need.MAP_TYPE, "RINGBUF"].since == "5.8"
    assert found[Need.MAP_FLAG, "BPF_F_NO_PREALLOC"].locations[0].map == "o"
    assert found[Need.PROGRAM_TYPE, "TRACING"].since == "5.5"
    assert found[Need.ATTACH_TYPE, "TRACE_FENTRY"].programs == ("f",)
    assert found[Need.ATTACH_TARGET, "vfs_read"].since is None
    assert found[Need.FEATURE, "sleepable_programs"].since == "5.10"


def test_helpers_and_what_replaces_them() -> None:
    found = _by_name({"programs": [_program("call 113", "mov r0 0", "exit", section="kprobe/x")]})
    helper = found[Need.HELPER, "probe_read_kernel"]
    assert (helper.since, helper.replaced_by, helper.guard) == ("5.5", "probe_read", Guard.NONE)
    assert (helper.locations[0].program, helper.locations[0].insn) == ("f", 0)
    assert (Need.LICENSE, "GPL-compatible") in found


def test_code_that_cannot_run_needs_nothing() -> None:
    code = ("mov r1 0", "jump jeq r1 0 1", "call 181", "mov r0 0", "exit")
    assert (Need.HELPER, "loop") not in _by_name({"programs": [_program(*code)]})


def test_both_ways_of_a_question() -> None:
    found = _by_name(
        {
            "types": ["integer int 4", "struct task 4 gone:1:0"],
            "core": [{"section": "tc", "insn": 0, "type": 2, "access": "0:0", "kind": 2}],
            "programs": [
                _program(
                    "mov r1 1", "jump jeq r1 0 2", "call 181", "ja 1", "call 1", "mov r0 0", "exit"
                )
            ],
        }
    )
    assert found[Need.HELPER, "loop"].guard is Guard.GUARDED
    assert found[Need.HELPER, "map_lookup_elem"].guard is Guard.FALLBACK
    assert found[Need.KERNEL_TYPE, "struct task.gone"].guard is Guard.GUARDED


def test_weak_functions_and_programs_that_are_switched_off() -> None:
    found = _by_name(
        {
            "externs": [{"name": "bpf_one", "kind": "kfunc", "weak": True, "typed": True}],
            "programs": [
                _program(
                    "lddw r1 0", "jump jeq r1 0 1", "call_kfunc", "mov r0 0", "exit",
                    references=[
                        {"index": 0, "kind": "ksym", "name": "bpf_one"},
                        {"index": 3, "kind": "kfunc", "name": "bpf_one"},
                    ],
                ),
                {"name": "g", "section": "?xdp", "code": ["call 44", "mov r0 0", "exit"]},
            ],
        }
    )  # fmt: skip
    assert found[Need.KFUNC, "bpf_one"].guard is Guard.GUARDED
    assert found[Need.PROGRAM_TYPE, "XDP"].guard is Guard.OPTIONAL
    assert found[Need.HELPER, "xdp_adjust_head"].guard is Guard.OPTIONAL


def test_instructions_every_release_takes_are_no_requirement() -> None:
    found = _by_name({"programs": [_program("gotol 0", "mov r0 0", "exit")]})
    assert [(key, item.since) for key, item in found.items() if key[0] is Need.INSTRUCTION] == [
        ((Need.INSTRUCTION, "gotol"), "6.6")
    ]


@pytest.mark.parametrize("path", sorted(OBJECTS.glob("*.o")), ids=lambda path: path.name)
def test_every_object_of_ours_can_be_asked(path: Path) -> None:
    report = ebpf_static.requires(path)
    assert report.items or "bare" in path.name
    json.dumps(report.model_dump(mode="json"))
    assert render_text(report).isprintable() is False  # lines
    for item in report.items:
        assert item.name in render_text(report)
        assert item.kind.value in render_markdown(report)
        assert item.count >= len(item.locations) > 0


def test_nothing_needed() -> None:
    assert render_text(requires(build_spec({}), name="a.o")) == "a.o: Linux\n  nothing\n"


def test_source_lines_are_told() -> None:
    report = ebpf_static.requires(OBJECTS / "callbacks-clang19-el.o")
    helper = next(item for item in report.items if item.name == "for_each_map_elem")
    assert helper.locations[0].file is not None
    assert "callbacks.c:" in render_text(report)
