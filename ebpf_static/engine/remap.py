"""Where C files are here: line information holds the paths of the machine that compiled them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ebpf_static.findings import Location

_MAX_PATH = 4096  # PATH_MAX of Linux; nothing longer is worth asking the file system about


class SourceMap:
    """Turns paths of the build machine into paths of this one."""

    def __init__(self, prefixes: Mapping[str, str] | None = None, root: Path | None = None) -> None:
        """Prepare to map paths.

        Args:
            prefixes: what paths begin with, and what to put there instead; the longest that
                fits is used.
            root: directory below which a file with the same last parts is taken for the one
                meant when no prefix fits; None asks no file system.
        """
        self._prefixes = sorted((prefixes or {}).items(), key=lambda item: -len(item[0]))
        self._root = root
        self._known: dict[str, str] = {}

    def apply(self, place: Location) -> Location:
        """Return the place with its source file mapped."""
        if place.file is None:
            return place
        mapped = self.map(place.file)
        return place if mapped == place.file else place.model_copy(update={"file": mapped})

    def map(self, file: str) -> str:
        """Return the path of a source file on this machine, as it is when nothing fits."""
        if file not in self._known:
            self._known[file] = self._map(file)
        return self._known[file]

    def _map(self, file: str) -> str:
        for prefix, instead in self._prefixes:
            if file.startswith(prefix):
                return instead + file[len(prefix) :]
        if self._root is None or not file.startswith("/") or len(file) > _MAX_PATH:
            return file
        return self._find(self._root, PurePosixPath(file)) or file

    @staticmethod
    def _find(root: Path, file: PurePosixPath) -> str | None:
        """Return the file seen from the root, or the longest tail of it that is a file there.

        One name alone is too little to go by: every project has a ``types.h``.
        """
        parts = file.parts[1:]
        if ".." in parts:
            return None
        here = PurePosixPath(root.absolute().as_posix())
        if file.is_relative_to(here):
            return file.relative_to(here).as_posix()
        for start in range(max(len(parts) - 1, 0)):
            tail = "/".join(parts[start:])
            try:
                if (root / tail).is_file():
                    return tail
            except (OSError, ValueError):
                return None
        return None
