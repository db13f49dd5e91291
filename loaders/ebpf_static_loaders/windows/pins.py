r"""Handles that are a descriptor of the DLL, and names for them among efW's pins.

A pin is a name in the runtime, no file: ``/ebpf/global/x``, ``/sys/fs/bpf/x`` and ``BPF:\x`` are
ways to write such names, and case matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from ebpf_static.errors import LoaderError, UsageError
from ebpf_static.loading import Handle
from ebpf_static_loaders.owned import FdHandle
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.results import NOT_FOUND, CallError, doing, rejected
from ebpf_static_loaders.windows.runtime import Runtime

DEFAULT_PIN_DIR: Final = "/ebpf/global"
MAX_PIN_BYTES: Final = 255  # EBPF_MAX_PIN_PATH_LENGTH with its NUL


class Pinned(FdHandle[Fd]):
    """A handle that is one descriptor of the DLL and can be pinned."""

    def __init__(self, fd: Fd, what: str) -> None:
        super().__init__(fd, what)
        self._paths: list[str] = []

    @property
    def runtime(self) -> Runtime:
        """The efW it lives in."""
        return self._fd.runtime

    def close(self) -> None:
        """Close the descriptor; what is pinned stays."""
        with doing(f"close {self._what}"):
            super().close()

    def pin(self, path: str) -> None:
        """Give it a name; an object can have several.

        Raises:
            LoadRejectedError: the path is taken.
            UsageError: no pin can be called so.
        """
        with doing(f"pin {self._what} at {path}"):
            self.runtime.bpf("OBJ_PIN", {"pathname": c_path(path), "bpf_fd": self.fd})
        self._paths.append(path)

    def unpin(self) -> None:
        """Remove every name :meth:`pin` gave it.

        Raises:
            LoadRejectedError: one of them cannot be removed.
        """
        while self._paths:
            remove_pin(self.runtime, self._paths[-1])
            self._paths.pop()  # only now: what could not be removed can be tried again


def c_path(path: str) -> bytes:
    """Return a pin's name as the DLL takes it.

    Raises:
        UsageError: no pin can be called so.
    """
    raw = path.encode("utf-8", "surrogateescape")
    if not raw or b"\0" in raw or len(raw) > MAX_PIN_BYTES:
        raise UsageError(f"{path!r} is no name for a pin: 1 to {MAX_PIN_BYTES} bytes")
    return raw + b"\0"


def remove_pin(runtime: Runtime, path: str) -> None:
    """Remove a pin; that it has gone already is no error."""
    with doing(f"remove the pin {path}"):
        try:
            runtime.unpin(c_path(path)[:-1])
        except CallError as error:
            if error.name not in NOT_FOUND | {"EBPF_NOT_PINNED"}:
                raise


def iter_pins(runtime: Runtime, path: str) -> Sequence[str]:
    """Return ``path`` itself, or everything pinned below it.

    Raises:
        LoadRejectedError: nothing is.
    """
    with doing("list the pins"):
        wanted = runtime.canonical_path(c_path(path)[:-1]).decode("utf-8", "replace")
        every = [pin.decode("utf-8", "replace") for pin in runtime.iter_pins()]
    below = tuple(wanted.rstrip("\\/") + separator for separator in "\\/")
    found = [pin for pin in every if pin == wanted or pin.startswith(below)]
    if not found:
        raise rejected(f"nothing is pinned at or below {path}", "ENOENT")
    return found


def close_all(handles: Sequence[Handle]) -> None:
    """Close handles; one that cannot be closed does not keep the others open."""
    for handle in handles:
        with suppress(LoaderError):
            handle.close()
