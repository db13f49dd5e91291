"""What a program is attached to by type id: kernel functions, hooks, iterators, other programs.

Source: libbpf ``src/libbpf.c`` (1.7): ``libbpf_find_attach_btf_id``, ``find_kernel_btf_id``,
``btf_get_kernel_prefix_kind``, ``libbpf_find_prog_btf_id``.
"""

from __future__ import annotations

import errno
import struct
from typing import Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.loading import Program
from ebpf_static.specs import ProgramSpec
from ebpf_static.uapi.sections import match_linux
from ebpf_static_loaders.linux.errors import doing, rejected
from ebpf_static_loaders.linux.host import ModuleBtf
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.session import Session
from ebpf_static_loaders.linux.syscall import System, Value

_PREFIXES: Final = {
    "TRACE_RAW_TP": ("btf_trace_", Kind.TYPEDEF),
    "LSM_MAC": ("bpf_lsm_", Kind.FUNC),
    "LSM_CGROUP": ("bpf_lsm_", Kind.FUNC),
    "TRACE_ITER": ("bpf_iter_", Kind.FUNC),
}
_PROG_INFO_BYTES: Final = 208
_BTF_ID_AT: Final = 128  # of struct bpf_prog_info
_MAX_BTF: Final = 64 << 20


def fields(session: Session, program: ProgramSpec) -> dict[str, Value]:
    """Return what a program carries that is attached by type id; nothing for all others.

    Raises:
        LoadRejectedError: no target is named, or the kernel has it not.
    """
    match = match_linux(program.section)
    if match is None or not match.attach_btf:
        return {}
    target = session.options.attach_to.get(program.name, program.attach_to)
    if not target:
        raise rejected(
            f"program `{program.name}`: section `{program.section}` names nothing to attach to",
            errno.EINVAL,
            rule="PRG103",
        )
    other = session.options.attach_programs.get(program.name)
    if other is not None or program.type.name == "EXT":
        return _of_program(session, program, other, target)
    return _of_kernel(session, program, target)


def _of_kernel(session: Session, program: ProgramSpec, target: str) -> dict[str, Value]:
    module, colon, rest = target.partition(":")
    name = rest if colon else target
    attach = program.attach_type.name if program.attach_type else ""
    prefix, kind = _PREFIXES.get(attach, ("", Kind.FUNC))
    if session.host.btf is None and session.host.pretends:
        return {}
    if session.host.btf is None:
        raise rejected(
            f"program `{program.name}`: this kernel shows no types (/sys/kernel/btf/vmlinux)",
            errno.ENOENT,
        )
    wanted = module if colon else None
    if wanted in (None, "vmlinux"):
        type_id = session.host.btf.find(prefix + name, kind)
        if type_id is not None:
            return {"attach_btf_id": type_id}
    for item in session.host.modules:
        type_id = _in_module(item, wanted, prefix + name, kind)
        if type_id is not None:
            fd = session.host.module_fd(item.name)
            return {"attach_btf_id": type_id, "attach_fd": fd}
    raise rejected(
        f"program `{program.name}`: this kernel has no `{prefix}{name}` to attach to",
        errno.ESRCH,
        rule="PRG203",
    )


def _in_module(item: ModuleBtf, wanted: str | None, name: str, kind: Kind) -> int | None:
    return None if wanted not in (None, item.name) else item.btf.find(name, kind)


def _of_program(
    session: Session, program: ProgramSpec, other: Program | None, target: str
) -> dict[str, Value]:
    fd = getattr(other, "fd", None)
    if not isinstance(fd, int):
        raise rejected(
            f"program `{program.name}` replaces a function of another program: say of which",
            errno.EINVAL,
            rule="PRG204",
        )
    with doing(f"read the types of the program `{program.name}` belongs to"):
        btf = program_btf(session.system, fd)
    type_id = None if btf is None else btf.find(target, Kind.FUNC)
    if type_id is None:
        what = f"program `{program.name}`: the other program has no function `{target}`"
        raise rejected(what, errno.ENOENT)
    return {"attach_btf_id": type_id, "attach_fd": fd}


def program_btf(system: System, fd: int) -> Btf | None:
    """Return the types a loaded program came with, None when it came without.

    Raises:
        OSError: the kernel does not tell.
    """
    info = bytearray(_PROG_INFO_BYTES)
    system.bpf(Command.OBJ_GET_INFO_BY_FD, {"bpf_fd": fd, "info_len": len(info), "info": info})
    (btf_id,) = struct.unpack_from("=I", info, _BTF_ID_AT)
    return read_btf_by_id(system, btf_id) if btf_id else None


def read_btf_by_id(system: System, btf_id: int) -> Btf:
    """Return types the kernel holds.

    Raises:
        OSError: it has none of that id, or does not tell.
    """
    fd = system.bpf(Command.BTF_GET_FD_BY_ID, {"id": btf_id}).value
    try:
        size = struct.unpack_from("=QI", _btf_info(system, fd, None))[1]
        data = bytearray(min(size, _MAX_BTF))
        _btf_info(system, fd, data)
        return Btf.parse(bytes(data), where=f"BTF {btf_id}")
    finally:
        system.close(fd)


def _btf_info(system: System, fd: int, data: bytearray | None) -> bytes:
    import ctypes

    address = 0
    view = None
    if data:
        view = (ctypes.c_char * len(data)).from_buffer(data)
        address = ctypes.addressof(view)
    info = bytearray(struct.pack("=QII", address, len(data or b""), 0))
    system.bpf(Command.OBJ_GET_INFO_BY_FD, {"bpf_fd": fd, "info_len": len(info), "info": info})
    del view
    return bytes(info)
