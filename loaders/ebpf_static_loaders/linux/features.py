"""What the running kernel can do, found out by trying, each question once per process.

Source: libbpf ``src/features.c`` (1.7): the same smallest programs, maps and types. Only the
kernel can answer; version numbers lie on distribution kernels.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import Enum
from typing import Final

from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.syscall import System

_SOCKET_FILTER: Final = 1
_TRACEPOINT: Final = 5
_CGROUP_SOCK: Final = 9
_ARRAY: Final = 2
_MMAPABLE: Final = 1 << 10
_EXIT: Final = struct.pack("=BBhi", 0x95, 0, 0, 0)
_MOV_0: Final = struct.pack("=BBhi", 0xB7, 0, 0, 0)
_RETURN_0: Final = _MOV_0 + _EXIT
_INT: Final = struct.pack("=IIII", 1, 1 << 24, 4, 0x01000020)  # signed 32-bit, name at 1


class Feature(Enum):
    """Something kernels learned at some time."""

    PROG_NAME = "names of programs and maps"
    GLOBAL_DATA = "global variables"
    BTF = "type information"
    BTF_FUNC = "types of functions"
    BTF_GLOBAL_FUNC = "linkage of functions"
    BTF_DATASEC = "types of variables"
    BTF_QMARK_DATASEC = "question marks in names of sections"
    BTF_FLOAT = "floating point types"
    BTF_DECL_TAG = "declaration tags"
    BTF_TYPE_TAG = "type tags"
    BTF_ENUM64 = "64-bit enumerations"
    ARRAY_MMAP = "maps that can be mapped into memory"
    EXP_ATTACH_TYPE = "expected attach types"
    PROBE_READ_KERN = "bpf_probe_read_kernel"
    PROG_BIND_MAP = "binding of maps to programs"
    MEMCG_ACCOUNT = "memory accounting by control group"


class Features:
    """Answers of one kernel."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._known: dict[Feature, bool] = {}

    def assume_all(self) -> None:
        """Take everything for granted, for a kernel that cannot be asked."""
        self._known = dict.fromkeys(Feature, True)

    def has(self, feature: Feature) -> bool:
        """Tell whether the kernel has a feature, asking it the first time."""
        known = self._known.get(feature)
        if known is None:
            known = self._known[feature] = _PROBES[feature](self._system)
        return known


def try_program(
    system: System,
    insns: bytes,
    program_type: int = _SOCKET_FILTER,
    **fields: int | bytes | bytearray,
) -> int:
    """Load a program, close it again, and return 0 or the errno."""
    try:
        answer = system.bpf(
            Command.PROG_LOAD,
            {
                "prog_type": program_type,
                "insns": insns,
                "insn_cnt": len(insns) // 8,
                "license": b"GPL\0",
                **fields,
            },
        )
    except OSError as error:
        return error.errno or -1
    system.close(answer.value)
    return 0


def _try_map(system: System, **fields: int | bytes) -> int:
    """Create a map and return its descriptor, or -1."""
    try:
        return system.bpf(
            Command.MAP_CREATE,
            {"map_type": _ARRAY, "key_size": 4, "value_size": 4, "max_entries": 1, **fields},
        ).value
    except OSError:
        return -1


def _try_btf(system: System, types: bytes, strings: bytes) -> bool:
    header = struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    raw = header + types + strings
    try:
        answer = system.bpf(Command.BTF_LOAD, {"btf": raw, "btf_size": len(raw)})
    except OSError:
        return False
    system.close(answer.value)
    return True


def _prog_name(system: System) -> bool:
    return try_program(system, _RETURN_0, prog_name=b"name_probe") == 0


def _global_data(system: System) -> bool:
    fd = _try_map(system, value_size=32)
    if fd < 0:
        return False
    try:
        store = struct.pack("=BBhiBBhi", 0x18, 0x21, 0, fd, 0, 0, 0, 16)  # r1 = &value[16]
        write = struct.pack("=BBhi", 0x7A, 1, 0, 42)  # *(u64 *)r1 = 42
        return try_program(system, store + write + _RETURN_0) == 0
    finally:
        system.close(fd)


def _array_mmap(system: System) -> bool:
    fd = _try_map(system, map_flags=_MMAPABLE)
    if fd >= 0:
        system.close(fd)
    return fd >= 0


def _prog_bind_map(system: System) -> bool:
    owned = [_try_map(system, value_size=32)]
    try:
        if owned[0] < 0:
            return False
        load: dict[str, int | bytes] = {
            "prog_type": _SOCKET_FILTER,
            "insns": _RETURN_0,
            "insn_cnt": 2,
            "license": b"GPL\0",
        }
        owned.append(system.bpf(Command.PROG_LOAD, load).value)
        system.bpf(Command.PROG_BIND_MAP, {"prog_fd": owned[1], "map_fd": owned[0]})
    except OSError:
        return False
    else:
        return True
    finally:
        for fd in owned:
            if fd >= 0:
                system.close(fd)


def _exp_attach_type(system: System) -> bool:
    # BPF_CGROUP_INET_SOCK_CREATE is 2.
    return try_program(system, _RETURN_0, _CGROUP_SOCK, expected_attach_type=2) == 0


def _probe_read_kernel(system: System) -> bool:
    insns = (
        struct.pack("=BBhi", 0xBF, 0xA1, 0, 0)  # r1 = r10
        + struct.pack("=BBhi", 0x07, 1, 0, -8)  # r1 += -8
        + struct.pack("=BBhi", 0xB7, 2, 0, 8)  # r2 = 8
        + struct.pack("=BBhi", 0xB7, 3, 0, 0)  # r3 = 0
        + struct.pack("=BBhi", 0x85, 0, 0, 113)
        + _EXIT
    )
    return try_program(system, insns, _TRACEPOINT) == 0


def _memcg_account(system: System) -> bool:
    # bpf_ktime_get_coarse_ns (160) came with the kernel (5.11) that accounts by control group.
    return try_program(system, struct.pack("=BBhi", 0x85, 0, 0, 160) + _EXIT) == 0


def _btf(system: System) -> bool:
    return _try_btf(system, _INT, b"\0int\0")


def _func(linkage: int) -> bytes:
    proto = struct.pack("=IIIII", 0, 13 << 24 | 1, 0, 7, 1)  # void (int a)
    return _INT + proto + struct.pack("=III", 5, 12 << 24 | linkage, 2)


def _btf_func(system: System) -> bool:
    return _try_btf(system, _func(0), b"\0int\0x\0a\0")


def _btf_global_func(system: System) -> bool:
    return _try_btf(system, _func(1), b"\0int\0x\0a\0")


def _datasec(name: bytes) -> tuple[bytes, bytes]:
    variable = struct.pack("=IIII", 5, 14 << 24, 1, 0)
    return (
        _INT + variable + struct.pack("=IIIIII", 7, 15 << 24 | 1, 4, 2, 0, 4),
        b"\0int\0x\0" + name,
    )


def _btf_datasec(system: System) -> bool:
    return _try_btf(system, *_datasec(b".data\0"))


def _btf_qmark(system: System) -> bool:
    return _try_btf(system, *_datasec(b"?.data\0"))


def _btf_float(system: System) -> bool:
    return _try_btf(system, struct.pack("=III", 1, 16 << 24, 4), b"\0float\0")


def _btf_decl_tag(system: System) -> bool:
    variable = struct.pack("=IIII", 5, 14 << 24, 1, 0)
    tag = struct.pack("=IIIi", 5, 17 << 24, 2, -1)
    return _try_btf(system, _INT + variable + tag, b"\0int\0x\0")


def _btf_type_tag(system: System) -> bool:
    tag = struct.pack("=III", 5, 18 << 24, 1)
    return _try_btf(system, _INT + tag + struct.pack("=III", 0, 2 << 24, 2), b"\0int\0x\0")


def _btf_enum64(system: System) -> bool:
    enum = struct.pack("=IIIIII", 1, 19 << 24 | 1, 8, 5, 0xFFFFFFFF, 1)
    return _try_btf(system, enum, b"\0enu\0x\0")


_PROBES: Final[dict[Feature, Callable[[System], bool]]] = {
    Feature.PROG_NAME: _prog_name,
    Feature.GLOBAL_DATA: _global_data,
    Feature.BTF: _btf,
    Feature.BTF_FUNC: _btf_func,
    Feature.BTF_GLOBAL_FUNC: _btf_global_func,
    Feature.BTF_DATASEC: _btf_datasec,
    Feature.BTF_QMARK_DATASEC: _btf_qmark,
    Feature.BTF_FLOAT: _btf_float,
    Feature.BTF_DECL_TAG: _btf_decl_tag,
    Feature.BTF_TYPE_TAG: _btf_type_tag,
    Feature.BTF_ENUM64: _btf_enum64,
    Feature.ARRAY_MMAP: _array_mmap,
    Feature.EXP_ATTACH_TYPE: _exp_attach_type,
    Feature.PROBE_READ_KERN: _probe_read_kernel,
    Feature.PROG_BIND_MAP: _prog_bind_map,
    Feature.MEMCG_ACCOUNT: _memcg_account,
}
