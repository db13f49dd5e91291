"""Objects where they really are: inside programs, archives, packages and images.

:func:`iter_objects` yields every eBPF object a file holds, however deep. Nothing is extracted to
disk, streams are searched as they are unpacked, and :class:`Bounds` ends what costs too much.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Final

from ebpf_static.containers.kinds import kind_of
from ebpf_static.containers.model import DEFAULT, Bounds, Contained, Unopened
from ebpf_static.errors import UsageError
from ebpf_static.packing.parts import FileBytes, Region
from ebpf_static.packing.tar import BLOCK_BYTES

__all__ = [
    "DEFAULT",
    "SNIFF_BYTES",
    "Bounds",
    "Contained",
    "Unopened",
    "is_container",
    "iter_objects",
]

SNIFF_BYTES: Final = BLOCK_BYTES
"""First bytes of a file that :func:`is_container` needs: the header of a tar archive, 512."""

_NO_CONTAINERS = ("object", "maybe-object", "other")


def is_container(head: bytes) -> bool:
    """Tell whether a file starting with ``head`` is worth opening with :func:`iter_objects`.

    True for programs and libraries (ELF for other machines, Mach-O, every PE file: a native image
    is told apart further in), archives, packages and compressed files; False for all else.

    Args:
        head: the first :data:`SNIFF_BYTES` of the file, or all of a shorter one.
    """
    return head[:2] == b"MZ" or kind_of(head) not in _NO_CONTAINERS


def iter_objects(
    source: str | os.PathLike[str] | bytes, name: str, *, bounds: Bounds = DEFAULT
) -> Iterator[Contained | Unopened]:
    """Yield every eBPF object in a file, and every part of it that could not be looked at.

    An object that occurs more than once is yielded as often. Order is that of the file, and for
    container images that of the layers.

    Args:
        source: path of the file, or its bytes.
        name: what the paths of the results begin with.
        bounds: what the search may cost. Where they are reached it ends with an
            :class:`Unopened` of the whole source.

    Raises:
        UsageError: the file cannot be opened, or is no regular file.
    """
    if isinstance(source, bytes):
        yield from _search(Region(source), name, bounds)
        return
    path = Path(source)
    try:
        if not S_ISREG(path.stat().st_mode):
            raise UsageError(f"{path}: not a regular file")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: cannot be read: {reason}") from error
    with file:
        yield from _search(Region(FileBytes(file)), name, bounds)


def _search(region: Region, name: str, bounds: Bounds) -> Iterator[Contained | Unopened]:
    # Imported where used: who only asks what a file is pays for no archive reader.
    from ebpf_static.containers.budget import Budget, SpentError
    from ebpf_static.containers.walk import Place, look

    try:
        yield from look(region, Place(name), Budget(bounds, len(region)))
    except SpentError as error:
        yield Unopened(name, error.detail)
    except OSError as error:
        yield Unopened(name, f"cannot be read: {error.strerror or error}")
