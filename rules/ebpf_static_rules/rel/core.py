"""CO-RE relocations in words, and the programs they are in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from ebpf_static.btf.core import CoreResult
from ebpf_static.kernel import CoreOutcome
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static_rules.wording import tick


def describe(result: CoreResult) -> str:
    """Return what a relocation refers to: ``kernfs_node::id``, ``struct sock``."""
    spec = result.spec
    if spec is None:
        return "what it refers to cannot be told"
    name = spec.btf.name(spec.root_type_id) or "(anonymous)"
    if spec.kind.is_enum:
        return tick(f"{name}::{spec.accessors[0].name}")
    if spec.kind.is_type or not spec.path:
        return tick(name)
    return tick(f"{name}::{spec.path.removeprefix('.')}")


def words_of(spec: CollectionSpec, outcome: CoreOutcome) -> str:
    """Return ``CO-RE relocation #30 of `f` (`kernfs_node::id`)``."""
    subject = f"CO-RE relocation #{outcome.number} of `{spec.functions[outcome.function].name}`"
    return subject if outcome.result is None else f"{subject} ({describe(outcome.result)})"


def concerned_by(spec: CollectionSpec, function: FunctionSpec) -> tuple[str, ...]:
    """Return the programs that cannot be loaded when libbpf refuses a relocation of a function.

    libbpf relocates the programs that are to be loaded and every subprogram, used or not.
    """
    if isinstance(function, ProgramSpec):
        return (function.name,)
    return names_of(spec.programs)


def names_of(programs: Iterable[ProgramSpec]) -> tuple[str, ...]:
    """Return names, each once."""
    return tuple(dict.fromkeys(program.name for program in programs))


def kernel_of(context: RuleContext, release: Release) -> str:
    """Return what to call the kernel judged for: its release, or the file that stands for it."""
    if release.version is None and context.target is not None and context.target.btf:
        return f"the kernel of {tick(PurePath(context.target.btf[0]).name)}"
    return release.label
