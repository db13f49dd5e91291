"""PRG102."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.prg.sections import iter_untyped


class AttachTypeUnsupported(Rule):
    """A program attaches in a way that exists on the other platform only.

    What it does
    ------------
    Reports programs of a type both platforms have, in a section whose attach type only the other
    one has: `cgroup/sendmsg4` on Windows, `cgroup/recv_accept4` on Linux.

    Why it matters
    --------------
    The section means nothing to this platform's loaders, so the program is refused or loaded
    without a context.

    Example
    -------
    ::

        SEC("cgroup/recv_accept4")                 // eBPF for Windows only
        int accept(struct bpf_sock_addr *ctx) { return 1; }

    How to fix
    ----------
    Leave the program out of this platform's build, or use an attach type both have, such as
    `cgroup/connect4`.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/ebpf_structs.h
    """

    code = "PRG102"
    name = "attach-type-unsupported"
    severity = Severity.ERROR
    step = Step.PREPARE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such program."""
        platform = context.judged_platform(spec)
        for program, elsewhere in iter_untyped(spec, platform):
            if elsewhere is None or elsewhere.program_type.on(platform) is None:
                continue
            attach = elsewhere.attach_type
            how = f"section `{program.section}`"
            if attach is not None:
                how = f"attach type {attach.name} ({how})"
            yield self.finding(
                context,
                f"program `{program.name}` has {how}, which {platform.label} does not have",
                Locator(spec, context).function(program),
                help=f"leave it out of the build for {platform.label}",
            )
