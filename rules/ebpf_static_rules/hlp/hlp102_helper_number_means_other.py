"""HLP102."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static_rules.evidence import is_read_with_linux_numbers
from ebpf_static_rules.facts import iter_loaded
from ebpf_static_rules.wording import capped, count


class HelperNumberMeansOther(Rule):
    """Helper numbers call other functions on the platform the object is checked for.

    What it does
    ------------
    When an object made for one platform is checked for the other, warns once about the helper
    numbers it calls that exist on both and are different functions.

    Why it matters
    --------------
    Nothing refuses these calls for their number: 5 is `ktime_get_ns` on Linux and `tail_call` on
    Windows, 12 the other way round a `trace_printk`. Of the numbers 1 to 35 only 1, 2, 3 and 8
    are the same function.

    Example
    -------
    ::

        ebpf-static check --platform windows syscount.bpf.o

    How to fix
    ----------
    Compile the source with the headers of the platform it is to run on.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/bpf_helper_defs.h
    """

    code = "HLP102"
    name = "helper-number-means-other"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding that lists the numbers."""
        made_for, platform = spec.platform, context.judged_platform(spec)
        if made_for in (platform, Platform.UNKNOWN):
            return
        if is_read_with_linux_numbers(spec, platform):
            return
        numbers: dict[int, str] = {}
        for function, facts in iter_loaded(spec):
            for number in facts.helpers:
                numbers.setdefault(number, function.name)
        lines = []
        for number in sorted(numbers):
            meant, becomes = HelperId.of(made_for, number), HelperId.of(platform, number)
            if meant.known and becomes.known and meant.on(platform) != becomes:
                lines.append(
                    f"helper {number} in `{numbers[number]}`: {meant.name} on {made_for.label}, "
                    f"{becomes.name} on {platform.label}"
                )
        if lines:
            yield self.finding(
                context,
                f"{count(len(lines), 'helper number')} of this {made_for.label} object "
                f"{'calls' if len(lines) == 1 else 'call'} other functions on {platform.label}",
                Locator(spec, context).object(),
                help=f"compile it with the headers of {platform.label}",
                related=capped(lines, len(lines)),
            )
