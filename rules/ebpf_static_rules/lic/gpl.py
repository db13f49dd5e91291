"""What in an object needs a GPL-compatible licence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static.uapi.helpers import gpl_only
from ebpf_static.uapi.licenses import is_gpl_compatible, suggest_license
from ebpf_static_rules.facts import iter_loaded, iter_loaded_with_types, program_type

# bpf_lsm_verify_prog and check_struct_ops_btf_id of the Linux verifier.
_GPL_TYPES = frozenset({"LSM", "STRUCT_OPS"})


class HelperCall(NamedTuple):
    """A GPL-only helper, the function that calls it, and where."""

    function: FunctionSpec
    helper: HelperId
    calls: list[int]


class KfuncCall(NamedTuple):
    """A kernel function, the function that calls it, and where."""

    function: FunctionSpec
    name: str
    at: int
    weak: bool


def is_compatible(spec: CollectionSpec) -> bool:
    """Tell whether the kernel takes the object's licence as GPL-compatible."""
    return spec.license is not None and is_gpl_compatible(spec.license)


def describe(spec: CollectionSpec) -> str:
    """Return the object's licence in words."""
    if spec.license is None:
        return "the object states no licence"
    return f"the licence is `{spec.license}`"


def licence_help(spec: CollectionSpec) -> str:
    """Return the line of C that gives the licence the kernel would take."""
    meant = suggest_license(spec.license) if spec.license is not None else None
    line = f'char LICENSE[] SEC("license") = "{meant or "GPL"}";'
    return f"add `{line}` if the source may be so licensed"


def iter_gpl_helpers(spec: CollectionSpec, context: RuleContext) -> Iterator[HelperCall]:
    """Yield every call of a GPL-only helper, once for each function and helper.

    A helper that is GPL-only in some program types counts where one of them reaches the call.
    """
    release = context.target.version if context.target else None
    for function, facts, types in iter_loaded_with_types(spec, Platform.LINUX):
        for number, calls in facts.helpers.items():
            helper = HelperId.of(Platform.LINUX, number)
            asked = types or (None,)
            if helper.known and any(gpl_only(helper, type_, release) for type_ in asked):
                yield HelperCall(function, helper, calls)


def iter_kfuncs(spec: CollectionSpec) -> Iterator[KfuncCall]:
    """Yield every kernel function called, once for each function and name."""
    for function, facts in iter_loaded(spec):
        seen: set[str] = set()
        for index in facts.kfuncs:
            reference = function.references_by_index.get(index)
            name = "" if reference is None else reference.name
            if name not in seen:
                seen.add(name)
                weak = reference is not None and reference.weak
                yield KfuncCall(function, name, index, weak)


def iter_gpl_programs(spec: CollectionSpec) -> Iterator[ProgramSpec]:
    """Yield every program of a type that is GPL-only as a whole."""
    for program in spec.programs:
        if program_type(program, Platform.LINUX).name in _GPL_TYPES:
            yield program


def needs_gpl(spec: CollectionSpec, context: RuleContext) -> bool:
    """Tell whether anything in the object needs a GPL-compatible licence."""
    demands = (iter_gpl_helpers(spec, context), iter_kfuncs(spec), iter_gpl_programs(spec))
    return any(next(iter(demand), None) is not None for demand in demands)
