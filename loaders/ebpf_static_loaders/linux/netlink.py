"""XDP and tc as they were attached before links: messages to rtnetlink.

Sources: Linux ``include/uapi/linux/rtnetlink.h``, ``if_link.h``, ``pkt_sched.h``, ``pkt_cls.h``;
libbpf ``src/netlink.c``.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Final

from ebpf_static_loaders.linux.syscall import System

_RTM_SETLINK, _RTM_NEWQDISC, _RTM_NEWTFILTER, _RTM_DELTFILTER = 19, 36, 44, 45
_REQUEST, _ACK, _EXCL, _CREATE = 0x1, 0x4, 0x200, 0x400
_NESTED: Final = 0x8000
_IFLA_XDP, _IFLA_XDP_FD, _IFLA_XDP_FLAGS = 43, 1, 3
_TCA_KIND, _TCA_OPTIONS = 1, 2
_TCA_BPF_FD, _TCA_BPF_NAME, _TCA_BPF_FLAGS = 6, 7, 8
_CLSACT_HANDLE: Final = 0xFFFF0000
_CLSACT_PARENT: Final = 0xFFFFFFF1
_PARENTS: Final = {"ingress": 0xFFFFFFF2, "egress": 0xFFFFFFF3}
_ETH_P_ALL: Final = 3
_XDP_UPDATE_IF_NOEXIST: Final = 1
PRIORITY: Final = 49152
HANDLE: Final = 1


def set_xdp(system: System, ifindex: int, fd: int, flags: int) -> None:
    """Attach an XDP program to an interface, or detach with ``fd`` -1.

    Raises:
        OSError: the kernel refuses; EBUSY when another program is there.
    """
    if fd >= 0:
        flags |= _XDP_UPDATE_IF_NOEXIST
    inner = _attribute(_IFLA_XDP_FD, struct.pack("=i", fd))
    inner += _attribute(_IFLA_XDP_FLAGS, struct.pack("=I", flags))
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, ifindex, 0, 0)
    system.netlink(_message(_RTM_SETLINK, 0, body + _attribute(_IFLA_XDP | _NESTED, inner)))


def add_filter(
    system: System, ifindex: int, direction: str, fd: int, name: bytes, priority: int
) -> None:
    """Attach a tc program in direct action mode, the clsact queue made when it is missing.

    Raises:
        OSError: the kernel refuses; EEXIST when the place is taken.
    """
    body = _tcmsg(ifindex, _CLSACT_HANDLE, _CLSACT_PARENT, 0) + _attribute(_TCA_KIND, b"clsact\0")
    try:
        system.netlink(_message(_RTM_NEWQDISC, _CREATE | _EXCL, body))
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
    options = _attribute(_TCA_BPF_FD, struct.pack("=I", fd))
    options += _attribute(_TCA_BPF_NAME, name + b"\0")
    options += _attribute(_TCA_BPF_FLAGS, struct.pack("=I", 1))
    body = _filter(ifindex, direction, priority) + _attribute(_TCA_KIND, b"bpf\0")
    body += _attribute(_TCA_OPTIONS | _NESTED, options)
    system.netlink(_message(_RTM_NEWTFILTER, _CREATE | _EXCL, body))


def delete_filter(system: System, ifindex: int, direction: str, priority: int) -> None:
    """Detach what :func:`add_filter` attached.

    Raises:
        OSError: it is not there.
    """
    body = _filter(ifindex, direction, priority) + _attribute(_TCA_KIND, b"bpf\0")
    system.netlink(_message(_RTM_DELTFILTER, 0, body))


def _filter(ifindex: int, direction: str, priority: int) -> bytes:
    info = priority << 16 | socket.htons(_ETH_P_ALL)
    return _tcmsg(ifindex, HANDLE, _PARENTS[direction], info)


def _tcmsg(ifindex: int, handle: int, parent: int, info: int) -> bytes:
    return struct.pack("=BxxxiIII", socket.AF_UNSPEC, ifindex, handle, parent, info)


def _attribute(kind: int, payload: bytes) -> bytes:
    header = struct.pack("=HH", 4 + len(payload), kind)
    return (header + payload).ljust(4 + (len(payload) + 3 & ~3), b"\0")


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, 1, 0) + body
