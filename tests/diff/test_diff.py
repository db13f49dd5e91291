"""Differences are found, named, and only there; an image is recognised as an object's or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ebpf_static.cli.main import main
from ebpf_static.diff import Change, Difference, Origin, compare
from ebpf_static.diff.text import render_text
from ebpf_static.reading import read
from ebpf_static.specs import ByName, CollectionSpec, ProgramSpec
from ebpf_static.support.targets import parse_target
from ebpf_static.uapi.constants import MapType
from tests.build.pe_writer import NativeWriter

ROOT = Path(__file__).resolve().parents[2]
BIND = ROOT / "corpus" / "objects" / "windows" / "bind-clang19-el.o"
CORE = ROOT / "corpus" / "objects" / "linux" / "core-clang19-el.o"


def _image_of(spec: CollectionSpec, *, extra_entries: int = 0, skip_map: bool = False) -> bytes:
    """Return an image as bpf2c would make it from an object, or one that differs on purpose."""
    image = NativeWriter("0.21")
    names = [item.name for item in spec.maps]
    for item in spec.maps[skip_map:]:
        image.map(
            item.name,
            type=item.type.number,
            key_size=item.key_size,
            value_size=item.value_size,
            max_entries=item.max_entries + extra_entries,
            pinning=item.pinning,
        )
    for program in spec.programs:
        maps = sorted({names.index(r.name) for r in program.references if r.name in names})
        image.program(
            program.name,
            section=program.section,
            maps=[index for index in maps if index < len(names) - skip_map],
            helpers=sorted({i.imm for i in program.instructions if i.opcode == 0x85}),
            insns=program.insn_count,
        )
    image.metadata(version=(0, 21, 0))
    return image.build()


@pytest.mark.parametrize("path", [BIND, CORE])
def test_an_object_equals_itself(path: Path) -> None:
    assert compare(read(path), read(path)).differences == ()


def test_the_same_source_from_another_compiler_differs_in_code_only() -> None:
    other = CORE.with_name("core-clang14-el.o")
    found = {(d.subject, d.field) for d in compare(read(CORE), read(other)).differences}
    # What one compiler checks with a branch the other computes.
    guards = ("needed kernel type", "guard")
    assert found <= {("object", "size"), ("program", "code"), ("program", "instructions"), guards}


def test_changed_map_is_told_field_by_field() -> None:
    spec = read(BIND)
    first = spec.maps[0]
    changed = first.model_copy(
        update={"max_entries": 7, "type": MapType.named(spec.platform, "QUEUE"), "key_size": 0}
    )
    other = spec.model_copy(update={"maps": ByName([changed, *spec.maps[1:]])})
    found = compare(spec, other).differences
    assert {d.field for d in found if d.name == first.name} == {"type", "key size", "max entries"}
    entries = next(d for d in found if d.field == "max entries")
    assert (entries.left, entries.right) == (str(first.max_entries), "7")


def test_added_and_removed_things_are_named() -> None:
    spec = read(BIND)
    fewer = spec.model_copy(update={"maps": ByName(spec.maps[:-1])})
    name = spec.maps[-1].name
    gone = Difference(change=Change.REMOVED, subject="map", name=name)
    assert gone in compare(spec, fewer).differences
    assert gone.model_copy(update={"change": Change.ADDED}) in compare(fewer, spec).differences


def test_maps_of_one_name_are_paired_in_order() -> None:
    spec = read(BIND)
    twice = spec.model_copy(update={"maps": ByName([*spec.maps, spec.maps[0]])})
    assert [d.change for d in compare(spec, twice).differences] == [Change.ADDED]
    assert compare(twice, twice).differences == ()


def test_image_of_an_object_is_consistent_with_it() -> None:
    spec = read(BIND)
    report = compare(spec, read(_image_of(spec)), left_data=BIND.read_bytes())
    assert report.differences == ()
    assert report.origin is Origin.CONSISTENT
    assert any("not compared" in note for note in report.notes)


@pytest.mark.parametrize("defect", [{"extra_entries": 1}, {"skip_map": True}])
def test_image_of_another_object_is_told(defect: dict[str, Any]) -> None:
    spec = read(BIND)
    image = read(_image_of(spec, **defect))
    assert compare(spec, image).origin is Origin.DIFFERENT
    assert compare(image, spec).origin is Origin.DIFFERENT


def test_hash_in_the_image_proves_the_origin() -> None:
    data = BIND.read_bytes()
    spec, image = read(data), read(_image_of(read(data)))
    from hashlib import sha256

    marked = image.model_copy(update={"elf_hash": sha256(data).digest()})
    assert compare(spec, marked, left_data=data).origin is Origin.SAME
    assert compare(spec, marked, left_data=data + b"\0").origin is not Origin.SAME


def test_names_cannot_fake_lines() -> None:
    spec = read(BIND)
    evil = spec.maps[0].model_copy(update={"name": "x\n+ map `fake`\x1b[31m"})
    other = spec.model_copy(update={"maps": ByName([evil, *spec.maps[1:]])})
    text = render_text(compare(spec, other))
    assert "\x1b" not in text
    assert not any(line.startswith("+ map `fake`") for line in text.splitlines())


def test_programs_keep_their_own_code() -> None:
    spec = read(CORE)
    programs = [
        f.model_copy(update={"code": f.code[:-8] + b"\x95" + bytes(7)}) for f in spec.functions
    ]
    assert any(isinstance(p, ProgramSpec) for p in programs)
    assert compare(spec, spec.model_copy(update={"functions": ByName(programs)})).differences == ()


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    other = CORE.with_name("core-clang14-el.o")
    assert main(["diff", str(CORE), str(CORE), "--exit-code"]) == 0
    assert "no differences" in capsys.readouterr().out
    assert main(["diff", str(CORE), str(other)]) == 0
    assert main(["diff", str(CORE), str(other), "--exit-code", "--output-format", "json"]) == 1
    lines = capsys.readouterr().out
    document = json.loads(lines[lines.index("{") :])
    assert document["differences"]
    assert main(["diff", str(CORE), "/nonexistent.o"]) == 2


def test_a_newer_instruction_raises_the_lowest_release_and_is_named() -> None:
    old, new = (CORE.with_name(f"isa-{level}-clang19-el.o") for level in ("v1", "v4"))
    report = compare(read(old), read(new), targets=(parse_target("linux:6.1"),))
    found = {(d.change, d.subject, d.name, d.right) for d in report.differences}
    assert (Change.ADDED, "needed instruction", "may_goto", "since 6.9") in found
    lowest = next(d for d in report.differences if d.field == "lowest release")
    assert (lowest.left, lowest.right) == ("5.3", "6.9")
    assert [line.split(", because")[0] for line in report.regressions] == [
        "the lowest release rises from 5.3 to 6.9",
        "linux:6.1: loads -> rejected",
    ]
    assert "which Linux has since 6.9" in report.regressions[0]
    assert "\nregression: linux:6.1: loads -> rejected, because " in render_text(report)


def test_needing_less_is_no_regression(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (str(CORE.with_name(f"isa-{level}-clang19-el.o")) for level in ("v1", "v4"))
    report = compare(read(new), read(old), targets=(parse_target("linux:6.1"),))
    assert report.regressions == ()
    assert (Change.REMOVED, "may_goto") in {(d.change, d.name) for d in report.differences}
    options = ["--fail-on-regression", "--target", "linux:6.1"]
    assert main(["diff", new, old, *options]) == 0
    assert main(["diff", old, new, *options]) == 1
    assert main(["diff", old, new, "--target", "linux:6.1"]) == 0
    assert main(["diff", old, new, "--target", "linux:99.1"]) == 2
    assert "newer than the support tables" in capsys.readouterr().err


def test_objects_of_two_platforms_need_what_cannot_be_compared() -> None:
    report = compare(read(BIND), read(CORE))
    assert report.regressions == ()
    assert not any(d.subject.startswith("needed") for d in report.differences)
