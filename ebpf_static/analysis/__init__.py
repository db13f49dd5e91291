"""What a program may do when it runs: control flow, known values, calls and accesses."""

from ebpf_static.analysis.events import Access, CallSite, Flow
from ebpf_static.analysis.flow import analyse
from ebpf_static.analysis.inputs import CoreResult, ExternState, Inputs, Patch, Poison
from ebpf_static.analysis.values import Base, MaybeNull, Pointer, Value

__all__ = [
    "Access",
    "Base",
    "CallSite",
    "CoreResult",
    "ExternState",
    "Flow",
    "Inputs",
    "MaybeNull",
    "Patch",
    "Pointer",
    "Poison",
    "Value",
    "analyse",
]
