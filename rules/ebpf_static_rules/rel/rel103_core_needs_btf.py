"""REL103."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.btf.core import CoreKind
from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, feature
from ebpf_static_rules.rel.core import concerned_by
from ebpf_static_rules.release import ReleaseRule, since_words
from ebpf_static_rules.wording import count

_FEATURE = "vmlinux_btf"


class CoreNeedsBtf(ReleaseRule):
    """The object has CO-RE relocations, and the target's BTF is not there to judge them by.

    What it does
    ------------
    Notes, for a target without `--btf`, that whether the object's CO-RE relocations work there is
    not known. For releases before Linux 5.4, which have no BTF of their own, it is an error.

    Why it matters
    --------------
    What a relocation comes to depends on the types of that one kernel: its release, architecture
    and configuration. On a kernel without BTF libbpf refuses the object: "Error loading vmlinux
    BTF", unless the loading program hands one over (`btf_custom_path`).

    Example
    -------
    ::

        ebpf-static check probe.bpf.o --target linux:4.19

    How to fix
    ----------
    Give the kernel's BTF: `--btf FILE` takes `/sys/kernel/btf/vmlinux` of a machine that runs it,
    a kernel image, or a kernel package. For kernels without, ship the part of a BTF (from BTFHub,
    say) that the object needs, made by `ebpf-static btfgen`.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html#bpf-co-re-compile-once-run-everywhere
    """

    code = "REL103"
    name = "core-needs-btf"
    severity = Severity.ERROR
    step = Step.RELOCATE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield at most one finding."""
        outcomes = context.view(spec).core.outcomes
        if not outcomes or (context.kernel is not None and context.kernel.btf):
            return
        subject = f"object has {count(len(outcomes), 'CO-RE relocation')}"
        place = Locator(spec, context).object(".BTF.ext")
        answer = feature(_FEATURE, release)
        if answer.status == "unavailable":
            yield self.finding(
                context,
                f"{subject}, which take the kernel's BTF, {since_words(answer, release)} "
                f"(target {release.label})",
                place,
                help="load with `btf_custom_path`, and judge with that file as `--btf FILE`",
                confidence=Confidence.MEDIUM,
                targeted=True,
                programs=tuple(program.name for program in spec.programs),
            )
            return
        open_ones = [it for it in outcomes if it.relocation.kind != CoreKind.TYPE_ID_LOCAL]
        if not open_ones:
            return
        functions = {it.function: spec.functions[it.function] for it in open_ones}
        names = (name for it in functions.values() for name in concerned_by(spec, it))
        yield self.finding(
            context,
            f"{subject}; whether they work on {release.label} takes that kernel's BTF",
            place,
            help="give it with `--btf FILE`: `/sys/kernel/btf/vmlinux`, a kernel image or package",
            severity=Severity.NOTE,
            targeted=True,
            programs=tuple(dict.fromkeys(names)),
            undecided=True,
        )
