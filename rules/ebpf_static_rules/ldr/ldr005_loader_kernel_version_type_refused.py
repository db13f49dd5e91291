"""LDR005."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Location, Severity
from ebpf_static.plugins import Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ExternKind, ReferenceKind
from ebpf_static.support import loader_answer
from ebpf_static.target import ObjectLoader, Platform
from ebpf_static_rules.facts import iter_linked
from ebpf_static_rules.kernel_btf import is_typedef

_FACT = "kernel_version_typedef"


class LoaderKernelVersionTypeRefused(Rule):
    """The kernel's version is read into a type the loader does not take.

    What it does
    ------------
    Judges for the loader named by `--loader`: cilium/ebpf wants `LINUX_KERNEL_VERSION` to be a
    plain integer of 32 bits, and looks no further than a `typedef`.

    Why it matters
    --------------
    Programs that read any configuration value of the object do not load: "variable
    LINUX_KERNEL_VERSION must be a 32 bits integer, got Typedef".

    Example
    -------
    ::

        extern __u32 LINUX_KERNEL_VERSION __kconfig;  // with cilium/ebpf

    How to fix
    ----------
    Write `extern int LINUX_KERNEL_VERSION __kconfig;`.

    References
    ----------
    https://github.com/cilium/ebpf/blob/main/collection.go (`resolveKconfig`)
    """

    code = "LDR005"
    name = "loader-kernel-version-type-refused"
    severity = Severity.ERROR
    step = Step.EXTERNS
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield at most one finding, for the programs that read configuration values."""
        loader = context.loader
        if loader == ObjectLoader() or loader_answer(_FACT, loader) != "refuses":
            return
        named = [
            extern
            for extern in spec.externs
            if extern.kind is ExternKind.KCONFIG
            and extern.name == "LINUX_KERNEL_VERSION"
            and is_typedef(spec.btf, extern.btf_id)
        ]
        reading = tuple(_readers(spec)) if named else ()
        if reading:
            yield self.finding(
                context,
                f"`{named[0].name}` is declared with a type that has a name, and {loader.label} "
                "takes a plain integer only",
                Location(object=context.object_name, symbol=named[0].name),
                help="write `extern int LINUX_KERNEL_VERSION __kconfig;`",
                programs=reading,
            )


def _readers(spec: CollectionSpec) -> Iterator[str]:
    """Yield the programs whose code, subprograms included, reads a configuration value."""
    for program, linked in iter_linked(spec):
        functions = (spec.functions[index] for index in linked)
        if any(it.kind is ReferenceKind.KCONFIG for each in functions for it in each.references):
            yield program.name
