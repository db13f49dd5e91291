"""What the CO-RE relocations of an object come to on a kernel, instruction by instruction."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ebpf_static.analysis import Patch, Poison
from ebpf_static.analysis.inputs import Place
from ebpf_static.btf import Btf, CoreRelocation
from ebpf_static.btf.core import CoreRelocator, CoreResult, patch_insn
from ebpf_static.specs import CollectionSpec


class CoreOutcome(NamedTuple):
    """One CO-RE relocation on a kernel.

    Attributes:
        function: index of the function it is in.
        insn: insn index of the instruction.
        number: which one of its section, as libbpf's messages count.
        relocation: as the object has it.
        result: what it comes to; None without the kernel's BTF.
        error: why libbpf refuses the object over it, or None.
        poisoned: whether the instruction is made invalid: nothing matches, or a load or store
            cannot be adjusted to the size the field has on the kernel.
    """

    function: int
    insn: int
    number: int
    relocation: CoreRelocation
    result: CoreResult | None
    error: str | None
    poisoned: bool = False


@dataclass(frozen=True, slots=True)
class CoreOutcomes:
    """Every CO-RE relocation of an object on a kernel.

    Attributes:
        outcomes: in the object's order.
        outside: relocations on no function's instruction, which libbpf skips.
    """

    outcomes: tuple[CoreOutcome, ...]
    outside: int = 0

    @property
    def results(self) -> dict[Place, Patch | Poison]:
        """The results the analysis can use, by place."""
        found: dict[Place, Patch | Poison] = {}
        for outcome in self.outcomes:
            result = outcome.result
            if result is None or outcome.error is not None:
                continue
            place = (outcome.function, outcome.insn)
            found[place] = Poison(_describe(result)) if outcome.poisoned else Patch(result.value)
        return found

    @property
    def places(self) -> frozenset[Place]:
        """Every place with a relocation."""
        return frozenset((outcome.function, outcome.insn) for outcome in self.outcomes)


def resolve_core(spec: CollectionSpec, targets: Sequence[Btf]) -> CoreOutcomes:
    """Return what each CO-RE relocation of the object comes to on a kernel with that BTF."""
    ext, btf = spec.btf_ext, spec.btf
    if ext is None or btf is None:
        return CoreOutcomes(())
    relocator = CoreRelocator(btf, targets) if targets else None
    by_section: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, function in enumerate(spec.functions):
        by_section[function.elf_section].append((function.section_offset, index))
    outcomes = []
    outside = 0
    for section in ext.core_sections:
        starts = by_section[section]
        for number, relocation in enumerate(ext.core_relocations(section)):
            at = bisect_right(starts, (relocation.insn_offset, len(spec.functions))) - 1
            index = starts[at][1] if at >= 0 else -1
            insn = (relocation.insn_offset - starts[at][0]) // 8 if at >= 0 else 0
            if index < 0 or insn >= spec.functions[index].insn_count:
                outside += 1
                continue
            result = relocator.relocate(relocation) if relocator else None
            outcome = CoreOutcome(index, insn, number, relocation, result, None)
            outcomes.append(outcome if result is None else _patched(outcome, spec, result))
    return CoreOutcomes(tuple(outcomes), outside)


def _patched(outcome: CoreOutcome, spec: CollectionSpec, result: CoreResult) -> CoreOutcome:
    function = spec.functions[outcome.function]
    at = 8 * outcome.insn
    patch = patch_insn(function.code[at : at + 16], result, function.byte_order)
    return outcome._replace(error=patch.error, poisoned=patch.poisoned)


def _describe(result: CoreResult) -> str:
    return str(result.spec) if result.spec is not None else "unknown relocation"
