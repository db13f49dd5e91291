"""``inspect`` as text: everything an object declares, in aligned tables.

Sizes are in bytes, offsets in hex; names are escaped, since whoever built the object chose them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ebpf_static.errors import escape
from ebpf_static.output.code_facts import CodeFacts, CodeIndex, ext_counts
from ebpf_static.output.listing import render_listing
from ebpf_static.output.style import Style
from ebpf_static.output.table import Cell, table
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapSpec, ProgramSpec, SectionSpec

_SECTION_TYPES = {
    0: "NULL", 1: "PROGBITS", 2: "SYMTAB", 3: "STRTAB", 4: "RELA", 7: "NOTE", 8: "NOBITS",
    9: "REL", 0x6FFF4C03: "LLVM_ADDRSIG",
}  # fmt: skip
# As readelf abbreviates them.
_SECTION_FLAGS = (
    (0x1, "W"), (0x2, "A"), (0x4, "X"), (0x10, "M"), (0x20, "S"), (0x40, "I"), (0x80, "L"),
    (0x200, "G"), (0x400, "T"), (0x80000000, "E"),
)  # fmt: skip


def render(
    spec: CollectionSpec,
    object_name: str,
    style: Style,
    *,
    disasm: bool = False,
    remap: Callable[[str], str] = str,
) -> str:
    """Return all of an object's declarations, with its code when ``disasm`` is set.

    ``remap`` turns the path of a source file into the one to show.
    """
    index = CodeIndex(spec, remap)
    parts = [_head(spec, object_name, style), _evidence(spec, style), _maps(spec, style)]
    parts += [_values(spec, style), _programs(index, style), _functions(index, style)]
    parts += [_variables(spec, style), _externs(spec, style), _types(spec, style)]
    parts += [_sections(spec, style), _problems(spec, style)]
    if disasm:
        parts += [render_listing(index, function, style) for function in spec.functions]
    return "\n".join(part for part in parts if part)


def _head(spec: CollectionSpec, object_name: str, style: Style) -> str:
    numbers = "" if spec.platform is spec.numbering else f", numbers read as {spec.numbering}"
    facts: list[tuple[str, str]] = [("platform", f"{spec.platform}{numbers}")]
    facts.append(("byte order", spec.byte_order))
    facts.append(("license", "none" if spec.license is None else f'"{escape(spec.license)}"'))
    if spec.version is not None:
        facts.append(("version", f"{spec.version:#x}"))
    if spec.tag is not None:
        facts.append((".ebpf_for_windows", spec.tag[:16].hex(" ") or "empty"))
    if spec.elf is not None:
        facts.append(("file size", f"{spec.elf.file_size}"))
    width = max(len(name) for name, _ in facts)
    lines = [style("bold", escape(object_name))]
    lines += [f"  {name:<{width}}  {value}" for name, value in facts]
    return "\n".join(lines) + "\n"


def _section(title: str, count: int, body: str, style: Style) -> str:
    return f"{style('bold', f'{title} ({count})')}\n{body}" if count else ""


def _evidence(spec: CollectionSpec, style: Style) -> str:
    rows = [(e.platform, e.weight, e.what, e.where) for e in spec.evidence]
    body = table(("for", "weight", "what", "where"), rows, style) if rows else ""
    return _section("Evidence", len(rows), body, style)


def _maps(spec: CollectionSpec, style: Style) -> str:
    header = ("name", "type", "key", "value", "max_entries", "flags", "pinning", "map_extra",
              "inner", "declared", "section")  # fmt: skip
    rows = [_map_row(item) for item in spec.maps]
    body = table(header, rows, style) if rows else ""
    return _section("Maps", len(rows), body, style)


def _map_row(item: MapSpec) -> tuple[Cell, ...]:
    inner = None
    if item.inner is not None:
        sizes = f"{item.inner.key_size}/{item.inner.value_size}/{item.inner.max_entries}"
        inner = f"{item.inner_name or '(anonymous)'} {item.inner.type.name} {sizes}"
    how = item.origin.value if item.layout is None else f"{item.origin.value} ({item.layout})"
    return (
        item.name, item.type.name, item.key_size, item.value_size, item.max_entries,
        f"{item.flags:#x}" if item.flags else None, item.pinning or None,
        f"{item.map_extra:#x}" if item.map_extra else None, inner, how, item.section,
    )  # fmt: skip


def _values(spec: CollectionSpec, style: Style) -> str:
    rows = [(m.name, v.index, v.kind, v.name) for m in spec.maps for v in m.values]
    body = table(("map", "index", "kind", "name"), rows, style) if rows else ""
    return _section("Initial map elements", len(rows), body, style)


def _programs(index: CodeIndex, style: Style) -> str:
    programs = index.spec.programs
    header = ("name", "section", "type", "attach type", "attach to", "insns", "options")
    rows = [_program_row(program) for program in programs]
    body = table(header, rows, style) if rows else ""
    uses = "".join(_uses(p.name, index.program_facts(p), "with what it calls") for p in programs)
    return _section("Programs", len(rows), body + uses, style)


def _program_row(program: ProgramSpec) -> tuple[Cell, ...]:
    options = [
        word
        for word, given in (
            ("sleepable", program.sleepable),
            ("multi", program.multi),
            ("xdp.frags", program.xdp_frags),
            ("no autoload", not program.autoload),
            (program.linkage, program.linkage != "global"),
            ("hidden", program.hidden),
        )
        if given
    ]
    attach = None if program.attach_type is None else program.attach_type.name
    return (
        program.name, program.section, program.type.name, attach, program.attach_to,
        program.insn_count, ", ".join(options) or None,
    )  # fmt: skip


def _functions(index: CodeIndex, style: Style) -> str:
    others = [f for f in index.spec.functions if not isinstance(f, ProgramSpec)]
    rows = [_function_row(function) for function in others]
    body = table(("name", "section", "offset", "linkage", "insns"), rows, style) if rows else ""
    uses = "".join(_uses(f.name, index.facts(f), "itself") for f in others)
    return _section("Functions that are no entry programs", len(rows), body + uses, style)


def _function_row(function: FunctionSpec) -> tuple[Cell, ...]:
    linkage = f"{function.linkage}, hidden" if function.hidden else function.linkage
    offset = f"{function.section_offset:#x}"
    return function.name, function.section, offset, linkage, function.insn_count


def _uses(name: str, facts: CodeFacts | None, scope: str) -> str:
    if facts is None:
        return f"    {escape(name) or '(unnamed)'}: too many functions to follow\n"
    lists: Iterable[tuple[str, Iterable[str]]] = (
        ("helpers", (helper.name for helper in facts.helpers)),
        ("kfuncs", facts.kfuncs),
        ("functions", facts.functions),
        ("maps", facts.maps),
        ("ksyms", facts.ksyms),
        ("kconfig", facts.kconfig),
    )
    shown = [(word, ", ".join(escape(n) or "(unnamed)" for n in names)) for word, names in lists]
    lines = [f"      {word}: {names}\n" for word, names in shown if names]
    title = f"    {escape(name) or '(unnamed)'} uses, {scope}:\n"
    return "".join((title, *lines)) if lines else ""


def _variables(spec: CollectionSpec, style: Style) -> str:
    rows = [
        (v.name, v.section, f"{v.offset:#x}", v.size, v.linkage, _bytes(v.value))
        for v in spec.variables
    ]
    header = ("name", "section", "offset", "size", "linkage", "initial bytes")
    return _section("Variables", len(rows), table(header, rows, style) if rows else "", style)


def _bytes(value: bytes | None) -> str | None:
    if value is None:
        return None
    shown = value[:16].hex(" ")
    return shown if len(value) <= 16 else f"{shown} …"


def _externs(spec: CollectionSpec, style: Style) -> str:
    rows = [
        (e.name, e.kind.value, e.section, "weak" if e.weak else None, ", ".join(e.tags) or None)
        for e in spec.externs
    ]
    header = ("name", "kind", "section", "binding", "tags")
    return _section("Externs", len(rows), table(header, rows, style) if rows else "", style)


def _types(spec: CollectionSpec, style: Style) -> str:
    if spec.btf is None:
        return ""
    lines = [f"  {len(spec.btf)} types\n"]
    ext = spec.btf_ext
    lines += [
        f"  section {escape(section)}: {_ext_counts(spec, section)}\n"
        for section in (ext.sections if ext is not None else ())
    ]
    return f"{style('bold', 'BTF')}\n{''.join(lines)}"


def _ext_counts(spec: CollectionSpec, section: str) -> str:
    counts = ext_counts(spec, section)
    return ", ".join(f"{what} {number}" for what, number in counts.items())


def _sections(spec: CollectionSpec, style: Style) -> str:
    if spec.elf is None:
        return ""
    rows = [_section_row(section) for section in spec.elf.sections]
    header = ("index", "name", "type", "flags", "offset", "size", "link", "info")
    return _section("Sections", len(rows), table(header, rows, style) if rows else "", style)


def _section_row(section: SectionSpec) -> tuple[Cell, ...]:
    return (
        section.index, section.name, _SECTION_TYPES.get(section.type, f"{section.type:#x}"),
        "".join(_flag_letters(section.flags)) or None, f"{section.offset:#x}", section.size,
        section.link or None, section.info or None,
    )  # fmt: skip


def _flag_letters(flags: int) -> Iterator[str]:
    for bit, letter in _SECTION_FLAGS:
        if flags & bit:
            yield letter
            flags &= ~bit
    if flags:
        yield f"+{flags:#x}"


def _problems(spec: CollectionSpec, style: Style) -> str:
    rows = [
        (p.kind, p.where, None if p.offset is None else f"{p.offset:#x}", p.what)
        for p in spec.problems
    ]
    header = ("kind", "where", "offset", "what")
    return _section("Problems", len(rows), table(header, rows, style) if rows else "", style)
