"""Make ``ebpf_static/isa/data/operations.json`` from ``scripts/snapshots/isa.json``.

The snapshot says which encodings exist, since when and for which ISA level; this script adds the
parts that follow from the bits themselves (RFC 9669 sections 3 to 5) and the reserved fields, which
come from the checks of ``kernel/bpf/verifier.c`` (the "uses reserved fields" messages) and, where
the kernel does not look (offset of ``exit``, second immediate of a function address), from the
RFC's "unused fields shall be cleared to zero".

Run from the repository root: ``python scripts/make_isa_tables.py [--check]``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ebpf_static.isa.opcodes import (  # noqa: E402
    CLASS_MASK,
    MODE_MASK,
    OPERATION_MASK,
    SIZE_MASK,
    SOURCE_MASK,
    AluOp,
    CallSource,
    InsnClass,
    JumpOp,
    LddwSource,
    Mode,
    Size,
    Source,
)

SNAPSHOT = ROOT / "scripts" / "snapshots" / "isa.json"
TABLE = ROOT / "ebpf_static" / "isa" / "data" / "operations.json"

Row = dict[str, Any]

ATOMIC_NAMES = {
    "ADD (xadd)": "atomic_add",
    "OR": "atomic_or",
    "AND": "atomic_and",
    "XOR": "atomic_xor",
    "ADD|FETCH": "atomic_fetch_add",
    "OR|FETCH": "atomic_fetch_or",
    "AND|FETCH": "atomic_fetch_and",
    "XOR|FETCH": "atomic_fetch_xor",
    "XCHG": "xchg",
    "CMPXCHG": "cmpxchg",
    "LOAD_ACQ": "load_acquire",
    "STORE_REL": "store_release",
}


def level(text: str | None) -> tuple[str | None, str | None]:
    """Split the snapshot's ``cpu`` into (level that has the encoding, level LLVM emits it from)."""
    found = re.findall(r"v[1-4]", text or "")
    if not found:
        return None, None
    return found[0], found[-1]


def operation(known: Row, /, **own: Any) -> Row:
    """Join what the bits say with what the snapshot knows of the encoding's history."""
    cpu, emitted = level(known.get("cpu"))
    since = known["since"].split()[0]
    history = {
        "cpu": cpu,
        "emitted": emitted,
        "since": since if since[0].isdigit() else None,
        "llvm": known["llvm"].split()[0] if known.get("llvm") else None,
    }
    return own | history


def arithmetic(row: Row) -> list[Row]:
    """ALU and ALU64: the offset chooses signedness, sign extension or an address-space cast."""
    opcode = row["opcode"]
    width = 64 if opcode & CLASS_MASK == InsnClass.ALU64 else 32
    op = AluOp(opcode & OPERATION_MASK)
    if op is AluOp.END:
        return byte_swaps(row)
    register = opcode & SOURCE_MASK == Source.X
    shape: Row = {"opcode": opcode, "width": width, "source": "reg" if register else "imm"}
    if op is AluOp.NEG:
        shape |= {"source": None, "allowed": {"src": [0], "off": [0], "imm": [0]}}
        return [operation(row, name=f"neg{width}", op="neg", kind="alu", **shape)]
    off = row["off"]
    allowed = {"off": [off], "imm" if register else "src": [0]}
    shape["allowed"] = allowed
    name = op.name.lower()
    if op is AluOp.MOV and off == 1:
        allowed["imm"] = [1, 1 << 16]
        name = "addr_space_cast"
        return [operation(row, name=name, op=name, kind="addr_space_cast", **shape)]
    if op is AluOp.MOV and off:
        shape |= {"size": off // 8, "signed": True}
        return [operation(row, name=f"movsx{width}_{off}", op="movsx", kind="alu", **shape)]
    if off:
        name, shape["signed"] = f"s{name}", True
    return [operation(row, name=f"{name}{width}_{shape['source']}", op=name, kind="alu", **shape)]


def byte_swaps(row: Row) -> list[Row]:
    """One operation per immediate of an END opcode; ALU64 swaps always, ALU by host order."""
    opcode = row["opcode"]
    if opcode & CLASS_MASK == InsnClass.ALU64:
        name = "bswap"
    else:
        name = "be" if opcode & SOURCE_MASK else "le"
    return [
        operation(
            row,
            name=f"{name}{bits}",
            op=name,
            kind="byte_swap",
            opcode=opcode,
            width=64,
            source=None,
            size=bits // 8,
            allowed={"src": [0], "off": [0], "imm": [bits]},
        )
        for bits in row["imm"]
    ]


def jump(row: Row, snapshot: Row) -> list[Row]:
    """JMP and JMP32: conditions, gotos, calls and exit."""
    opcode = row["opcode"]
    wide = opcode & CLASS_MASK == InsnClass.JMP
    op = JumpOp(opcode & OPERATION_MASK)
    register = opcode & SOURCE_MASK == Source.X
    shape: Row = {"opcode": opcode, "width": 64 if wide else 32, "source": None}
    if op is JumpOp.CALL:
        return calls(row, snapshot, register=register)
    if op is JumpOp.EXIT:
        allowed = {"dst": [0], "src": [0], "off": [0], "imm": [0]}
        return [operation(row, name="exit", op="exit", kind="exit", allowed=allowed, **shape)]
    if op is JumpOp.JCOND:
        allowed = {"dst": [0], "src": [0], "imm": [0]}
        name = "may_goto"
        return [operation(row, name=name, op=name, kind="may_goto", allowed=allowed, **shape)]
    if op is JumpOp.JA:
        name, free = ("gotox", "dst") if register else ("ja", "off") if wide else ("gotol", "imm")
        allowed = {field: [0] for field in ("dst", "src", "off", "imm") if field != free}
        return [operation(row, name=name, op=name, kind="jump", allowed=allowed, **shape)]
    shape["source"] = "reg" if register else "imm"
    shape["signed"] = op.name.startswith(("JSG", "JSL"))
    allowed = {"imm" if register else "src": [0]}
    op_name = op.name.lower()
    name = f"{op_name}{'' if wide else '32'}_{shape['source']}"
    return [operation(row, name=name, op=op_name, kind="branch", allowed=allowed, **shape)]


def calls(row: Row, snapshot: Row, *, register: bool) -> list[Row]:
    """One operation per meaning of a call's source register field, and the call by register."""
    shape: Row = {"opcode": row["opcode"], "kind": "call", "width": 64, "source": None}
    if register:
        allowed = {"src": [0], "off": [0]}
        return [operation(row, name="callx", op="callx", allowed=allowed, **shape)]
    rows = []
    for value in snapshot["call_src_reg"]:
        source = CallSource(value["value"])
        allowed = {"dst": [0], "src": [source.value]}
        if source is not CallSource.KFUNC:
            allowed["off"] = [0]
        name = f"call_{source.name.lower()}"
        history = row | {"since": value["since"]}
        rows.append(operation(history, name=name, op=name, allowed=allowed, **shape))
    return rows


def memory(row: Row, snapshot: Row) -> list[Row]:
    """LD, LDX, ST and STX except atomics."""
    opcode = row["opcode"]
    insn_class = InsnClass(opcode & CLASS_MASK)
    mode, size = Mode(opcode & MODE_MASK), Size(opcode & SIZE_MASK)
    if insn_class is InsnClass.LD and mode is Mode.IMM:
        return constants(row, snapshot)
    op = insn_class.name.lower()
    kind = "load" if insn_class is InsnClass.LDX else "store"
    reserved = {"ldx": ["imm"], "st": ["src"], "stx": ["imm"]}.get(op, [])
    if insn_class is InsnClass.LD:
        op, kind = f"ld_{mode.name.lower()}", "legacy_load"
        reserved = ["dst", "off"] if mode is Mode.IND else ["dst", "src", "off"]
    signed = mode is Mode.MEMSX
    op += "s" if signed else ""
    return [
        operation(
            row,
            name=f"{op}_{size.name.lower()}",
            op=op,
            kind=kind,
            opcode=opcode,
            width=64,
            source={"st": "imm", "stx": "reg"}.get(op),
            size=size.nbytes,
            signed=signed,
            allowed={field: [0] for field in reserved},
        )
    ]


def constants(row: Row, snapshot: Row) -> list[Row]:
    """One operation per pseudo source of LDDW."""
    rows = []
    for value in snapshot["lddw_src_reg"]:
        source = LddwSource(value["value"])
        name = f"lddw_{source.name.lower()}" if source else "lddw"
        allowed = {"src": [source.value], "off": [0]}
        if source in (LddwSource.MAP_FD, LddwSource.FUNC, LddwSource.MAP_IDX):
            allowed["next_imm"] = [0]
        rows.append(
            operation(
                row | {"since": value["since"]},
                name=name,
                op=name,
                kind="load_constant",
                opcode=row["opcode"],
                width=64,
                source="imm",
                allowed=allowed,
            )
        )
    return rows


def atomics(snapshot: Row) -> list[Row]:
    """One operation per atomic immediate and size."""
    rows = []
    for atomic in snapshot["atomics"]:
        op = ATOMIC_NAMES[atomic["name"]]
        for text in atomic["opcodes"]:
            opcode = int(text.split()[0], 16)
            size = Size(opcode & SIZE_MASK).nbytes
            rows.append(
                operation(
                    atomic,
                    name=f"{op}_{size * 8}",
                    op=op,
                    kind="atomic",
                    opcode=opcode,
                    width=64,
                    source="reg",
                    size=size,
                    allowed={"imm": [atomic["imm"]]},
                )
            )
    return rows


def selector(row: Row) -> str | None:
    """Return the field whose value chooses the operation: others of its values mean nothing."""
    opcode, allowed = row["opcode"], row["allowed"]
    if row["kind"] in ("atomic", "byte_swap"):
        return "imm"
    if row["kind"] in ("load_constant", "may_goto") or opcode == JumpOp.CALL | InsnClass.JMP:
        return "src"
    operation_bits = opcode & OPERATION_MASK
    choosing = row["kind"] in ("alu", "addr_space_cast") and "off" in allowed
    if choosing and operation_bits in (AluOp.DIV, AluOp.MOD):
        return "off"
    return "off" if choosing and operation_bits == AluOp.MOV and opcode & SOURCE_MASK else None


def operations(snapshot: Row) -> list[Row]:
    """Return one row per distinct operation, in opcode order."""
    rows: list[Row] = []
    for row in snapshot["instructions"]:
        insn_class = InsnClass(row["opcode"] & CLASS_MASK)
        if insn_class in (InsnClass.ALU, InsnClass.ALU64):
            rows += arithmetic(row)
        elif insn_class in (InsnClass.JMP, InsnClass.JMP32):
            rows += jump(row, snapshot)
        else:
            rows += memory(row, snapshot)
    rows += atomics(snapshot)
    for row in rows:
        row["selector"] = selector(row)
    return sorted(rows, key=lambda row: row["opcode"])


def render(snapshot: Row) -> str:
    """Return the table's text: a header, then one operation a line."""
    head = {
        "generator": "scripts/make_isa_tables.py, do not edit",
        "source": [*snapshot["source"], "RFC 9669"],
        "precision_note": snapshot["precision_note"],
    }
    lines = ",\n".join("  " + json.dumps(row) for row in operations(snapshot))
    return json.dumps(head, indent=1)[:-2] + f',\n "operations": [\n{lines}\n ]\n}}\n'


def main() -> int:
    """Write the table, or with ``--check`` say whether the committed one is current."""
    text = render(json.loads(SNAPSHOT.read_text(encoding="utf-8")))
    if "--check" in sys.argv[1:]:
        current = TABLE.exists() and TABLE.read_text(encoding="utf-8") == text
        print(f"{TABLE.relative_to(ROOT)} is {'current' if current else 'stale'}")
        return 0 if current else 1
    TABLE.write_text(text, encoding="utf-8")
    print(f"wrote {TABLE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
