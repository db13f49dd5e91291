"""What the running kernel has, asked of it item by item: the contents of a profile.

A helper is asked for by loading its bare call and reading the verifier's complaint: only "unknown
func" and "cannot use helper" say that the type may not call it; anything else is about arguments.
Sources: libbpf ``src/libbpf_probes.c``; Linux ``kernel/bpf/verifier.c`` ``check_helper_call``.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from typing import Any, Final

from ebpf_static.errors import LoaderUnavailableError
from ebpf_static.support import map_rules, resolve
from ebpf_static.support.profile import FORMAT, FORMAT_VERSION
from ebpf_static.target import Platform, Target, Version
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType
from ebpf_static_loaders.linux.features import try_program
from ebpf_static_loaders.linux.host import Host
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.syscall import System

_RETURN_0: Final = struct.pack("=BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0)
_LOG_BYTES: Final = 4096
_REFUSALS: Final = (b"invalid func ", b"unknown func ", b"cannot use helper ")
_NOT_ASKED: Final = frozenset({"UNSPEC", "TRACING", "LSM", "EXT", "STRUCT_OPS"})
"""Types whose loading takes a target in BTF: the BTF answers for them."""

_ATTACH: Final = {
    "CGROUP_SOCK_ADDR": "CGROUP_INET4_CONNECT",
    "CGROUP_SOCKOPT": "CGROUP_GETSOCKOPT",
    "SK_LOOKUP": "SK_LOOKUP",
    "NETFILTER": "NETFILTER",
}
"""Attach types without which nothing of the type loads."""

_SLEEPABLE: Final = {"SYSCALL": 1 << 4}
_LOOSE_MAPS: Final = frozenset({"STRUCT_OPS", "UNSPEC"})
_MMAPABLE: Final = 1 << 10
_FLAGS: Final = {"LPM_TRIE": 1, "ARENA": _MMAPABLE}
_INNER: Final = frozenset({"ARRAY_OF_MAPS", "HASH_OF_MAPS"})


def make_profile(system: System, host: Host) -> dict[str, Any]:
    """Return the document of a profile of this machine."""
    version = host.version
    if version is None:
        raise LoaderUnavailableError("this kernel does not say its release")
    program_types = dict(_iter_program_types(system))
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "kernel": os.uname().release,
        "machine": os.uname().machine,
        "kernel_version": str(version),
        "program_types": program_types,
        "map_types": dict(_iter_map_types(system, version)),
        "helpers": {
            name: sorted(_iter_helpers(system, name))
            for name, there in program_types.items()
            if there
        },
        "config": dict(host.config or {}),
    }


def _types() -> Iterator[ProgramType]:
    return (t for t in ProgramType.members(Platform.LINUX) if t.name not in _NOT_ASKED)


def _fields(program_type: ProgramType) -> dict[str, int | bytes | bytearray]:
    attach = _ATTACH.get(program_type.name)
    number = AttachType.named(Platform.LINUX, attach).number if attach else 0
    return {
        "expected_attach_type": number,
        "prog_flags": _SLEEPABLE.get(program_type.name, 0),
    }


def _iter_program_types(system: System) -> Iterator[tuple[str, bool]]:
    """Yield what is certain: it loaded, or the kernel does not know the number."""
    for program_type in _types():
        code = try_program(system, _RETURN_0, program_type.number, **_fields(program_type))
        if code in (0, errno.EINVAL):
            yield program_type.name, code == 0


def _iter_map_types(system: System, version: Version) -> Iterator[tuple[str, bool]]:
    """Yield map types by creating a small one by the rules of the release."""
    release = resolve(Target(Platform.LINUX, Version(version.major, version.minor)))
    for map_type in MapType.members(Platform.LINUX):
        rules = map_rules(map_type, release)
        if map_type.name in _LOOSE_MAPS or rules is None or rules.btf == "required":
            continue
        fields: dict[str, int] = {
            "map_type": map_type.number,
            "key_size": _size(rules.key_size, 4),
            "value_size": _size(rules.value_size, 4),
            "max_entries": _size(rules.max_entries, 1),
            "map_flags": _FLAGS.get(map_type.name, 0),
        }
        code = _create(system, fields, inner=map_type.name in _INNER)
        if code in (0, errno.EINVAL):
            yield map_type.name, code == 0


def _size(rule: Any, wish: int) -> int:
    """Return a size a rule allows, the wish if it does."""
    if rule is None or rule.allows(wish):
        return wish
    for value in (*rule.one_of, rule.minimum, 0, 8, 16, 4096):
        if rule.allows(value):
            return int(value)
    return wish


def _create(system: System, fields: dict[str, int], *, inner: bool) -> int:
    """Create a map, close it again, and return 0 or the errno."""
    opened = []
    try:
        if inner:
            template = {"map_type": 2, "key_size": 4, "value_size": 4, "max_entries": 1}
            opened.append(system.bpf(Command.MAP_CREATE, template).value)
            fields = fields | {"inner_map_fd": opened[0]}
        opened.append(system.bpf(Command.MAP_CREATE, fields).value)
    except OSError as error:
        return error.errno or -1
    finally:
        for fd in opened:
            system.close(fd)
    return 0


def _iter_helpers(system: System, name: str) -> Iterator[str]:
    program_type = ProgramType.named(Platform.LINUX, name)
    fields = _fields(program_type)
    for helper in HelperId.members(Platform.LINUX):
        log = bytearray(_LOG_BYTES)
        call = struct.pack("=BBhiBBhi", 0x85, 0, 0, helper.number, 0x95, 0, 0, 0)
        code = try_program(
            system, call, program_type.number, log_level=1, log_buf=log, log_size=len(log), **fields
        )
        if not code or not any(words in log for words in _REFUSALS):
            yield helper.name
