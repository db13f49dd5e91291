"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.elf.elf002_empty_object import EmptyObject
from ebpf_static_rules.elf.elf003_relocation_unresolved import RelocationUnresolved
from ebpf_static_rules.elf.elf004_variables_unreadable import VariablesUnreadable
from ebpf_static_rules.elf.elf005_part_unread import PartUnread
from ebpf_static_rules.elf.elf010_symbols_missing import SymbolsMissing
from ebpf_static_rules.elf.elf011_section_misaligned import SectionMisaligned
from ebpf_static_rules.elf.elf012_object_not_relocatable import ObjectNotRelocatable
from ebpf_static_rules.elf.elf013_version_malformed import VersionMalformed
from ebpf_static_rules.elf.elf201_byte_order_foreign import ByteOrderForeign

RULES: tuple[type[Rule], ...] = (
    EmptyObject,
    RelocationUnresolved,
    VariablesUnreadable,
    PartUnread,
    SymbolsMissing,
    SectionMisaligned,
    ObjectNotRelocatable,
    VersionMalformed,
    ByteOrderForeign,
)
