"""Maps that exist already: pinned by name, or handed over by the user.

Source: libbpf ``src/libbpf.c`` (1.7): ``bpf_object__reuse_map``, ``map_is_reuse_compat``,
``build_map_pin_path``.
"""

from __future__ import annotations

import errno
import struct
from typing import Final, NamedTuple

from ebpf_static.loading import Map
from ebpf_static.specs import MapSpec
from ebpf_static_loaders.linux.errors import doing, rejected
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.session import Session
from ebpf_static_loaders.linux.syscall import System

DEFAULT_PIN_DIR: Final = "/sys/fs/bpf"
_PIN_BY_NAME: Final = 1
_RDONLY_PROG: Final = 1 << 7
_MAP_INFO_BYTES: Final = 88


class MapInfo(NamedTuple):
    """What the kernel says of a map (``struct bpf_map_info``), sizes in bytes."""

    type: int
    id: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int
    name: str
    btf_id: int
    key_type_id: int
    value_type_id: int
    map_extra: int


def map_info(system: System, fd: int) -> MapInfo:
    """Return what the kernel says of a map.

    Raises:
        OSError: it refuses; some old kernels know less and leave zeros.
    """
    info = bytearray(_MAP_INFO_BYTES)
    system.bpf(Command.OBJ_GET_INFO_BY_FD, {"bpf_fd": fd, "info_len": len(info), "info": info})
    kind, number, key, value, entries, flags, raw = struct.unpack_from("=6I16s", info)
    btf_id, key_type, value_type = struct.unpack_from("=III", info, 64)
    (extra,) = struct.unpack_from("=Q", info, 80)
    name = raw.partition(b"\0")[0].decode("utf-8", "replace")
    return MapInfo(
        kind, number, key, value, entries, flags, name, btf_id, key_type, value_type, extra
    )


def pin_path(session: Session, item: MapSpec) -> str | None:
    """Return where the object wants a map pinned, None for nowhere."""
    if item.pinning != _PIN_BY_NAME:
        return None
    folder = (session.options.pin_dir or DEFAULT_PIN_DIR).rstrip("/")
    return f"{folder}/{session.kernel_name(item).replace('.', '_')}"


def find(session: Session, item: MapSpec, path: str) -> Fd | None:
    """Return the map pinned at ``path`` when it is the one declared, None when none is.

    Raises:
        LoadRejectedError: something else is pinned there.
    """
    try:
        fd = session.system.bpf(Command.OBJ_GET, {"pathname": _c_path(path)}).value
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise rejected(f"cannot open the pin {path}", error.errno or 0) from error
    owned = session.undo.own(Fd(session.system, fd))
    _require_same(session, item, owned, f"the map pinned at {path}")
    return owned


def take(session: Session, item: MapSpec, given: Map | str) -> Fd:
    """Return the map a user wants used instead.

    Raises:
        LoadRejectedError: it cannot stand for the one declared.
    """
    if isinstance(given, str):
        found = find(session, item, given)
        if found is None:
            raise rejected(f"nothing is pinned at {given}", errno.ENOENT)
        return found
    from ebpf_static_loaders.linux.handles import LinuxMap

    if not isinstance(given, LinuxMap):
        raise rejected(f"map `{item.name}`: the handle is of another loader", errno.EINVAL)
    with doing(f"use the map given for `{item.name}`"):
        fd = session.system.bpf(Command.MAP_GET_FD_BY_ID, {"id": given.info()["id"]}).value
    owned = session.undo.own(Fd(session.system, fd))
    _require_same(session, item, owned, "the map given")
    return owned


def pin(session: Session, item: MapSpec, fd: Fd, path: str) -> None:
    """Pin a new map; the pin goes again when the load fails.

    Raises:
        LoadRejectedError: the path is taken, or in no BPF file system.
    """
    with doing(f"pin map `{item.name}` at {path}"):
        session.system.bpf(Command.OBJ_PIN, {"pathname": _c_path(path), "bpf_fd": fd.number})
    session.undo.add(lambda: session.system.unlink(path))


def _require_same(session: Session, item: MapSpec, fd: Fd, what: str) -> None:
    with doing(f"ask about {what}"):
        info = map_info(session.system, fd.number)
    flags = info.flags
    if item.type.name in ("DEVMAP", "DEVMAP_HASH"):
        flags &= ~_RDONLY_PROG  # the kernel adds it by itself
    pairs = (
        ("type", info.type, item.type.number),
        ("key size", info.key_size, item.key_size),
        ("value size", info.value_size, item.value_size),
        ("number of entries", info.max_entries, item.max_entries),
        ("flags", flags, item.flags),
        ("map_extra", info.map_extra, item.map_extra),
    )
    for name, there, declared in pairs:
        if there != declared:
            raise rejected(
                f"{what} is not map `{item.name}`: its {name} is {there}, not {declared}",
                errno.EINVAL,
            )


def _c_path(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape") + b"\0"
