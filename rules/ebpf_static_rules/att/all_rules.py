"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.att.att201_lsm_hook_refused import LsmHookRefused
from ebpf_static_rules.att.att202_attach_target_not_sleepable import AttachTargetNotSleepable
from ebpf_static_rules.att.att203_attach_target_denied import AttachTargetDenied
from ebpf_static_rules.att.att204_attach_target_prototype_unsupported import (
    AttachTargetPrototypeUnsupported,
)

RULES: tuple[type[Rule], ...] = (
    LsmHookRefused,
    AttachTargetNotSleepable,
    AttachTargetDenied,
    AttachTargetPrototypeUnsupported,
)
