"""The loader that only pretends: the reference for what a load is, and the double for tests.

A Linux object goes the whole way of the ``linux`` loader, onto a kernel of dictionaries, a Windows
object that of ``windows-dll`` or ``windows-native``, onto an efW of dictionaries; the result does
not depend on the host. What only a kernel can say is taken from the options
(``kernel_btf``, ``kernel_config``); without them CO-RE relocations stay as compiled, addresses of
kernel symbols and numbers of their types are 0, and so are values of kernel options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from ebpf_static.loading import Collection, Loader, LoadOptions, Map
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_loaders.dry_run.memory import MemorySystem
from ebpf_static_loaders.dry_run.recording import RecordingSystem
from ebpf_static_loaders.linux.host import PretendedHost
from ebpf_static_loaders.linux.loader import LinuxLoader
from ebpf_static_loaders.linux.session import Session
from ebpf_static_loaders.windows.pretend import PretendedRuntime, load_pretended


class DryRunLoader(Loader):
    """Records every call a load would make as a line of JSON.

    Attributes:
        lines: what was recorded so far, when no ``write`` was given.
    """

    name: ClassVar[str] = "dry-run"
    platform: ClassVar[Platform | None] = None
    loads: ClassVar[bool] = False

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        """Prepare to record.

        Args:
            write: told each line; by default they are kept in ``lines``.
        """
        self.lines: list[str] = []
        self._write = write or self.lines.append
        self._memory = MemorySystem()
        self._linux = _PretendingLoader(RecordingSystem(self._memory, self._write))
        self._windows = PretendedRuntime(self._write)

    @property
    def open_descriptors(self) -> int:
        """How many descriptors of the pretended kernel, or efW, are open."""
        return len(self._memory.open) + len(self._windows.memory.open)

    def available(self) -> str | None:
        """Return None: pretending works everywhere."""
        return None

    def load(self, spec: CollectionSpec, options: LoadOptions | None = None) -> Collection:
        """Pretend to load a spec, all of it or nothing."""
        if spec.platform is Platform.WINDOWS:
            return load_pretended(self._windows, spec, options)
        return self._linux.load(spec, options)

    def open_map(self, path: str) -> Map:
        """Return the map pinned at ``path`` in the pretended kernel."""
        return self._linux.open_map(path)

    def unload(self, path: str) -> Sequence[str]:
        """Remove the pins at and below ``path`` in the pretended kernel."""
        prefix = path.rstrip("/") + "/"
        found = [pin for pin in self._memory.pins if pin == path or pin.startswith(prefix)]
        for pin in found:
            self._memory.unlink(pin)
        return found


class _PretendingLoader(LinuxLoader):
    """The ``linux`` loader on a kernel that is not there."""

    def available(self) -> str | None:
        return None

    def _session(self, spec: CollectionSpec, options: LoadOptions) -> Session:
        session = super()._session(spec, options)
        session.features.assume_all()
        session.host = PretendedHost(
            self.system(), btf_file=options.kernel_btf, config=options.kernel_config
        )
        return session
