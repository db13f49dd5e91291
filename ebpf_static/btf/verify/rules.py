"""A kernel's bounds on BTF, and what breaks them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

# The kernel's own character classes (lib/ctype.c) are those of Latin-1.
_LETTERS: Final = rb"A-Za-z\xc0-\xd6\xd8-\xf6\xf8-\xff"
_IDENTIFIER: Final = re.compile(rb"[%b_.][%b0-9_.]*" % (_LETTERS, _LETTERS))
_WHOLE_IDENTIFIER: Final = re.compile(rb"(?<=\0)" + _IDENTIFIER.pattern + rb"(?=\0)")
_PRINTABLE: Final = re.compile(rb"[ -~\xa0-\xff]+")


class BtfProblem(NamedTuple):
    """Something a kernel refuses.

    Attributes:
        type_id: the type at fault; 0 for the BTF as a whole.
        what: what is wrong with it, in words.
    """

    type_id: int
    what: str


@dataclass(frozen=True, slots=True)
class KernelRules:
    """Bounds that differ between kernels; the defaults are those of Linux 6.18.

    Attributes:
        data_bytes: the largest BTF (``BTF_MAX_SIZE``).
        name_bytes: the longest name (``KSYM_NAME_LEN``).
        name_offset: the last offset a name may start at (``BTF_MAX_NAME_OFFSET``).
        types: the last type id (``BTF_MAX_TYPE``).
        depth: types resolved within each other (``MAX_RESOLVE_DEPTH``).
        vlen: members, values or parameters of one type.
        any_section_name: whether names of sections may hold any printable character (6.9).
        tag_attributes: whether tags may be whole attributes, with kflag set (6.15).
    """

    data_bytes: int = 16 << 20
    name_bytes: int = 512
    name_offset: int = 0xFFFFFF
    types: int = 0xFFFFF
    depth: int = 32
    vlen: int = 0xFFFF
    any_section_name: bool = True
    tag_attributes: bool = True

    def takes_name(self, name: str) -> bool:
        """Tell whether a name is an identifier as BTF understands it (dots included)."""
        raw = name.encode("utf-8", "surrogateescape")
        return len(raw) <= self.name_bytes and _IDENTIFIER.fullmatch(raw) is not None

    def find_names(self, strings: bytes) -> set[int]:
        """Return where the strings of a section start that are identifiers."""
        limit = self.name_bytes
        spans = (match.span() for match in _WHOLE_IDENTIFIER.finditer(strings))
        return {start for start, end in spans if end - start <= limit}

    def takes_section_name(self, name: str) -> bool:
        """Tell whether a name may be a section's; libbpf replaces ``?`` for older kernels."""
        if not self.any_section_name:
            return self.takes_name(name.replace("?", "_"))
        raw = name.encode("utf-8", "surrogateescape")
        return len(raw) <= self.name_bytes and _PRINTABLE.fullmatch(raw) is not None
