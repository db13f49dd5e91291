"""The DLL, function by function: bound by the table, and honest about what a release lacks."""

from __future__ import annotations

import ctypes
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ebpf_static.errors import LoaderUnavailableError
from ebpf_static.target import Version
from ebpf_static_loaders.windows.host import DLL_NAME, Host, WindowsHost
from ebpf_static_loaders.windows.tables import Export, exports, releases

TYPES: Final[dict[str, Any]] = {
    "void": None,
    "bool": ctypes.c_bool,
    "u16": ctypes.c_uint16,
    "i32": ctypes.c_int32,
    "u32": ctypes.c_uint32,
    "i64": ctypes.c_int64,
    "u64": ctypes.c_uint64,
    "str": ctypes.c_char_p,
    "ptr": ctypes.c_void_p,
}


class MissingExportError(LoaderUnavailableError):
    """This DLL is older than what was asked of it.

    Attributes:
        export: what it lacks.
        needs: first release that has it.
    """

    def __init__(self, export: str, needs: Version, where: str = DLL_NAME) -> None:
        super().__init__(f"{where} has no {export}: this needs efW ≥ {needs}")
        self.export = export
        self.needs = needs


class Library:
    """One ``ebpfapi.dll``.

    Attributes:
        host: the Windows it is used on.
        where: what to call it in messages.
    """

    def __init__(self, dll: ctypes.CDLL | None, host: Host, *, where: str = DLL_NAME) -> None:
        """Wrap a DLL that is loaded; None for one that only pretends and exports nothing."""
        self._dll = dll
        self._bound: dict[str, Any] = {}
        self.host = host
        self.where = where

    def has(self, name: str) -> bool:
        """Tell whether it exports a function."""
        return self._find(name) is not None

    def require(self, *names: str) -> None:
        """Insist on functions.

        Raises:
            MissingExportError: it lacks one; the message says which release has it.
        """
        for name in names:
            if not self.has(name):
                raise self._missing(name)

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function and return what it returns.

        Raises:
            MissingExportError: this DLL lacks it; the message says which release has it.
        """
        function = self._find(name)
        if function is None:
            raise self._missing(name)
        return function(*arguments)

    @cached_property
    def release(self) -> tuple[Version, Version]:
        """The oldest and the newest release whose exports are the ones this DLL has.

        Where no release fits (a development build), the oldest is that of the newest export, and
        the newest is the newest known.
        """
        present = {name for name in exports() if self.has(name)}
        fitting = [
            release
            for release in releases()
            if present == {name for name, it in exports().items() if it.is_in(release)}
        ]
        if fitting:
            return fitting[0], fitting[-1]
        newest = max((exports()[name].since for name in present), default=releases()[0])
        return newest, releases()[-1]

    def _missing(self, name: str) -> MissingExportError:
        return MissingExportError(name, exports()[name].since, self.where)

    def _find(self, name: str) -> Any:
        if name not in self._bound:
            self._bound[name] = _bind(self._dll, exports()[name])
        return self._bound[name]


def _bind(dll: ctypes.CDLL | None, export: Export) -> Any:
    try:
        function = getattr(dll, export.name)
    except AttributeError:
        return None
    function.restype = TYPES[export.returns]
    function.argtypes = [TYPES[kind] for _, kind in export.arguments]
    return function


def open_library(path: Path) -> Library:
    """Load a DLL.

    Raises:
        LoaderUnavailableError: Windows refuses to.
    """
    try:
        # One calling convention on x64 and ARM64; the last error is kept apart from ctypes' own.
        dll = ctypes.CDLL(str(path), use_last_error=True)
    except OSError as error:
        raise LoaderUnavailableError(f"{path} cannot be loaded: {error}") from error
    return Library(dll, WindowsHost(), where=str(path))
