"""ELF010."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec

_SHT_SYMTAB = 2


class SymbolsMissing(Rule):
    """Code, or the whole object, has no symbols.

    What it does
    ------------
    Reports an object with code or maps and without a symbol table, and warns about single code
    sections that no function symbol names.

    Why it matters
    --------------
    Loaders find programs by their symbols. libbpf refuses an object without a symbol table
    ("stripped object file?") and creates no program from a section without symbols, silently.

    Example
    -------
    ::

        llvm-strip --strip-all probe.bpf.o

    How to fix
    ----------
    Strip debug information only: `llvm-strip -g`, or `bpftool gen object`, which drops DWARF and
    keeps symbols and BTF.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html
    """

    code = "ELF010"
    name = "symbols-missing"
    severity = Severity.ERROR
    refused_by_loader = "no_symbol_table"
    stage = Stage.OPEN
    step = Step.OPEN

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for the object, or one for each nameless section."""
        if spec.elf is None:
            return
        locate = Locator(spec, context)
        if (spec.functions or spec.maps) and all(s.type != _SHT_SYMTAB for s in spec.elf.sections):
            yield self.finding(
                context,
                "object has no symbol table, so no loader finds its programs and maps",
                locate.object(),
                help="strip with `llvm-strip -g`, which keeps symbols",
            )
            return
        for function in spec.functions:
            if not function.name:
                yield self.finding(
                    context,
                    f"code in section `{function.section}` has no function symbol, so no loader "
                    "finds a program in it",
                    locate.object(function.section),
                    help="strip with `llvm-strip -g`, which keeps symbols",
                    severity=Severity.WARNING,
                )
