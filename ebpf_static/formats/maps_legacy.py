"""Legacy maps: fixed records in ``maps``, ``maps/NAME`` or a section ending in ``/maps``.

Which fields a record has depends on who wrote it (libbpf before 1.0, iproute2, efW), so only the
bytes are taken here. Sources: libbpf v0.8 ``struct bpf_map_def``, iproute2 ``bpf_elf.h``
``struct bpf_elf_map``, efW ``ebpf_structs.h`` ``ebpf_map_definition_in_file_t``.
"""

from __future__ import annotations

from itertools import pairwise

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.draft import MapDraft
from ebpf_static.formats.elf import ElfObject
from ebpf_static.formats.elf_constants import (
    SHT_PROGBITS,
)
from ebpf_static.formats.symbols import SymbolTable
from ebpf_static.specs.map import MapOrigin
from ebpf_static.specs.section import SectionSpec


def is_legacy_section(section: SectionSpec) -> bool:
    """Tell whether a section's name promises legacy map records."""
    name = section.name
    named = name == "maps" or name.startswith("maps/") or name.endswith("/maps")
    return named and section.type == SHT_PROGBITS and not section.is_executable


def read_legacy_maps(
    elf: ElfObject, section: SectionSpec, symbols: SymbolTable
) -> tuple[MapDraft, ...]:
    """Return one draft per symbol of a legacy section, in section order.

    A record reaches as far as its symbol says; an untyped symbol without size (LLVM before 7)
    reaches to the next one.

    Raises:
        FormatError: a record reaches outside the section.
    """
    data = elf.section_data(section)
    found = symbols.data(section.index)
    if len(found) > limits.MAX_MAPS:
        raise LimitError(f"more than {limits.MAX_MAPS} maps", where=f"section {section.name}")
    starts = sorted({symbol.value for symbol in found} | {len(data)})
    ends = dict(pairwise(starts))
    maps = []
    for symbol in found:
        size = symbol.size or ends.get(symbol.value, symbol.value) - symbol.value
        record = elf.take(data, symbol.value, size, f"section {section.name}")
        if not record or len(record) != size:
            raise FormatError(
                f"record of {size} bytes at {symbol.value:#x} reaches outside the section",
                where=f'section {section.name}: map "{symbol.name}"',
                offset=section.offset,
            )
        maps.append(
            MapDraft(
                name=symbol.name,
                origin=MapOrigin.LEGACY,
                section=section.name,
                section_index=section.index,
                section_offset=symbol.value,
                size=size,
                linkage=symbol.linkage,
                record=record,
            )
        )
    return tuple(maps)
