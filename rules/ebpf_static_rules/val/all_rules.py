"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.val.val201_value_field_not_for_program_type import (
    ValueFieldNotForProgramType,
)
from ebpf_static_rules.val.val202_value_field_not_for_map_type import ValueFieldNotForMapType
from ebpf_static_rules.val.val203_value_field_missing import ValueFieldMissing
from ebpf_static_rules.val.val204_map_not_for_program import MapNotForProgram

RULES: tuple[type[Rule], ...] = (
    ValueFieldNotForProgramType,
    ValueFieldNotForMapType,
    ValueFieldMissing,
    MapNotForProgram,
)
