"""ATT201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.hooks import AttachList, is_listed
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule


class LsmHookRefused(ReleaseRule):
    """An LSM program is for a hook the kernel lets no program attach to.

    What it does
    ------------
    Holds the hook of `lsm` and `lsm_cgroup` programs against the hooks the kernel keeps from
    programs since Linux 6.12 (and in some older point releases), and against functions whose
    name begins with `bpf_lsm_` and which are no hooks. Hooks the kernel does not have at all are
    reported as missing targets.

    Why it matters
    --------------
    The verifier ends with "points to disabled hook" or "points to wrong type name": the results
    of these hooks mean something programs cannot be trusted with.

    Example
    -------
    ::

        SEC("lsm/vm_enough_memory")                   // refused since Linux 6.12
        int BPF_PROG(f, struct mm_struct *mm, long pages) { return 0; }

    How to fix
    ----------
    Use another hook, or load the program on older kernels only.

    References
    ----------
    Linux: kernel/bpf/bpf_lsm.c (`bpf_lsm_verify_prog`, `bpf_lsm_disabled_hooks`)
    """

    code = "ATT201"
    name = "lsm-hook-refused"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each program of such a hook."""
        for program in spec.programs:
            if program.type.name != "LSM" or not program.attach_to:
                continue
            hook = program.attach_to
            if is_listed(AttachList.NO_HOOK, hook, release.version):
                what = f"`{hook}`, which is a function of the kernel's and no LSM hook"
            elif is_listed(AttachList.DISABLED, hook, release.version):
                what = f"the LSM hook `{hook}`, which the kernel keeps from programs"
            else:
                continue
            yield self.finding(
                context,
                f"`{program.name}` is for {what}",
                Locator(spec, context).function(program),
                help="use another hook, or load the program where the kernel takes it",
                targeted=True,
            )
