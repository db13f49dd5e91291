"""What programs verified against a kernel function may read: its arguments, 8 bytes each.

Source: Linux ``kernel/bpf/btf.c`` (``btf_ctx_access``, ``get_ctx_arg_idx``) and
``include/linux/bpf.h`` (``bpf_tracing_ctx_access``) as of 5.10.262, 6.1.192, 6.12.117 and 7.3.4.
"""

from __future__ import annotations

from typing import Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import Enum, Enum64, Int, Ptr, Struct, Union
from ebpf_static.errors import FormatError
from ebpf_static.kernel.attach import KernelFunction
from ebpf_static.target import Version

_SLOT: Final = 8
_MAX_BYTES: Final = 96  # 8 * MAX_BPF_FUNC_ARGS
_WITH_RESULT: Final = frozenset(
    {"LSM_MAC", "LSM_CGROUP", "TRACE_FEXIT", "TRACE_FSESSION", "MODIFY_RETURN"}
)
_FREE_POINTERS: Final = frozenset({"TRACE_ITER", "STRUCT_OPS"})
"""What may give its arguments types of its own (``ctx_arg_info``)."""

_STRUCT_ARGUMENTS: Final = Version(6, 1)  # commit 720e6a435194
_WHOLE_POINTERS: Final = Version(6, 14)  # commit 659b9ba7cb2d, in some older point releases
_INT_POINTERS: Final = Version(5, 18)  # commit bb6728d75611
_ONLY_STRINGS_UNTIL: Final = Version(5, 11)
_POINTERS_READ: Final = Version(6, 13)
"""Releases from here to 7.3 may or may not take pointers to what is no structure."""


def argument_refusal(
    function: KernelFunction, attach: str, version: Version | None, offset: int, size: int
) -> str | None:
    """Return why a kernel refuses a load from the arguments, in words; None if it may take it.

    Args:
        function: what the program is attached to.
        attach: its attach type without ``BPF_``; ``STRUCT_OPS`` for a struct_ops program.
        version: the kernel's, None when not known.
        offset: of the first byte read.
        size: bytes read.
    """
    if not 0 <= offset < _MAX_BYTES:
        return "outside the arguments a program gets"
    if offset % _SLOT:
        return "which is not the start of an argument"
    try:
        return _refusal(function, attach, version, offset, size)
    except FormatError:
        return None  # the kernel's own BTF is damaged: BTF rules say so, nothing follows from it


def _refusal(
    function: KernelFunction, attach: str, version: Version | None, offset: int, size: int
) -> str | None:
    count = len(function.parameters)
    index = _argument_index(function, attach, version, offset)
    if index > count or (index == count and attach not in (*_WITH_RESULT, "STRUCT_OPS")):
        return f"argument {index + 1} of `{function.name}`, which has {count}"
    if index == count:
        # The attach type of a struct_ops program is the number of its member, which may be equal
        # to that of an attach type with a result.
        return None if attach == "STRUCT_OPS" else _result_refusal(function)
    return _type_refusal(function, function.parameters[index], attach, version, (index, size))


def _argument_index(
    function: KernelFunction, attach: str, version: Version | None, offset: int
) -> int:
    """Return which argument starts at ``offset``: a structure passed by value takes several."""
    if version is not None and version < _STRUCT_ARGUMENTS:
        return offset // _SLOT
    # Before a tracepoint's arguments stands a pointer its programs do not see, which the kernel
    # counts here and nowhere else.
    end = _SLOT if attach == "TRACE_RAW_TP" else 0
    if offset < end:
        return 0
    first = end // _SLOT
    for index, type_id in enumerate((*function.parameters, function.result), first):
        end += _slots(function.btf, type_id)
        if offset < end:
            return index
    return first + len(function.parameters) + 1


def _slots(btf: Btf, type_id: int) -> int:
    resolved = btf.resolve(type_id)
    if resolved == 0:
        return 0
    if btf.kind(resolved) == Kind.PTR:
        return _SLOT
    return -(-btf.size_of(resolved) // _SLOT) * _SLOT


def _result_refusal(function: KernelFunction) -> str | None:
    record = function.btf.type(function.btf.resolve(function.result))
    if record.kind is Kind.VOID:
        return f"the result of `{function.name}`, which has none"
    return None


def _type_refusal(
    function: KernelFunction,
    type_id: int,
    attach: str,
    version: Version | None,
    access: tuple[int, int],
) -> str | None:
    index, size = access
    btf = function.btf
    record = btf.type(btf.resolve(type_id))
    what = f"argument {index + 1} of `{function.name}`"
    if isinstance(record, Int):
        return None if record.size <= _SLOT else f"{what}, an integer of {record.size} bytes"
    if isinstance(record, Enum | Enum64 | Struct | Union):
        return None
    if not isinstance(record, Ptr):
        return f"{what}, which is neither a number nor a pointer"
    if version is not None and size != _SLOT and not version < _WHOLE_POINTERS:
        return f"{what}, a pointer, which is read whole or not at all"
    if attach in _FREE_POINTERS or version is None:
        return None
    return _pointee_refusal(btf, record, what, version)


def _pointee_refusal(btf: Btf, pointer: Ptr, what: str, version: Version) -> str | None:
    target = btf.type(btf.resolve(pointer.type_id))
    if target.kind in (Kind.VOID, Kind.STRUCT, Kind.UNION):
        return None
    if isinstance(target, Int):
        if not version < _INT_POINTERS or target.size == 1 or not version < _ONLY_STRINGS_UNTIL:
            return None
        return f"{what}, a pointer to a number, which programs may read since Linux 5.18"
    if not version < _POINTERS_READ:
        return None
    return f"{what}, a pointer to something other than a structure"
