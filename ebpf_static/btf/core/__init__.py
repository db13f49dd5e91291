"""CO-RE: what an object's relocations become on a given kernel, decided as libbpf decides.

:class:`CoreRelocator` answers for every relocation of one object; :func:`relocate` for one alone.
The rules follow libbpf's src/relo_core.c (1.7), down to which error ends a load and which only
poisons an instruction.
"""

from __future__ import annotations

from ebpf_static.btf.core.minimal import minimal_btf
from ebpf_static.btf.core.patch import POISON_IMM, Patch, patch_insn
from ebpf_static.btf.core.relocator import CoreRelocator, relocate
from ebpf_static.btf.core.requires import RequiredType, requires_types
from ebpf_static.btf.core.result import CoreResult
from ebpf_static.btf.core.spec import CoreKind, CoreSpec

__all__ = [
    "POISON_IMM",
    "CoreKind",
    "CoreRelocator",
    "CoreResult",
    "CoreSpec",
    "Patch",
    "RequiredType",
    "minimal_btf",
    "patch_insn",
    "relocate",
    "requires_types",
]
