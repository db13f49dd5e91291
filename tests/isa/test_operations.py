"""The table against its source, row by row, and what stays unknown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from ebpf_static.isa import (
    Instruction,
    Kind,
    bad_registers,
    classify,
    explain_unknown,
    known_operations,
    reserved_fields,
)
from tests.isa.strategies import INSTRUCTIONS

ROOT = Path(__file__).resolve().parents[2]
FACTS: dict[str, Any] = json.loads(
    (ROOT / "scripts" / "snapshots" / "isa.json").read_text(encoding="utf-8")
)
Row = dict[str, Any]

SPECIAL = {
    "ja off16": "ja",
    "gotol imm32": "gotol",
    "gotox reg": "gotox",
    "callx reg": "callx",
    "may_goto (jcond)": "may_goto",
    "lddw imm64": "lddw",
    "call": "call_helper",
    "neg32": "neg32",
    "neg64": "neg64",
    "exit": "exit",
    "addr_space_cast": "addr_space_cast",
}


def expected_name(mnemonic: str) -> str:
    """Return our id for one of the source's mnemonics, from its words alone."""
    if mnemonic in SPECIAL:
        return SPECIAL[mnemonic]
    if found := re.fullmatch(r"(movsx\d\d) [wr]\(s(\d+)\)", mnemonic):
        return f"{found[1]}_{found[2]}"
    if found := re.fullmatch(r"(ld_abs|ld_ind) (\w)", mnemonic):
        return f"{found[1]}_{found[2].lower()}"
    if found := re.fullmatch(r"(ldx|st|stx)(b|h|w|dw)( sign-extend| imm)?", mnemonic):
        return f"{found[1]}{'s' if found[3] == ' sign-extend' else ''}_{found[2]}"
    return mnemonic.replace(" ", "_")


def expected_cpu(text: str | None) -> str | None:
    found = re.match(r"v[1-4]", text or "")
    return found[0] if found else None


def case(row: Row, *, src: int = 0, imm: int | None = None) -> Instruction:
    value = row.get("imm", 0)
    if imm is None:
        imm = value if isinstance(value, int) else 1
    off = row.get("off", 0)
    second = 0 if row.get("slots") == 2 else None
    return Instruction(0, row["opcode"], 0, src, off if isinstance(off, int) else 2, imm, second)


def agrees(instruction: Instruction, row: Row, name: str) -> None:
    operation = classify(instruction)
    assert operation.known
    assert operation.name == name
    assert operation.opcode == instruction.opcode
    assert operation.cpu == expected_cpu(row["cpu"])
    accepted = re.match(r"\d+\.\d+", row["since"])
    assert operation.since == (accepted[0] if accepted else None)
    assert operation.llvm == (row["llvm"].split()[0] if row.get("llvm") else None)
    assert reserved_fields(instruction) == ()
    assert explain_unknown(instruction) is None


@pytest.mark.parametrize("row", FACTS["instructions"], ids=lambda row: row["mnemonic"])
def test_instruction_row(row: Row) -> None:
    swap = re.fullmatch(r"(le|be|bswap)16/32/64", row["mnemonic"])
    if swap:
        for bits in row["imm"]:
            agrees(case(row, imm=bits), row, f"{swap[1]}{bits}")
        return
    for imm in (1, 0x10000) if row["mnemonic"] == "addr_space_cast" else (None,):
        agrees(case(row, imm=imm), row, expected_name(row["mnemonic"]))


def test_the_source_has_the_rows_we_think_it_has() -> None:
    assert len(FACTS["instructions"]) == 140
    assert [len(FACTS[k]) for k in ("atomics", "lddw_src_reg", "call_src_reg")] == [12, 7, 3]


@pytest.mark.parametrize("row", FACTS["atomics"], ids=lambda row: row["name"])
def test_atomic_row(row: Row) -> None:
    names = {"LOAD_ACQ": "load_acquire", "STORE_REL": "store_release", "ADD (xadd)": "atomic_add"}
    names |= {"XCHG": "xchg", "CMPXCHG": "cmpxchg"}
    words = row["name"].lower().split("|")
    name = names.get(row["name"]) or "_".join(["atomic", *words[1:], words[0]])
    for text in row["opcodes"]:
        opcode = int(text.split()[0], 16)
        bits = {0xC3: 32, 0xDB: 64, 0xD3: 8, 0xCB: 16}[opcode]
        agrees(Instruction(0, opcode, 1, 2, 8, row["imm"]), row, f"{name}_{bits}")


@pytest.mark.parametrize("row", FACTS["lddw_src_reg"], ids=lambda row: row["name"])
def test_lddw_source_row(row: Row) -> None:
    name = row["name"].removeprefix("BPF_PSEUDO_").lower() if row["value"] else ""
    instruction = Instruction(0, 0x18, 1, row["value"], 0, 5, 0)
    agrees(instruction, row | {"cpu": "v1"}, f"lddw_{name}" if name else "lddw")


@pytest.mark.parametrize("row", FACTS["call_src_reg"], ids=lambda row: row["name"])
def test_call_source_row(row: Row) -> None:
    name = ("call_helper", "call_local", "call_kfunc")[row["value"]]
    agrees(Instruction(0, 0x85, 0, row["value"], 0, 5), row | {"cpu": "v1"}, name)


def test_no_operation_without_a_row() -> None:
    rows = len(FACTS["instructions"]) - 3 - 2  # three swap rows; LDDW and call stand for theirs
    atomics = sum(len(row["opcodes"]) for row in FACTS["atomics"])
    sources = len(FACTS["lddw_src_reg"]) + len(FACTS["call_src_reg"])
    assert len(known_operations()) == rows + 9 + atomics + sources
    assert len({operation.name for operation in known_operations()}) == len(known_operations())


def test_opcodes_without_a_row_are_unknown() -> None:
    assigned = {row["opcode"] for row in FACTS["instructions"]}
    assigned |= {int(text.split()[0], 16) for row in FACTS["atomics"] for text in row["opcodes"]}
    for opcode in range(256):
        instruction = Instruction(0, opcode, 0, 0, 0, 16)
        if opcode in assigned:
            continue
        assert classify(instruction).kind is Kind.UNKNOWN
        assert explain_unknown(instruction) == f"opcode {opcode:#04x} is not assigned"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ((0x3F, 1, 2, 5, 0), "opcode 0x3f has no meaning with off 5"),
        ((0xBF, 1, 2, 9, 0), "opcode 0xbf has no meaning with off 9"),
        ((0xBC, 1, 2, 32, 0), "opcode 0xbc has no meaning with off 32"),
        ((0xBC, 1, 2, 1, 1), "opcode 0xbc has no meaning with off 1"),
        ((0xDB, 1, 2, 0, 0x77), "opcode 0xdb has no meaning with imm 119"),
        ((0xD3, 1, 2, 0, 0), "opcode 0xd3 has no meaning with imm 0"),
        ((0xD4, 1, 0, 0, 24), "opcode 0xd4 has no meaning with imm 24"),
        ((0x18, 1, 7, 0, 0, 0), "opcode 0x18 has no meaning with src 7"),
        ((0x85, 0, 3, 0, 0), "opcode 0x85 has no meaning with src 3"),
        ((0xE5, 0, 1, 2, 0), "opcode 0xe5 has no meaning with src 1"),
    ],
)
def test_unknown_value_of_a_known_opcode(fields: tuple[int, ...], why: str) -> None:
    instruction = Instruction(0, *fields)
    assert not classify(instruction).known
    assert explain_unknown(instruction) == why
    assert reserved_fields(instruction) == ()
    assert bad_registers(instruction) == ()


@pytest.mark.parametrize(
    ("fields", "reserved"),
    [
        ((0x07, 1, 2, 0, 5), ("src",)),
        ((0x07, 1, 0, 1, 5), ("off",)),
        ((0xB7, 1, 0, 8, 5), ("off",)),  # sign extension exists for registers only
        ((0x0F, 1, 2, 0, 5), ("imm",)),
        ((0x87, 1, 2, 3, 4), ("src", "off", "imm")),
        ((0xBF, 1, 2, 1, 2), ("imm",)),
        ((0xBF, 1, 2, 1, 0x10000), ()),
        ((0x05, 1, 2, 9, 3), ("dst", "src", "imm")),
        ((0x06, 0, 0, 9, 3), ("off",)),
        ((0x0D, 3, 1, 1, 1), ("src", "off", "imm")),
        ((0xE5, 1, 0, 2, 1), ("dst", "imm")),
        ((0x15, 1, 2, 9, 3), ("src",)),
        ((0x1E, 1, 2, 9, 3), ("imm",)),
        ((0x85, 1, 0, 2, 3), ("dst", "off")),
        ((0x85, 0, 2, 2, 3), ()),  # off of a kfunc call is an index
        ((0x8D, 2, 0, 0, 0), ()),
        ((0x8D, 0, 0, 0, 2), ()),
        ((0x8D, 2, 1, 0, 2), ("src", "imm")),
        ((0x8D, 0, 0, 0, 11), ("imm",)),
        ((0x95, 1, 2, 3, 4), ("dst", "src", "off", "imm")),
        ((0x61, 1, 2, 3, 4), ("imm",)),
        ((0x62, 1, 2, 3, 4), ("src",)),
        ((0x63, 1, 2, 3, 4), ("imm",)),
        ((0x20, 1, 2, 3, 4), ("dst", "src", "off")),
        ((0x40, 1, 2, 3, 4), ("dst", "off")),
        ((0xD4, 1, 2, 3, 16), ("src", "off")),
        ((0x18, 1, 0, 3, 4, 5), ("off",)),
        ((0x18, 1, 1, 0, 4, 5), ("next_imm",)),
        ((0x18, 1, 2, 0, 4, 5), ()),
        ((0x18, 1, 1, 0, 4, None), ()),
    ],
)
def test_reserved_fields(fields: tuple[int, ...], reserved: tuple[str, ...]) -> None:
    found = reserved_fields(Instruction(0, *fields))
    assert sorted(found) == sorted(reserved)


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ((0x0F, 11, 15, 0, 0), ("dst", "src")),
        ((0x0F, 10, 10, 0, 0), ()),
        ((0x07, 1, 12, 0, 5), ()),  # a reserved field, not a register
        ((0x7B, 11, 1, 0, 0), ("dst",)),
        ((0x61, 1, 11, 0, 0), ("src",)),
        ((0x18, 13, 1, 0, 0, 0), ("dst",)),
        ((0x85, 0, 14, 0, 0), ()),
        ((0x0D, 11, 0, 0, 0), ("dst",)),
        ((0x50, 0, 12, 0, 0), ("src",)),
    ],
)
def test_bad_registers(fields: tuple[int, ...], bad: tuple[str, ...]) -> None:
    assert bad_registers(Instruction(0, *fields)) == bad


@given(INSTRUCTIONS)
def test_every_record_has_exactly_one_answer(instruction: Instruction) -> None:
    operation = classify(instruction)
    assert operation.opcode == instruction.opcode
    assert operation.known == (explain_unknown(instruction) is None)
    assert operation.known == (operation in known_operations())


def test_levels_of_a_sample() -> None:
    levels = {
        (0xA5, 0): ("v2", "4.14"),
        (0x16, 0): ("v3", "5.1"),
        (0x37, 1): ("v4", "6.6"),
        (0x72, 0): ("v1", "3.18"),
        (0xE5, 0): (None, "6.9"),
        (0x8D, 0): (None, None),
    }
    for (opcode, off), answer in levels.items():
        operation = classify(Instruction(0, opcode, 0, 0, off, 0))
        assert (operation.cpu, operation.since) == answer
    assert classify(Instruction(0, 0x72, 0, 0, 0, 0)).emitted == "v4"


def test_the_committed_table_is_what_the_script_makes() -> None:
    script = ROOT / "scripts" / "make_isa_tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
