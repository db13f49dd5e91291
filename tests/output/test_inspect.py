from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import ebpf_static as es
from ebpf_static.graph import links
from ebpf_static.output import inspect_json, inspect_text
from ebpf_static.output.style import PLAIN
from ebpf_static.specs import (
    CollectionSpec,
    ElfSpec,
    Evidence,
    ExternSpec,
    FunctionSpec,
    MapSpec,
    ProgramSpec,
    VariableSpec,
)
from tests.build.asm import LE, R0
from tests.build.elf_writer import (
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    STB_GLOBAL,
    STT_FUNC,
    STT_OBJECT,
    ElfWriter,
)

GOLDEN = Path(__file__).parent / "golden" / "inspect.txt"
OBJECT = "corpus/objects/linux/externs-clang19-el.o"


def read_json(spec: CollectionSpec, *, disasm: bool = False) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(inspect_json.render(spec, "a.o", disasm=disasm))
    return document


@pytest.fixture(scope="module")
def spec() -> CollectionSpec:
    return es.read(Path(__file__).parents[2] / OBJECT)


def test_text_golden(spec: CollectionSpec) -> None:
    # How platforms are told apart is not the subject here, nor is the wording of instructions.
    evidence = (Evidence(platform=es.Platform.LINUX, kind="k", weight=60, what="w", where="x"),)
    text = inspect_text.render(spec.model_copy(update={"evidence": evidence}), OBJECT, PLAIN)
    if os.environ.get("EBPF_STATIC_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_source_lines_stand_before_their_instructions(spec: CollectionSpec) -> None:
    text = inspect_text.render(spec, OBJECT, PLAIN, disasm=True)
    listing = text[text.index('Program "on_new_task"') :].splitlines()
    assert listing[0] == 'Program "on_new_task" in section tp_btf/task_newtask, 18 insns'
    assert listing[1:3] == [
        "  ; ./externs.c",
        "  ; 36: struct task_struct *task = bpf_task_acquire((void *)ctx[0]);",
    ]
    assert listing[3].startswith("   0: 79 11 00 00 00 00 00 00  ")
    assert listing[4].endswith("<kfunc bpf_task_acquire>")
    assert text.count("; ./externs.c") == len(spec.programs)
    assert "<result in .bss+0>" in text
    assert "<kconfig CONFIG_HZ>" in text
    assert "<insn 16>" in text


def test_json_says_everything_the_models_hold(spec: CollectionSpec) -> None:
    document = read_json(spec)
    assert document["schema_version"] == 1
    assert set(document) >= set(CollectionSpec.model_fields)
    assert set(document["elf"]) == set(ElfSpec.model_fields) - {"byte_order"}
    for name, model in (("maps", MapSpec), ("variables", VariableSpec), ("externs", ExternSpec)):
        assert document[name], "the object was chosen to have some"
        for row in document[name]:
            assert set(row) == set(model.model_fields)
    shared = set(FunctionSpec.model_fields)
    # The code itself is shown as a listing; the byte order is the object's.
    assert set(document["functions"][0]) >= shared - {"code", "byte_order"}
    assert set(document["programs"][0]) >= set(ProgramSpec.model_fields) - shared
    assert len(document["functions"]) == len(spec.functions)
    assert len(document["programs"]) == len(spec.programs)
    for program in document["programs"]:
        assert document["functions"][program["function"]]["name"] == program["name"]


def test_the_listing_leaves_no_insn_out(spec: CollectionSpec) -> None:
    assert "listing" not in read_json(spec)["functions"][0]
    for row, function in zip(
        read_json(spec, disasm=True)["functions"], spec.functions, strict=True
    ):
        assert "".join(line["raw"] for line in row["listing"]) == function.code.hex()
        named = {line["index"] for line in row["listing"] if line["refers_to"]}
        assert named >= {reference.index for reference in function.references}


def hostile_object() -> bytes:
    name = "e\x1b[31m\nvil"
    writer = ElfWriter()
    code = LE.mov(R0, 2) + LE.exit()
    text = writer.section(name, code, SHF_ALLOC | SHF_EXECINSTR)
    maps = writer.section("maps", bytes(20), SHF_ALLOC | SHF_WRITE)
    data = writer.section(".data", bytes(8), SHF_ALLOC | SHF_WRITE)
    writer.section("license", b"GPL\x1b[0m\0", SHF_ALLOC)
    writer.symbol(name, text, size=len(code), type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol(name, maps, size=20, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.symbol(name, data, size=8, type=STT_OBJECT, bind=STB_GLOBAL)
    return writer.build()


def test_names_of_a_hostile_object_are_escaped() -> None:
    spec = es.read(hostile_object())
    assert spec.programs
    assert spec.maps
    for text in (
        inspect_text.render(spec, "a\x1b.o", PLAIN, disasm=True),
        inspect_json.render(spec, "a\x1b.o", disasm=True),
    ):
        assert all(char.isprintable() or char == "\n" for char in text)


def test_an_empty_object_can_be_shown() -> None:
    spec = es.read(ElfWriter().build())
    assert "platform" in inspect_text.render(spec, "a.o", PLAIN, disasm=True)
    assert read_json(spec, disasm=True)["programs"] == []


def test_programs_times_functions_is_bounded(
    spec: CollectionSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_LINKED", 1)
    uses = [program["uses"] for program in read_json(spec)["programs"]]
    assert uses[0] is not None
    assert uses[1] is None
    text = inspect_text.render(spec, OBJECT, PLAIN)
    assert "read_kernel: too many functions to follow" in text
