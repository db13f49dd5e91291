"""PLT003."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.evidence import evidence_lines


class PlatformMismatch(Rule):
    """The object is made for one platform and checked for the other.

    What it does
    ------------
    Reports an object whose evidence says Linux when it is checked for Windows, or the other way
    round, and lists the evidence.

    Why it matters
    --------------
    Map types, helpers, program types and context layouts have other numbers on the other
    platform. A loader there either refuses the object or, worse, takes it and does something
    else: of the helper numbers 1 to 35 only four mean the same on both.

    Example
    -------
    ::

        ebpf-static check --platform windows opensnoop.bpf.o

    How to fix
    ----------
    Check the object for the platform it is made for, or compile the source for the other one
    with that platform's headers. An object never serves both.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/docs/README.md
    """

    code = "PLT003"
    name = "platform-mismatch"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.BYTE_ORDER

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding when the platform asked for is not the object's."""
        asked = context.platform
        if asked is None or spec.platform in (asked, Platform.UNKNOWN):
            return
        reasons = tuple(e for e in spec.evidence if e.platform is spec.platform)
        yield self.finding(
            context,
            f"object is made for {spec.platform.label}, but is checked for {asked.label}",
            Locator(spec, context).object(),
            help=f"check it with `--platform {spec.platform}`, or compile it with the headers of "
            f"{asked.label}",
            related=evidence_lines(reasons),
        )
