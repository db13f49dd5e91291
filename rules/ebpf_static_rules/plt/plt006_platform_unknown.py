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
    and with whose numbers it was read. It does not fire when Linux is asked for, nor for a
    Windows object that carries its tag.

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
        """Yield one note when the platform was neither shown nor asked for."""
        if spec.platform is not Platform.UNKNOWN or context.platform is Platform.LINUX:
            return
        windows = context.platform is Platform.WINDOWS
        yield self.finding(
            context,
            "nothing in the object says which platform it is made for; its numbers are read as "
            f"those of {context.judged_platform(spec).label}",
            Locator(spec, context).object(),
            help=f"add this line to one of its C sources: {TAG_LINE}"
            if windows
            else "name the platform with `--platform linux` or `--platform windows`",
            related=evidence_lines(spec.evidence),
        )
