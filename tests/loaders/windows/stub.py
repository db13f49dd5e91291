"""The pretended ``ebpfapi``: built with a C compiler, and asked what it was asked."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, ProgramType
from ebpf_static_loaders.windows.dll import Library
from tests.loaders.ebpfapi_stub import generate

SOURCE: Final = generate.HERE
FLAGS: Final = ("-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared")
MINGW: Final = "x86_64-w64-mingw32-gcc"


def build(folder: Path, release: str | None = None, *, compiler: str = "gcc") -> Path:
    """Build the stub as one release exports it; a DLL where the compiler is mingw's.

    Skips the test where there is no such compiler.
    """
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    folder.mkdir(parents=True, exist_ok=True)
    generate.write(folder, release)
    sources = [str(SOURCE / name) for name in generate.SOURCES]
    sources += [str(folder / "rest.c"), str(folder / "layouts.c")]
    out = folder / ("ebpfapi.dll" if compiler == MINGW else "libebpfapi.so")
    special = (
        [str(folder / "exports.def")]
        if compiler == MINGW
        else ["-fPIC", "-D_GNU_SOURCE", f"-Wl,--version-script={folder / 'exports.map'}"]
    )
    command = [
        compiler, *FLAGS, f'-DEFW_RELEASE="{release or "unreleased"}"', f"-I{SOURCE}",
        f"-I{folder}", *sources, *special, "-o", str(out),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


class StubHost:
    """A host whose events are Linux's, and whose last error is the stub's."""

    def __init__(self, dll: ctypes.CDLL) -> None:
        self._dll = dll
        self.events: set[int] = set()
        self.waits = 0

    def last_error(self) -> int:
        return int(self._dll.stub_last_error())

    def create_event(self) -> int:
        event = os.eventfd(0)
        self.events.add(event)
        return event

    def wait(self, event: int, seconds: float | None) -> bool:
        self.waits += 1
        poll = select.poll()
        poll.register(event, select.POLLIN)
        if not poll.poll(None if seconds is None else int(1000 * seconds)):
            return False
        os.eventfd_read(event)
        return True

    def close_event(self, event: int) -> None:
        self.events.remove(event)
        os.close(event)


class Guid(ctypes.Array[ctypes.c_uint8]):
    _type_ = ctypes.c_uint8
    _length_ = 16


def guid(text: str) -> Guid:
    return Guid.from_buffer_copy(uuid.UUID(text).bytes_le)


class Stub:
    """One built stub in this process.

    Attributes:
        library: the stub as the loaders see it.
        host: its host.
    """

    def __init__(self, path: Path) -> None:
        self.dll = ctypes.CDLL(str(path))
        self.host = StubHost(self.dll)
        self.library = Library(self.dll, self.host)
        self.dll.stub_calls.restype = ctypes.c_char_p
        self.dll.stub_release.restype = ctypes.c_char_p
        self.dll.stub_layout_at.restype = ctypes.c_char_p
        self.dll.stub_call_count.restype = ctypes.c_long
        self.dll.stub_fail_at.argtypes = [ctypes.c_long, ctypes.c_int]
        self.dll.stub_fail.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int]
        self.dll.stub_lose.argtypes = [ctypes.c_uint64]
        self.dll.stub_ring_put.argtypes = [
            ctypes.c_int32, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32,
        ]  # fmt: skip
        self.dll.stub_add_attach_type.argtypes = [
            ctypes.c_uint32, ctypes.POINTER(Guid), ctypes.POINTER(Guid), ctypes.c_size_t,
            ctypes.c_size_t,
        ]  # fmt: skip

    def reset(self) -> None:
        """Forget everything, and have the extensions there that efW's tables name."""
        self.dll.stub_reset()
        self.dll.stub_native_only(0)
        self.dll.stub_forget_types()
        for kind in ProgramType.members(Platform.WINDOWS):
            if kind.guid is not None and kind.number:
                self.dll.stub_add_program_type(kind.number, ctypes.byref(guid(kind.guid)))
        for attach in AttachType.members(Platform.WINDOWS):
            if attach.guid is not None and attach.program_types:
                program = attach.program_types[0].guid
                assert program is not None
                least, most = _parameter_bytes(attach)
                self.dll.stub_add_attach_type(
                    attach.number, ctypes.byref(guid(attach.guid)), ctypes.byref(guid(program)),
                    least, most,
                )  # fmt: skip
        self.dll.stub_forget_calls()

    @property
    def calls(self) -> list[str]:
        """Every call since the last reset: its name, and its arguments where they are simple."""
        return bytes(self.dll.stub_calls()).decode().splitlines()

    @property
    def called(self) -> list[str]:
        """The names of the exports called."""
        return [line.partition(" ")[0] for line in self.calls]

    @property
    def open_fds(self) -> int:
        return int(self.dll.stub_open_fds())

    @property
    def pins(self) -> int:
        return int(self.dll.stub_pins())

    @property
    def attached(self) -> int:
        return int(self.dll.stub_attached())

    def objects(self, kind: int = 0) -> int:
        """How many maps (1), links (2) and programs (3) there are; all of them for 0."""
        return int(self.dll.stub_objects(kind))

    @property
    def left(self) -> tuple[int, ...]:
        """What somebody holds: descriptors, objects, pins, mapped rings, perf buffers, events."""
        return (
            self.open_fds, self.objects(), self.pins, int(self.dll.stub_ring_mappings()),
            int(self.dll.stub_perf_buffers()), len(self.host.events),
        )  # fmt: skip

    @contextmanager
    def failing(self, name: str, code: int = 12, nth: int = 0) -> Iterator[None]:
        """Have a call of one export fail."""
        self.dll.stub_forget_calls()
        self.dll.stub_fail(name.encode(), nth, code)
        try:
            yield
        finally:
            self.dll.stub_fail(b"", -1, 0)

    @contextmanager
    def failing_at(self, index: int, code: int = 12) -> Iterator[None]:
        """Have the call with this number fail, whichever it is."""
        self.dll.stub_forget_calls()
        self.dll.stub_fail_at(index, code)
        try:
            yield
        finally:
            self.dll.stub_fail_at(-1, 0)

    def image(self, path: Path) -> None:
        """Describe a native image from here on, in place of the last one."""
        self.dll.stub_image(os.fsencode(path))

    def image_map(
        self, name: str, kind: int, key: int, value: int, entries: int, inner: int = -1
    ) -> None:
        self.dll.stub_image_map(name.encode(), kind, key, value, entries, inner)

    def image_program(self, name: str, kind: str, attach: str, maps: tuple[int, ...] = ()) -> None:
        indices = (ctypes.c_uint16 * len(maps))(*maps)
        self.dll.stub_image_program(
            name.encode(), ctypes.byref(guid(kind)), ctypes.byref(guid(attach)), len(maps), indices
        )


def _parameter_bytes(kind: AttachType) -> tuple[int, int]:
    if kind.name.startswith("XDP") or kind.name == "NETEVENT":
        return 4, 4
    return (0, 4) if kind.name.startswith("CGROUP_") else (0, 0)
