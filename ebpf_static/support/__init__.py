"""What platforms accept, release by release: facts, never judgements.

Tables in ``data/`` say where each map type, program type, attach type, helper, kernel function,
instruction, BTF kind, feature and limit exists, under which conditions and who says so; the
functions here answer for one target. Facts are about names: nothing here knows objects.

Names are imported when asked for: a run without a release needs but few of the modules.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ebpf_static.support.facts import (
        Availability,
        Backport,
        Condition,
        ConditionKind,
        Fact,
        Span,
        history,
        lowest_version,
    )
    from ebpf_static.support.limits import Limit, limit, limit_names, program_flags
    from ebpf_static.support.loaders import (
        loader_answer,
        loader_btf_kinds,
        loader_fact,
        loader_map_members,
        loader_map_types,
        loader_version,
        resolve_loader,
    )
    from ebpf_static.support.lookups import (
        ANY_ATTACH_TYPE,
        attach_type,
        btf_kind,
        command,
        feature,
        helper,
        instruction,
        isa_level,
        kfunc,
        link_type,
        map_flag,
        map_type,
        needs_sleepable,
        program_type,
        struct_ops_helper,
        struct_ops_type,
    )
    from ebpf_static.support.map_creation import (
        MapProgramRule,
        MapRules,
        SizeRule,
        flag_names,
        helper_map_types,
        map_program_rules,
        map_rules,
    )
    from ebpf_static.support.program_creation import ProgramRules, program_rules
    from ebpf_static.support.replacements import Substitution, substitutions
    from ebpf_static.support.targets import (
        Release,
        default_matrix,
        distribution_names,
        find_release,
        known_lines,
        resolve,
    )

__all__ = [
    "ANY_ATTACH_TYPE",
    "Availability",
    "Backport",
    "Condition",
    "ConditionKind",
    "Fact",
    "Limit",
    "MapProgramRule",
    "MapRules",
    "ProgramRules",
    "Release",
    "SizeRule",
    "Span",
    "Substitution",
    "attach_type",
    "btf_kind",
    "command",
    "default_matrix",
    "distribution_names",
    "feature",
    "find_release",
    "flag_names",
    "helper",
    "helper_map_types",
    "history",
    "instruction",
    "isa_level",
    "kfunc",
    "known_lines",
    "limit",
    "limit_names",
    "link_type",
    "loader_answer",
    "loader_btf_kinds",
    "loader_fact",
    "loader_map_members",
    "loader_map_types",
    "loader_version",
    "lowest_version",
    "map_flag",
    "map_program_rules",
    "map_rules",
    "map_type",
    "needs_sleepable",
    "program_flags",
    "program_rules",
    "program_type",
    "resolve",
    "resolve_loader",
    "struct_ops_helper",
    "struct_ops_type",
    "substitutions",
]

_NAMES_BY_MODULE = {
    "ebpf_static.support.facts": (
        "Availability",
        "Backport",
        "Condition",
        "ConditionKind",
        "Fact",
        "Span",
        "history",
        "lowest_version",
    ),
    "ebpf_static.support.limits": (
        "Limit",
        "limit",
        "limit_names",
        "program_flags",
    ),
    "ebpf_static.support.loaders": (
        "loader_answer",
        "loader_btf_kinds",
        "loader_fact",
        "loader_map_members",
        "loader_map_types",
        "loader_version",
        "resolve_loader",
    ),
    "ebpf_static.support.lookups": (
        "ANY_ATTACH_TYPE",
        "attach_type",
        "btf_kind",
        "command",
        "feature",
        "helper",
        "instruction",
        "isa_level",
        "kfunc",
        "link_type",
        "map_flag",
        "map_type",
        "needs_sleepable",
        "program_type",
        "struct_ops_helper",
        "struct_ops_type",
    ),
    "ebpf_static.support.map_creation": (
        "MapProgramRule",
        "MapRules",
        "SizeRule",
        "flag_names",
        "helper_map_types",
        "map_program_rules",
        "map_rules",
    ),
    "ebpf_static.support.program_creation": (
        "ProgramRules",
        "program_rules",
    ),
    "ebpf_static.support.replacements": (
        "Substitution",
        "substitutions",
    ),
    "ebpf_static.support.targets": (
        "Release",
        "default_matrix",
        "distribution_names",
        "find_release",
        "known_lines",
        "resolve",
    ),
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}


def __getattr__(name: str) -> object:
    """Import the module that defines a name, once."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value
