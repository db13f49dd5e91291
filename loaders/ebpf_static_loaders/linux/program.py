"""Loaded programs: attached, run on given data, pinned, asked about.

Source of the test run: ``BPF_PROG_TEST_RUN`` in Linux ``Documentation/bpf/bpf_prog_run.rst``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from ebpf_static.loading import Link, Program, TestRun
from ebpf_static.specs import ProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import ProgramType
from ebpf_static_loaders.linux.errors import doing
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.pins import Pinned
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.syscall import System, Value

_INFO_BYTES: Final = 232
_ROOM: Final = 4096  # what a program may add to a packet before the kernel says ENOSPC
_SMALLEST_PACKET: Final = 14  # an Ethernet header, below which the kernel refuses packets


class LinuxProgram(Pinned, Program):
    """A program of the running kernel.

    Attributes:
        name: what the object calls it.
        spec: its declaration, None for one opened from a pin.
        log: what the verifier said, when it was asked to.
    """

    def __init__(self, fd: Fd, *, name: str, spec: ProgramSpec | None, log: str = "") -> None:
        Pinned.__init__(self, fd, f"program `{name}`")
        self.name = name
        self.spec = spec
        self.log = log

    def attach(self, target: str | None = None, **options: Any) -> Link:
        """Let it run where it belongs; see :mod:`ebpf_static_loaders.linux.attach`."""
        from ebpf_static_loaders.linux.attach import attach

        return attach(self, target, options)

    def test_run(
        self, data: bytes = b"", *, context: bytes = b"", repeat: int = 1, flags: int = 0
    ) -> TestRun:
        """Run it on ``data`` without attaching it."""
        return test_run(self, data, context=context, repeat=repeat, flags=flags)

    def info(self) -> Mapping[str, Any]:
        """Return what the kernel says of it."""
        with doing(f"ask about program `{self.name}`"):
            return program_info(self.system, self.fd)


_ON_FRAMES = frozenset({"XDP", "SCHED_CLS", "SCHED_ACT"})
_ETHERNET_HEADER = 14  # ETH_HLEN: net/bpf/test_run.c takes no less


def test_run(
    program: LinuxProgram, data: bytes, *, context: bytes, repeat: int, flags: int
) -> TestRun:
    """Run a program on data.

    Raises:
        LoadRejectedError: this kind of program cannot be run so, or not on such data.
    """
    out = bytearray(len(data) + _ROOM) if data else None
    context_out = bytearray(len(context)) if context else None
    fields: dict[str, Value] = {
        "prog_fd": program.fd,
        "data_in": data or None,
        "data_size_in": len(data),
        "data_out": out,
        "data_size_out": len(out or b""),
        "ctx_in": context or None,
        "ctx_size_in": len(context),
        "ctx_out": context_out,
        "ctx_size_out": len(context_out or b""),
        # Kernels refuse a repeat of programs that run once by nature.
        "repeat": repeat if repeat > 1 else 0,
        "flags": flags,
    }
    what = f"run program `{program.name}`"
    kind = program.spec.type.name if program.spec else ""
    if kind in _ON_FRAMES and len(data) < _ETHERNET_HEADER:
        what += f" on {len(data)} bytes of data, where it takes {_ETHERNET_HEADER} for a frame"
    with doing(what):
        answer = program.system.bpf(Command.PROG_TEST_RUN, fields)
    return TestRun(
        result=answer["retval"],
        data=bytes(out or b"")[: answer["data_size_out"]],
        context=bytes(context_out or b"")[: answer["ctx_size_out"]],
        nanoseconds=answer["duration"],
    )


test_run.__test__ = False  # type: ignore[attr-defined]  # no test, whatever pytest thinks


def program_info(system: System, fd: int) -> dict[str, Any]:
    """Return what the kernel says of a program (``struct bpf_prog_info``).

    Raises:
        OSError: it refuses.
    """
    info = bytearray(_INFO_BYTES)
    system.bpf(Command.OBJ_GET_INFO_BY_FD, {"bpf_fd": fd, "info_len": len(info), "info": info})
    kind, identity, tag, jited, xlated = struct.unpack_from("=II8sII", info)
    (map_count,) = struct.unpack_from("=I", info, 52)
    (btf_id,) = struct.unpack_from("=I", info, 128)
    return {
        "type": ProgramType.of(Platform.LINUX, kind).name,
        "id": identity,
        "tag": tag.hex(),
        "name": bytes(info[64:80]).partition(b"\0")[0].decode("utf-8", "replace"),
        "jited_bytes": jited,
        "translated_bytes": xlated,
        "maps": map_count,
        "btf_id": btf_id,
    }
