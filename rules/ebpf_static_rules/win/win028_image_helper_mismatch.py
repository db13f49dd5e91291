"""WIN028."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs.native import NativeHelper, NativeImageSpec
from ebpf_static_rules.win.native import NativeRule

_PREFIX = "helper_id_"


class ImageHelperMismatch(NativeRule):
    """A helper slot of a native image says two things.

    What it does
    ------------
    Reports slots of a program's helper table whose number is 0 although they have a name, and
    slots whose name `helper_id_N` is of another number. Number 0 with an empty name is a
    placeholder for a helper only other functions use, and nothing is wrong with it.

    Why it matters
    --------------
    The runtime resolves by number and, for helpers of a program type, trusts bpf2c to have
    written both from one source. A difference means that the table was patched or is misread.

    Example
    -------
    ::

        { .helper_id = 0, .name = "helper_id_5" }

    How to fix
    ----------
    Generate the image again; do not edit its tables.

    References
    ----------
    microsoft/ebpf-for-windows: tools/bpf2c/bpf_code_generator.cpp
    """

    code = "WIN028"
    name = "image-helper-mismatch"
    severity = Severity.WARNING

    def judge_image(
        self, spec: NativeImageSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each program, at its first such slot."""
        for program in spec.functions:
            wrong = [it for it in program.helpers if _differs(it)]
            if wrong:
                first = wrong[0]
                yield self.finding(
                    context,
                    f"`{program.name}` has a slot for helper {first.id.number} called "
                    f"`{first.symbol}`",
                    locate.function(program),
                    help="generate the image again",
                    related=tuple(
                        f"slot for helper {it.id.number} called {it.symbol}" for it in wrong[1:5]
                    ),
                )


def _differs(helper: NativeHelper) -> bool:
    if not helper.id.number:
        return bool(helper.symbol)
    digits = helper.symbol.removeprefix(_PREFIX)
    return digits != helper.symbol and digits != str(helper.id.number)
