"""Maps into efW: created or reused, filled and pinned.

Source: efW ``libs/api/ebpf_api.cpp`` and ``libs/execution_context/ebpf_maps.c`` for what the
runtime takes; the map types table names the constraints.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from ebpf_static.errors import UsageError
from ebpf_static.loading import Map
from ebpf_static.specs import MapSpec
from ebpf_static_loaders.windows.bpf_syscall import NAME_BYTES, Value, encode_name
from ebpf_static_loaders.windows.handles import KEYLESS, MAP_IN_MAP, WindowsMap, map_info
from ebpf_static_loaders.windows.pins import DEFAULT_PIN_DIR, c_path
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.results import NOT_FOUND, CallError, doing, rejected
from ebpf_static_loaders.windows.session import Session

_PIN_BY_NAME: Final = 1
_U32_MAX: Final = 0xFFFFFFFF
_MAX_DEPTH: Final = 2  # a map of maps holds plain maps
_FD_BYTES: Final = 4
_RINGS: Final = ("RINGBUF", "PERF_EVENT_ARRAY")
_EXTENDED: Final = ("SAMPLE_HASH_MAP", "XSKMAP")  # of extensions that may not be there


def create_maps(session: Session) -> None:
    """Create every map of the spec, reuse what is pinned, and fill maps of maps.

    Raises:
        LoadRejectedError: efW refuses one; everything is still to be taken back.
    """
    for item in session.spec.maps:
        session.maps.append(_make(session, item))
    for index, item in enumerate(session.spec.maps):
        if item.values and item.type.name in MAP_IN_MAP:
            _fill_slots(session, index, item)


def fill_program_arrays(session: Session, programs: Mapping[str, Fd]) -> None:
    """Put loaded programs where the object says.

    Raises:
        LoadRejectedError: one of them is not loaded, or efW refuses it.
    """
    for index, item in enumerate(session.spec.maps):
        if item.type.name != "PROG_ARRAY":
            continue
        for value in item.values:
            program = programs.get(value.name)
            if program is None:
                what = f"map `{item.name}`: slot {value.index} is for program `{value.name}`"
                raise rejected(f"{what}, which is not loaded", "EBADF")
            _set_slot(session, index, item, value.index, program)


def _make(session: Session, item: MapSpec) -> Fd:
    item = _sized(session, item)
    given = session.options.maps.get(item.name)
    if given is not None:
        return _take(session, item, given)
    path = _pin_path(session, item)
    if path is not None:
        found = _find(session, item, path)
        if found is not None:
            return found
    fd = _create(session, item, 1)
    if path is not None:
        _pin(session, item, fd, path)
    return fd


def _sized(session: Session, item: MapSpec) -> MapSpec:
    entries = session.options.max_entries.get(item.name, item.max_entries)
    if not entries and session.options.default_max_entries is not None:
        entries = session.options.default_max_entries
    if not 0 <= entries <= _U32_MAX:
        raise UsageError(f"map `{item.name}` cannot have {entries} entries")
    value_size = item.value_size
    if item.type.name in MAP_IN_MAP or item.type.name == "PROG_ARRAY":
        value_size = value_size or _FD_BYTES
    return item.model_copy(update={"max_entries": entries, "value_size": value_size})


def _create(session: Session, item: MapSpec, depth: int) -> Fd:
    inner: Fd | None = None
    template = _template(session, item)
    if template is not None:
        if depth >= _MAX_DEPTH:
            raise rejected(f"map `{item.name}` nests maps of maps", "EINVAL", rule="WIN014")
        inner = _create(session, _sized(session, template), depth + 1)
    sizes = f"{item.type.name}, key {item.key_size}, value {item.value_size}"
    try:
        fd = session.undo.own(Fd(session.runtime, _call(session, item, inner)))
    except CallError as error:
        what = f"cannot create map `{item.name}` ({sizes}, {item.max_entries} entries)"
        raise rejected(what, error.name, rule=_predicted(item, error.name)) from error
    # efW keeps what it needs of an inner map; the descriptor has done its work.
    if inner is not None:
        with doing("close an inner map"):
            inner.close()
    return fd


def _predicted(item: MapSpec, said: str) -> str | None:
    """Return the rule that says beforehand what the runtime says now, None when none does."""
    if item.type.name in _RINGS and item.max_entries:
        return "WIN012" if said in ("EINVAL", "ENOMEM") else None
    if said != "EINVAL" or not item.type.number:
        return None
    if item.type.name in _EXTENDED:
        return "WIN101"
    keyless = item.type.name in KEYLESS
    sizes = (item.max_entries, item.value_size, item.key_size or keyless)
    return "WIN014" if all(sizes) else "MAP107"


def _template(session: Session, item: MapSpec) -> MapSpec | None:
    """Return the definition of the inner map, that of another map where the object names one."""
    if item.type.name not in MAP_IN_MAP:
        return None
    if item.inner is not None:
        return item.inner
    named = (other for other in session.spec.maps if other.name == item.inner_name)
    return next(named, None)


def _call(session: Session, item: MapSpec, template: Fd | None) -> int:
    inner = None if template is None else template.number
    name = item.name.encode("utf-8", "surrogateescape")
    if len(name) > NAME_BYTES:
        return session.runtime.create_named_map(
            item.type.number, name, item.key_size, item.value_size, item.max_entries, inner
        )
    fields: dict[str, Value] = {
        "map_type": item.type.number,
        "key_size": item.key_size,
        "value_size": item.value_size,
        "max_entries": item.max_entries,
        "inner_map_fd": inner or 0,
        "map_name": encode_name(item.name),
    }
    return session.runtime.bpf("MAP_CREATE", fields).value


# -- maps that are there already ---------------------------------------------------------------


def _pin_path(session: Session, item: MapSpec) -> str | None:
    if item.pinning != _PIN_BY_NAME:
        return None
    folder = (session.options.pin_dir or DEFAULT_PIN_DIR).rstrip("/\\")
    return f"{folder}/{item.name}"


def _find(session: Session, item: MapSpec, path: str) -> Fd | None:
    """Return the map pinned at ``path`` when it is the one declared, None when none is."""
    with doing(f"open the pin {path}"):
        try:
            fd = session.runtime.bpf("OBJ_GET", {"pathname": c_path(path)}).value
        except CallError as error:
            if error.name in NOT_FOUND:
                return None
            raise
    owned = session.undo.own(Fd(session.runtime, fd))
    _require_same(session, item, owned, f"the map pinned at {path}")
    return owned


def _take(session: Session, item: MapSpec, given: Map | str) -> Fd:
    if isinstance(given, str):
        found = _find(session, item, given)
        if found is None:
            raise rejected(f"nothing is pinned at {given}", "ENOENT")
        return found
    if not isinstance(given, WindowsMap):
        raise UsageError(f"map `{item.name}`: the handle is of another loader")
    with doing(f"use the map given for `{item.name}`"):
        fd = session.runtime.duplicate(given.fd)
    owned = session.undo.own(Fd(session.runtime, fd))
    _require_same(session, item, owned, "the map given")
    return owned


def _pin(session: Session, item: MapSpec, fd: Fd, path: str) -> None:
    with doing(f"pin map `{item.name}` at {path}"):
        session.runtime.bpf("OBJ_PIN", {"pathname": c_path(path), "bpf_fd": fd.number})
    session.undo.add(lambda: session.runtime.unpin(c_path(path)[:-1]))


def _require_same(session: Session, item: MapSpec, fd: Fd, what: str) -> None:
    with doing(f"ask about {what}"):
        info = map_info(session.runtime, fd.number)
    pairs = (
        ("type", info.type, item.type.number),
        ("key size", info.key_size, item.key_size),
        ("value size", info.value_size, item.value_size),
        ("number of entries", info.max_entries, item.max_entries),
    )
    for name, there, declared in pairs:
        if there != declared:
            raise rejected(
                f"{what} is not map `{item.name}`: its {name} is {there}, not {declared}", "EINVAL"
            )


# -- slots -------------------------------------------------------------------------------------


def _fill_slots(session: Session, index: int, item: MapSpec) -> None:
    names = {found.name: position for position, found in enumerate(session.spec.maps)}
    for value in item.values:
        position = names.get(value.name)
        if position is None:
            what = f"map `{item.name}`: slot {value.index} is for map `{value.name}`"
            raise rejected(f"{what}, which does not exist", "EBADF")
        _set_slot(session, index, item, value.index, session.maps[position])


def _set_slot(session: Session, index: int, item: MapSpec, slot: int, fd: Fd) -> None:
    fields: dict[str, Value] = {
        "map_fd": session.maps[index].number,
        "key": struct.pack("<I", slot),
        "value": struct.pack("<I", fd.number),
    }
    with doing(f"set slot {slot} of map `{item.name}`"):
        session.runtime.bpf("MAP_UPDATE_ELEM", fields)
