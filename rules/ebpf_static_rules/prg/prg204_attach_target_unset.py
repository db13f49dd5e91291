"""PRG204."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.kernel.attach import needs_kernel_target
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static.target import Library
from ebpf_static_rules.release import ReleaseRule


class AttachTargetUnset(ReleaseRule):
    """A program can only be loaded once its loader has chosen what it is attached to.

    What it does
    ------------
    Reports `freplace` programs, which replace a function of a program that is already loaded, and
    programs whose section needs a target in kernel BTF and names none.

    Why it matters
    --------------
    libbpf refuses to load them as they are: "attach program FD is not set", "no BTF-based attach
    target is specified". Unlike the size of a map, nothing but the program's own loader knows
    what was meant.

    Example
    -------
    ::

        SEC("freplace/handle")
        int replacement(struct __sk_buff *skb) { return 0; }

    How to fix
    ----------
    Call `bpf_program__set_attach_target()` before loading, and put `?` in front of the section's
    name so that the rest of the object loads without. If your loader does this, ignore the rule.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "PRG204"
    name = "attach-target-unset"
    severity = Severity.ERROR
    step = Step.PREPARE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such program."""
        del release
        locate = Locator(spec, context)
        for program in spec.programs:
            if program.type.name == "EXT":
                what = "replaces a function of another program, which its loader has to name"
            elif needs_kernel_target(program) and not program.attach_to:
                what = f"names no attach target in its section `{program.section}`"
            else:
                continue
            # Callers of aya name the target of every such program.
            by_caller = context.loader.library is Library.AYA
            yield self.finding(
                context,
                f"program `{program.name}` {what}",
                locate.function(program),
                help="call `bpf_program__set_attach_target()` before loading",
                severity=Severity.NOTE if by_caller else None,
                confidence=Confidence.LOW if by_caller else Confidence.HIGH,
                targeted=True,
                undecided=by_caller,
            )
