"""MAP102."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.bases import refuses_duplicates
from ebpf_static_rules.wording import listed


class MapNameDuplicate(Rule):
    """Several maps have the same name.

    What it does
    ------------
    Warns about names that more than one map of the object has.

    Why it matters
    --------------
    Every interface finds maps by name: libbpf and bpftool give the first one, cilium/ebpf refuses
    the object, and maps pinned by name become one map.

    Example
    -------
    Two `static` maps of the same name in two sources, linked into one object with `ld.lld -r`.

    How to fix
    ----------
    Rename one of them.

    References
    ----------
    https://pkg.go.dev/github.com/cilium/ebpf#CollectionSpec
    """

    code = "MAP102"
    name = "map-name-duplicate"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each name that repeats."""
        repeats = {n for n, times in Counter(spec.maps.keys()).items() if times > 1 and n}
        refused = bool(repeats) and refuses_duplicates(spec, context)
        for name in sorted(repeats):
            sections = [item.section for item in spec.maps if item.name == name]
            yield self.finding(
                context,
                f"{len(sections)} maps are called `{name}`",
                Locator(spec, context).map(spec.maps[name]),
                help="rename all but one of them",
                severity=Severity.ERROR if refused else None,
                related=(f"declared in {listed([f'section {s}' for s in sections])}",),
            )
