"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.ctx.ctx201_context_access_refused import ContextAccessRefused
from ebpf_static_rules.ctx.ctx202_context_write_unsupported import ContextWriteUnsupported
from ebpf_static_rules.ctx.ctx203_return_value_refused import ReturnValueRefused

RULES: tuple[type[Rule], ...] = (
    ContextAccessRefused,
    ContextWriteUnsupported,
    ReturnValueRefused,
)
