"""A function's instructions as text, with what they refer to and the source they come from."""

from __future__ import annotations

from ebpf_static.btf import LineInfo
from ebpf_static.errors import FormatError, escape
from ebpf_static.isa import listing
from ebpf_static.output.code_facts import CodeIndex, describe_targets
from ebpf_static.output.style import Style
from ebpf_static.specs import FunctionSpec, ProgramSpec

_RAW_WIDTH = 8 * 3 - 1
_MAX_SOURCE = 160


def render_listing(index: CodeIndex, function: FunctionSpec, style: Style) -> str:
    """Return the listing of one function: insn index, bytes, text; source lines in between."""
    word = "program" if isinstance(function, ProgramSpec) else "function"
    name = escape(function.name) or "(unnamed)"
    title = f'{word} "{name}" in section {escape(function.section)}, {function.insn_count} insns'
    lines = [style("bold", f"{title[0].upper()}{title[1:]}")]
    program_type = function.type if isinstance(function, ProgramSpec) else None
    targets = describe_targets(index.spec, function, program_type)
    sources = index.source_lines(function)
    shown: LineInfo | None = None
    width = len(str(function.insn_count))
    try:
        instructions = listing(function.code, function.byte_order, targets=targets)
    except FormatError as error:
        return f"{lines[0]}\n  {escape(error.detail)}\n"
    for line in instructions:
        source = sources.get(line.index)
        if source is not None:
            lines += [style("dim", f"  ; {text}") for text in _source(source, shown)]
            shown = source
        raw, rest = line.raw[:8].hex(" "), line.raw[8:].hex(" ")
        lines.append(f"  {line.index:>{width}}: {raw:<{_RAW_WIDTH}}  {line.text}")
        if rest:
            lines.append(f"  {'':>{width}}  {rest}")
    return "\n".join(lines) + "\n"


def _source(source: LineInfo, before: LineInfo | None) -> list[str]:
    """Return the file when it changes, and the line when it does."""
    lines = []
    if before is None or source.file != before.file:
        lines.append(escape(source.file))
    elif source.line == before.line:
        return []
    text = escape(source.text.strip().expandtabs(4))[:_MAX_SOURCE]
    return [*lines, f"{source.line}: {text}" if text else f"line {source.line}"]
