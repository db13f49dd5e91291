"""``inspect`` as JSON: one versioned document with everything an object declares.

Version 1, top level::

    schema_version, tool {name, version}, object
    platform, numbering, evidence [{platform, kind, weight, what, where}]
    byte_order, license, version, tag (hex digits or null)
    elf {machine, type, flags, version, os_abi, ident_tail (hex digits), header_size, file_size,
         section_table_offset, section_table_end, program_header_count, program_header_offset,
         program_header_size, sections [{index, name, type, flags, address, offset, size, link,
         info, alignment, entry_size}]} or null
    maps [{name, type, key_size, value_size, max_entries, flags, pinning, map_extra, numa_node,
           inner (a map or null), inner_name, values [{index, kind, name}], origin, layout, section,
           section_offset, linkage, declared [names], key_type_id, value_type_id, btf_id, legacy_id,
           autocreate, data (hex digits or null), record (hex digits or null)}]
    programs [{name, section, function, type, attach_type, attach_to, autoload, sleepable, multi,
               xdp_frags, attach_type_optional, section_pattern, uses}]
    functions [{name, section, section_index, section_offset, linkage, hidden, is_program,
                insn_count, btf_id, uses, references [{index, kind, name, target, offset,
                relocation, weak}], listing (with --disasm)}]
    variables [{name, section, offset, size, linkage, btf_id, value (hex digits or null)}]
    externs [{name, kind, section, weak, typed, btf_id, size, tags}]
    btf {types} or null
    btf_ext [{section, functions, lines, CO-RE relocations}]
    problems [{kind, what, where, offset}]

Map, program and attach types and helpers are ``{platform, number, name, uapi}``. ``uses`` is
``{helpers, kfuncs, functions, maps, ksyms, kconfig}``; a program's covers every function it
reaches (null when those before reached too many), a function's only itself.
``programs[].function`` and ``references[].target`` are positions in ``functions``, ``maps`` or
``externs``. ``listing`` is ``[{index, raw (hex digits), text, by, refers_to, source {file, line,
column, text} or null}]``. Sizes and offsets are bytes.
Fields are added within a version; removing or changing one makes a new version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ebpf_static import __version__
from ebpf_static.isa import listing
from ebpf_static.output.code_facts import CodeFacts, CodeIndex, describe_targets, ext_counts
from ebpf_static.output.json_text import dumps_rows
from ebpf_static.specs import CollectionSpec, ElfSpec, FunctionSpec, MapSpec, ProgramSpec

SCHEMA_VERSION = 1

_MAP_FIELDS = (
    "key_size", "value_size", "max_entries", "flags", "pinning", "map_extra", "numa_node",
    "inner_name", "layout", "section", "section_offset", "linkage", "key_type_id",
    "value_type_id", "btf_id", "legacy_id", "autocreate",
)  # fmt: skip
_PROGRAM_FIELDS = (
    "attach_to", "autoload", "sleepable", "multi", "xdp_frags", "attach_type_optional",
    "section_pattern",
)  # fmt: skip
_FUNCTION_FIELDS = (
    "name", "section", "section_index", "section_offset", "linkage", "hidden", "insn_count",
    "btf_id",
)  # fmt: skip
_ELF_FIELDS = (
    "machine", "type", "flags", "version", "os_abi", "header_size", "file_size",
    "section_table_offset", "section_table_end", "program_header_count", "program_header_offset",
    "program_header_size",
)  # fmt: skip


def render(
    spec: CollectionSpec,
    object_name: str,
    *,
    disasm: bool = False,
    remap: Callable[[str], str] = str,
) -> str:
    """Return the document; listings are part of it when ``disasm`` is set.

    ``remap`` turns the path of a source file into the one to show.
    """
    return dumps_rows(to_dict(spec, object_name, disasm=disasm, remap=remap))


def to_dict(
    spec: CollectionSpec,
    object_name: str,
    *,
    disasm: bool = False,
    remap: Callable[[str], str] = str,
) -> dict[str, Any]:
    """Return the document as plain values."""
    index = CodeIndex(spec, remap)
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "ebpf-static", "version": __version__},
        "object": object_name,
        "platform": spec.platform.value,
        "numbering": spec.numbering.value,
        "evidence": [
            {**_pick(e, ("kind", "weight", "what", "where")), "platform": e.platform.value}
            for e in spec.evidence
        ],
        "byte_order": spec.byte_order,
        "license": spec.license,
        "version": spec.version,
        "tag": _hex(spec.tag),
        "elf": None if spec.elf is None else _elf(spec.elf),
        "maps": [_map(item) for item in spec.maps],
        "programs": [
            _program(index, function, position)
            for position, function in enumerate(spec.functions)
            if isinstance(function, ProgramSpec)
        ],
        "functions": [_function(index, function, disasm=disasm) for function in spec.functions],
        "variables": [
            {**_pick(v, ("name", "section", "offset", "size", "linkage", "btf_id")),
             "value": _hex(v.value)}
            for v in spec.variables
        ],
        "externs": [
            {**_pick(e, ("name", "section", "weak", "typed", "btf_id", "size")),
             "kind": e.kind.value, "tags": list(e.tags)}
            for e in spec.externs
        ],
        "btf": None if spec.btf is None else {"types": len(spec.btf)},
        "btf_ext": [
            {"section": section, **ext_counts(spec, section)}
            for section in (spec.btf_ext.sections if spec.btf_ext is not None else ())
        ],
        "problems": [problem._asdict() for problem in spec.problems],
    }  # fmt: skip


def _pick(item: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


def _elf(elf: ElfSpec) -> dict[str, Any]:
    sections = [section._asdict() for section in elf.sections]
    fields = _pick(elf, _ELF_FIELDS)
    return {**fields, "ident_tail": elf.ident_tail.hex(), "sections": sections}


def _map(item: MapSpec) -> dict[str, Any]:
    return {
        "name": item.name,
        "type": item.type.to_dict(),
        **_pick(item, _MAP_FIELDS),
        "origin": item.origin.value,
        "inner": None if item.inner is None else _map(item.inner),
        "values": [value._asdict() for value in item.values],
        "declared": list(item.declared),
        "data": _hex(item.data),
        "record": _hex(item.record),
    }


def _program(index: CodeIndex, program: ProgramSpec, position: int) -> dict[str, Any]:
    return {
        "name": program.name,
        "section": program.section,
        "function": position,
        "type": program.type.to_dict(),
        "attach_type": None if program.attach_type is None else program.attach_type.to_dict(),
        **_pick(program, _PROGRAM_FIELDS),
        "uses": _uses(index.program_facts(program)),
    }


def _function(index: CodeIndex, function: FunctionSpec, *, disasm: bool) -> dict[str, Any]:
    fields = {
        **_pick(function, _FUNCTION_FIELDS),
        "is_program": isinstance(function, ProgramSpec),
        "uses": _uses(index.facts(function, _type_of(function))),
        "references": [r._asdict() | {"kind": r.kind.value} for r in function.references],
    }
    return fields | {"listing": _listing(index, function)} if disasm else fields


def _type_of(function: FunctionSpec) -> Any:
    return function.type if isinstance(function, ProgramSpec) else None


def _uses(facts: CodeFacts | None) -> dict[str, Any] | None:
    if facts is None:
        return None
    names = {name: list(value) for name, value in facts._asdict().items()}
    return names | {"helpers": [helper.to_dict() for helper in facts.helpers]}


def _listing(index: CodeIndex, function: FunctionSpec) -> list[dict[str, Any]]:
    targets = describe_targets(index.spec, function, _type_of(function))
    sources = index.source_lines(function)
    return [
        {
            "index": line.index,
            "raw": line.raw.hex(),
            "text": line.text,
            "by": line.by,
            "refers_to": targets.get(line.index),
            "source": sources[line.index]._asdict() if line.index in sources else None,
        }
        for line in listing(function.code, function.byte_order, targets=targets)
    ]
