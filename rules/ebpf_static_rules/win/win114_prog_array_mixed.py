"""WIN114."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapSpec
from ebpf_static.target import Platform
from ebpf_static_rules.facts import program_type
from ebpf_static_rules.win.base import WindowsRule, map_type


class ProgArrayMixed(WindowsRule):
    """A prog array is filled with programs of different types.

    What it does
    ------------
    Reports prog arrays whose initial elements name programs of more than one type.

    Why it matters
    --------------
    The first program that is stored in the array, or uses it, fixes the type; storing one of
    another type fails, and with it loading the object.

    Example
    -------
    ::

        .values = { (void *)&xdp_program, (void *)&bind_program },

    How to fix
    ----------
    Use one prog array for each program type.

    References
    ----------
    microsoft/ebpf-for-windows: libs/execution_context/ebpf_maps.c
    """

    code = "WIN114"
    name = "prog-array-mixed"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each such array."""
        for item in spec.maps:
            type_ = map_type(item)
            if type_ is None or type_.name != "PROG_ARRAY":
                continue
            types = _types(spec, item)
            if len(types) > 1:
                kinds = ", ".join(f"`{name}` ({kind})" for kind, name in types.items())
                yield self.finding(
                    context,
                    f"prog array `{item.name}` holds programs of {len(types)} types: {kinds}",
                    locate.map(item),
                    help="use one prog array for each program type",
                )


def _types(spec: CollectionSpec, item: MapSpec) -> dict[str, str]:
    """Return the first program of each type the array is filled with."""
    found: dict[str, str] = {}
    for value in item.values:
        program = spec.programs.get(value.name)
        if program is not None:
            found.setdefault(program_type(program, Platform.WINDOWS).name, program.name)
    return found
