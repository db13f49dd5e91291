"""MAP004."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ReadProblem
from ebpf_static.target import Platform
from ebpf_static_rules.bases import ProblemRule


class MapValuesMalformed(ProblemRule):
    """An initial element of a map refers to something no map can hold.

    What it does
    ------------
    Reports relocations in `.maps` that fill a `values` array with something that is no map (for a
    map of maps) and no program (for a program array).

    Why it matters
    --------------
    libbpf refuses the whole object; eBPF for Windows leaves the element empty.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
                __uint(max_entries, 1);
                __type(key, __u32);
                __array(values, int (void *));
        } jump SEC(".maps") = { .values = { [0] = (void *)&counter } };   // a variable

    How to fix
    ----------
    Put programs of the object into program arrays, and maps of `.maps` into maps of maps.

    References
    ----------
    https://docs.kernel.org/bpf/map_of_maps.html
    """

    code = "MAP004"
    name = "map-values-malformed"
    severity = Severity.ERROR
    refused_by_loader = "malformed_map_values"
    stage = Stage.OPEN
    step = Step.OPEN_CODE
    kind = "map-values"
    help_text = "initialise `values` with maps of `.maps` or programs of this object"

    def severity_of(
        self, problem: ReadProblem, spec: CollectionSpec, context: RuleContext
    ) -> Severity:
        """Return error where libbpf refuses the object."""
        del problem
        linux = context.judged_platform(spec) is Platform.LINUX
        return Severity.ERROR if linux else Severity.WARNING
