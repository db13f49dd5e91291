"""Where lief reads an image at all, it reads the same sections, imports and exports."""

from __future__ import annotations

from pathlib import Path

import lief
import pytest

from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_directories import read_exports, read_imports, read_relocations

IMAGES = Path(__file__).resolve().parents[2] / "corpus" / "native"
FILES = sorted(p.name for p in IMAGES.glob("*-*.[sd]*") if not p.name.startswith("broken"))


@pytest.mark.parametrize("file", FILES)
def test_lief_agrees(file: str) -> None:
    data = (IMAGES / file).read_bytes()
    pe = PeFile(data)
    binary = lief.PE.parse(data)
    assert isinstance(binary, lief.PE.Binary)
    assert [
        (it.name, it.address, it.virtual_size, it.offset, it.raw_size) for it in pe.sections
    ] == [
        (str(it.name), it.virtual_address, it.virtual_size, it.offset, it.sizeof_raw_data)
        for it in binary.sections
    ]
    assert {it.module: list(it.functions) for it in read_imports(pe)} == {
        it.name: [str(entry.name) for entry in it.entries] for it in binary.imports
    }
    export = binary.get_export()
    theirs = [str(it.name) for it in export.entries] if export is not None else []
    assert list(read_exports(pe)[1]) == theirs
    relocated = {
        entry.address
        for block in binary.relocations
        for entry in block.entries
        if entry.type == lief.PE.RelocationEntry.BASE_TYPES.DIR64
    }
    assert read_relocations(pe) == relocated
    assert pe.image_base == binary.optional_header.imagebase
