"""BTF104."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.target import Platform
from ebpf_static_rules.btf.kernel_reads import READERS, KernelRead, find_kernel_reads
from ebpf_static_rules.evidence import is_foreign
from ebpf_static_rules.facts import facts_of
from ebpf_static_rules.wording import capped, count

_TYPED = frozenset({"TRACING", "LSM", "STRUCT_OPS"})


class KernelStructureAccessWithoutCore(Rule):
    """A program reads kernel structures at the offsets of the kernel it was compiled for.

    What it does
    ------------
    Follows addresses of kernel memory (the current task, arguments of BTF-typed programs and of
    raw tracepoints, whatever `bpf_probe_read_kernel()` is given) and warns where something at a
    fixed offset from one is read, without a CO-RE relocation that would adjust the offset.
    Addresses that pass through maps or other functions are not followed.

    Why it matters
    --------------
    Kernel structures change from release to release and with the configuration. Nothing fails on
    another kernel: the program reads another field and reports nonsense.

    Example
    -------
    ::

        #include <linux/sched.h>                   // or a vmlinux.h without preserve_access_index
        struct task_struct *task = (void *)bpf_get_current_task();
        bpf_probe_read_kernel(&pid, sizeof(pid), &task->tgid);

    How to fix
    ----------
    Read with `BPF_CORE_READ(task, tgid)`, or declare the structure with
    `__attribute__((preserve_access_index))`, as a `vmlinux.h` does.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html#bpf-co-re-compile-once-run-everywhere
    """

    code = "BTF104"
    name = "kernel-structure-access-without-core"
    severity = Severity.WARNING
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each function with such reads."""
        if spec.elf is None or is_foreign(spec, Platform.LINUX):
            return
        facts = facts_of(spec)
        relocated = _relocated(spec)
        for index in facts.loaded:
            function = facts.functions[index]
            if not _may_read(function, facts.code(index).helpers):
                continue
            first = function.section_offset // 8
            places = relocated.get(function.elf_section, [])
            start = bisect_left(places, first)
            end = bisect_left(places, first + function.insn_count)
            reads = find_kernel_reads(function, {at - first for at in places[start:end]})
            if reads:
                yield self._found(spec, context, function, reads)

    def _found(
        self,
        spec: CollectionSpec,
        context: RuleContext,
        function: FunctionSpec,
        reads: list[KernelRead],
    ) -> Finding:
        locate = Locator(spec, context)
        lines = (f"offset {read.offset}: {locate.function(function, read.insn)}" for read in reads)
        return self.finding(
            context,
            f"`{function.name}` reads kernel memory in {count(len(reads), 'place')} at an offset "
            "fixed when it was compiled",
            locate.function(function, reads[0].insn),
            help="read with `BPF_CORE_READ()`, or declare the structure with "
            "`__attribute__((preserve_access_index))`",
            confidence=Confidence.MEDIUM,
            related=capped(lines, len(reads)),
        )


def _may_read(function: FunctionSpec, helpers: dict[int, list[int]]) -> bool:
    if isinstance(function, ProgramSpec) and function.type.name in _TYPED:
        return True
    return not READERS.isdisjoint(helpers)


def _relocated(spec: CollectionSpec) -> dict[str, list[int]]:
    """Return the insn indices with a CO-RE relocation in order, by section, from its start."""
    ext = spec.btf_ext
    if ext is None:
        return {}
    return {
        section: sorted(it.insn_offset // 8 for it in ext.core_relocations(section))
        for section in ext.core_sections
    }
