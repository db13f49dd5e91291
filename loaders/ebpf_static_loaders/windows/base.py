"""What both loaders for Windows share: finding the DLL, and its pins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ebpf_static.errors import LoaderUnavailableError
from ebpf_static.loading import Loader, Map
from ebpf_static.target import Platform
from ebpf_static_loaders.windows.dll import Library, MissingExportError, open_library
from ebpf_static_loaders.windows.handles import WindowsMap, map_info
from ebpf_static_loaders.windows.host import DLL_NAME, find_library, machine, windows_problem
from ebpf_static_loaders.windows.pins import c_path, iter_pins, remove_pin
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.results import NOT_FOUND, CallError, doing
from ebpf_static_loaders.windows.runtime import REQUIRED, Runtime


class WindowsLoader(Loader):
    """A loader that goes through ``ebpfapi.dll``."""

    platform: ClassVar[Platform | None] = Platform.WINDOWS
    needs: ClassVar[tuple[str, ...]] = REQUIRED
    """The exports without which nothing can be loaded."""

    def __init__(self, library: Library | None = None) -> None:
        """Prepare to load; tests hand in a ``library`` of their own."""
        self._library = library

    def available(self) -> str | None:
        """Return why nothing can be loaded from this process, None when something can."""
        try:
            library = self.library()
            library.require(*self.needs)
        except MissingExportError as error:
            oldest, newest = library.release
            span = str(oldest) if oldest == newest else f"{oldest} to {newest}"
            return f"{error}; its exports are those of efW {span}"
        except LoaderUnavailableError as error:
            return str(error)
        return _driver_problem(Runtime(library))

    def library(self) -> Library:
        """Return the DLL, loaded on first use.

        Raises:
            LoaderUnavailableError: there is none for this process.
        """
        if self._library is None:
            self._library = _find()
        return self._library

    def require_available(self) -> Runtime:
        """Return the efW to load into.

        Raises:
            LoaderUnavailableError: there is none.
        """
        problem = self.available()
        if problem is not None:
            raise LoaderUnavailableError(problem)
        return self.runtime()

    def runtime(self) -> Runtime:
        """Return the efW behind the DLL; the dry run has one of its own."""
        return Runtime(self.library())

    def open_map(self, path: str) -> Map:
        """Return the map pinned at ``path``; efW knows no types of its elements."""
        runtime = self.require_available()
        with doing(f"open the pin {path}"):
            fd = Fd(runtime, runtime.bpf("OBJ_GET", {"pathname": c_path(path)}).value)
        try:
            with doing(f"ask about the map pinned at {path}"):
                info = map_info(runtime, fd.number)
                cpus = runtime.possible_cpus()
        except BaseException:
            fd.close()
            raise
        return WindowsMap(fd, name=info.name, spec=None, info=info, btf=None, cpus=cpus)

    def unload(self, path: str) -> Sequence[str]:
        """Remove the pin at ``path``, or every pin below it."""
        runtime = self.require_available()
        removed = iter_pins(runtime, path)
        for pin in removed:
            remove_pin(runtime, pin)
        return removed


def _find() -> Library:
    problem = windows_problem()
    if problem is None and machine() == "?":
        problem = "eBPF for Windows runs on x64 and ARM64 only"
    if problem is not None:
        raise LoaderUnavailableError(problem)
    path = find_library()
    if path is None:
        raise LoaderUnavailableError(
            f"{DLL_NAME} is neither below %ProgramFiles% nor on PATH: "
            "eBPF for Windows is not installed"
        )
    return open_library(path)


def _driver_problem(runtime: Runtime) -> str | None:
    """Return why the runtime behind the DLL does not answer; that it holds no map is an answer."""
    try:
        runtime.bpf("MAP_GET_NEXT_ID", {"start_id": 0})
    except CallError as error:
        if error.name in NOT_FOUND:
            return None
        if error.name in ("EPERM", "EACCES"):
            return f"the eBPF runtime answers {error.name}: loading takes an administrator"
        return (
            f"the eBPF runtime does not answer ({error.name}): "
            "are the driver eBPFCore and the service ebpfsvc running?"
        )
    return None
