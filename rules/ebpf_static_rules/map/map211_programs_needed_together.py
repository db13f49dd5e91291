"""MAP211."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.wording import listed, tick


class ProgramsNeededTogether(ReleaseRule):
    """A program array starts out with programs, so none of the others loads without them.

    What it does
    ------------
    Points out program arrays with initial elements. The loader puts the programs into the array
    after it has loaded them all; one that is switched off is not there to put in.

    Why it matters
    --------------
    libbpf gives up on the object when one of the programs was not loaded: "failed to initialize
    slot [2] to prog 'drop'". Programs of such an object cannot be switched off one by one.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
                ...
                __array(values, int (void *));
        } stages SEC(".maps") = { .values = { [0] = (void *)&parse, [1] = (void *)&drop } };

    How to fix
    ----------
    Nothing, as long as the programs are loaded together; otherwise fill the array from user space.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html
    """

    code = "MAP211"
    name = "programs-needed-together"
    severity = Severity.NOTE
    stage = Stage.ALONE
    step = Step.FILL

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a note for each such array."""
        del release
        for item in spec.maps:
            wanted = _programs(item)
            programs = tuple(program.name for program in spec.programs if wanted - {program.name})
            if programs:
                names = listed([tick(name) for name in sorted(wanted)])
                yield self.finding(
                    context,
                    f"map `{item.name}` starts out with {names}: no program of the object loads "
                    "without them",
                    Locator(spec, context).map(item),
                    help="load them together",
                    programs=programs,
                )


def _programs(item: MapSpec) -> set[str]:
    if item.type.name != "PROG_ARRAY":
        return set()
    return {value.name for value in item.values}
