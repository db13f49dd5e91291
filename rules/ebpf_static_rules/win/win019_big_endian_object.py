"""WIN019."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform


class BigEndianObject(Rule):
    """The object is big-endian, and eBPF for Windows runs on little-endian machines only.

    What it does
    ------------
    Reports big-endian objects judged for Windows.

    Why it matters
    --------------
    The loader's validation of the ELF header refuses the file before anything else is read.

    Example
    -------
    ::

        clang -O2 -g -target bpfeb -c bind.c -o bind.o

    How to fix
    ----------
    Compile with `-target bpf` on a little-endian machine, or `-target bpfel` anywhere.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/docs/GettingStarted.md
    """

    code = "WIN019"
    name = "big-endian-object"
    severity = Severity.ERROR
    platforms = (Platform.WINDOWS,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for a big-endian object."""
        if spec.byte_order == "big":
            yield self.finding(
                context,
                "object is big-endian, and eBPF for Windows loads little-endian objects only",
                Locator(spec, context).object(),
                help="compile with `-target bpfel`",
            )
