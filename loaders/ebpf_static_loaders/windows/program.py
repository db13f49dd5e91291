"""Loaded programs: attached by GUID, run on given data, pinned, asked about; and their links."""

from __future__ import annotations

import socket
import struct
import uuid
from collections.abc import Mapping
from typing import Any, Final

from ebpf_static.errors import UsageError
from ebpf_static.loading import Link, Program, TestRun
from ebpf_static.specs import ProgramSpec
from ebpf_static.specs.native import NativeProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, ProgramType
from ebpf_static_loaders.windows.bpf_syscall import Value
from ebpf_static_loaders.windows.pins import Pinned
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.results import doing
from ebpf_static_loaders.windows.runtime import ObjectType

_ROOM: Final = 4096  # what a program may add to a packet
_WINDOWS: Final = Platform.WINDOWS
_NO_GUID: Final = str(uuid.UUID(int=0))
_OPTIONS: Final = frozenset({"attach_type", "parameters"})


class WindowsProgram(Pinned, Program):
    """A program of the running efW.

    Attributes:
        name: what the object calls it.
        spec: its declaration, None for one opened from a pin.
        log: what the verifier said, when it was asked to.
    """

    def __init__(
        self,
        fd: Fd,
        *,
        name: str,
        spec: ProgramSpec | None,
        log: str = "",
        target: str | None = None,
    ) -> None:
        Pinned.__init__(self, fd, f"program `{name}`")
        self.name = name
        self.spec = spec
        self.log = log
        self._target = target

    def attach(self, target: str | None = None, **options: Any) -> Link:
        """Let it run where it belongs.

        Args:
            target: for XDP the interface, by name or index; for ``CGROUP_*`` the compartment by
                number, every compartment without one; nothing else has one.
            options: ``attach_type``, a name, number or GUID, instead of what the section stands
                for; ``parameters``, the bytes the extension takes instead of those of ``target``.

        Raises:
            LoadRejectedError: efW refuses.
            UsageError: a target is needed, or makes no sense.
        """
        unknown = min(set(options) - _OPTIONS, default=None)
        if unknown is not None:
            raise UsageError(f"attaching takes {', '.join(sorted(_OPTIONS))}, not {unknown}")
        guid = self._guid(options.get("attach_type"))
        kind = AttachType.from_guid(guid)
        parameters = options.get("parameters")
        if parameters is None:
            parameters = _parameters(kind, self._target if target is None else target)
        what = f"{self._what} to {guid if kind is None else kind.name}"
        with doing(f"attach {what}"):
            fd = self.runtime.attach(self.fd, guid, bytes(parameters))
        return WindowsLink(Fd(self.runtime, fd), what)

    def _guid(self, wanted: str | int | AttachType | None) -> str:
        if wanted is None:
            return self._own_guid()
        if isinstance(wanted, str):
            guid = _as_guid(wanted)
            if guid is not None:
                return guid
            wanted = AttachType.named(Platform.WINDOWS, wanted)
        kind = wanted if isinstance(wanted, AttachType) else AttachType.of(_WINDOWS, wanted)
        if kind.guid is not None:
            return kind.guid
        with doing(f"find the GUID of attach type {kind.number}"):
            return self.runtime.attach_guid(kind.number)

    def _own_guid(self) -> str:
        spec = self.spec
        if isinstance(spec, NativeProgramSpec) and spec.attach_type_guid != _NO_GUID:
            return spec.attach_type_guid
        guid = spec.attach_type.guid if spec is not None and spec.attach_type is not None else None
        if guid is None or guid == _NO_GUID:
            raise UsageError(f"nothing says where {self._what} belongs: give its attach type")
        return guid

    def test_run(
        self, data: bytes = b"", *, context: bytes = b"", repeat: int = 1, flags: int = 0
    ) -> TestRun:
        """Run it on ``data`` without attaching it; most types want a context."""
        out = bytearray(len(data) + _ROOM) if data else None
        context_out = bytearray(len(context)) if context else None
        fields: dict[str, Value] = {
            "prog_fd": self.fd,
            "data_in": data or None,
            "data_size_in": len(data),
            "data_out": out,
            "data_size_out": len(out or b""),
            "ctx_in": context or None,
            "ctx_size_in": len(context),
            "ctx_out": context_out,
            "ctx_size_out": len(context_out or b""),
            "repeat": repeat,
            "flags": flags,
        }
        with doing(f"run {self._what}"):
            answer = self.runtime.bpf("PROG_TEST_RUN", fields)
        return TestRun(
            result=answer["retval"],
            data=bytes(out or b"")[: answer["data_size_out"]],
            context=bytes(context_out or b"")[: answer["ctx_size_out"]],
            nanoseconds=answer["duration"],
        )

    test_run.__test__ = False  # type: ignore[attr-defined]  # no test, whatever pytest thinks

    def info(self) -> Mapping[str, Any]:
        """Return what efW says of it (``struct bpf_prog_info``)."""
        with doing(f"ask about {self._what}"):
            fields = self.runtime.object_info(self.fd, ObjectType.PROGRAM)
        return {**fields, "type": ProgramType.of(Platform.WINDOWS, fields["type"]).name}


class WindowsLink(Pinned, Link):
    """An attachment; gone when nobody holds it and no pin names it."""

    how = "ebpf_link"

    def detach(self) -> None:
        """End the attachment now, pinned or not."""
        with doing(f"detach {self._what}"):
            self.runtime.bpf("LINK_DETACH", {"link_fd": self.fd})
        self.close()

    def info(self) -> Mapping[str, Any]:
        """Return what efW says of it (``struct bpf_link_info``)."""
        with doing(f"ask about {self._what}"):
            fields = self.runtime.object_info(self.fd, ObjectType.LINK)
        kind = AttachType.from_guid(fields["attach_type_uuid"])
        name = fields["attach_type_uuid"] if kind is None else kind.name
        return {**fields, "how": self.how, "attach_type": name}


def _as_guid(text: str) -> str | None:
    try:
        return str(uuid.UUID(text.strip("{}")))
    except ValueError:
        return None


def _parameters(kind: AttachType | None, target: str | None) -> bytes:
    """Return what the extension is told of where to attach."""
    name = "" if kind is None else kind.name
    if name.startswith("XDP"):
        if target is None:
            raise UsageError("an XDP program is attached to an interface: give its name or index")
        return struct.pack("<I", _interface(target))
    if name.startswith("CGROUP_"):
        return b"" if target is None else struct.pack("<I", _number(target, "compartment"))
    if name == "NETEVENT":
        raise UsageError("NETEVENT takes parameters: the four bytes of netevent_attach_opts_t")
    if target is not None:
        raise UsageError(f"attach type {name or 'of an extension'} has no target: not {target!r}")
    return b""


def _interface(target: str) -> int:
    if target.isdecimal():
        return _number(target, "interface")
    try:
        return socket.if_nametoindex(target)
    except OSError as error:
        raise UsageError(f"there is no interface {target!r}") from error


def _number(target: str, noun: str) -> int:
    if not (target.isascii() and target.isdecimal() and int(target) <= 0xFFFFFFFF):
        raise UsageError(f"{target!r} is no {noun}: give its number")
    return int(target)
