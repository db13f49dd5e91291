"""PRG201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import ConditionKind, Release, program_type
from ebpf_static_rules.kernel_btf import has_program_type
from ebpf_static_rules.release import ReleaseRule, open_conditions, since_words, words_of


class ProgramTypeUnavailable(ReleaseRule):
    """A program has a type the target kernel does not have.

    What it does
    ------------
    Reports programs of a type that came later than the release judged for, or that its
    configuration leaves out. The kernel's BTF, which lists the types it was built with, decides
    where it is given.

    Why it matters
    --------------
    The kernel refuses the program (`-EINVAL`). libbpf then gives up on the whole object unless
    the program is switched off.

    Example
    -------
    A netfilter program on Linux 6.1::

        SEC("netfilter")                           // since 6.4
        int filter(struct bpf_nf_ctx *ctx) { return NF_ACCEPT; }

    How to fix
    ----------
    Put `?` in front of the section's name (`SEC("?netfilter")`) and switch the program on where
    the kernel has its type (`libbpf_probe_bpf_prog_type`, `bpf_program__set_autoload`).

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    """

    code = "PRG201"
    name = "program-type-unavailable"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each program of such a type."""
        locate = Locator(spec, context)
        for program in spec.programs:
            if program.type.number == 0 or not program.type.known:
                continue  # PRG001
            answer = program_type(program.type, release)
            lacking = open_conditions(answer, context, program)
            subject = f"program `{program.name}` is of type {program.type.name}"
            built = has_program_type(context, program.type)
            if built is False and answer.available:
                yield self.finding(
                    context,
                    f"{subject}, which this kernel was built without, by its BTF ({release.label})",
                    locate.function(program),
                    help="switch the program off on that kernel",
                    targeted=True,
                )
                continue
            if built or (answer.available and not lacking):
                continue
            if answer.status == "unknown":
                yield self.undecided(
                    context,
                    f"{subject}; whether {release.label} has it is not known",
                    locate,
                    program,
                )
                continue
            if answer.available and all(it.kind is ConditionKind.ARCH for it in lacking):
                # Trampolines are made when the program is attached, and not for all it can be.
                yield self.undecided(
                    context,
                    f"{subject}, which attaches through code its processor's compiler makes "
                    f"{words_of(lacking)}; whether it is attached that way is not known",
                    locate,
                    program,
                )
                continue
            why = words_of(lacking) if answer.available else since_words(answer, release)
            yield self.finding(
                context,
                f"{subject}, {why} (target {release.label})",
                locate.function(program),
                help="switch the program off on that release",
                confidence=answer.confidence,
                targeted=True,
            )
