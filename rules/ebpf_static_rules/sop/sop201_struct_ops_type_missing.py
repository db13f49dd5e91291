"""SOP201."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ebpf_static.btf import Btf
from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.struct_ops import (
    StructureProblem,
    find_structure,
    iter_maps,
    structure_name,
)
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static.support.lookups import struct_ops_type
from ebpf_static_rules.release import ReleaseRule, since_words


class StructOpsTypeMissing(ReleaseRule):
    """A structure of callbacks is of a type the kernel does not let programs implement.

    What it does
    ------------
    Looks up the type of every `.struct_ops` variable in the BTF of the target kernel, as libbpf
    does: the structure itself, and `struct bpf_struct_ops_NAME` around it. What a module defines
    is missing unless the module's BTF is given, too. Without BTF, only releases older than the
    structure are reported.

    Why it matters
    --------------
    libbpf matches all structures before it loads anything: one that is missing ends the load of
    the whole object, "struct_ops init_kern: struct x is not found in kernel BTF".

    Example
    -------
    ::

        SEC(".struct_ops.link")
        struct sched_ext_ops ops = { .name = "mine" };     // Linux 6.12, CONFIG_SCHED_CLASS_EXT

    How to fix
    ----------
    Declare it in `?.struct_ops`, or switch it off (`bpf_map__set_autocreate`), and switch it on
    where the kernel has the type.

    References
    ----------
    libbpf: src/libbpf.c (`find_struct_ops_kern_types`); Linux: kernel/bpf/bpf_struct_ops.c
    """

    code = "SOP201"
    name = "struct-ops-type-missing"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.STRUCT_OPS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each structure the kernel does not have."""
        targets = context.kernel.btf if context.kernel else ()
        for item in iter_maps(spec):
            structure = structure_name(spec, item)
            if not item.autocreate or structure is None:
                continue
            what = _problem(structure, targets, release)
            if what is not None:
                yield self.finding(
                    context,
                    f"`{item.name}` is a {what}",
                    Locator(spec, context).map(item),
                    help="declare it in `?.struct_ops` and create it where the kernel has the type",
                    targeted=True,
                )


def _problem(structure: str, targets: Sequence[Btf], release: Release) -> str | None:
    if targets:
        kernel = find_structure(structure, targets)
        return kernel.what if isinstance(kernel, StructureProblem) else None
    answer = struct_ops_type(structure, release)
    if answer.status != "unavailable":
        return None  # with BTF, one could tell whether the kernel is built with it
    return f"`struct {structure}`, {since_words(answer, release)}"
