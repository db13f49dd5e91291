"""Kernel functions, hooks and iterators that programs attach to, looked up in BTF as libbpf does.

Sources: libbpf ``src/libbpf.c``: ``libbpf_prepare_prog_load``, ``find_kernel_btf_id``,
``btf_get_kernel_prefix_kind``; Linux ``kernel/bpf/btf.c``: ``btf_ctx_access``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import Func, FuncProto, Ptr, Typedef
from ebpf_static.specs import ProgramSpec

_PREFIXES: Final = {
    "TRACE_RAW_TP": ("btf_trace_", Kind.TYPEDEF),
    "LSM_MAC": ("bpf_lsm_", Kind.FUNC),
    "LSM_CGROUP": ("bpf_lsm_", Kind.FUNC),
    "TRACE_ITER": ("bpf_iter_", Kind.FUNC),
}
_BTF_ATTACHED: Final = frozenset({"TRACING", "LSM"})
_MULTI: Final = ("TRACE_FENTRY_MULTI", "TRACE_FEXIT_MULTI", "TRACE_FSESSION_MULTI")


class KernelFunction(NamedTuple):
    """What a BTF-attached program is attached to.

    Attributes:
        name: name as BTF has it (``btf_trace_sched_switch``, ``bpf_lsm_file_open``).
        btf: the BTF it stands in.
        parameters: type ids of the arguments a program gets, the first one at offset 0.
        result: type id of the return type.
    """

    name: str
    btf: Btf
    parameters: tuple[int, ...]
    result: int


def needs_kernel_target(program: ProgramSpec) -> bool:
    """Tell whether loading the program takes a function or hook found in kernel BTF."""
    if program.type.name not in _BTF_ATTACHED or program.type.number == 0:
        return False
    return program.attach_type is None or program.attach_type.name not in _MULTI


def find_target(program: ProgramSpec, targets: Sequence[Btf]) -> KernelFunction | None:
    """Return what the section of a BTF-attached program names, None when the kernel has it not."""
    if not program.attach_to:
        return None
    module, colon, rest = program.attach_to.partition(":")
    name = rest if colon else module
    attach = program.attach_type.name if program.attach_type else ""
    prefix, kind = _PREFIXES.get(attach, ("", Kind.FUNC))
    for btf in targets:
        type_id = btf.find(prefix + name, kind)
        if type_id is not None:
            return _function(btf, prefix + name, type_id)
    return None


def _function(btf: Btf, name: str, type_id: int) -> KernelFunction:
    record = btf.type(type_id)
    first = 0
    if isinstance(record, Typedef):
        # btf_trace_NAME is a pointer to a function whose first parameter is not the program's.
        record = btf.type(btf.resolve(record.type_id))
        first = 1
    if isinstance(record, Func | Ptr):
        record = btf.type(btf.resolve(record.type_id))
    if not isinstance(record, FuncProto):
        return KernelFunction(name, btf, (), 0)
    parameters = tuple(parameter.type_id for parameter in record.params[first:])
    return KernelFunction(name, btf, parameters, record.type_id)
