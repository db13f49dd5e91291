"""Attaching programs: a ``bpf_link`` first, the older way where the kernel has none.

What :meth:`~ebpf_static.loading.Program.attach` takes, by program type:

========================  ==========================  ==========================================
program type              target                      options
========================  ==========================  ==========================================
XDP                       interface                   ``mode``: ``generic``, ``native``, ``offload``
SCHED_CLS                 interface                   ``direction``: ``ingress``, ``egress``;
                                                      ``priority`` of the older way
CGROUP_*, SOCK_OPS        cgroup directory            ``attach_type`` where the section has none
LSM (per cgroup)          cgroup directory
RAW_TRACEPOINT            tracepoint (or section's)
TRACEPOINT                ``category/name``           ``cookie``
KPROBE                    ``function+offset`` or      ``pid``, ``cookie``; several ``targets`` of
                          ``path:function``           a multi program
TRACING, LSM, EXT         what it was loaded for      ``cookie``; ``map`` for an iterator
SK_LOOKUP,                network namespace file
FLOW_DISSECTOR            (this one by default)
NETFILTER                                             ``family``, ``hook``, ``priority``, ``defrag``
PERF_EVENT                                            ``frequency`` or ``period``, ``pid``, ``cpus``
SK_SKB, SK_MSG                                        ``map``
SOCKET_FILTER,                                        ``socket``
SK_REUSEPORT
LIRC_MODE2                device file
========================  ==========================  ==========================================
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ebpf_static.errors import UsageError
from ebpf_static.loading import Link
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType
from ebpf_static_loaders.linux import netlink
from ebpf_static_loaders.linux.attach_probes import attach_perf_event, attach_probe
from ebpf_static_loaders.linux.errors import doing
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.links import BpfLink, OldLink, end_prog_attach
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.session import encode_name
from ebpf_static_loaders.linux.syscall import Value

if TYPE_CHECKING:
    from ebpf_static_loaders.linux.handles import LinuxMap
    from ebpf_static_loaders.linux.program import LinuxProgram

Options = Mapping[str, Any]

OLD_KERNEL: Final = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, 524)
"""What kernels say that do not know a kind of link: it is worth trying the older way."""

_XDP_MODES: Final = {None: 0, "generic": 2, "native": 4, "offload": 8}
_ALLOW_MULTI: Final = 2
_F_LINK: Final = 1 << 13
_DEFAULT_TYPES: Final = {
    "CGROUP_DEVICE": "CGROUP_DEVICE",
    "CGROUP_SYSCTL": "CGROUP_SYSCTL",
    "SOCK_OPS": "CGROUP_SOCK_OPS",
    "CGROUP_SOCK": "CGROUP_INET_SOCK_CREATE",
    "SK_MSG": "SK_MSG_VERDICT",
    "LIRC_MODE2": "LIRC_MODE2",
    "FLOW_DISSECTOR": "FLOW_DISSECTOR",
    "SK_LOOKUP": "SK_LOOKUP",
}
_FAMILIES: Final = {"ipv4": 2, "ipv6": 10}
_HOOKS: Final = {
    "prerouting": 0, "local_in": 1, "forward": 2, "local_out": 3, "postrouting": 4,
}  # fmt: skip
_SO_ATTACH_BPF, _SO_DETACH_BPF, _SO_ATTACH_REUSEPORT_EBPF = 50, 27, 52


def attach(program: LinuxProgram, target: str | None, options: Options) -> Link:
    """Attach a program where its type belongs.

    Raises:
        UsageError: its type is attached another way, or a target or option is missing or unknown.
        LoadRejectedError: the kernel refuses.
    """
    kind = program.info()["type"]
    handler = _HANDLERS.get(kind)
    if kind.startswith("CGROUP_"):
        handler = _attach_cgroup
    if handler is None:
        raise UsageError(f"program `{program.name}`: {_NOT_ATTACHED.get(kind, _UNKNOWN)} ({kind})")
    _require_options(program, kind, options)
    return handler(program, target, options)


def attach_struct_ops(item: LinuxMap, value: bytes) -> Link:
    """Register a struct_ops map.

    Raises:
        LoadRejectedError: the kernel refuses, for instance because the name is taken.
    """
    what = f"struct_ops `{item.name}`"
    with doing(f"register {what}"):
        item.system.bpf(
            Command.MAP_UPDATE_ELEM, {"map_fd": item.fd, "key": bytes(4), "value": value}
        )
        if item.info()["flags"] & _F_LINK:
            number = _number("STRUCT_OPS")
            fd = item.system.bpf(
                Command.LINK_CREATE, {"prog_fd": item.fd, "attach_type": number}
            ).value
            return BpfLink(Fd(item.system, fd), what)

    def end() -> None:
        item.system.bpf(Command.MAP_DELETE_ELEM, {"map_fd": item.fd, "key": bytes(4)})

    return OldLink(what, "struct_ops map", end)


def _number(name: str) -> int:
    return AttachType.named(Platform.LINUX, name).number


def _describe(program: LinuxProgram, target: str | None) -> str:
    return f"program `{program.name}`" + (f" to {target}" if target else "")


def _target(program: LinuxProgram, target: str | None, noun: str) -> str:
    found = target or (program.spec.attach_to if program.spec is not None else None)
    if not found:
        raise UsageError(f"program `{program.name}` needs {noun} to be attached to")
    return found


def _ifindex(name: str) -> int:
    if name.isdigit():
        return int(name)
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise UsageError(f"there is no interface {name!r} here") from error


def _attach_type(program: LinuxProgram, options: Options, kind: str) -> int:
    given = options.get("attach_type")
    if given is not None:
        return _number(str(given))
    if program.spec is not None and program.spec.attach_type is not None:
        return program.spec.attach_type.number
    default = _DEFAULT_TYPES.get(kind)
    if default is None:
        raise UsageError(f"program `{program.name}`: say the attach_type, its section does not")
    return _number(default)


def _create_link(
    program: LinuxProgram, what: str, fields: Mapping[str, Value], *, also: tuple[Fd, ...] = ()
) -> BpfLink:
    answer = program.system.bpf(Command.LINK_CREATE, {"prog_fd": program.fd, **fields})
    return BpfLink(Fd(program.system, answer.value), what, also=also)


def _link_or(
    program: LinuxProgram,
    what: str,
    fields: Mapping[str, Value],
    older: Callable[[], Link],
) -> Link:
    """Return a link, or what ``older`` makes where the kernel does not know such links."""
    with doing(f"attach {what}"):
        try:
            return _create_link(program, what, fields)
        except OSError as error:
            if error.errno not in OLD_KERNEL:
                raise
            first = error
        try:
            return older()
        except OSError as error:
            # A kernel that knows links meant what it said the first time.
            raise (first if error.errno in OLD_KERNEL else error) from None


def _attach_xdp(program: LinuxProgram, target: str | None, options: Options) -> Link:
    name = _target(program, target, "an interface")
    index = _ifindex(name)
    mode = options.get("mode")
    if mode not in _XDP_MODES:
        raise UsageError("an XDP mode is 'generic', 'native' or 'offload'")
    flags = _XDP_MODES[mode]
    what = _describe(program, name)

    def older() -> Link:
        netlink.set_xdp(program.system, index, program.fd, flags)
        system = program.system
        return OldLink(what, "netlink", lambda: netlink.set_xdp(system, index, -1, flags))

    fields = {"target_fd": index, "attach_type": _number("XDP"), "flags": flags}
    return _link_or(program, what, fields, older)


def _attach_tc(program: LinuxProgram, target: str | None, options: Options) -> Link:
    name = _target(program, target, "an interface")
    index = _ifindex(name)
    known = program.spec.attach_type if program.spec is not None else None
    direction = options.get("direction")
    if known is not None and direction is None:
        direction = "egress" if known.name == "TCX_EGRESS" else "ingress"
    if direction not in ("ingress", "egress"):
        raise UsageError(f"program `{program.name}`: say the direction, 'ingress' or 'egress'")
    number = _number(f"TCX_{direction.upper()}")
    if known is not None and known.name.startswith("NETKIT"):
        number = known.number
    what = _describe(program, f"{name} {direction}")
    priority = int(options.get("priority", netlink.PRIORITY))
    system = program.system

    def older() -> Link:
        label = encode_name(program.name)
        netlink.add_filter(system, index, direction, program.fd, label, priority)
        return OldLink(
            what, "netlink", lambda: netlink.delete_filter(system, index, direction, priority)
        )

    return _link_or(program, what, {"target_fd": index, "attach_type": number}, older)


def _attach_cgroup(program: LinuxProgram, target: str | None, options: Options) -> Link:
    path = target
    if not path:
        raise UsageError(f"program `{program.name}` needs a cgroup directory to be attached to")
    return _attach_file(program, path, options, _ALLOW_MULTI)


def _attach_netns(program: LinuxProgram, target: str | None, options: Options) -> Link:
    return _attach_file(program, target or "/proc/self/ns/net", options, 0)


def _attach_lirc(program: LinuxProgram, target: str | None, options: Options) -> Link:
    path = _target(program, target, "a device")
    return _attach_file(program, path, options, 0, links=False)


def _attach_file(
    program: LinuxProgram, path: str, options: Options, flags: int, *, links: bool = True
) -> Link:
    """Attach to something that is a file: a cgroup, a network namespace, a device."""
    number = _attach_type(program, options, program.info()["type"])
    what = _describe(program, path)
    with doing(f"open {path}"):
        place = Fd(program.system, program.system.open_path(path))
    base = {"target_fd": place.number, "attach_type": number}

    def older() -> Link:
        fields = {**base, "attach_bpf_fd": program.fd, "attach_flags": flags}
        program.system.bpf(Command.PROG_ATTACH, fields)
        kept = Fd(program.system, _duplicate(place.number))
        undo = {**fields, "target_fd": kept.number}
        return OldLink(what, "prog_attach", end_prog_attach(program.system, undo, [kept]))

    try:
        if links:
            return _link_or(program, what, base, older)
        with doing(f"attach {what}"):
            return older()
    finally:
        place.close()


def _duplicate(fd: int) -> int:
    return os.dup(fd)


def _attach_raw_tracepoint(program: LinuxProgram, target: str | None, options: Options) -> Link:
    name = _target(program, target, "a tracepoint")
    what = _describe(program, name)
    fields: dict[str, Value] = {"name": name.encode() + b"\0", "prog_fd": program.fd}
    fields["cookie"] = options.get("cookie", 0)
    with doing(f"attach {what}"):
        fd = program.system.bpf(Command.RAW_TRACEPOINT_OPEN, fields).value
    return BpfLink(Fd(program.system, fd), what)


def _attach_tracing(program: LinuxProgram, target: str | None, options: Options) -> Link:
    known = program.spec.attach_type if program.spec is not None else None
    name = known.name if known is not None else ""
    what = _describe(program, target or (program.spec.attach_to if program.spec else None))
    if name == "LSM_CGROUP":
        return _attach_cgroup(program, target, options)
    number = known.number if known is not None else 0
    fields: dict[str, Value] = {"attach_type": number}
    if name == "TRACE_ITER":
        item = options.get("map")
        if item is not None:
            info = struct.pack("=I4x", item.fd)
            fields |= {"iter_info": info, "iter_info_len": len(info)}
        with doing(f"attach {what}"):
            return _create_link(program, what, fields)
    fields["tracing_cookie"] = options.get("cookie", 0)

    def older() -> Link:
        fd = program.system.bpf(Command.RAW_TRACEPOINT_OPEN, {"prog_fd": program.fd}).value
        return BpfLink(Fd(program.system, fd), what)

    return _link_or(program, what, fields, older)


def _attach_netfilter(program: LinuxProgram, target: str | None, options: Options) -> Link:
    family, hook = options.get("family", "ipv4"), options.get("hook", target or "local_in")
    if family not in _FAMILIES or hook not in _HOOKS:
        raise UsageError(
            f"a family is one of {', '.join(_FAMILIES)}, a hook one of {', '.join(_HOOKS)}"
        )
    what = _describe(program, f"netfilter {family} {hook}")
    fields: dict[str, Value] = {
        "attach_type": _number("NETFILTER"),
        "netfilter_pf": _FAMILIES[family],
        "netfilter_hooknum": _HOOKS[hook],
        "netfilter_priority": int(options.get("priority", 0)),
        "netfilter_flags": int(bool(options.get("defrag", False))),
    }
    with doing(f"attach {what}"):
        return _create_link(program, what, fields)


def _attach_sockmap(program: LinuxProgram, target: str | None, options: Options) -> Link:
    del target
    item = options.get("map")
    if item is None:
        raise UsageError(f"program `{program.name}` is attached to a map: say map=…")
    number = _attach_type(program, options, program.info()["type"])
    what = _describe(program, f"map `{item.name}`")
    fields: dict[str, Value] = {
        "target_fd": item.fd,
        "attach_bpf_fd": program.fd,
        "attach_type": number,
    }
    with doing(f"attach {what}"):
        program.system.bpf(Command.PROG_ATTACH, fields)
    return OldLink(what, "prog_attach", end_prog_attach(program.system, fields, []))


def _attach_socket(program: LinuxProgram, target: str | None, options: Options) -> Link:
    del target
    chosen: socket.socket | None = options.get("socket")
    if chosen is None:
        raise UsageError(f"program `{program.name}` is attached to a socket: say socket=…")
    reuse = program.info()["type"] == "SK_REUSEPORT"
    option = _SO_ATTACH_REUSEPORT_EBPF if reuse else _SO_ATTACH_BPF
    what = _describe(program, "a socket")
    with doing(f"attach {what}"):
        chosen.setsockopt(socket.SOL_SOCKET, option, program.fd)

    def end() -> None:
        with suppress(OSError):  # the socket may be closed, which ends it as well
            chosen.setsockopt(socket.SOL_SOCKET, _SO_DETACH_BPF, 0)

    return OldLink(what, "setsockopt", end)


def _require_options(program: LinuxProgram, kind: str, options: Options) -> None:
    known = _OPTIONS.get(kind, ("attach_type",) if kind.startswith("CGROUP_") else ())
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        listed = ", ".join(known) or "none"
        raise UsageError(f"program `{program.name}` ({kind}) takes no {unknown!r}, but: {listed}")


_UNKNOWN: Final = "how programs of its type are attached is not known"
_NOT_ATTACHED: Final = {
    "STRUCT_OPS": "it is attached with its map",
    "SYSCALL": "it is run, not attached: use a test run",
    "LWT_IN": "routes attach it: ip route … encap bpf",
    "LWT_OUT": "routes attach it: ip route … encap bpf",
    "LWT_XMIT": "routes attach it: ip route … encap bpf",
    "LWT_SEG6LOCAL": "routes attach it: ip route … encap seg6local",
    "SCHED_ACT": "tc attaches it as an action",
}
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "XDP": ("mode",),
    "SCHED_CLS": ("direction", "priority"),
    "SOCK_OPS": ("attach_type",),
    "SK_LOOKUP": ("attach_type",),
    "FLOW_DISSECTOR": ("attach_type",),
    "LIRC_MODE2": ("attach_type",),
    "RAW_TRACEPOINT": ("cookie",),
    "RAW_TRACEPOINT_WRITABLE": ("cookie",),
    "TRACEPOINT": ("cookie",),
    "KPROBE": ("cookie", "pid", "offset", "targets"),
    "TRACING": ("cookie", "map"),
    "LSM": ("cookie", "attach_type"),
    "EXT": ("cookie",),
    "NETFILTER": ("family", "hook", "priority", "defrag"),
    "PERF_EVENT": ("frequency", "period", "pid", "cpus", "type", "config", "cookie"),
    "SK_SKB": ("map", "attach_type"),
    "SK_MSG": ("map", "attach_type"),
    "SOCKET_FILTER": ("socket",),
    "SK_REUSEPORT": ("socket",),
}
_HANDLERS: Final[dict[str, Callable[[LinuxProgram, str | None, Options], Link]]] = {
    "XDP": _attach_xdp,
    "SCHED_CLS": _attach_tc,
    "SOCK_OPS": _attach_cgroup,
    "SK_LOOKUP": _attach_netns,
    "FLOW_DISSECTOR": _attach_netns,
    "LIRC_MODE2": _attach_lirc,
    "RAW_TRACEPOINT": _attach_raw_tracepoint,
    "RAW_TRACEPOINT_WRITABLE": _attach_raw_tracepoint,
    "TRACEPOINT": attach_probe,
    "KPROBE": attach_probe,
    "TRACING": _attach_tracing,
    "LSM": _attach_tracing,
    "EXT": _attach_tracing,
    "NETFILTER": _attach_netfilter,
    "PERF_EVENT": attach_perf_event,
    "SK_SKB": _attach_sockmap,
    "SK_MSG": _attach_sockmap,
    "SOCKET_FILTER": _attach_socket,
    "SK_REUSEPORT": _attach_socket,
}
