"""PRG202."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release, attach_type, feature, program_rules, program_type
from ebpf_static.target import Version
from ebpf_static_rules.release import ReleaseRule, since_words

# Types whose attach type the kernel looks at when it loads the program: one of those it knows
# (``bpf_prog_load_check_attach``, ``check_attach_btf_id``).
_OWN = frozenset({"required"})


class AttachTypeUnavailable(ReleaseRule):
    """A program's attach type is one the target kernel does not take when loading.

    What it does
    ------------
    Reports programs whose expected attach type came later than the release judged for, where the
    kernel looks at it while loading: cgroup socket, address and socket-option programs, tracing
    and LSM programs, socket lookup, netfilter. For other types the attach type matters only when
    the program is attached.

    Why it matters
    --------------
    The kernel refuses to load the program (`-EINVAL`).

    Example
    -------
    On Linux 5.10::

        SEC("cgroup/connect_unix")                 // since 6.7
        int refuse(struct bpf_sock_addr *ctx) { return 1; }

    How to fix
    ----------
    Put `?` in front of the section's name and switch the program on where the kernel takes it.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "PRG202"
    name = "attach-type-unavailable"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each such program."""
        locate = Locator(spec, context)
        for program in spec.programs:
            attach = program.attach_type
            if attach is None or not attach.known or not _is_checked(program, release):
                continue
            answer = attach_type(attach, release)
            if answer.available:
                continue
            subject = f"program `{program.name}` has attach type {attach.name}"
            if answer.status == "unknown":
                message = f"{subject}; whether {release.label} takes it is not known"
                yield self.undecided(context, message, locate, program)
                continue
            yield self.finding(
                context,
                f"{subject}, {since_words(answer, release)} (target {release.label})",
                locate.function(program),
                help="switch the program off on that release",
                confidence=answer.confidence,
                targeted=True,
            )


def _is_checked(program: ProgramSpec, release: Release) -> bool:
    """Tell whether the kernel is given the attach type and looks at it."""
    rules = program_rules(program.type, release)
    if rules is None or not program_type(program.type, release).available:
        return False
    if rules.attach_type not in _OWN or not feature("expected_attach_type", release).available:
        return False
    if release.version is None or rules.attach_type_since is None:
        return True
    return not release.version < Version.parse(rules.attach_type_since)
