"""The processors Linux runs BPF on: byte order, pages, and how to tell whose BTF one has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from ebpf_static.errors import UnknownTargetError
from ebpf_static.support.tables import read_table
from ebpf_static.target import Platform, Target

DEFAULT: Final = "x86_64"
"""What a target is that names no processor."""

_LARGEST_PAGE: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Architecture:
    """A processor, as a kernel built for it shows itself.

    Attributes:
        name: what the kernel calls it (``arch/NAME``): ``x86_64``, ``arm64``, ``s390``.
        byte_order: of its kernels.
        pointer_size: bytes.
        page_size: bytes of a page unless a target says otherwise.
        syscall_prefix: what the functions of its system calls begin with, None where not known.
        evidence: structures with a member only its kernels have.
        source: where it was read.
    """

    name: str
    byte_order: Literal["little", "big"]
    pointer_size: int
    page_size: int
    syscall_prefix: str | None
    evidence: tuple[tuple[str, str], ...]
    source: str


@cache
def known_architectures() -> tuple[Architecture, ...]:
    """Return every processor the tables know."""
    return tuple(
        Architecture(
            name=row["name"],
            byte_order=row["byte_order"],
            pointer_size=row["pointer_size"],
            page_size=row["page_sizes"][0],
            syscall_prefix=row.get("syscall_prefix"),
            evidence=tuple((structure, member) for structure, member in row["evidence"]),
            source=row["source"],
        )
        for row in read_table(Platform.LINUX, "architectures").rows
    )


def find_architecture(text: str) -> Architecture:
    """Return the processor called ``text``, such as ``x86_64``, ``amd64`` or ``s390x``.

    Raises:
        UnknownTargetError: the tables know none of that name.
    """
    rows = read_table(Platform.LINUX, "architectures").rows
    for row, found in zip(rows, known_architectures(), strict=True):
        if text in (row["name"], *row["aliases"]):
            return found
    known = ", ".join(f"'{row['name']}'" for row in rows)
    raise UnknownTargetError(f"unknown architecture {text!r}: choose from {known}")


def architecture_of(target: Target | None) -> Architecture:
    """Return the processor of a target, x86-64 where it names none.

    Raises:
        UnknownTargetError: the tables know none of that name.
    """
    return find_architecture(DEFAULT if target is None else target.arch or DEFAULT)


def page_size_of(target: Target | None) -> int:
    """Return the bytes of a page on a target.

    Raises:
        UnknownTargetError: the target names a size no page has, or an unknown processor.
    """
    size = target.page_size if target is not None else None
    if size is None:
        return architecture_of(target).page_size
    if size < 1 << 12 or size > _LARGEST_PAGE or size & (size - 1):
        raise UnknownTargetError(f"no page has {size} bytes: write a power of two such as 65536")
    return size
