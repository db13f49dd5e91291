"""INS208."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ReferenceKind
from ebpf_static.support import Release, feature
from ebpf_static_rules.release import ReleaseRule, iter_flows, since_words

_DATA: Final = frozenset({ReferenceKind.MAP_VALUE, ReferenceKind.KCONFIG})


class GlobalDataUnavailable(ReleaseRule):
    """A program uses global variables, and the target kernel has none.

    What it does
    ------------
    Reports references to global variables, constants and configuration values that may run, where
    the release judged for is older than global data (5.2).

    Why it matters
    --------------
    libbpf leaves out the maps behind them and puts an invalid call in place of each reference.
    Where the verifier gets to it, it refuses the program. String constants count: a compiler
    keeps them in `.rodata.str1.1`.

    Example
    -------
    On Linux 4.19::

        const volatile int filter_pid = 0;

        SEC("kprobe/do_unlinkat")
        int probe(struct pt_regs *ctx) { return filter_pid ? 0 : 1; }

    How to fix
    ----------
    Keep the value in an array map of one element.

    References
    ----------
    https://docs.ebpf.io/linux/concepts/maps/
    """

    code = "INS208"
    name = "global-data-unavailable"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each function with such references."""
        answer = feature("global_data", release)
        if answer.available:
            return
        users: dict[int, dict[str, int]] = {}
        for program, flow in iter_flows(spec, context):
            for index, insns in flow.reached.items():
                for reference in spec.functions[index].references:
                    if reference.kind in _DATA and reference.index in insns:
                        users.setdefault(index, {}).setdefault(program.name, reference.index)
        locate = Locator(spec, context)
        for index, programs in users.items():
            function = spec.functions[index]
            yield self.finding(
                context,
                f"`{function.name}` uses global data, {since_words(answer, release)} "
                f"(target {release.label})",
                locate.function(function, min(programs.values())),
                help="keep the value in an array map",
                targeted=True,
                programs=tuple(programs),
            )
