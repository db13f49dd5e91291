"""PLT006."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.evidence import TAG_LINE, evidence_lines


class PlatformUnknown(Rule):
    """Nothing in the object says which platform it is made for.

    What it does
    ------------
    Notes that an object could be for Linux or for eBPF for Windows as far as its content shows,
    and with whose numbers it was read, also when a platform is asked for: the answer for it holds
    only if the object is made for it.

    Why it matters
    --------------
    Every other finding about such an object rests on the assumption named here: map type 13, for
    one, is a hash of maps on Linux and a ring buffer on Windows. Tools on Windows have the same
    doubt, and the tag section takes it away.

    Example
    -------
    An object with one `SEC("xdp")` program that returns a constant, compiled without `-g`.

    How to fix
    ----------
    Name the platform with `--platform linux` or `--platform windows`. In a Windows source, add
    the tag of PLT001. Compiling with `-g` adds BTF, whose context types tell the platforms apart.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/bpf_helpers.h
    """

    code = "PLT006"
    name = "platform-unknown"
    severity = Severity.NOTE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one note when nothing shows the platform."""
        if spec.platform is not Platform.UNKNOWN:
            return
        helps = {
            None: "name the platform with `--platform linux` or `--platform windows`",
            Platform.LINUX: "make sure it is built for Linux; compiling with `-g` would show it",
            Platform.WINDOWS: f"add this line to one of its C sources: {TAG_LINE}",
        }
        yield self.finding(
            context,
            "nothing in the object says which platform it is made for; its numbers are read as "
            f"those of {context.judged_platform(spec).label}",
            Locator(spec, context).object(),
            help=helps[context.platform],
            related=evidence_lines(spec.evidence),
        )
