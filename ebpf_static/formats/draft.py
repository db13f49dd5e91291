"""What the bytes of an object say before anybody decides which platform's numbers they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ebpf_static.btf import Btf, BtfExt
from ebpf_static.limits import MAX_PROBLEMS
from ebpf_static.specs.collection import ReadProblem
from ebpf_static.specs.function import FunctionSpec
from ebpf_static.specs.map import MapOrigin, MapValue
from ebpf_static.specs.section import ElfSpec
from ebpf_static.specs.variable import ExternSpec, VariableSpec


class MapDraft(NamedTuple):
    """A map declaration with its type still a bare number.

    ``number`` is None where the platform decides it: a legacy record is only its bytes until the
    record layout is known. ``data_section`` is the section whose symbols are bytes of the value.
    The other fields are those of :class:`~ebpf_static.specs.MapSpec`.
    """

    name: str
    origin: MapOrigin
    section: str
    section_index: int
    section_offset: int
    size: int
    linkage: str = "global"
    number: int | None = None
    key_size: int = 0
    value_size: int = 0
    max_entries: int = 0
    flags: int = 0
    pinning: int = 0
    map_extra: int = 0
    numa_node: int = 0
    inner: MapDraft | None = None
    values: tuple[MapValue, ...] = ()
    values_offset: int | None = None
    record: bytes | None = None
    declared: tuple[str, ...] = ()
    key_type_id: int = 0
    value_type_id: int = 0
    btf_id: int | None = None
    data: bytes | None = None
    data_section: int = -1
    autocreate: bool = True

    def shared_fields(self) -> dict[str, Any]:
        """Return the fields a MapSpec has too, by name."""
        skipped = ("section_index", "size", "number", "inner", "values_offset", "data_section")
        return {k: v for k, v in self._asdict().items() if k not in skipped}


class Problems(list[ReadProblem]):
    """Defects stepped over; past :data:`~ebpf_static.limits.MAX_PROBLEMS` only that there are."""

    def append(self, problem: ReadProblem) -> None:
        """Note a defect while there is room."""
        if len(self) < MAX_PROBLEMS:
            super().append(problem)
        elif len(self) == MAX_PROBLEMS:
            super().append(ReadProblem(problem.kind, "further defects are not listed", ""))


@dataclass(slots=True)
class ObjectDraft:
    """An ELF object read without any platform's opinion; interpret turns it into a spec.

    Attributes:
        elf: the container.
        btf: type information, None when absent or unusable.
        btf_ext: line and CO-RE information, None when absent or unusable.
        functions: every function of every executable section, ordered by section and offset.
        maps: every map declaration, in libbpf's order.
        variables: global variables of the data sections.
        externs: undefined symbols.
        license: text of the ``license`` section.
        version: number in the ``version`` section.
        tag: contents of the ``.ebpf_for_windows`` section.
        problems: defects stepped over.
    """

    elf: ElfSpec
    btf: Btf | None = None
    btf_ext: BtfExt | None = None
    functions: tuple[FunctionSpec, ...] = ()
    maps: tuple[MapDraft, ...] = ()
    variables: tuple[VariableSpec, ...] = ()
    externs: tuple[ExternSpec, ...] = ()
    license: str | None = None
    version: int | None = None
    tag: bytes | None = None
    problems: Problems = field(default_factory=Problems)
