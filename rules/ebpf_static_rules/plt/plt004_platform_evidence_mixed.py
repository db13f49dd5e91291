"""PLT004."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.evidence import ENOUGH, evidence_for, evidence_lines, weight_of
from ebpf_static_rules.plt.plt002_windows_tag_contradicted import is_contradicted


class PlatformEvidenceMixed(Rule):
    """Some of the object speaks for Linux and some for eBPF for Windows.

    What it does
    ------------
    Warns when the evidence for each platform would be enough to decide by itself.

    Why it matters
    --------------
    No loader runs both halves. The object was probably linked from sources for different
    platforms, or built against a header that is not the platform's own; numbers compiled from
    the wrong header load and misbehave.

    Example
    -------
    An object linked from a file with `SEC("bind")` and one with `SEC("kprobe/do_exit")`.

    How to fix
    ----------
    Keep sources for the two platforms apart, and check each object with `--platform`.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/ebpf_structs.h
    """

    code = "PLT004"
    name = "platform-evidence-mixed"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding when both platforms have enough evidence."""
        linux = evidence_for(spec, Platform.LINUX)
        windows = evidence_for(spec, Platform.WINDOWS)
        if min(weight_of(linux), weight_of(windows)) < ENOUGH or is_contradicted(spec):
            return
        taken = "undecided" if spec.platform is Platform.UNKNOWN else spec.platform.label
        yield self.finding(
            context,
            f"object has evidence for Linux and for eBPF for Windows (taken: {taken})",
            Locator(spec, context).object(),
            help="build it from sources for one platform, and name it with `--platform`",
            confidence=Confidence.MEDIUM,
            related=(*evidence_lines(linux), *evidence_lines(windows)),
        )
