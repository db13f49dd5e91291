"""ELF013."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform

_VERSION_BYTES = 4


class VersionMalformed(Rule):
    """The `version` section does not hold one 32-bit number.

    What it does
    ------------
    Reports a `version` section of any size but four bytes.

    Why it matters
    --------------
    libbpf reads the kernel version of old kprobe programs from it and refuses the object when
    the size is wrong ("invalid kver section"), even though kernels since 5.0 ignore the number.

    Example
    -------
    ::

        char _version[] SEC("version") = "1.2.3";      // meant as a version of the tool

    How to fix
    ----------
    Put the tool's version elsewhere, and drop the section: only kernels before 5.0 want it, as
    `__u32 _version SEC("version") = LINUX_VERSION_CODE;`.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_naming_convention.html
    """

    code = "ELF013"
    name = "version-malformed"
    severity = Severity.ERROR
    refused_by_loader = "version_size"
    stage = Stage.OPEN
    step = Step.OPEN
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each `version` section of another size."""
        if spec.elf is None:
            return
        for section in spec.elf.sections:
            if section.name == "version" and section.size != _VERSION_BYTES:
                yield self.finding(
                    context,
                    f"section `version` has {section.size} bytes; {context.loader.label} takes "
                    "exactly 4",
                    Locator(spec, context).object(section.name, section.offset),
                    help="remove the section; only kernels before 5.0 need it, as a `__u32`",
                )
