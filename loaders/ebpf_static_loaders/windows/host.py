"""What loading asks of Windows itself: the last error, and events to wait for.

Importing this works everywhere; making a :class:`WindowsHost` does not.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

DLL_NAME: Final = "ebpfapi.dll"
_INSTALLED_UNDER: Final = "ebpf-for-windows"  # below %ProgramFiles%, which the installer chooses
_MACHINES: Final = {"AMD64": "x64", "x86_64": "x64", "ARM64": "arm64", "aarch64": "arm64"}
_WAIT_OBJECT_0: Final = 0
_STEP: Final = 0.5
"""Seconds one wait takes at most."""


class Host(Protocol):
    """The calls a loader makes beside those of the DLL."""

    def last_error(self) -> int:
        """Return what ``GetLastError`` says after the last call of the DLL."""

    def create_event(self) -> int:
        """Return a new event that resets itself when waited for."""

    def wait(self, event: int, seconds: float | None) -> bool:
        """Wait for an event, for ever with None; return whether it came."""

    def close_event(self, event: int) -> None:
        """Close an event."""


def machine() -> str:
    """Return this host's processor as native images name it, ``?`` for another."""
    return _MACHINES.get(platform.machine(), "?")


def windows_problem() -> str | None:
    """Return why this host cannot have the DLL at all, None when it can."""
    if sys.platform != "win32":
        return f"this is no Windows ({sys.platform}): {DLL_NAME} does not exist here"
    if struct.calcsize("P") != 8:
        return f"this Python has 32 bits, {DLL_NAME} 64"
    return None


def find_library() -> Path | None:
    """Return where the DLL is: where the installer puts it, else the first on ``PATH``.

    Python does not look along ``PATH`` itself, and loading by full path finds the libraries
    beside it.
    """
    return next((path for path in _candidates() if path.is_file()), None)


def _candidates() -> Iterator[Path]:
    for variable in ("ProgramW6432", "ProgramFiles"):
        folder = os.environ.get(variable)
        if folder:
            yield Path(folder, _INSTALLED_UNDER, DLL_NAME)
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        folder = entry.strip('"')
        if os.path.isabs(folder):  # noqa: PTH117 - what is relative depends on who calls
            yield Path(folder, DLL_NAME)


class WindowsHost:
    """The running Windows."""

    def __init__(self) -> None:
        self._kernel32: Any = None
        if sys.platform == "win32":
            self._kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel32.CreateEventW.restype = ctypes.c_void_p
            self._kernel32.CreateEventW.argtypes = [
                ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_wchar_p,
            ]  # fmt: skip
            self._kernel32.WaitForSingleObject.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
            self._kernel32.WaitForSingleObject.restype = ctypes.c_uint32
            self._kernel32.CloseHandle.argtypes = [ctypes.c_void_p]

    def last_error(self) -> int:
        """Return what ``GetLastError`` said when the last call of the DLL returned."""
        if sys.platform == "win32":
            return ctypes.get_last_error()
        return 0

    def create_event(self) -> int:
        """Return a new event that resets itself when waited for.

        Raises:
            OSError: Windows refuses.
        """
        event: int | None = self._kernel32.CreateEventW(None, 0, 0, None)
        if not event:
            raise OSError(self.last_error(), "CreateEvent")
        return event

    def wait(self, event: int, seconds: float | None) -> bool:
        """Wait for an event, for ever with None; return whether it came."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            # In steps: Python sees Ctrl-C only between two calls.
            left = _STEP if end is None else min(_STEP, max(0.0, end - time.monotonic()))
            answer: int = self._kernel32.WaitForSingleObject(event, int(1000 * left))
            if answer == _WAIT_OBJECT_0:
                return True
            if end is not None and time.monotonic() >= end:
                return False

    def close_event(self, event: int) -> None:
        """Close an event."""
        self._kernel32.CloseHandle(event)
