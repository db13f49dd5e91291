"""REL201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import ExternState
from ebpf_static.btf.core.compat import essential_name
from ebpf_static.findings import Confidence, Finding, Location, Severity
from ebpf_static.kernel.externs import is_declared_otherwise
from ebpf_static.plugins import RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ExternKind
from ebpf_static.support import Release, kfunc
from ebpf_static_rules.release import ReleaseRule, since_words

_WORDS = {ExternKind.KFUNC: "kernel function", ExternKind.KSYM: "kernel symbol"}


class ExternNotInKernel(ReleaseRule):
    """The object needs a kernel function or variable the target kernel does not have.

    What it does
    ------------
    Looks up `__ksym` externs in the BTF of the target kernel (and of the modules given), as
    libbpf does; without BTF, kernel functions in the tables of what each release has. Weak
    externs may be missing: what then happens where they are used is for REL203. A function that
    the object declares with other types than the kernel counts as missing, too.

    Why it matters
    --------------
    libbpf refuses the whole object: "extern (func ksym) 'x': not found in kernel or module BTFs".
    Kernel functions come, go and are renamed with releases, and those of a module are missing as
    long as the module is not loaded.

    Example
    -------
    ::

        extern int bpf_task_acquire_old(struct task_struct *task) __ksym;

    How to fix
    ----------
    Declare it `__weak`, and guard its use with `bpf_ksym_exists()`.

    References
    ----------
    https://docs.kernel.org/bpf/kfuncs.html
    """

    code = "REL201"
    name = "extern-not-in-kernel"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.EXTERNS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each extern that is missing, or may be."""
        states = context.view(spec).externs
        known = bool(context.kernel and context.kernel.btf)
        for index, extern in enumerate(spec.externs):
            state = states.get(index, ExternState.PRESENT)
            if extern.weak or state is ExternState.PRESENT:
                continue
            subject = f"{_WORDS.get(extern.kind, 'symbol')} `{extern.name}`"
            place = Location(object=context.object_name, symbol=extern.name)
            if state is ExternState.UNKNOWN:
                needs = "the kernel's symbol table" if known else "the kernel's BTF"
                yield self.finding(
                    context,
                    f"whether {release.label} has the {subject} takes {needs} to tell",
                    place,
                    severity=Severity.NOTE,
                    confidence=Confidence.LOW,
                    targeted=True,
                    undecided=True,
                )
                continue
            why = f"which the BTF of the kernel does not have ({release.label})"
            btf = context.kernel.btf if context.kernel else ()
            if known and is_declared_otherwise(spec, extern, btf):
                why = f"which the kernel declares with other types ({release.label})"
            if not known:
                answer = kfunc(essential_name(extern.name), None, release)
                why = f"{since_words(answer, release)} (target {release.label})"
            yield self.finding(
                context,
                f"the object needs the {subject}, {why}",
                place,
                help="declare it `__weak` and guard its use with `bpf_ksym_exists()`",
                confidence=Confidence.HIGH if known else Confidence.MEDIUM,
                targeted=True,
            )
