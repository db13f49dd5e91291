"""What one load put into efW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ebpf_static.errors import UsageError
from ebpf_static.loading import Collection, Link
from ebpf_static.specs import CollectionSpec
from ebpf_static_loaders.windows.handles import WindowsMap
from ebpf_static_loaders.windows.pins import close_all
from ebpf_static_loaders.windows.program import WindowsProgram


class WindowsCollection(Collection):
    """Maps, programs and links of one load; closing it closes them all."""

    def __init__(
        self,
        spec: CollectionSpec,
        maps: Mapping[str, WindowsMap],
        programs: Mapping[str, WindowsProgram],
    ) -> None:
        self.spec = spec
        self.maps = maps
        self.programs = programs
        self.links: list[Link] = []
        self._closed = False

    def attach(self, name: str, target: str | None = None, **options: Any) -> Link:
        """Attach a program; see :meth:`WindowsProgram.attach`."""
        if name not in self.programs:
            raise UsageError(f"nothing called `{name}` is loaded that could be attached")
        link = self.programs[name].attach(target, **options)
        self.links.append(link)
        return link

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    def close(self) -> None:
        """End its attachments and close every descriptor."""
        self._closed = True
        close_all((*reversed(self.links), *self.programs.values(), *self.maps.values()))
