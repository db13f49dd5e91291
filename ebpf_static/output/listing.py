"""A function's instructions as text, with what they refer to and the source they come from."""

from __future__ import annotations

from typing import NamedTuple

from ebpf_static.btf import LineInfo
from ebpf_static.errors import FormatError, escape
from ebpf_static.isa import listing
from ebpf_static.output.code_facts import CodeIndex, describe_targets
from ebpf_static.output.style import Style
from ebpf_static.specs import FunctionSpec, ProgramSpec

_RAW_WIDTH = 8 * 3 - 1
_MAX_SOURCE = 160


class CodeLine(NamedTuple):
    """One instruction.

    Attributes:
        index: its insn index.
        raw: its bytes.
        text: the instruction, one printable line.
        source: the source that begins here, one printable line each: the file where it changes,
            then the line.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, on purpose
    raw: bytes
    text: str
    source: tuple[str, ...] = ()


def code_lines(index: CodeIndex, function: FunctionSpec) -> tuple[CodeLine, ...]:
    """Return the listing of one function.

    Raises:
        FormatError: the code is not whole instructions.
    """
    program_type = function.type if isinstance(function, ProgramSpec) else None
    targets = describe_targets(index.spec, function, program_type)
    sources = index.source_lines(function)
    shown: LineInfo | None = None
    lines = []
    for line in listing(function.code, function.byte_order, targets=targets):
        source = sources.get(line.index)
        texts: tuple[str, ...] = ()
        if source is not None:
            texts = tuple(_source(source, shown))
            shown = source
        lines.append(CodeLine(line.index, line.raw, line.text, texts))
    return tuple(lines)


def title_of(function: FunctionSpec) -> str:
    """Return what a function is called above its code."""
    word = "Program" if isinstance(function, ProgramSpec) else "Function"
    name = escape(function.name) or "(unnamed)"
    return f'{word} "{name}" in section {escape(function.section)}, {function.insn_count} insns'


def render_listing(index: CodeIndex, function: FunctionSpec, style: Style) -> str:
    """Return the listing of one function: insn index, bytes, text; source lines in between."""
    lines = [style("bold", title_of(function))]
    width = len(str(function.insn_count))
    try:
        found = code_lines(index, function)
    except FormatError as error:
        return f"{lines[0]}\n  {escape(error.detail)}\n"
    for line in found:
        lines += [style("dim", f"  ; {text}") for text in line.source]
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
