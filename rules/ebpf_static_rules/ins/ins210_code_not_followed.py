"""INS210."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule, iter_flows


class CodeNotFollowed(ReleaseRule):
    """A program is too large or too deep to be followed to its end.

    What it does
    ------------
    Notes programs whose code was not followed to the end within the bounds of this tool: two
    million instructions evaluated, or sixteen calls deep.

    Why it matters
    --------------
    What such a program calls and reads was judged only as far as it was followed, so whether it
    loads is not known.

    Example
    -------
    A parser generated with thousands of nested branches.

    How to fix
    ----------
    Load the program on the oldest kernel you ship to, or split it with tail calls: the kernel's
    verifier has bounds of the same kind.

    References
    ----------
    https://docs.kernel.org/bpf/verifier.html
    """

    code = "INS210"
    name = "code-not-followed"
    severity = Severity.NOTE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a note for each such program."""
        del release
        locate = Locator(spec, context)
        for program, flow in iter_flows(spec, context):
            if not flow.complete:
                message = f"program `{program.name}` was not followed to its end"
                yield self.undecided(context, message, locate, program)
