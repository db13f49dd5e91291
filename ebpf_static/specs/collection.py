"""Everything an object declares."""

from functools import cached_property
from typing import Annotated, NamedTuple

from pydantic import Field

from ebpf_static.btf import LineInfo
from ebpf_static.errors import LimitError
from ebpf_static.limits import MAX_LINKED_FUNCTIONS
from ebpf_static.specs.base import ByName, FrozenModel, Text
from ebpf_static.specs.btf_field import BtfExtField, BtfField
from ebpf_static.specs.evidence import Evidence
from ebpf_static.specs.function import FunctionSpec, ProgramSpec, ReferenceKind
from ebpf_static.specs.map import MapSpec
from ebpf_static.specs.section import ByteOrder, ElfSpec
from ebpf_static.specs.variable import ExternSpec, VariableSpec
from ebpf_static.target import Platform


class ReadProblem(NamedTuple):
    """A defect the reader could step over; rules say what it means.

    Attributes:
        kind: stable word for the sort of defect (``btf``, ``btf-ext``, ``relocation`` …).
        what: what is wrong.
        where: section or symbol.
        offset: byte offset in the file, None when unknown.
    """

    kind: str
    what: Text
    where: Text
    offset: int | None = None


class CollectionSpec(FrozenModel):
    """What one object declares, the same on every host that reads the same bytes.

    Attributes:
        platform: what the evidence says the object is made for.
        evidence: why, strongest first.
        numbering: platform whose enumerations gave the raw numbers their meaning: the platform
            itself, the caller's choice, or Linux when unknown.
        byte_order: of the object.
        license: text of the ``license`` section up to its NUL; None without one.
        version: number in the ``version`` section; None without one.
        tag: contents of the ``.ebpf_for_windows`` section; None without one.
        maps: every map in libbpf's order: ``.maps``/legacy, data sections, kconfig, struct_ops.
        functions: every function of every executable section, in section and offset order.
        variables: every global variable.
        externs: every symbol the loader has to find.
        elf: the container; None for a native image.
        btf: the type information; None without usable ``.BTF``.
        btf_ext: line and CO-RE information; None without usable ``.BTF.ext``.
        problems: defects the reader stepped over.
    """

    platform: Platform
    evidence: tuple[Evidence, ...] = ()
    numbering: Platform
    byte_order: ByteOrder
    license: Text | None = None
    version: int | None = None
    tag: bytes | None = None
    maps: ByName[MapSpec] = ByName(())
    functions: ByName[Annotated[ProgramSpec | FunctionSpec, Field(union_mode="left_to_right")]] = (
        ByName(())
    )
    variables: ByName[VariableSpec] = ByName(())
    externs: ByName[ExternSpec] = ByName(())
    elf: ElfSpec | None = None
    btf: BtfField | None = None
    btf_ext: BtfExtField | None = None
    problems: tuple[ReadProblem, ...] = ()

    @cached_property
    def programs(self) -> ByName[ProgramSpec]:
        """The entry programs as libbpf counts them, in section and offset order."""
        return ByName(f for f in self.functions if isinstance(f, ProgramSpec))

    def get_position(self, function: FunctionSpec) -> int:
        """Return where a function stands in ``functions``.

        Raises:
            ValueError: it is none of this object's.
        """
        at = self._positions.get(id(function), -1)
        # A copied or unpickled spec may still remember where the original's functions stood.
        known = 0 <= at < len(self.functions) and self.functions[at] is function
        return at if known else self.functions.index(function)

    def line_for(self, function: FunctionSpec, insn: int = 0) -> LineInfo | None:
        """Return file, line, column and text of the source an instruction was compiled from.

        Args:
            function: one of :attr:`functions`.
            insn: insn index in it.

        Returns:
            None when the object does not say.

        Raises:
            FormatError: the line's strings are out of bounds.
        """
        if self.btf_ext is None:
            return None
        offset = function.section_offset + 8 * insn
        return self.btf_ext.line_for(function.elf_section, offset)

    def get_linked(self, program: FunctionSpec) -> tuple[FunctionSpec, ...]:
        """Return ``program`` and every function it reaches by call or callback.

        The order is that of first reference, the program itself first: the order in which
        libbpf appends subprograms.

        Raises:
            LimitError: it reaches more functions than any loader links.
        """
        linked: dict[int, FunctionSpec] = {}
        queue = [self.get_position(program)]
        while queue:
            index = queue.pop()
            if index in linked:
                continue
            if len(linked) >= MAX_LINKED_FUNCTIONS:
                raise LimitError(
                    f"reaches more than {MAX_LINKED_FUNCTIONS} functions",
                    where=f'program "{program.name}"',
                )
            linked[index] = self.functions[index]
            queue.extend(self._callees[index])
        return tuple(linked.values())

    @cached_property
    def _callees(self) -> tuple[tuple[int, ...], ...]:
        """The functions each function refers to, the last one first."""
        called = (
            dict.fromkeys(r.target for r in f.references if r.kind in _CODE and r.target >= 0)
            for f in self.functions
        )
        return tuple(tuple(targets)[::-1] for targets in called)

    @cached_property
    def _positions(self) -> dict[int, int]:
        """Where each function object stands in ``functions``."""
        return {id(function): at for at, function in enumerate(self.functions)}


_CODE = (ReferenceKind.CALL, ReferenceKind.FUNCTION)
