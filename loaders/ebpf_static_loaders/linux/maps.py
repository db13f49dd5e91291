"""Maps into the kernel: created or reused, filled, frozen and pinned.

Source: libbpf ``src/libbpf.c`` (1.7): ``bpf_object__create_maps``, ``bpf_object__create_map``,
``bpf_object__populate_internal_map``, ``init_map_in_map_slots``, ``bpf_object_init_prog_arrays``.
"""

from __future__ import annotations

import errno
import mmap
import struct
from collections.abc import Mapping
from typing import Final

from ebpf_static.btf import Kind
from ebpf_static.errors import UsageError
from ebpf_static.specs import MapOrigin, MapSpec
from ebpf_static_loaders.linux import reuse
from ebpf_static_loaders.linux.errors import doing, rejected
from ebpf_static_loaders.linux.features import Feature
from ebpf_static_loaders.linux.initial import initial_contents, is_read_only
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.session import Session, encode_name
from ebpf_static_loaders.linux.sizes import sized
from ebpf_static_loaders.linux.struct_ops import StructOps
from ebpf_static_loaders.linux.syscall import Value

_MMAPABLE: Final = 1 << 10
_TOKEN_FD: Final = 1 << 16
_MAP_IN_MAP: Final = frozenset({"ARRAY_OF_MAPS", "HASH_OF_MAPS"})
# Types whose keys or values the kernel takes no types for.
_UNTYPED: Final = _MAP_IN_MAP | {
    "PERF_EVENT_ARRAY", "CGROUP_ARRAY", "STACK_TRACE", "DEVMAP", "DEVMAP_HASH", "CPUMAP",
    "XSKMAP", "SOCKMAP", "SOCKHASH", "QUEUE", "STACK", "ARENA",
}  # fmt: skip


def create_maps(session: Session) -> None:
    """Create every map of the spec, reuse what is pinned, and fill them.

    Raises:
        LoadRejectedError: the kernel refuses one; everything is still to be taken back.
    """
    spec = session.spec
    session.maps = [None] * len(spec.maps)
    for index, item in enumerate(spec.maps):
        if _is_created(session, item):
            session.maps[index] = _make(session, index, item)
    for index, item in enumerate(spec.maps):
        if item.values and item.type.name in _MAP_IN_MAP:
            _fill_slots(session, index, item)


def fill_program_arrays(session: Session, programs: Mapping[str, Fd]) -> None:
    """Put loaded programs where the object says.

    Raises:
        LoadRejectedError: one of them is not loaded, or the kernel refuses it.
    """
    for index, item in enumerate(session.spec.maps):
        if item.type.name != "PROG_ARRAY":
            continue
        for value in item.values:
            program = programs.get(value.name)
            what = f"map `{item.name}`: slot {value.index} is for program `{value.name}`"
            if program is None:
                raise rejected(f"{what}, which is not loaded", errno.EBADF)
            _set_slot(session, index, item, value.index, program.number)


def _is_created(session: Session, item: MapSpec) -> bool:
    if item.origin is MapOrigin.LEGACY and not session.options.legacy_maps:
        raise rejected(
            f"map `{item.name}` is declared the legacy way, in section `{item.section}`",
            errno.EOPNOTSUPP,
            rule="MAP104",
        )
    internal = item.origin in (MapOrigin.DATA, MapOrigin.KCONFIG)
    if internal and not session.features.has(Feature.GLOBAL_DATA):
        return False
    return item.autocreate


def _make(session: Session, index: int, item: MapSpec) -> Fd:
    item = sized(item, session.options, session.host.possible_cpus)
    given = session.options.maps.get(item.name)
    if given is not None:
        return reuse.take(session, item, given)
    path = reuse.pin_path(session, item)
    if path is not None:
        found = reuse.find(session, item, path)
        if found is not None:
            return found
    fd = _create(session, item, session.struct_ops.get(index))
    _populate(session, item, fd)
    if item.type.name == "ARENA":
        _map_arena(session, item, fd)
    if path is not None:
        reuse.pin(session, item, fd, path)
    return fd


def _create(session: Session, item: MapSpec, ops: object = None) -> Fd:
    fields = _fields(session, item)
    inner: Fd | None = None
    if item.type.name in _MAP_IN_MAP and item.inner is not None:
        definition = sized(item.inner, session.options, session.host.possible_cpus)
        inner = _create(session, definition)
        fields["inner_map_fd"] = inner.number
    if isinstance(ops, StructOps):
        fields |= ops.map_fields(session)
    elif session.btf is not None:
        fields |= _type_fields(session, item)
    try:
        fd = _call(session, item, fields)
    finally:
        # The kernel keeps what it needs of an inner map; the descriptor has done its work.
        if inner is not None:
            inner.close()
    return session.undo.own(Fd(session.system, fd))


def _fields(session: Session, item: MapSpec) -> dict[str, Value]:
    flags = item.flags
    if item.origin is MapOrigin.DATA and flags & _MMAPABLE:
        flags = flags if session.features.has(Feature.ARRAY_MMAP) else flags & ~_MMAPABLE
    fields: dict[str, Value] = {
        "map_type": item.type.number,
        "key_size": item.key_size,
        "value_size": item.value_size,
        "max_entries": item.max_entries,
        "map_flags": flags,
        "numa_node": item.numa_node,
        "map_extra": item.map_extra,
    }
    if session.features.has(Feature.PROG_NAME):
        fields["map_name"] = encode_name(session.kernel_name(item))
    if session.token is not None:
        fields["map_token_fd"] = session.token.number
        fields["map_flags"] = flags | _TOKEN_FD
    return fields


def _type_fields(session: Session, item: MapSpec) -> dict[str, Value]:
    btf = session.spec.btf
    if session.btf is None or btf is None or item.type.name in _UNTYPED:
        return {}
    value = item.value_type_id
    if item.origin in (MapOrigin.DATA, MapOrigin.KCONFIG):
        value = btf.find(item.section, Kind.DATASEC) or 0
    key = item.key_type_id
    if not key and not value:
        return {}
    return {
        "btf_fd": session.btf.number,
        "btf_key_type_id": key,
        "btf_value_type_id": value,
    }


def _call(session: Session, item: MapSpec, fields: dict[str, Value]) -> int:
    typed = "btf_key_type_id" in fields
    try:
        return session.system.bpf(Command.MAP_CREATE, fields).value
    except OSError as error:
        if not typed:
            raise _refused(item, error.errno or 0) from error
    plain = {name: value for name, value in fields.items() if not name.startswith("btf_")}
    try:
        return session.system.bpf(Command.MAP_CREATE, plain).value
    except OSError as error:
        raise _refused(item, error.errno or 0) from error


def _refused(item: MapSpec, code: int) -> Exception:
    sizes = f"{item.type.name}, key {item.key_size}, value {item.value_size}"
    what = f"cannot create map `{item.name}` ({sizes}, {item.max_entries} entries)"
    return rejected(what, code, rule="MAP203" if code == errno.EINVAL else None)


def _populate(session: Session, item: MapSpec, fd: Fd) -> None:
    if item.origin not in (MapOrigin.DATA, MapOrigin.KCONFIG):
        return
    contents = initial_contents(session, item)
    with doing(f"fill map `{item.name}`"):
        session.system.bpf(
            Command.MAP_UPDATE_ELEM,
            {"map_fd": fd.number, "key": bytes(4), "value": contents},
        )
    if is_read_only(item):
        with doing(f"freeze map `{item.name}`"):
            session.system.bpf(Command.MAP_FREEZE, {"map_fd": fd.number})


def _map_arena(session: Session, item: MapSpec, fd: Fd) -> None:
    """Map an arena into this process, where its variables are, as long as it is open.

    The verifier needs to know the address; what maps it first decides it.
    """
    length = item.max_entries * mmap.PAGESIZE
    system = session.system
    with doing(f"map arena `{item.name}`"):
        address = system.map_at(fd.number, length, item.map_extra, item.data or b"")
    fd.before_close = lambda: system.unmap(address, length)


def _fill_slots(session: Session, index: int, item: MapSpec) -> None:
    names = {found.name: position for position, found in enumerate(session.spec.maps)}
    for value in item.values:
        position = names.get(value.name)
        target = None if position is None else session.maps[position]
        if target is None:
            raise rejected(
                f"map `{item.name}`: slot {value.index} is for map `{value.name}`, "
                "which is not created",
                errno.EBADF,
            )
        _set_slot(session, index, item, value.index, target.number)


def _set_slot(session: Session, index: int, item: MapSpec, slot: int, fd: int) -> None:
    owner = session.maps[index]
    if owner is None:
        raise UsageError(f"map `{item.name}` is not created")
    with doing(f"set slot {slot} of map `{item.name}`"):
        session.system.bpf(
            Command.MAP_UPDATE_ELEM,
            {
                "map_fd": owner.number,
                "key": struct.pack("=I", slot),
                "value": struct.pack("=I", fd),
            },
        )
