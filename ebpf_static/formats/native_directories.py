"""What the PE directories of a native image say: imports, exports, relocations, debug information.

None of it is needed to read maps and programs, so damage is a problem to report, not an error.

Source: Microsoft PE format, ".edata", ".idata", ".reloc" and "Debug Directory" sections.
"""

from __future__ import annotations

import re
from typing import Final

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import (
    DIRECTORY_DEBUG,
    DIRECTORY_EXPORT,
    DIRECTORY_IMPORT,
    DIRECTORY_RELOC,
    PeFile,
)
from ebpf_static.specs.native import PeImport

_MAX_MODULES: Final = 256
_MAX_FUNCTIONS: Final = 4096
_MAX_EXPORTS: Final = 4096
_MAX_RELOCATION_BYTES: Final = 1 << 21
_DEBUG_CODEVIEW: Final = 2
_RELOCATION_DIR64: Final = 10
_BY_ORDINAL: Final = 1 << 63


def _u32(raw: bytes, start: int) -> int:
    return int.from_bytes(raw[start : start + 4], "little")


def _text(pe: PeFile, rva: int, where: str) -> str:
    return pe.read_text(pe.image_base + rva, where)


def read_imports(pe: PeFile) -> tuple[PeImport, ...]:
    """Return the imported modules in order.

    Raises:
        FormatError: the import directory leads out of the image or does not end.
    """
    where = "import directory"
    rva, size = pe.directory(DIRECTORY_IMPORT)
    if not rva or not size:
        return ()
    modules: list[PeImport] = []
    for index in range(_MAX_MODULES):
        raw = pe.read(rva + index * 20, 20, where)
        if not _u32(raw, 12):
            return tuple(modules)
        names = _u32(raw, 0) or _u32(raw, 16)
        modules.append(PeImport(_text(pe, _u32(raw, 12), where), _imported(pe, names)))
    raise FormatError(f"more than {_MAX_MODULES} modules", where=where)


def _imported(pe: PeFile, rva: int) -> tuple[str, ...]:
    where = "import directory"
    functions: list[str] = []
    for index in range(_MAX_FUNCTIONS):
        entry = int.from_bytes(pe.read(rva + index * 8, 8, where), "little")
        if not entry:
            return tuple(functions)
        if entry & _BY_ORDINAL:
            functions.append(f"#{entry & 0xFFFF}")
        else:
            functions.append(_text(pe, (entry & 0x7FFFFFFF) + 2, where))
    raise FormatError(f"more than {_MAX_FUNCTIONS} functions of one module", where=where)


def read_exports(pe: PeFile) -> tuple[str | None, tuple[str, ...]]:
    """Return the module's name (None without export directory) and the exported names.

    Raises:
        FormatError: the export directory leads out of the image.
    """
    where = "export directory"
    rva, size = pe.directory(DIRECTORY_EXPORT)
    if not rva or not size:
        return None, ()
    raw = pe.read(rva, 40, where)
    count, names = _u32(raw, 24), _u32(raw, 32)
    if count > _MAX_EXPORTS:
        raise FormatError(f"{count} exports", where=where)
    module = _text(pe, _u32(raw, 12), where)
    table = pe.read(names, count * 4, where) if count else b""
    return module, tuple(_text(pe, _u32(table, index * 4), where) for index in range(count))


def read_pdb_path(pe: PeFile) -> str | None:
    """Return the path of the debug information, None when the image names none.

    Raises:
        FormatError: the debug directory leads out of the image.
    """
    where = "debug directory"
    rva, size = pe.directory(DIRECTORY_DEBUG)
    for index in range(min(size // 28, 32) if rva else 0):
        raw = pe.read(rva + index * 28, 28, where)
        length, address = _u32(raw, 16), _u32(raw, 20)
        if _u32(raw, 12) != _DEBUG_CODEVIEW or not address or length < 25:
            continue
        record = pe.read(address, 24, where)
        if record[:4] == b"RSDS":
            return _text(pe, address + 24, where)
    return None


def module_stem(path: str) -> str | None:
    """Return the file name of a path of either system without its extension."""
    name = re.split(r"[/\\]", path)[-1]
    return name.rsplit(".", 1)[0] or None


def read_relocations(pe: PeFile) -> set[int] | None:
    """Return the RVAs of all 64-bit addresses to be relocated, None without a table.

    Raises:
        FormatError: the table leads out of the image or a block of it is malformed.
    """
    where = "base relocations"
    rva, size = pe.directory(DIRECTORY_RELOC)
    if not rva or not size:
        return None
    if size > _MAX_RELOCATION_BYTES:
        raise FormatError(f"{size} bytes", where=where, offset=pe.file_offset(rva))
    raw = pe.read(rva, size, where)
    found: set[int] = set()
    start = 0
    while start + 8 <= len(raw):
        page, length = _u32(raw, start), _u32(raw, start + 4)
        if length == 0 and not any(raw[start:]):
            break
        if length < 8 or length % 2 or start + length > len(raw):
            raise FormatError(f"block of {length} bytes", where=where, offset=pe.file_offset(rva))
        for at in range(start + 8, start + length, 2):
            entry = int.from_bytes(raw[at : at + 2], "little")
            if entry >> 12 == _RELOCATION_DIR64:
                found.add(page + (entry & 0xFFF))
        start += length
    return found
