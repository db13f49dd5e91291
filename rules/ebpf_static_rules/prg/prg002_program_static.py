"""PRG002."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform


class ProgramStatic(Rule):
    """A function in a program section is static.

    What it does
    ------------
    Reports static functions in any section of code but `.text`.

    Why it matters
    --------------
    libbpf takes each function of such a section for a program, and refuses the whole object when
    one is static: "program 'x' is static and not supported".

    Example
    -------
    ::

        SEC("xdp")
        static int filter(struct xdp_md *ctx) { return XDP_PASS; }

    How to fix
    ----------
    Remove `static` from programs. A static helper function needs no `SEC()`: without one it goes
    to `.text`, where it belongs.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "PRG002"
    name = "program-static"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN
    platforms = (Platform.LINUX,)
    refused_by_loader = "static_programs"

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such function."""
        for function in spec.functions:
            if function.linkage == "static" and function.section != ".text":
                yield self.finding(
                    context,
                    f"function `{function.name}` in section `{function.section}` is static, and "
                    f"{context.loader.label} refuses objects with static programs",
                    Locator(spec, context).function(function),
                    help="remove `static`, or the `SEC()` if it is no program",
                )
