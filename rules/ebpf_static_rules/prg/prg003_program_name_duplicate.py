"""PRG003."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.bases import refuses_duplicates
from ebpf_static_rules.wording import listed


class ProgramNameDuplicate(Rule):
    """Several programs have the same name.

    What it does
    ------------
    Warns about names that more than one entry program of the object has.

    Why it matters
    --------------
    Loaders find programs by name: libbpf gives the first one, cilium/ebpf refuses the object, and
    in a native image the programs share one entry point's name.

    Example
    -------
    Two weak functions `filter` in different sections, linked into one object.

    How to fix
    ----------
    Rename one of them.

    References
    ----------
    https://pkg.go.dev/github.com/cilium/ebpf#CollectionSpec
    """

    code = "PRG003"
    name = "program-name-duplicate"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each name that repeats."""
        programs = spec.programs
        repeats = {n for n, times in Counter(programs.keys()).items() if times > 1 and n}
        refused = bool(repeats) and refuses_duplicates(spec, context)
        for name in sorted(repeats):
            sections = [f"section {p.section}" for p in programs if p.name == name]
            yield self.finding(
                context,
                f"{len(sections)} programs are called `{name}`",
                Locator(spec, context).function(programs[name]),
                help="rename all but one of them",
                severity=Severity.ERROR if refused else None,
                programs=tuple(programs.keys()) if refused else (),
                related=(f"they are in {listed(sections)}",),
            )
