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
_MAX_ARGUMENTS: Final = 12
_MAX_STRUCTURE: Final = 16
WITH_RESULT: Final = frozenset(
    {"LSM_MAC", "LSM_CGROUP", "TRACE_FEXIT", "TRACE_FSESSION", "MODIFY_RETURN"}
)
"""Attach types whose programs may read the function's result behind its arguments."""

_FREE_POINTERS: Final = frozenset({"TRACE_ITER", "STRUCT_OPS", "STRUCT_OPS_MEMBER"})
"""What may give its arguments types of its own (``ctx_arg_info``)."""

_STRUCT_ARGUMENTS: Final = Version(6, 1)  # commit 720e6a435194
_UNION_ARGUMENTS: Final = Version(6, 13)  # 6.12.117 refuses, 6.18.44 does not
_WHOLE_POINTERS: Final = Version(6, 14)  # commit 659b9ba7cb2d
_WHOLE_POINTERS_POINT: Final = Version(6, 12, 117)  # or an earlier one of that line
_INT_POINTERS: Final = Version(5, 18)  # commit bb6728d75611
_QUALIFIED_VOID: Final = Version(6, 15)  # 6.12.117 refuses, 6.18.44 does not
_ONLY_STRINGS_UNTIL: Final = Version(5, 11)
_POINTERS_READ: Final = Version(6, 19)
"""Releases up to 6.18.44 refuse pointers to what is no structure, 7.3.4 takes them as numbers."""


def argument_refusal(
    function: KernelFunction, attach: str, version: Version | None, offset: int, size: int
) -> str | None:
    """Return why a kernel refuses a load from the arguments, in words; None if it may take it.

    Args:
        function: what the program is attached to.
        attach: its attach type without ``BPF_``; of a struct_ops program ``STRUCT_OPS_MEMBER``, or
            ``STRUCT_OPS`` where the number of its member may pass for an attach type's.
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
    if index > count or (index == count and attach not in (*WITH_RESULT, "STRUCT_OPS")):
        return f"argument {offset // _SLOT + 1} of `{function.name}`, which has {count}"
    if index < count:
        what = f"argument {index + 1} of `{function.name}`"
        return _type_refusal(
            function.btf, function.parameters[index], attach, version, (what, size)
        )
    if attach == "STRUCT_OPS":
        # The attach type of a struct_ops program is the number of its member, which may be equal
        # to that of an attach type with a result.
        return None
    if function.btf.kind(function.btf.resolve(function.result)) == Kind.VOID:
        return f"the result of `{function.name}`, which has none"
    what = f"the result of `{function.name}`"
    return _type_refusal(function.btf, function.result, attach, version, (what, size))


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


def _type_refusal(
    btf: Btf, type_id: int, attach: str, version: Version | None, access: tuple[str, int]
) -> str | None:
    what, size = access
    record = btf.type(btf.resolve(type_id))
    if isinstance(record, Int):
        return None if record.size <= _SLOT else f"{what}, an integer of {record.size} bytes"
    if isinstance(record, Enum | Enum64):
        return None
    if isinstance(record, Struct | Union):
        since = _STRUCT_ARGUMENTS if isinstance(record, Struct) else _UNION_ARGUMENTS
        refused = version is not None and version < since
        return f"{what}, a structure passed by value" if refused else None
    if not isinstance(record, Ptr):
        return f"{what}, which is neither a number nor a pointer"
    if size != _SLOT and _reads_pointers_whole(version):
        return f"{what}, a pointer, which is read whole or not at all"
    if attach in _FREE_POINTERS or version is None:
        return None
    return _pointee_refusal(btf, record, what, version)


def _reads_pointers_whole(version: Version | None) -> bool:
    if version is None or not version < _WHOLE_POINTERS:
        return version is not None
    point = _WHOLE_POINTERS_POINT
    return (version.major, version.minor) == (point.major, point.minor) and not version < point


def _pointee_refusal(btf: Btf, pointer: Ptr, what: str, version: Version) -> str | None:
    target = btf.type(btf.resolve(pointer.type_id))
    if pointer.type_id == 0 or target.kind in (Kind.STRUCT, Kind.UNION):
        return None
    # Before that, the kernel looks for `void *` before it skips qualifiers: not `const void *`.
    if target.kind is Kind.VOID and not version < _QUALIFIED_VOID:
        return None
    if isinstance(target, Int):
        if not version < _INT_POINTERS or target.size == 1 or not version < _ONLY_STRINGS_UNTIL:
            return None
        return f"{what}, a pointer to a number, which programs may read since Linux 5.18"
    if not version < _POINTERS_READ:
        return None
    return f"{what}, a pointer to something other than a structure"


def prototype_refusal(function: KernelFunction, version: Version | None) -> str | None:
    """Return why no program can be attached to a function with such a prototype, None if one can.

    Source: ``btf_distill_func_proto``: at most 12 arguments (11 before Linux 6.1), numbers,
    pointers and, since 6.1, structures of up to 16 bytes; no variable arguments; no structure
    returned.
    """
    old = version is not None and version < _STRUCT_ARGUMENTS
    most = _MAX_ARGUMENTS - 1 if old else _MAX_ARGUMENTS
    if len(function.parameters) > most:
        return f"has {len(function.parameters)} arguments, and programs get {most} at most"
    try:
        returned = function.btf.kind(function.btf.resolve(function.result))
        if returned in (Kind.STRUCT, Kind.FLOAT, Kind.ARRAY):
            return "returns what is neither a number nor a pointer"
        for index, type_id in enumerate(function.parameters, 1):
            if type_id == 0 and index == len(function.parameters):
                return "has variable arguments"
            what = _passing_refusal(function.btf, type_id, version)
            if what is not None:
                return f"has {what} as argument {index}"
    except FormatError:
        return None
    return None


def _passing_refusal(btf: Btf, type_id: int, version: Version | None) -> str | None:
    record = btf.type(btf.resolve(type_id))
    if isinstance(record, Ptr | Enum | Enum64):
        return None
    if isinstance(record, Int):
        return None if record.size <= _MAX_STRUCTURE else f"an integer of {record.size} bytes"
    if isinstance(record, Struct | Union):
        if record.size > _MAX_STRUCTURE:
            return f"a structure of {record.size} bytes"
        since = _STRUCT_ARGUMENTS if isinstance(record, Struct) else _UNION_ARGUMENTS
        return "a structure" if version is not None and version < since else None
    return "what is neither a number nor a pointer"
