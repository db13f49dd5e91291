"""What a target decides about an object before its code runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from ebpf_static.specs import CollectionSpec, MapOrigin

BPF_F_RDONLY_PROG: Final = 1 << 7


class Poison(NamedTuple):
    """A CO-RE relocation without a match: the loader puts an invalid call there."""

    reason: str


class Patch(NamedTuple):
    """A CO-RE relocation's result: the value the loader writes into the instruction."""

    value: int


CoreResult: TypeAlias = Patch | Poison
Place: TypeAlias = tuple[int, int]
"""(function index, insn index)."""


class ExternState(Enum):
    """Whether the kernel has what an extern names."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Inputs:
    """A target's answers; what is missing here is unknown to the analysis.

    Attributes:
        core: result of each CO-RE relocation by place; a relocated instruction without an entry
            holds an unknown value.
        core_places: every place with a CO-RE relocation.
        kconfig: bytes of the ``.kconfig`` map, None where a value is not known.
        externs: state of each extern by its index.
        nullable: indices of the externs whose functions return an address or NULL.
        clobbers_spills: a helper that is given stack memory makes numbers of the addresses kept in
            it, even if it only reads them.
        finds_elements: looking a known index up in an array gives no NULL (Linux 6.14).
        frozen_data: loads from read-only data are constants to the verifier (Linux 5.5).
    """

    core: Mapping[Place, CoreResult] = field(default_factory=dict)
    core_places: frozenset[Place] = frozenset()
    kconfig: tuple[int | None, ...] = ()
    externs: Mapping[int, ExternState] = field(default_factory=dict)
    nullable: frozenset[int] = frozenset()
    clobbers_spills: bool = False
    finds_elements: bool = True
    frozen_data: bool = True

    def load(self, spec: CollectionSpec, index: int, offset: int, size: int) -> int | None:
        """Return what a load from a data section's map gives, None when it may be anything."""
        item = spec.maps[index]
        if item.origin is MapOrigin.KCONFIG:
            found = self.kconfig[offset : offset + size]
            if offset < 0 or len(found) != size:
                return None
            known = [byte for byte in found if byte is not None]
            return int.from_bytes(bytes(known), spec.byte_order) if len(known) == size else None
        if not self.frozen_data or not item.flags & BPF_F_RDONLY_PROG or item.data is None:
            return None
        if offset < 0 or offset + size > len(item.data):
            return None
        return int.from_bytes(item.data[offset : offset + size], spec.byte_order)
