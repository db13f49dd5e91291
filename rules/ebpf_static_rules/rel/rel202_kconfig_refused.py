"""REL202."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Location, Severity
from ebpf_static.plugins import RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ExternKind
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule


class KconfigRefused(ReleaseRule):
    """A kernel configuration value the object asks for is missing or of another type.

    What it does
    ------------
    Works out each `__kconfig` extern as libbpf does, from the release and the configuration of
    the target kernel, and reports values it cannot give: options that are not set and not
    declared weak, and options whose value does not fit the declared type. Without a
    configuration, options declared strong are left undecided.

    Why it matters
    --------------
    libbpf refuses the whole object: "extern (kcfg) 'CONFIG_X': required but not found".

    Example
    -------
    ::

        extern int CONFIG_HZ __kconfig;                    // there on every kernel
        extern bool CONFIG_BPF_LSM __kconfig;              // missing where it is off

    How to fix
    ----------
    Declare it `__weak`: it then reads as zero where it is not set.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html
    """

    code = "REL202"
    name = "kconfig-refused"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.EXTERNS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such extern."""
        externs = [item for item in spec.externs if item.kind is ExternKind.KCONFIG]
        if not externs:
            return
        for problem in context.view(spec).kconfig.problems:
            yield self.finding(
                context,
                f"configuration value `{problem.name}` {problem.what} (target {release.label})",
                Location(object=context.object_name, symbol=problem.name),
                help="declare it `__weak`, with a type that fits",
                targeted=True,
            )
        if context.kernel is not None and context.kernel.config is not None:
            return
        for extern in externs:
            if extern.name.startswith("CONFIG_") and not extern.weak:
                yield self.finding(
                    context,
                    f"whether `{extern.name}` is set takes the configuration of {release.label}",
                    Location(object=context.object_name, symbol=extern.name),
                    help="give the kernel's configuration with `--kconfig`",
                    severity=Severity.NOTE,
                    confidence=Confidence.LOW,
                    targeted=True,
                    undecided=True,
                )
