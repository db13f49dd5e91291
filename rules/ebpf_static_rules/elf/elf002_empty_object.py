"""ELF002."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.wording import count


class EmptyObject(Rule):
    """The object declares no program and no map.

    What it does
    ------------
    Warns about an object from which a loader would create nothing: no entry program and no map.
    Functions that no program calls do not count.

    Why it matters
    --------------
    Loading succeeds and does nothing, so the mistake shows only when nothing happens. Usual
    reasons: every program was compiled out by a macro, or a program lacks its `SEC()` and landed
    in `.text` beside other functions.

    Example
    -------
    ::

        int trace(void *ctx) { return 0; }       // no SEC(): a subprogram nobody calls
        int other(void *ctx) { return 0; }

    How to fix
    ----------
    Give each program its section, for instance `SEC("xdp")`, and check which macros the build
    defines.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "ELF002"
    name = "empty-object"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding when there is nothing to load."""
        if spec.maps or spec.programs:
            return
        what = "object declares no program and no map"
        if spec.functions:
            what += f"; {count(len(spec.functions), 'function')} in it cannot be loaded alone"
        yield self.finding(
            context,
            what,
            Locator(spec, context).object(),
            help='give each program a section of its type, such as `SEC("xdp")`',
        )
