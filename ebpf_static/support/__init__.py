"""What platforms accept, release by release: facts, never judgements.

Tables in ``data/`` say where each map type, program type, attach type, helper, kernel function,
instruction, BTF kind, feature and limit exists, under which conditions and who says so; the
functions here answer for one target. Facts are about names: nothing here knows objects.
"""

from __future__ import annotations

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
from ebpf_static.support.loaders import Substitution, substitutions
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
from ebpf_static.support.map_rules import (
    MapProgramRule,
    MapRules,
    SizeRule,
    flag_names,
    helper_map_types,
    map_program_rules,
    map_rules,
)
from ebpf_static.support.program_rules import ProgramRules, program_rules
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
    "struct_ops_helper",
    "struct_ops_type",
    "substitutions",
]
