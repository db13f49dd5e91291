"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.map.map004_map_values_malformed import MapValuesMalformed
from ebpf_static_rules.map.map005_maps_undescribed import MapsUndescribed
from ebpf_static_rules.map.map101_map_type_unknown import MapTypeUnknown
from ebpf_static_rules.map.map102_map_name_duplicate import MapNameDuplicate
from ebpf_static_rules.map.map103_map_unnamed import MapUnnamed
from ebpf_static_rules.map.map104_legacy_map_definition import LegacyMapDefinition
from ebpf_static_rules.map.map105_map_member_unknown import MapMemberUnknown
from ebpf_static_rules.map.map106_map_linkage_static import MapLinkageStatic
from ebpf_static_rules.map.map107_map_definition_incomplete import MapDefinitionIncomplete
from ebpf_static_rules.map.map108_legacy_record_layout_unknown import LegacyRecordLayoutUnknown
from ebpf_static_rules.map.map109_map_type_means_other import MapTypeMeansOther
from ebpf_static_rules.map.map110_inner_map_missing import InnerMapMissing
from ebpf_static_rules.map.map111_map_values_misplaced import MapValuesMisplaced
from ebpf_static_rules.map.map112_map_pinning_unknown import MapPinningUnknown
from ebpf_static_rules.map.map201_map_type_unavailable import MapTypeUnavailable
from ebpf_static_rules.map.map202_map_flag_unavailable import MapFlagUnavailable
from ebpf_static_rules.map.map203_map_definition_refused import MapDefinitionRefused
from ebpf_static_rules.map.map210_ring_size_rounded import RingSizeRounded
from ebpf_static_rules.map.map211_programs_needed_together import ProgramsNeededTogether

RULES: tuple[type[Rule], ...] = (
    MapValuesMalformed,
    MapsUndescribed,
    MapTypeUnknown,
    MapNameDuplicate,
    MapUnnamed,
    LegacyMapDefinition,
    MapMemberUnknown,
    MapLinkageStatic,
    MapDefinitionIncomplete,
    LegacyRecordLayoutUnknown,
    MapTypeMeansOther,
    InnerMapMissing,
    MapValuesMisplaced,
    MapPinningUnknown,
    MapTypeUnavailable,
    MapFlagUnavailable,
    MapDefinitionRefused,
    RingSizeRounded,
    ProgramsNeededTogether,
)
