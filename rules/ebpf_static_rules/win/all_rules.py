"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.win.win001_map_type_of_other_platform import MapTypeOfOtherPlatform
from ebpf_static_rules.win.win002_helper_of_other_platform import HelperOfOtherPlatform
from ebpf_static_rules.win.win003_helper_of_other_program_type import HelperOfOtherProgramType
from ebpf_static_rules.win.win004_helper_without_implementation import HelperWithoutImplementation
from ebpf_static_rules.win.win005_helper_retired import HelperRetired
from ebpf_static_rules.win.win006_context_access_wrong import ContextAccessWrong
from ebpf_static_rules.win.win007_verdict_of_other_platform import VerdictOfOtherPlatform
from ebpf_static_rules.win.win008_section_not_in_release import SectionNotInRelease
from ebpf_static_rules.win.win009_section_by_prefix import SectionByPrefix
from ebpf_static_rules.win.win011_map_attributes_refused import MapAttributesRefused
from ebpf_static_rules.win.win012_ring_size_refused import RingSizeRefused
from ebpf_static_rules.win.win013_map_limit_not_enforced import MapLimitNotEnforced
from ebpf_static_rules.win.win014_map_sizes_refused import MapSizesRefused
from ebpf_static_rules.win.win015_legacy_record_misread import LegacyRecordMisread
from ebpf_static_rules.win.win016_pinning_refused import PinningRefused
from ebpf_static_rules.win.win017_name_too_long import NameTooLong
from ebpf_static_rules.win.win018_map_members_ignored import MapMembersIgnored
from ebpf_static_rules.win.win019_big_endian_object import BigEndianObject
from ebpf_static_rules.win.win020_section_dropped import SectionDropped
from ebpf_static_rules.win.win021_global_variables_unsupported import GlobalVariablesUnsupported
from ebpf_static_rules.win.win022_instruction_refused import InstructionRefused
from ebpf_static_rules.win.win023_context_write_refused import ContextWriteRefused
from ebpf_static_rules.win.win024_linux_loader_needed import LinuxLoaderNeeded
from ebpf_static_rules.win.win025_image_too_old import ImageTooOld
from ebpf_static_rules.win.win026_image_layout_unreleased import ImageLayoutUnreleased
from ebpf_static_rules.win.win027_image_not_relocatable import ImageNotRelocatable
from ebpf_static_rules.win.win028_image_helper_mismatch import ImageHelperMismatch
from ebpf_static_rules.win.win029_image_extension_wrong import ImageExtensionWrong
from ebpf_static_rules.win.win030_bytecode_not_everywhere import BytecodeNotEverywhere
from ebpf_static_rules.win.win032_late_procedures import LateProceduresNeeded
from ebpf_static_rules.win.win033_helper_map_pair_wrong import HelperMapPair
from ebpf_static_rules.win.win035_release_never_made import ReleaseNeverMade
from ebpf_static_rules.win.win101_map_type_not_in_release import MapTypeNotInRelease
from ebpf_static_rules.win.win102_helper_not_in_release import HelperNotInRelease
from ebpf_static_rules.win.win114_prog_array_mixed import ProgArrayMixed
from ebpf_static_rules.win.win119_elf_refused import ElfRefused

RULES: tuple[type[Rule], ...] = (
    MapTypeOfOtherPlatform,
    HelperOfOtherPlatform,
    HelperOfOtherProgramType,
    HelperWithoutImplementation,
    HelperRetired,
    ContextAccessWrong,
    VerdictOfOtherPlatform,
    SectionNotInRelease,
    SectionByPrefix,
    MapAttributesRefused,
    RingSizeRefused,
    MapLimitNotEnforced,
    MapSizesRefused,
    LegacyRecordMisread,
    PinningRefused,
    NameTooLong,
    MapMembersIgnored,
    BigEndianObject,
    SectionDropped,
    GlobalVariablesUnsupported,
    InstructionRefused,
    ContextWriteRefused,
    LinuxLoaderNeeded,
    ImageTooOld,
    ImageLayoutUnreleased,
    ImageNotRelocatable,
    ImageHelperMismatch,
    ImageExtensionWrong,
    BytecodeNotEverywhere,
    LateProceduresNeeded,
    HelperMapPair,
    ReleaseNeverMade,
    MapTypeNotInRelease,
    HelperNotInRelease,
    ProgArrayMixed,
    ElfRefused,
)
