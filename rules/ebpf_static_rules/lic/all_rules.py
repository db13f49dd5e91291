"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.lic.lic001_license_missing_for_gpl_helper import LicenseMissingForGplHelper
from ebpf_static_rules.lic.lic002_license_missing import LicenseMissing
from ebpf_static_rules.lic.lic003_license_near_miss import LicenseNearMiss
from ebpf_static_rules.lic.lic004_license_missing_for_program_type import (
    LicenseMissingForProgramType,
)
from ebpf_static_rules.lic.lic010_license_missing_for_kfunc import LicenseMissingForKfunc

RULES: tuple[type[Rule], ...] = (
    LicenseMissingForGplHelper,
    LicenseMissing,
    LicenseNearMiss,
    LicenseMissingForProgramType,
    LicenseMissingForKfunc,
)
