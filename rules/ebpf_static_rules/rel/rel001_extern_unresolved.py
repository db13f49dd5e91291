"""REL001."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Location, Severity
from ebpf_static.plugins import Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ExternKind
from ebpf_static.target import Platform


class ExternUnresolved(Rule):
    """The object uses a symbol that nothing defines or declares.

    What it does
    ------------
    Reports undefined symbols that are neither kernel functions or variables (`.ksyms`) nor kernel
    configuration values (`.kconfig`) by the object's BTF. On Windows it is a warning.

    Why it matters
    --------------
    libbpf refuses the whole object: "failed to find BTF for extern 'x'". The usual reasons are a
    function that was declared and never compiled in, `memcpy` and its like called with a size
    the compiler cannot see, and a missing `__ksym`.

    Example
    -------
    ::

        extern int parse(void *data);              // defined in another source

        SEC("xdp")
        int filter(struct xdp_md *ctx) { return parse(ctx); }

    How to fix
    ----------
    Link the objects with `bpftool gen object`, define the function `static inline` in a header,
    or declare a kernel symbol with `__ksym` and compile with `-g`.

    References
    ----------
    https://docs.kernel.org/bpf/kfuncs.html
    """

    code = "REL001"
    name = "extern-unresolved"
    severity = Severity.ERROR
    refused_by_loader = "undeclared_externs"
    stage = Stage.OPEN
    step = Step.OPEN_EXTERNS

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such symbol."""
        linux = context.judged_platform(spec) is Platform.LINUX
        for extern in spec.externs:
            if extern.kind is not ExternKind.UNKNOWN:
                continue
            why = "the BTF does not declare it"
            if extern.btf_id is not None:
                why = f"it is declared in section `{extern.section or ''}`, which no loader fills"
            elif spec.btf is None:
                why = "without BTF nothing says what it is"
            yield self.finding(
                context,
                f"symbol `{extern.name}` is undefined, and {why}",
                Location(object=context.object_name, symbol=extern.name),
                help="define it, link the object that does with `bpftool gen object`, or declare "
                "it `__ksym`",
                severity=Severity.ERROR if linux else Severity.WARNING,
                confidence=Confidence.HIGH if linux else Confidence.MEDIUM,
            )
