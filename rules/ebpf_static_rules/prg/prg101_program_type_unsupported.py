"""PRG101."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.prg.sections import iter_untyped


class ProgramTypeUnsupported(Rule):
    """A program's type exists on the other platform only.

    What it does
    ------------
    Reports programs whose section names a program type that the platform judged does not have:
    kprobes, tracepoints or tc programs on Windows, `bind` or `process` programs on Linux.

    Why it matters
    --------------
    No loader of that platform can load the program, whatever it does.

    Example
    -------
    ::

        ebpf-static check --platform windows biosnoop.bpf.o      # kprobe/blk_account_io_start

    How to fix
    ----------
    Leave the program out of this platform's build, or use a type both have: `xdp`, `sockops` and
    `cgroup/connect4` exist on both.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    https://github.com/microsoft/ebpf-for-windows/blob/main/docs/README.md
    """

    code = "PRG101"
    name = "program-type-unsupported"
    severity = Severity.ERROR
    step = Step.PREPARE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such program."""
        platform = context.judged_platform(spec)
        for program, elsewhere in iter_untyped(spec, platform):
            if elsewhere is not None and elsewhere.program_type.on(platform) is None:
                yield self.finding(
                    context,
                    f"program `{program.name}` is of type {elsewhere.program_type.name} (section "
                    f"`{program.section}`), which {platform.label} does not have",
                    Locator(spec, context).function(program),
                    help=f"leave it out of the build for {platform.label}",
                )
