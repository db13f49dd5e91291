"""ATT204."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.arguments import prototype_refusal
from ebpf_static.kernel.attach import find_target, needs_kernel_target
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule


class AttachTargetPrototypeUnsupported(ReleaseRule):
    """A program is for a kernel function whose arguments no program can be handed.

    What it does
    ------------
    Looks at the prototype of what `fentry`, `fexit`, `fmod_ret` and `lsm` programs are for, in
    the BTF of the target kernel: too many arguments, variable arguments, structures passed by
    value (before Linux 6.1 all, later those of more than 16 bytes), structures returned.

    Why it matters
    --------------
    The verifier ends with "The function x has 13 arguments. Too many", "… with variable args is
    unsupported" or "… arg1 type STRUCT is unsupported".

    Example
    -------
    ::

        SEC("lsm/path_chown")               // kuid_t is a structure: Linux 6.1 and later
        int BPF_PROG(f, const struct path *path) { return 0; }

    How to fix
    ----------
    Use a kprobe, or another function on the way.

    References
    ----------
    Linux: kernel/bpf/btf.c (`btf_distill_func_proto`)
    """

    code = "ATT204"
    name = "attach-target-prototype-unsupported"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such program."""
        targets = context.kernel.btf if context.kernel else ()
        for program in spec.programs:
            attach = program.attach_type.name if program.attach_type else ""
            if not targets or not needs_kernel_target(program) or attach == "TRACE_RAW_TP":
                continue
            function = find_target(program, targets)
            why = None if function is None else prototype_refusal(function, release.version)
            if why is not None:
                yield self.finding(
                    context,
                    f"`{program.name}` is for `{program.attach_to}`, which {why}",
                    Locator(spec, context).function(program),
                    help="use a kprobe, or another function on the way",
                    targeted=True,
                )
