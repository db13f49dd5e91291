"""Writers of ``.BTF`` and ``.BTF.ext`` for tests: every kind, both byte orders, split BTF.

Each ``BtfWriter`` method adds one type and returns its id. Nothing is checked: tests of malformed
input write what they like.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

MAGIC = 0xEB9F


class BtfWriter:
    """Collects types and strings; :meth:`build` returns the BTF.

    ``base`` continues another writer's ids and strings, as a module's BTF does.
    """

    def __init__(self, byte_order: str = "little", base: BtfWriter | None = None) -> None:
        self.prefix = "<" if byte_order == "little" else ">"
        self.base = base
        self.next_id: int = base.next_id if base else 1
        self._string_start = base.string_end if base else 0
        self._strings = bytearray() if base else bytearray(b"\0")
        self._string_offsets: dict[bytes, int] = {b"": 0}
        self.types = bytearray()

    @property
    def string_end(self) -> int:
        return self._string_start + len(self._strings)

    def string(self, text: str | bytes) -> int:
        """Return the offset of ``text``, adding it once."""
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        if raw not in self._string_offsets:
            self._string_offsets[raw] = self.string_end
            self._strings += raw + b"\0"
        return self._string_offsets[raw]

    def record(
        self, kind: int, name: str | bytes, size_or_type: int, *,
        vlen: int = 0, kflag: bool = False, payload: bytes = b"",
    ) -> int:  # fmt: skip
        """Add a record of any kind with its payload as it is."""
        info = kflag << 31 | kind << 24 | vlen
        self.types += self._words(self.string(name), info, size_or_type) + payload
        self.next_id += 1
        return self.next_id - 1

    def integer(self, name: str, size: int, *, encoding: int = 0, offset: int = 0,
            bits: int | None = None) -> int:  # fmt: skip
        bits = 8 * size if bits is None else bits
        data = self._words(encoding << 24 | offset << 16 | bits)
        return self.record(1, name, size, payload=data)

    def ptr(self, type_id: int) -> int:
        return self.record(2, "", type_id)

    def array(self, type_id: int, index_type_id: int, nelems: int) -> int:
        return self.record(3, "", 0, payload=self._words(type_id, index_type_id, nelems))

    def struct(self, name: str, size: int, members: Sequence[tuple[str, int, int]] = (), *,
               union: bool = False) -> int:  # fmt: skip
        """Add a struct of (name, type id, bit offset) members, without bitfield sizes."""
        rows = b"".join(self._words(self.string(n), t, o) for n, t, o in members)
        return self.record(5 if union else 4, name, size, vlen=len(members), payload=rows)

    def bitfields(self, name: str, size: int, members: Sequence[tuple[str, int, int, int]], *,
                  union: bool = False) -> int:  # fmt: skip
        """Add a struct of (name, type id, bit offset, bitfield size) members (kflag set)."""
        rows = b"".join(self._words(self.string(n), t, b << 24 | o) for n, t, o, b in members)
        kind = 5 if union else 4
        return self.record(kind, name, size, vlen=len(members), kflag=True, payload=rows)

    def enum(self, name: str, values: Sequence[tuple[str, int]], *, size: int = 4,
             signed: bool = False) -> int:  # fmt: skip
        rows = b"".join(self._words(self.string(n), v & 0xFFFFFFFF) for n, v in values)
        return self.record(6, name, size, vlen=len(values), kflag=signed, payload=rows)

    def enum64(self, name: str, values: Sequence[tuple[str, int]], *, size: int = 8,
               signed: bool = False) -> int:  # fmt: skip
        rows = b"".join(
            self._words(self.string(n), v & 0xFFFFFFFF, v >> 32 & 0xFFFFFFFF) for n, v in values
        )
        return self.record(19, name, size, vlen=len(values), kflag=signed, payload=rows)

    def fwd(self, name: str, *, union: bool = False) -> int:
        return self.record(7, name, 0, kflag=union)

    def typedef(self, name: str, type_id: int) -> int:
        return self.record(8, name, type_id)

    def volatile(self, type_id: int) -> int:
        return self.record(9, "", type_id)

    def const(self, type_id: int) -> int:
        return self.record(10, "", type_id)

    def restrict(self, type_id: int) -> int:
        return self.record(11, "", type_id)

    def func(self, name: str, proto_id: int, linkage: int = 1) -> int:
        return self.record(12, name, proto_id, vlen=linkage)

    def func_proto(self, type_id: int, params: Sequence[tuple[str, int]] = ()) -> int:
        rows = b"".join(self._words(self.string(n), t) for n, t in params)
        return self.record(13, "", type_id, vlen=len(params), payload=rows)

    def var(self, name: str, type_id: int, linkage: int = 1) -> int:
        return self.record(14, name, type_id, payload=self._words(linkage))

    def datasec(self, name: str, size: int, variables: Sequence[tuple[int, int, int]]) -> int:
        """Add a section of (type id, offset, size) variables."""
        rows = b"".join(self._words(*row) for row in variables)
        return self.record(15, name, size, vlen=len(variables), payload=rows)

    def floating(self, name: str, size: int) -> int:
        return self.record(16, name, size)

    def decl_tag(self, text: str, type_id: int, component: int = -1) -> int:
        return self.record(17, text, type_id, payload=self._words(component & 0xFFFFFFFF))

    def type_tag(self, text: str, type_id: int, *, kflag: bool = False) -> int:
        return self.record(18, text, type_id, kflag=kflag)

    def build(self, *, layout: Iterable[tuple[int, int]] | None = None) -> bytes:
        """Return the BTF, with a layout section of (info bytes, element bytes) when given."""
        strings, tail = bytes(self._strings), b""
        header_len = 24
        if layout is not None:
            header_len = 32
            tail = b"".join(struct.pack(self.prefix + "BBH", *row, 0) for row in layout)
            strings += b"\0" * (-len(strings) % 4)
        header = struct.pack(
            self.prefix + "HBBIIIII", MAGIC, 1, 0, header_len,
            0, len(self.types), len(self.types), len(strings),
        )  # fmt: skip
        if layout is not None:
            header += self._words(len(self.types) + len(strings), len(tail))
        return header + bytes(self.types) + strings + tail

    def _words(self, *values: int) -> bytes:
        return struct.pack(f"{self.prefix}{len(values)}I", *values)


class BtfExtWriter:
    """Collects function, line and CO-RE records; their strings go to ``btf``."""

    def __init__(self, btf: BtfWriter) -> None:
        self.btf = btf
        self.parts: list[dict[str, list[tuple[int, ...]]]] = [{}, {}, {}]

    def func_info(self, section: str, insn_offset: int, type_id: int) -> None:
        self.parts[0].setdefault(section, []).append((insn_offset, type_id))

    def line_info(self, section: str, insn_offset: int, file: str, text: str,
                  at: tuple[int, int]) -> None:  # fmt: skip
        """Add a record; ``at`` is line and column."""
        line, column = at
        row = (insn_offset, self.btf.string(file), self.btf.string(text), line << 10 | column)
        self.parts[1].setdefault(section, []).append(row)

    def core_relo(self, section: str, insn_offset: int, type_id: int, access: str,
                  kind: int) -> None:  # fmt: skip
        row = (insn_offset, type_id, self.btf.string(access), kind)
        self.parts[2].setdefault(section, []).append(row)

    def build(self, *, header_len: int = 32, extra_words: int = 0) -> bytes:
        """Return ``.BTF.ext``; ``extra_words`` lengthens every record by that many zeros."""
        body, bounds = b"", []
        for fields, sections in zip((2, 4, 4), self.parts, strict=True):
            part = self._part(sections, fields, extra_words) if sections else b""
            bounds += [len(body), len(part)]
            body += part
        prefix = self.btf.prefix
        words = bounds if header_len >= 32 else bounds[:4]
        header = struct.pack(prefix + "HBBI", MAGIC, 1, 0, header_len)
        header += struct.pack(f"{prefix}{len(words)}I", *words)
        return header.ljust(header_len, b"\0") + body

    def _part(self, sections: dict[str, list[tuple[int, ...]]], fields: int, extra: int) -> bytes:
        def pack(*words: int) -> bytes:
            return struct.pack(f"{self.btf.prefix}{len(words)}I", *words)

        out = pack(4 * (fields + extra))
        for name, rows in sections.items():
            out += pack(self.btf.string(name), len(rows))
            out += b"".join(pack(*row, *[0] * extra) for row in rows)
        return out
