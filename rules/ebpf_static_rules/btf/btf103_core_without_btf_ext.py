"""BTF103."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform

_ACCESS = re.compile(rb"\0(\d{1,5}(?::\d{1,5})+)(?=\0)")


class CoreWithoutBtfExt(Rule):
    """The object was compiled with CO-RE relocations, and they are gone.

    What it does
    ------------
    Warns about an object without `.BTF.ext` whose `.BTF` still holds the access strings
    (`0:1:2`) that only CO-RE relocations refer to.

    Why it matters
    --------------
    The relocations are in `.BTF.ext`. Without it libbpf loads the programs as they were compiled:
    they read the fields of the kernel the object was built against, wherever those are on the
    kernel it runs on, and nothing says so.

    Example
    -------
    ::

        llvm-objcopy --remove-section .BTF.ext probe.bpf.o

    How to fix
    ----------
    Keep `.BTF` and `.BTF.ext` together; `llvm-strip -g` does.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html#btf-ext-section
    """

    code = "BTF103"
    name = "core-without-btf-ext"
    severity = Severity.WARNING
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield at most one finding."""
        if spec.btf is None or spec.elf is None:
            return
        section = spec.elf.find_section(".BTF.ext")
        if section is not None and section.size:
            return
        header = spec.btf.header
        start = header.header_len + header.str_off
        found = _ACCESS.search(spec.btf.raw, start, start + header.str_len)
        if found is None:
            return
        text = found[1].decode("ascii")
        yield self.finding(
            context,
            "object has no `.BTF.ext`, but its BTF still names what CO-RE relocations were to "
            f"access (`{text}`), so they are not applied",
            Locator(spec, context).object(".BTF"),
            help="keep `.BTF` and `.BTF.ext` together",
        )
