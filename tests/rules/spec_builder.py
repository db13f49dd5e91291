"""Build a spec from a few lines of TOML, so that a rule's cases need no compiler.

``[[pass]]`` and ``[[fail]]`` tables of ``cases/<CODE>.toml`` hold an ``object``::

    platform = "linux"        # what the evidence says; "unknown" and "windows" as well
    numbering = "linux"       # whose numbers it has; by default the platform's
    byte_order = "little"
    license = "GPL"           # left out: no license section
    tag = "01"                # bytes of the tag section in hexadecimal
    btf = true                # usable type information that describes nothing
    evidence = [{platform = "windows", kind = "section-name", weight = 60, what = "…", where = "…"}]
    elf = {type = 1}          # fields of the ELF header; false for a native image
    sections = [{name = ".maps", type = 1, flags = 3, size = 32, offset = 64, alignment = 8}]
    problems = [{kind = "btf", what = "…", where = ".BTF", offset = 64}]
    externs = [{name = "f", kind = "unknown"}]
    maps = [{name = "m", type = "HASH", key_size = 4, value_size = 8, max_entries = 1}]
    programs = [{name = "f", section = "xdp", code = ["mov r0 0", "exit"]}]
    functions = [{name = "g", section = ".text", code = ["exit"]}]

    types = ["integer int 4", "struct task 8 pid:1:0"]   # type information, see build_types
    core = [{section = "xdp", insn = 0, type = 2, access = "0:0", kind = 0}]
    lines = [{section = "xdp", insn = 0, file = "a.c", line = 7, column = 3, text = "x = 1;"}]
    func_infos = [{section = "xdp", insn = 0, type = 3}]

    image = {kind = "driver"} # instead of all that: a native image, see image_builder

Sections of code, and a symbol table, are there without being named. A line of code is a method of
:class:`tests.build.asm.Assembler` and its arguments (``ldx 64 r0 r10 -8``, ``insn 0x8e dst=1``),
optionally repeated (``1000 * mov r0 0``). ``references`` name what they refer to:
``[{index = 0, kind = "map", name = "m"}]``.
"""

from __future__ import annotations

import re
from typing import Any

from ebpf_static.btf import Btf, BtfExt
from ebpf_static.specs import (
    ByName,
    CollectionSpec,
    ElfSpec,
    Evidence,
    ExternKind,
    ExternSpec,
    FunctionSpec,
    MapOrigin,
    MapSpec,
    MapValue,
    ProgramSpec,
    ReadProblem,
    Reference,
    ReferenceKind,
    SectionSpec,
)
from ebpf_static.specs.section import ByteOrder
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, MapType, ProgramType
from ebpf_static.uapi.sections import match_linux, match_windows
from tests.build.asm import BE, LE, Reg
from tests.build.btf_writer import BtfExtWriter, BtfWriter
from tests.rules.image_builder import build_image

_REGISTER = re.compile(r"r(\d+)\Z")
_NUMBER = re.compile(r"-?(0x[0-9a-f]+|\d+)\Z")
_CODE_FLAGS = 0x6
_SECTION_FIELDS: dict[str, Any] = {
    "index": 0,
    "name": "",
    "type": 1,
    "flags": 0,
    "address": 0,
    "offset": 0,
    "size": 0,
    "link": 0,
    "info": 0,
    "alignment": 1,
    "entry_size": 0,
}


def assemble(lines: list[str], byte_order: ByteOrder = "little") -> bytes:
    """Return the code of ``lines``, one assembler method each."""
    return b"".join(_line(line, byte_order) for line in lines)


def build_types(lines: list[str], byte_order: str = "little") -> BtfWriter:
    """Return the types of ``lines``, one method of :class:`BtfWriter` each, ids counting from 1.

    Words are its arguments, a row of members, values or variables has colons between its fields:
    ``struct task 16 pid:1:0 flags:1:32``, ``enum colour RED:0``, ``array 1 1 16``, ``fwd later``.
    """
    writer = BtfWriter(byte_order)
    for line in lines:
        method, *words = line.split()
        plain = [_argument(word) for word in words if ":" not in word and "=" not in word]
        rows = [tuple(map(_argument, word.split(":"))) for word in words if ":" in word]
        pairs = (word.partition("=") for word in words if "=" in word)
        named = {key: _argument(value) for key, _, value in pairs}
        getattr(writer, method)(*plain, *([rows] if rows else []), **named)
    return writer


def _btf(fields: dict[str, Any], byte_order: ByteOrder) -> tuple[Btf | None, BtfExt | None]:
    """Take the keys about type information out of ``fields``."""
    known, lines = fields.pop("btf", False), fields.pop("types", None)
    core, places = fields.pop("core", ()), fields.pop("lines", ())
    infos, strings = fields.pop("func_infos", ()), fields.pop("strings", ())
    if not known and lines is None:
        return None, None
    writer = build_types(lines or [], byte_order)
    ext = BtfExtWriter(writer)
    for text in strings:
        writer.string(text)
    for row in infos:
        ext.func_info(row["section"], 8 * row["insn"], row["type"])
    for row in places:
        at = (row["line"], row.get("column", 0))
        ext.line_info(row["section"], 8 * row["insn"], row["file"], row.get("text", ""), at)
    for row in core:
        place = (row["section"], 8 * row["insn"], row["type"])
        ext.core_relo(*place, row.get("access", "0"), row.get("kind", 0))
    raw = ext.build() if core or places or infos else None
    btf = Btf.parse(writer.build(), pointer_size=8)
    return btf, None if raw is None else BtfExt.parse(raw, btf)


def _line(line: str, byte_order: ByteOrder) -> bytes:
    times, star, rest = line.rpartition("*")
    name, *words = rest.split()
    positional = [_argument(word) for word in words if "=" not in word]
    pairs = (word.partition("=") for word in words if "=" in word)
    named = {key: _argument(value) for key, _, value in pairs}
    code: bytes = getattr(LE if byte_order == "little" else BE, name)(*positional, **named)
    return code * (int(times) if star else 1)


def _argument(word: str) -> Any:
    register = _REGISTER.match(word)
    if register:
        return Reg(register[1])
    return int(word, 0) if _NUMBER.match(word) else word


def build_spec(given: dict[str, Any]) -> CollectionSpec:
    """Return the spec ``given`` describes."""
    if "image" in given:
        return build_image(given["image"])
    fields = dict(given)
    platform = Platform(fields.pop("platform", "linux"))
    numbering = Platform(fields.pop("numbering", platform.numbering))
    byte_order: ByteOrder = fields.pop("byte_order", "little")
    maps = ByName(_map(row, numbering) for row in fields.pop("maps", ()))
    externs = ByName(_extern(row) for row in fields.pop("externs", ()))
    rows = [(row, True) for row in fields.pop("programs", ())]
    rows += [(row, False) for row in fields.pop("functions", ())]
    names = {
        "map": [item.name for item in maps],
        "map_value": [item.name for item in maps],
        "extern": [item.name for item in externs],
        "function": [row["name"] for row, _ in rows],
    }
    functions = ByName(
        _function(row, numbering, byte_order, names, entry=entry) for row, entry in rows
    )
    tag = fields.pop("tag", None)
    btf, btf_ext = _btf(fields, byte_order)
    elf = _elf(fields.pop("elf", {}), fields.pop("sections", ()), functions, byte_order)
    spec = CollectionSpec.model_construct(
        platform=platform,
        numbering=numbering,
        byte_order=byte_order,
        license=fields.pop("license", None),
        tag=None if tag is None else bytes.fromhex(tag),
        evidence=tuple(_evidence(row) for row in fields.pop("evidence", ())),
        maps=maps,
        externs=externs,
        functions=functions,
        elf=elf,
        btf=btf,
        btf_ext=btf_ext,
        problems=tuple(ReadProblem(**row) for row in fields.pop("problems", ())),
    )
    assert not fields, f"unknown keys of an object: {sorted(fields)}"
    return spec


def _evidence(row: dict[str, Any]) -> Evidence:
    return Evidence(**row | {"platform": Platform(row["platform"])})


def _map(row: dict[str, Any], numbering: Platform) -> MapSpec:
    fields = dict(row)
    number = fields.pop("type")
    find = MapType.named if isinstance(number, str) else MapType.of
    type_ = find(numbering, number)
    inner = fields.pop("inner", None)
    record = fields.pop("record", None)
    values = tuple(MapValue(**value) for value in fields.pop("values", ()))
    origin = MapOrigin(fields.pop("origin", "btf"))
    defaults: dict[str, Any] = {
        "key_size": 0,
        "value_size": 0,
        "max_entries": 0,
        "section": "maps" if origin is MapOrigin.LEGACY else ".maps",
        "declared": tuple(fields.pop("declared", ())),
        "record": None if record is None else bytes.fromhex(record),
        "inner": None if inner is None else _map(inner, numbering),
    }
    known = MapSpec.model_fields
    assert set(fields) <= set(known), f"unknown keys of a map: {sorted(set(fields) - set(known))}"
    return MapSpec.model_construct(**defaults | fields, type=type_, origin=origin, values=values)


def _extern(row: dict[str, Any]) -> ExternSpec:
    return ExternSpec(**row | {"kind": ExternKind(row["kind"])})


def _function(
    row: dict[str, Any],
    numbering: Platform,
    byte_order: ByteOrder,
    names: dict[str, list[str]],
    *,
    entry: bool,
) -> FunctionSpec:
    fields = dict(row)
    section = fields.pop("section", "xdp" if entry else ".text")
    shared: dict[str, Any] = {
        "name": fields.pop("name"),
        "section": section,
        "section_index": fields.pop("section_index", 1),
        "section_offset": 0,
        "linkage": fields.pop("linkage", "global"),
        "btf_id": fields.pop("btf_id", None),
        "byte_order": byte_order,
        "code": assemble(fields.pop("code", ["mov r0 0", "exit"]), byte_order),
        "references": tuple(_reference(r, names) for r in fields.pop("references", ())),
    }
    if not entry:
        assert not fields, f"unknown keys of a function: {sorted(fields)}"
        return FunctionSpec.model_construct(**shared)
    match = (match_windows if numbering is Platform.WINDOWS else match_linux)(section)
    type_ = ProgramType.of(numbering, 0) if match is None else match.program_type
    attach: AttachType | None = None if match is None else match.attach_type
    assert not fields, f"unknown keys of a program: {sorted(fields)}"
    marked = numbering is not Platform.WINDOWS and section.startswith("?")
    if marked:
        shared["section"] = section.removeprefix("?")
    return ProgramSpec.model_construct(
        **shared,
        type=type_,
        attach_type=attach,
        attach_to=None if match is None else match.attach_to,
        autoload=not marked,
        sleepable=bool(getattr(match, "sleepable", False)),
        xdp_frags=bool(getattr(match, "xdp_frags", False)),
    )


def _reference(row: dict[str, Any], names: dict[str, list[str]]) -> Reference:
    kind = ReferenceKind(row["kind"])
    family = "function" if kind is ReferenceKind.CALL else kind.value
    family = "extern" if kind in (ReferenceKind.KFUNC, ReferenceKind.KSYM) else family
    known = names.get(family, [])
    name = row["name"]
    return Reference(
        index=row["index"],
        kind=kind,
        name=name,
        target=known.index(name) if name in known else -1,
        offset=row.get("offset", 0),
        relocation=row.get("relocation", 1),
        weak=row.get("weak", False),
    )


def _elf(
    header: dict[str, Any] | bool,  # noqa: FBT001 - false in TOML is no container
    sections: list[dict[str, Any]],
    functions: ByName[FunctionSpec],
    byte_order: ByteOrder,
) -> ElfSpec | None:
    if isinstance(header, bool):
        return None
    given = dict(header)
    rows: list[dict[str, Any]] = [{"type": 0}]
    rows += [
        {"name": name, "flags": _CODE_FLAGS, "size": 8, "offset": 64, "alignment": 8}
        for name in dict.fromkeys(function.section for function in functions)
    ]
    rows += sections
    if given.pop("symbols", True):
        rows.append({"name": ".symtab", "type": 2, "offset": 64, "alignment": 8})
    made = tuple(
        SectionSpec(**_SECTION_FIELDS | {"index": index} | row) for index, row in enumerate(rows)
    )
    defaults = {"machine": 247, "type": 1, "flags": 0, "os_abi": 0, "file_size": 4096}
    defaults |= {
        "section_table_offset": 2048,
        "section_table_end": 4096,
        "program_header_count": 0,
    }
    return ElfSpec.model_construct(**defaults | given, byte_order=byte_order, sections=made)
