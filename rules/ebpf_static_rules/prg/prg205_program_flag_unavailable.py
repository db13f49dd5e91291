"""PRG205."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release, feature, program_flags, program_rules, program_type
from ebpf_static_rules.release import ReleaseRule

_SLEEPABLE = "BPF_F_SLEEPABLE"
_FRAGS = "BPF_F_XDP_HAS_FRAGS"
_FEATURES = {_SLEEPABLE: "sleepable_programs", _FRAGS: "xdp_frags"}


class ProgramFlagUnavailable(ReleaseRule):
    """A program is loaded with a flag the target kernel does not take for it.

    What it does
    ------------
    Reports sleepable programs (`fentry.s`, `uprobe.s`, `iter.s` …) and XDP programs for packets in
    fragments (`xdp.frags`) where the release judged for does not know the flag, or knows it and
    lets no program of that type sleep.

    Why it matters
    --------------
    The kernel refuses the program (`-EINVAL`).

    Example
    -------
    On Linux 5.15::

        SEC("xdp.frags")                           // since 5.18
        int filter(struct xdp_md *ctx) { return XDP_PASS; }

    How to fix
    ----------
    Use the section without the suffix, or set the flag from the loader where the kernel takes it
    (`bpf_program__set_flags`).

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "PRG205"
    name = "program-flag-unavailable"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each program and flag."""
        locate = Locator(spec, context)
        known = program_flags(release)
        for program in spec.programs:
            if not program_type(program.type, release).available:
                continue  # PRG001, PRG201
            for flag in _flags(program):
                why = ""
                if flag not in known:
                    why = f"which Linux has since {feature(_FEATURES[flag], release).since}"
                elif flag == _SLEEPABLE and not _may_sleep(program, release):
                    why = f"and no program of its kind may sleep on {release.label}"
                if why:
                    yield self.finding(
                        context,
                        f"program `{program.name}` (section `{program.section}`) is loaded with "
                        f"`{flag}`, {why} (target {release.label})",
                        locate.function(program),
                        help="use the section's name without the suffix on that release",
                        targeted=True,
                    )


def _flags(program: ProgramSpec) -> Iterator[str]:
    if program.sleepable:
        yield _SLEEPABLE
    if program.xdp_frags:
        yield _FRAGS


def _may_sleep(program: ProgramSpec, release: Release) -> bool:
    rules = program_rules(program.type, release)
    return rules is None or rules.may_sleep(program.attach_type)
