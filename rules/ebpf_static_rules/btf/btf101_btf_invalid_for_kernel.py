"""BTF101."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ebpf_static.btf import Btf, BtfExt, Kind
from ebpf_static.btf.verify import KernelRules
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.target import Platform
from ebpf_static_rules.evidence import is_foreign
from ebpf_static_rules.facts import facts_of

if TYPE_CHECKING:
    from ebpf_static.support import Release

_MAX_TYPES = 1 << 17
"""Types judged: a whole kernel's, which takes seconds; objects have some thousands."""

_LOCAL_STORAGE = frozenset({"SK_STORAGE", "INODE_STORAGE", "TASK_STORAGE", "CGRP_STORAGE"})


class BtfInvalidForKernel(Rule):
    """The kernel refuses the object's BTF, although it can be read.

    What it does
    ------------
    Judges every type by the kernel's own rules: names that are identifiers, ids that exist and
    are of a kind that fits, members inside their structs, no loops, no deeper nesting than 32,
    and functions of `.BTF.ext` that are functions. What libbpf mends before loading is left out.
    It is an error where the object cannot do without BTF: struct_ops, and maps of local storage.

    Why it matters
    --------------
    libbpf says "Error loading .BTF into kernel: -22. BTF is optional, ignoring" (or "is
    mandatory, can't proceed") and goes on without: maps lose the types of keys and values, so
    that those with spin locks, timers or kernel pointers are refused, and programs lose function
    and line information.

    Example
    -------
    A type name with a character C does not know, as Rust and Zig write them::

        core::option::Option<u32>

    How to fix
    ----------
    Let the tool that writes the BTF write C names (`bpf-linker --btf` does), or build again with
    a current compiler and `pahole`.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html#kernel-api
    """

    code = "BTF101"
    name = "btf-invalid-for-kernel"
    severity = Severity.ERROR
    platforms = (Platform.LINUX,)
    stage = Stage.OBJECT
    step = Step.BTF

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield at most one finding: the first thing the kernel would dislike."""
        btf = spec.btf
        if btf is None or spec.elf is None or is_foreign(spec, Platform.LINUX):
            return
        if len(btf) > _MAX_TYPES:
            many = f"the BTF has {len(btf) - 1} types, more than are judged"
            yield self._finding(spec, context, many, certain=False)
            return
        problem = facts_of(spec).btf_problem(btf, _rules_of(context.release))
        if problem is not None:
            name = f"type {problem.type_id}"
            if problem.type_id and btf.name(problem.type_id):
                name += f" (`{btf.name(problem.type_id)}`)"
            subject = name if problem.type_id else "the BTF"
            yield self._finding(
                spec, context, f"{subject} is refused by the kernel: {problem.what}"
            )
        elif spec.btf_ext is not None:
            what = _bad_function(btf, spec.btf_ext)
            if what is not None:
                yield self._finding(spec, context, f"{what}, which the kernel refuses")

    def _finding(
        self, spec: CollectionSpec, context: RuleContext, message: str, *, certain: bool = True
    ) -> Finding:
        mandatory = certain and any(
            item.origin is MapOrigin.STRUCT_OPS or item.type.name in _LOCAL_STORAGE
            for item in spec.maps
        )
        return self.finding(
            context,
            message,
            Locator(spec, context).object(".BTF"),
            help="build again with a current compiler, and check the tools that rewrite BTF",
            severity=Severity.ERROR if mandatory else Severity.WARNING,
            undecided=not mandatory,
        )


def _rules_of(release: Release | None) -> KernelRules:
    if release is None or release.version is None:
        return KernelRules()
    from ebpf_static.support import feature, limit  # only a run for a release pays for the tables

    newest = KernelRules()

    def bound(name: str, default: int) -> int:
        found = limit(name, release).value
        return found if isinstance(found, int) else default

    return KernelRules(
        data_bytes=bound("btf_bytes", newest.data_bytes),
        name_bytes=bound("symbol_name_bytes", newest.name_bytes),
        name_offset=bound("btf_name_offset", newest.name_offset),
        types=bound("btf_types", newest.types),
        depth=bound("btf_resolve_depth", newest.depth),
        vlen=bound("btf_vlen", newest.vlen),
        any_section_name=feature("btf_qmark_datasec", release).status != "unavailable",
    )


def _bad_function(btf: Btf, ext: BtfExt) -> str | None:
    """Return the first function record that names no function."""
    for section in ext.sections:
        for info in ext.func_infos(section):
            if info.type_id >= len(btf) or btf.kind(info.type_id) != Kind.FUNC:
                place = f"the function record for offset {info.insn_offset:#x} of `{section}`"
                return f"{place} names type {info.type_id}, which is no function"
    return None
