"""PRG103."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.sections import match_linux


class AttachTargetMissing(Rule):
    """A program that is compiled against one kernel function does not name it.

    What it does
    ------------
    Notes programs of types the kernel verifies against the function they attach to (`fentry`,
    `fexit`, `lsm`, `iter`, `tp_btf`, `freplace` …) whose section names no target.

    Why it matters
    --------------
    libbpf refuses to load such a program ("no BTF-based attach target is specified") until its
    user calls `bpf_program__set_attach_target()`. That is how some tools work, so it is only a
    note: whether it loads cannot be told from the object.

    Example
    -------
    ::

        SEC("fentry")                              // fentry/do_unlinkat
        int BPF_PROG(probe) { return 0; }

    How to fix
    ----------
    Name the target in the section, or set it before loading.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "PRG103"
    name = "attach-target-missing"
    severity = Severity.NOTE
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one note for each such program."""
        for program in spec.programs:
            match = match_linux(program.section)
            if match is not None and match.attach_btf and not match.attach_to:
                bare = program.section.rstrip("/")
                yield self.finding(
                    context,
                    f"section `{program.section}` of program `{program.name}` names no attach "
                    "target",
                    Locator(spec, context).function(program),
                    help=f'write `SEC("{bare}/FUNCTION")`, or set the target before loading',
                )
