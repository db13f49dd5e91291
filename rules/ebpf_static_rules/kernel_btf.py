"""What a kernel's BTF says of the kernel itself: the program types and numbers it was built with.

It is the better witness where it speaks: vendors backport, and configurations leave things out.
Sources: Linux ``kernel/bpf/btf.c``: ``struct bpf_ctx_convert`` has two members for each program
type in ``include/linux/bpf_types.h`` that the configuration keeps; ``include/uapi/linux/bpf.h``.
"""

from __future__ import annotations

from typing import Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import Enum, Struct, Typedef, Var
from ebpf_static.plugins import RuleContext
from ebpf_static.uapi.constants import HelperId, MapType, ProgramType

_CONVERT: Final = "bpf_ctx_convert"
_MEMBER: Final = "BPF_PROG_TYPE_{}_prog"


def has_program_type(context: RuleContext, type_: ProgramType) -> bool | None:
    """Tell whether the kernel was built with a program type; None when its BTF does not say."""
    members = _names(context, _CONVERT, Kind.STRUCT)
    return None if not members else _MEMBER.format(type_.name) in members


def has_map_type(context: RuleContext, type_: MapType) -> bool | None:
    """Tell whether the kernel's sources know a map type; None when its BTF does not say."""
    names = _names(context, "bpf_map_type", Kind.ENUM)
    return None if not names else f"BPF_MAP_TYPE_{type_.name}" in names


def has_helper(context: RuleContext, helper: HelperId) -> bool | None:
    """Tell whether the kernel's sources know a helper; None when its BTF does not say."""
    names = _names(context, "bpf_func_id", Kind.ENUM)
    return None if not names else f"BPF_FUNC_{helper.name}" in names


def has_function(context: RuleContext, name: str) -> bool | None:
    """Tell whether the kernel's BTF has a function; None without BTF."""
    kernel = context.kernel
    if kernel is None or not kernel.btf:
        return None
    return any(btf.find(name, Kind.FUNC) is not None for btf in kernel.btf)


def is_typedef(btf: Btf | None, type_id: int | None) -> bool:
    """Tell whether a variable's type has a name of its own."""
    if btf is None or not type_id:
        return False
    record = btf.type(type_id)
    return isinstance(record, Var) and isinstance(btf.type(record.type_id), Typedef)


def _names(context: RuleContext, name: str, kind: Kind) -> frozenset[str]:
    """Return the members of a structure or enumeration, kept for the run; empty when not there."""
    kernel = context.kernel
    if kernel is None or not kernel.btf:
        return frozenset()
    key = ("kernel names", name)
    found: frozenset[str] | None = context.cache.get(key)
    if found is None:
        found = context.cache[key] = _read(kernel.btf[0], name, kind)
    return found


def _read(btf: Btf, name: str, kind: Kind) -> frozenset[str]:
    type_id = btf.find(name, kind)
    record = None if type_id is None else btf.type(type_id)
    if isinstance(record, Struct):
        return frozenset(member.name for member in record.members)
    return frozenset(it.name for it in record.values) if isinstance(record, Enum) else frozenset()
