"""ATT202."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.hooks import AttachList, injects_errors, is_listed, is_marked
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release, program_rules
from ebpf_static.target import Version
from ebpf_static_rules.release import ReleaseRule

_FUNCTIONS = frozenset({"TRACE_FENTRY", "TRACE_FEXIT", "MODIFY_RETURN", "TRACE_FSESSION"})
_FAULTABLE = frozenset({"sys_enter", "sys_exit"})
_SYSCALL = "__x64_"
_SYSCALLS_SLEEP = Version(7, 3)  # 6.12.117 refuses them; what lies between was not read


class AttachTargetNotSleepable(ReleaseRule):
    """A sleepable program is for a function or hook that is called where nothing may sleep.

    What it does
    ------------
    Holds the target of sleepable programs (`lsm.s`, `fentry.s`, `fexit.s`, `fmod_ret.s`,
    `tp_btf.s`) against what the kernel lets sleep: a list of LSM hooks; functions marked for
    error injection, which only a kernel with `CONFIG_FUNCTION_ERROR_INJECTION` knows, and which
    are not visible in BTF; the tracepoints of system calls. What cannot be seen is undecided.

    Why it matters
    --------------
    The verifier ends with "x is not sleepable".

    Example
    -------
    ::

        SEC("lsm.s/task_free")                     // called from where nothing may sleep
        void BPF_PROG(f, struct task_struct *task) {}

    How to fix
    ----------
    Leave out the `.s`, and what needs it, or use another target.

    References
    ----------
    Linux: kernel/bpf/verifier.c (`bpf_check_attach_target`), kernel/bpf/bpf_lsm.c
    (`sleepable_lsm_hooks`)
    """

    code = "ATT202"
    name = "attach-target-not-sleepable"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each sleepable program whose target may not, or may, sleep."""
        locate = Locator(spec, context)
        for program in spec.programs:
            if not program.sleepable or not program.attach_to or program.attach_type is None:
                continue
            rules = program_rules(program.type, release)
            if rules is not None and not rules.may_sleep(program.attach_type):
                continue  # PRG205 says so
            sleeps = _sleeps(program, program.attach_type.name, context, release)
            subject = f"`{program.name}` is sleepable, and `{program.attach_to}`"
            if sleeps is False:
                yield self.finding(
                    context,
                    f"{subject} is called where nothing may sleep",
                    locate.function(program),
                    help="leave out the `.s`, or use another target",
                    targeted=True,
                )
            elif sleeps is None:
                message = f"{subject} may be one of the functions that let it, which BTF hides"
                yield self.undecided(context, message, locate, program)


def _sleeps(
    program: ProgramSpec, attach: str, context: RuleContext, release: Release
) -> bool | None:
    """Tell whether a target lets programs sleep; None where the bytes do not say."""
    target = program.attach_to or ""
    if attach == "LSM_MAC":
        return is_listed(AttachList.SLEEPABLE, target, release.version)
    if attach == "TRACE_RAW_TP":
        return target in _FAULTABLE
    if attach not in _FUNCTIONS:
        return True
    kernel = context.kernel
    if kernel is None or is_marked(target) or ":" in target:
        return None
    if target.startswith(_SYSCALL):
        newest = release.version is None or not release.version < _SYSCALLS_SLEEP
        # Every system call allows errors to be injected, and before that was what made one sleep.
        return True if newest else injects_errors(kernel.btf, kernel.config)
    return False if injects_errors(kernel.btf, kernel.config) is False else None
