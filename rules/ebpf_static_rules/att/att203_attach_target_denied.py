"""ATT203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.hooks import AttachList, injects_errors, is_listed, is_marked
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static.target import Version
from ebpf_static_rules.release import ReleaseRule

_AFTER = frozenset({"TRACE_FEXIT", "MODIFY_RETURN", "TRACE_FSESSION"})
_FUNCTIONS = _AFTER | {"TRACE_FENTRY"}
_SECURITY, _SYSCALL = "security_", "__x64_"
_SYSCALLS = Version(7, 3)  # 5.10.262, 6.1.192 and 6.12.117 refuse them without error injection


class AttachTargetDenied(ReleaseRule):
    """A program is for a kernel function that no program of its kind may attach to.

    What it does
    ------------
    Reports `fentry`, `fexit` and `fmod_ret` programs for functions the verifier denies
    (`migrate_disable`), `fexit` and `fmod_ret` programs for functions that do not return
    (`do_exit`), and `fmod_ret` programs for functions whose result may not be changed: it may
    for those whose name begins with `security_`, on the newest kernels for system calls, and for
    functions marked for error injection, which only a kernel with
    `CONFIG_FUNCTION_ERROR_INJECTION` knows. Where that cannot be seen it is undecided.

    Why it matters
    --------------
    The verifier ends with "Attaching tracing programs to function … is rejected", or with "x()
    is not modifiable".

    Example
    -------
    ::

        SEC("fmod_ret/vfs_read")                       // not marked for error injection
        int BPF_PROG(f, struct file *file) { return -1; }

    How to fix
    ----------
    Use a function the kernel allows, for instance the `security_` function on the way.

    References
    ----------
    Linux: kernel/bpf/verifier.c (`check_attach_btf_id`, `check_attach_modify_return`,
    `btf_id_deny`, `noreturn_deny`)
    """

    code = "ATT203"
    name = "attach-target-denied"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such program."""
        locate = Locator(spec, context)
        for program in spec.programs:
            attach = program.attach_type.name if program.attach_type else ""
            if program.type.name != "TRACING" or attach not in _FUNCTIONS or not program.attach_to:
                continue
            subject = f"`{program.name}` is for `{program.attach_to}`"
            why = _denied(program.attach_to, attach, release)
            modifiable = (
                _is_modifiable(program, context, release) if attach == "MODIFY_RETURN" else True
            )
            if why is None and modifiable is False:
                why = "whose result programs may not change"
            if why is not None:
                yield self.finding(
                    context,
                    f"{subject}, {why}",
                    locate.function(program),
                    help="use a function the kernel allows",
                    targeted=True,
                )
            elif modifiable is None:
                message = f"{subject}, and whether its result may be changed is not in BTF"
                yield self.undecided(context, message, locate, program)


def _denied(target: str, attach: str, release: Release) -> str | None:
    if is_listed(AttachList.DENIED, target, release.version):
        return "which no tracing program may attach to"
    if attach in _AFTER and is_listed(AttachList.NO_RETURN, target, release.version):
        return "which does not return"
    return None


def _is_modifiable(program: ProgramSpec, context: RuleContext, release: Release) -> bool | None:
    target = program.attach_to or ""
    if program.sleepable or target.startswith(_SECURITY):
        return True  # of sleepable programs another list decides, which ATT202 speaks of
    kernel = context.kernel
    if kernel is None or is_marked(target) or ":" in target:
        return None
    if target.startswith(_SYSCALL):
        newest = release.version is None or not release.version < _SYSCALLS
        return True if newest else None
    return False if injects_errors(kernel.btf, kernel.config) is False else None
