"""REL004."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ReferenceKind
from ebpf_static.target import Platform
from ebpf_static_rules.wording import capped

_CODE = (ReferenceKind.CALL, ReferenceKind.FUNCTION)


class CallOutsideText(Rule):
    """A program calls a function that is not in `.text`.

    What it does
    ------------
    Reports relocations on calls, and on addresses of functions, that point into any section but
    `.text`.

    Why it matters
    --------------
    libbpf looks for subprograms in `.text` only and refuses the whole object: "bad call relo
    against 'f' in section 'xdp'".

    Example
    -------
    ::

        SEC("xdp")
        int inner(struct xdp_md *ctx) { return XDP_PASS; }

        SEC("xdp/devmap")
        int outer(struct xdp_md *ctx) { return inner(ctx); }     // a program, not a subprogram

    How to fix
    ----------
    Move the shared code to a function without `SEC()` and call it from both programs.

    References
    ----------
    https://docs.kernel.org/bpf/llvm_reloc.html
    """

    code = "REL004"
    name = "call-outside-text"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN_CODE
    platforms = (Platform.LINUX,)
    refused_by_loader = "calls_outside_text"

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each function with such calls."""
        locate = Locator(spec, context)
        functions = spec.functions
        for function in functions:
            found = []
            for ref in function.references:
                relocated = ref.kind in _CODE and ref.relocation >= 0
                if relocated and 0 <= ref.target < len(functions):
                    section = functions[ref.target].section
                    if section != ".text":
                        found.append((ref.index, functions[ref.target].name or ref.name, section))
            if found:
                index, name, section = found[0]
                lines = (f"insn {i}: `{n}` in section `{s}`" for i, n, s in found[1:])
                yield self.finding(
                    context,
                    f"`{function.name or function.section}` calls `{name}` in section "
                    f"`{section}`, and {context.loader.label} takes subprograms from `.text` "
                    "only",
                    locate.function(function, index),
                    help="move the shared code to a function without `SEC()`",
                    related=capped(lines, len(found) - 1),
                )
