"""The ELF container as it stands: header facts and the section table.

Source: System V gABI, chapters 4 "ELF header" and "Sections".
"""

from typing import Literal, NamedTuple

from ebpf_static.specs.base import FrozenModel, Text

ByteOrder = Literal["little", "big"]


class SectionSpec(NamedTuple):
    """One section header; sizes and offsets in bytes."""

    index: int  # type: ignore[assignment]
    name: Text
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    @property
    def is_executable(self) -> bool:
        """PROGBITS with SHF_EXECINSTR: where instructions live."""
        return self.type == 1 and bool(self.flags & 0x4)


class ElfSpec(FrozenModel):
    """What the ELF header says, and every section in order.

    Attributes:
        byte_order: ``little`` or ``big``.
        machine: ``e_machine``; 247 (EM_BPF), or 0 (EM_NONE) from LLVM before 4.0.
        type: ``e_type``; 1 (ET_REL) for every object a compiler makes.
        flags: ``e_flags``.
        os_abi: ``EI_OSABI``.
        file_size: bytes of the file.
        section_table_offset: ``e_shoff``.
        section_table_end: first byte behind the section header table.
        program_header_count: ``e_phnum``; 0 in what compilers make.
        program_header_offset: ``e_phoff``.
        program_header_size: ``e_phentsize``.
        header_size: ``e_ehsize``; 64.
        version: ``e_version``; 1.
        ident_tail: ``e_ident`` from ``EI_ABIVERSION`` on; eight zeroes in what compilers make.
        sections: every section header, the null section included.
    """

    byte_order: ByteOrder
    machine: int
    type: int
    flags: int
    os_abi: int
    file_size: int
    section_table_offset: int
    section_table_end: int
    program_header_count: int
    program_header_offset: int = 0
    program_header_size: int = 0
    header_size: int = 64
    version: int = 1
    ident_tail: bytes = bytes(8)
    sections: tuple[SectionSpec, ...]

    def find_section(self, name: str) -> SectionSpec | None:
        """Return the first section called ``name``."""
        return next((s for s in self.sections if s.name == name), None)
