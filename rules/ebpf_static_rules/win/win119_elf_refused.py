"""WIN119."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ElfSpec, SectionSpec
from ebpf_static_rules.win.base import WindowsRule

_SHT_RELA, _SHT_NOBITS, _SHT_REL = 4, 8, 9
_ENTRY_BYTES = {_SHT_REL: 16, _SHT_RELA: 24}
_SHN_LORESERVE = 0xFF00
_ET_NONE = 0
_ELF_HEADER_BYTES, _PROGRAM_HEADER_BYTES = 64, 56

Problem = tuple[str, str | None, int | None]


class ElfRefused(WindowsRule):
    """The ELF file is laid out in a way efW's validation refuses before anything is read.

    What it does
    ------------
    Reports files whose section header table does not end exactly at the end of the file, headers
    with other sizes, versions or places than a compiler writes, relocation sections whose entries
    are too small or whose size is no multiple of them, sections that leave the file or refer to
    sections that are not there, and files of type ET_NONE.
    (Big-endian files are WIN019.)

    Why it matters
    --------------
    bpf2c and the loader API check the file with a strict parser first. A signature or a padding
    byte appended to an object, or a tool that moves the section table to the front, makes it
    unreadable for Windows while every other tool reads it.

    Example
    -------
    ::

        cat signature >> prog.o

    How to fix
    ----------
    Use the object as the compiler wrote it, or let `llvm-strip -g` rewrite it.

    References
    ----------
    microsoft/ebpf-for-windows: libs/elf_spec/Elf.3d
    """

    code = "WIN119"
    name = "elf-refused"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each thing the validation refuses."""
        if spec.elf is None:
            return
        for words, section, offset in _problems(spec.elf):
            yield self.finding(
                context,
                words,
                locate.object(section, offset),
                help="use the object as the compiler wrote it, or rewrite it with llvm-strip -g",
            )


def _problems(elf: ElfSpec) -> Iterator[Problem]:
    behind = elf.file_size - elf.section_table_end
    if behind > 0:
        words = f"file goes on for {behind} bytes behind its section header table"
        yield f"{words}, which must end the file", None, elf.section_table_end
    if elf.type == _ET_NONE:
        yield "file type is ET_NONE", None, None
    yield from _header(elf)
    if len(elf.sections) >= _SHN_LORESERVE:
        yield (
            f"file has {len(elf.sections)} sections, and {_SHN_LORESERVE - 1} are possible",
            None,
            None,
        )
    for section in elf.sections:
        for words in _section(section, elf):
            yield f"section `{section.name}` {words}", section.name, section.offset


def _header(elf: ElfSpec) -> Iterator[Problem]:
    if (elf.version, elf.header_size) != (1, _ELF_HEADER_BYTES):
        yield f"ELF header is of version {elf.version} with {elf.header_size} bytes", None, 20
    if any(elf.ident_tail):
        yield "identification does not end in zeroes", None, 8
    place = (elf.program_header_offset, elf.program_header_size)
    if elf.program_header_count and place != (_ELF_HEADER_BYTES, _PROGRAM_HEADER_BYTES):
        words = f"program headers of {place[1]} bytes stand at {place[0]:#x}"
        yield f"{words}, and must follow the ELF header with 56 bytes each", None, 32


def _section(section: SectionSpec, elf: ElfSpec) -> Iterator[str]:
    least = _ENTRY_BYTES.get(section.type)
    if least is not None and section.size:
        if section.entry_size < least:
            yield f"has relocation entries of {section.entry_size} bytes, less than {least}"
        elif section.size % section.entry_size:
            yield f"has {section.size} bytes, no multiple of its {section.entry_size}-byte entries"
    if section.link >= len(elf.sections):
        yield f"links to section {section.link}, and there are {len(elf.sections)}"
    inside = section.type in (0, _SHT_NOBITS) or section.offset + section.size <= elf.file_size
    if not inside:
        yield "leaves the file"
