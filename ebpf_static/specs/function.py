"""Functions and programs: named runs of instructions, and what their relocations point to."""

from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from ebpf_static.isa import Instruction, decode
from ebpf_static.specs.base import FrozenModel, Text
from ebpf_static.specs.section import ByteOrder
from ebpf_static.uapi.constants import AttachType, ProgramType


class ReferenceKind(StrEnum):
    """What a relocated instruction refers to."""

    MAP = "map"
    """The map itself (LDDW, ``BPF_PSEUDO_MAP_FD``)."""
    MAP_VALUE = "map_value"
    """A byte inside a data section's map (LDDW, ``BPF_PSEUDO_MAP_VALUE``)."""
    CALL = "call"
    """A call of another function of the object (``BPF_PSEUDO_CALL``)."""
    FUNCTION = "function"
    """The address of a function of the object, a callback (LDDW, ``BPF_PSEUDO_FUNC``)."""
    KFUNC = "kfunc"
    """A call of a kernel function (``BPF_PSEUDO_KFUNC_CALL``)."""
    KSYM = "ksym"
    """The address of a kernel variable or symbol (``BPF_PSEUDO_BTF_ID`` or a plain constant)."""
    KCONFIG = "kconfig"
    """A value of the kernel's configuration, in the ``.kconfig`` map."""
    JUMP_TABLE = "jump_table"
    """A table of instruction addresses in ``.jumptables`` (LDDW, an INSN_ARRAY map)."""
    UNRESOLVED = "unresolved"
    """A symbol nothing in the object explains."""


class Reference(NamedTuple):
    """One relocation resolved onto an instruction.

    Attributes:
        index: insn index of the instruction within its function.
        kind: what it refers to.
        name: name of the symbol, map, function or extern referred to.
        target: position in ``spec.maps``, ``spec.functions`` or ``spec.externs`` (by kind);
            -1 when unresolved.
        offset: byte offset into the map value, or insn offset into the function called.
        relocation: ELF relocation type (``R_BPF_*``); -1 when the assembler already resolved it.
        weak: the symbol is weak, so it may stay unresolved.
    """

    index: int  # type: ignore[assignment]
    kind: ReferenceKind
    name: Text
    target: int
    offset: int
    relocation: int
    weak: bool = False


class FunctionSpec(FrozenModel):
    """One function of an executable section.

    Attributes:
        name: symbol name; empty when the section has code but no function symbol.
        section: name of its section; of a program without the ``?`` that turns autoload off, as
            libbpf has it (:attr:`elf_section` is the name as written).
        section_index: index of that section.
        section_offset: byte offset of the function in its section.
        linkage: ``static``, ``global`` or ``weak`` (the symbol's binding); ``none`` for code that
            has no symbol.
        hidden: the symbol's visibility is hidden or internal, which libbpf treats as static.
        byte_order: how ``code`` is to be read.
        code: the instructions as they stand in the file.
        references: relocations on this function's instructions, ordered by ``index``.
        btf_id: BTF id of the FUNC, or None.
    """

    name: Text
    section: Text
    section_index: int
    section_offset: int
    linkage: str
    hidden: bool = False
    byte_order: ByteOrder
    code: bytes
    references: tuple[Reference, ...] = ()
    btf_id: int | None = None

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """Every instruction, decoded on first use and kept."""
        return decode(self.code, self.byte_order)

    @cached_property
    def references_by_index(self) -> dict[int, Reference]:
        """The reference of each relocated instruction, by insn index (the last one wins)."""
        return {reference.index: reference for reference in self.references}

    @property
    def elf_section(self) -> str:
        """Name of its section as written, a leading ``?`` included."""
        return self.section

    @property
    def insn_count(self) -> int:
        """8-byte slots, as the kernel counts them: LDDW is two."""
        return len(self.code) // 8


class ProgramSpec(FunctionSpec):
    """An entry program: a function a kernel is asked to load.

    Attributes:
        type: program type its section name stands for; UNSPEC when the section says nothing.
        attach_type: expected attach type, None for none (0 is a real value).
        attach_to: target the section names (``do_unlinkat``, ``sched/sched_switch``), or None.
        autoload: False for ``SEC("?…")``: a loader skips it unless told otherwise.
        sleepable: loads with ``BPF_F_SLEEPABLE``.
        multi: attaches to many functions at once (``kprobe.multi`` and alike).
        xdp_frags: loads with ``BPF_F_XDP_HAS_FRAGS``.
        attach_type_optional: libbpf sends 0 where the kernel does not know the attach type.
        section_pattern: row of the section-name table that matched, or None.
    """

    type: ProgramType
    attach_type: AttachType | None = None
    attach_to: Text | None = None
    autoload: bool = True
    sleepable: bool = False
    multi: bool = False
    xdp_frags: bool = False
    attach_type_optional: bool = False
    section_pattern: str | None = None

    @property
    def elf_section(self) -> str:
        """Name of its section as written, a leading ``?`` included."""
        return self.section if self.autoload else "?" + self.section
