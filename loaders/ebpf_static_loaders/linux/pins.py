"""Handles that are a descriptor, and names for them in a BPF file system."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from ebpf_static.errors import LoadRejectedError, UsageError
from ebpf_static_loaders.linux.errors import doing, rejected
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.syscall import System
from ebpf_static_loaders.owned import FdHandle


class Pinned(FdHandle[Fd]):
    """A handle that is one descriptor and can be pinned."""

    def __init__(self, fd: Fd, what: str) -> None:
        super().__init__(fd, what)
        self._paths: list[str] = []

    @property
    def system(self) -> System:
        """The calls it is used through."""
        return self._fd.system

    def pin(self, path: str) -> None:
        """Give it a name in a BPF file system.

        Raises:
            LoadRejectedError: the path is taken.
            UsageError: it is in no BPF file system.
        """
        raw = os.fsencode(path) + b"\0"
        try:
            with doing(f"pin {self._what} at {path}"):
                self.system.bpf(Command.OBJ_PIN, {"pathname": raw, "bpf_fd": self.fd})
        except LoadRejectedError as error:
            folder = Path(path).parent
            if folder.exists() and folder.stat().st_dev not in _bpf_devices():
                raise UsageError(
                    f"cannot pin {self._what} at {path}: in no BPF file system as /sys/fs/bpf is"
                ) from error
            raise
        self._paths.append(path)

    def unpin(self) -> None:
        """Remove every name :meth:`pin` gave it.

        Raises:
            LoadRejectedError: one of them cannot be removed.
        """
        while self._paths:
            path = self._paths.pop()
            with doing(f"remove the pin {path}"), suppress(FileNotFoundError):
                self.system.unlink(path)


def iter_pins(path: str) -> list[str]:
    """Return ``path`` itself, or everything pinned below it: links before what they hold.

    Raises:
        LoadRejectedError: there is no such path.
        UsageError: it is in no BPF file system, so that it holds files of other people's.
    """
    root = Path(path)
    try:
        is_folder = root.is_dir()
        devices = _bpf_devices()
        if (root.stat() if is_folder else root.lstat()).st_dev not in devices:
            raise UsageError(f"{path}: not in a BPF file system: nothing is pinned there")
        if not is_folder:
            return [path]
        found = sorted(p for p in root.rglob("*") if not p.is_dir())
        found = [p for p in found if p.lstat().st_dev in devices]
        return [str(p) for p in sorted(found, key=lambda p: p.parent.name != "links")]
    except OSError as error:
        raise rejected(f"cannot read {path}", error.errno or errno.EIO) from error


def _bpf_devices() -> set[int]:
    """Return the device numbers of the BPF file systems this process sees.

    Source: ``/proc/PID/mountinfo`` in proc(5): the third field is the device, and what follows a
    lone ``-`` begins with the type.
    """
    devices = set()
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
        fields, _, about = line.partition(" - ")
        if about.split(" ")[0] == "bpf":
            major, _, minor = fields.split(" ")[2].partition(":")
            devices.add(os.makedev(int(major), int(minor)))
    return devices
