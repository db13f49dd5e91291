"""What can be asked of objects and a kernel's BTF without loading anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ebpf_static.btf import Btf, CoreRelocation
from ebpf_static.btf import core as btf_core
from ebpf_static.btf.compare import iter_all_changes
from ebpf_static.btf.core import CoreRelocator, CoreResult, RequiredType, minimal_btf, patch_insn
from ebpf_static.btf.core.compare import TypeChange, iter_changes
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import UsageError
from ebpf_static.kernel.core import CoreOutcome, resolve_core
from ebpf_static.kernel.opening import open_btf
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import PathLike

TargetBtf: TypeAlias = Btf | PathLike | Sequence[Btf | PathLike]
"""A kernel's BTF, or a file with it; in a sequence those of its modules follow."""


@dataclass(frozen=True, slots=True)
class CoreRelocated:
    """An object relocated for a kernel.

    Attributes:
        outcomes: every CO-RE relocation and what it comes to, in the object's order.
        code: the code of each function of ``spec.functions`` with the results written into it;
            as it was where libbpf refuses (:attr:`CoreOutcome.error`).
        outside: relocations that are on no function's instruction, which libbpf skips.
    """

    outcomes: tuple[CoreOutcome, ...]
    code: tuple[bytes, ...]
    outside: int = 0


def core_relocate(spec: CollectionSpec, target_btf: TargetBtf) -> CoreRelocated:
    """Return what the CO-RE relocations of an object come to on a kernel, as libbpf decides it.

    Args:
        spec: the object.
        target_btf: the kernel's BTF.

    Raises:
        UsageError: a file cannot be read or holds no BTF.
        FormatError: the object's records are malformed.
    """
    found = resolve_core(spec, open_targets(target_btf))
    code = [bytearray(function.code) for function in spec.functions]
    for outcome in found.outcomes:
        if outcome.result is None:
            continue
        at = 8 * outcome.insn
        patch = patch_insn(bytes(code[outcome.function][at : at + 16]), outcome.result,
                           spec.byte_order)  # fmt: skip
        code[outcome.function][at : at + len(patch.insns)] = patch.insns
    return CoreRelocated(found.outcomes, tuple(map(bytes, code)), found.outside)


def requires_types(spec: CollectionSpec) -> tuple[RequiredType, ...]:
    """Return which kernel types, fields and enumerators an object refers to, sorted.

    Raises:
        FormatError: the object's records are malformed.
    """
    if spec.btf is None:
        return ()
    return btf_core.requires_types(spec.btf, _relocations(spec))


def btfgen(specs: Iterable[CollectionSpec], target_btf: Btf | PathLike) -> bytes:
    """Return a BTF with what some objects need of a kernel's and nothing else.

    What ``bpftool gen min_core_btf`` makes: libbpf takes it as ``btf_custom_path``.

    Args:
        specs: the objects.
        target_btf: the kernel's BTF.

    Raises:
        UsageError: the file cannot be read, or no object has CO-RE relocations.
        FormatError: a BTF or an object's records are malformed.
    """
    (target,) = open_targets(target_btf)
    results: list[CoreResult] = []
    for spec in specs:
        if spec.btf is not None:
            relocator = CoreRelocator(spec.btf, (target,))
            results += relocator.iter_results(_relocations(spec))
    if not results:
        raise UsageError("no object has CO-RE relocations, so none needs a kernel's BTF")
    return minimal_btf(target, results)


def diff_btf(
    before: TargetBtf, after: TargetBtf, specs: Iterable[CollectionSpec] | None = None
) -> tuple[TypeChange, ...]:
    """Return what differs between the BTF of two kernels.

    Args:
        before: the first kernel's.
        after: the second one's.
        specs: objects, to be told only of what they use; None for every named type.

    Raises:
        UsageError: a file cannot be read or holds no BTF.
        FormatError: a BTF or an object's records are malformed.
    """
    old, new = open_targets(before), open_targets(after)
    if specs is None:
        return tuple(iter_all_changes(old[-1], new[-1]))
    found: dict[TypeChange, None] = {}
    for spec in specs:
        if spec.btf is not None:
            found |= dict.fromkeys(iter_changes(spec.btf, _relocations(spec), old, new))
    return tuple(sorted(found))


def open_targets(target: TargetBtf) -> tuple[Btf, ...]:
    """Return the BTF meant, files opened; modules are read on the first.

    Raises:
        UsageError: a file cannot be read or holds no BTF.
    """
    if isinstance(target, Btf):
        return (target,)
    if isinstance(target, str) or not isinstance(target, Sequence):
        return open_btf((str(target),))
    opened: list[Btf] = []
    for item in target:
        if isinstance(item, Btf):
            opened.append(item)
        elif opened:
            opened.append(read_btf(item, base=opened[0]))
        else:
            opened += open_btf((str(item),))
    return tuple(opened)


def _relocations(spec: CollectionSpec) -> Iterator[CoreRelocation]:
    if spec.btf_ext is not None:
        for section in spec.btf_ext.core_sections:
            yield from spec.btf_ext.core_relocations(section)
