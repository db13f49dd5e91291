"""PRG203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.attach import find_target, needs_kernel_target
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release, program_type
from ebpf_static_rules.release import ReleaseRule

_WHAT = {
    "TRACE_RAW_TP": "tracepoint",
    "LSM_MAC": "LSM hook",
    "LSM_CGROUP": "LSM hook",
    "TRACE_ITER": "iterator",
}


class AttachTargetNotInKernel(ReleaseRule):
    """A program is attached to a function, tracepoint, hook or iterator the kernel does not have.

    What it does
    ------------
    Looks up what `fentry`, `fexit`, `fmod_ret`, `tp_btf`, `lsm` and `iter` programs name in the
    BTF of the target kernel, as libbpf does. What only a module has is missing unless the
    module's BTF is given, too. Without BTF it cannot be told.

    Why it matters
    --------------
    libbpf looks the target up before it loads the program, and gives up with `-ESRCH`: "failed to
    find kernel BTF type ID of 'x'". Functions come, go, are renamed and inlined with every
    release, and with every compiler.

    Example
    -------
    ::

        SEC("fentry/blk_account_io_done")          // static, and inlined in some builds
        int BPF_PROG(done, struct request *rq) { return 0; }

    How to fix
    ----------
    Put `?` in front of the section's name and switch the program on where the target exists
    (`libbpf_find_vmlinux_btf_id`), with a fallback for where it does not.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "PRG203"
    name = "attach-target-not-in-kernel"
    severity = Severity.ERROR
    step = Step.PREPARE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such program."""
        btf = context.kernel.btf if context.kernel else ()
        locate = Locator(spec, context)
        for program in spec.programs:
            if not needs_kernel_target(program) or not program.attach_to:
                continue
            if not program_type(program.type, release).available:
                continue  # PRG201
            subject = f"program `{program.name}` is attached to {_words(program)}"
            if not btf:
                message = f"{subject}; whether {release.label} has it takes the kernel's BTF"
                yield self.undecided(context, message, locate, program)
            elif find_target(program, btf) is None:
                yield self.finding(
                    context,
                    f"{subject}, which the BTF of the kernel does not have ({release.label})",
                    locate.function(program),
                    help="attach to something that kernel has, or switch the program off there; "
                    "for a module's function give the module's BTF, too",
                    targeted=True,
                )


def _words(program: ProgramSpec) -> str:
    attach = program.attach_type.name if program.attach_type else ""
    return f"{_WHAT.get(attach, 'function')} `{program.attach_to}`"
