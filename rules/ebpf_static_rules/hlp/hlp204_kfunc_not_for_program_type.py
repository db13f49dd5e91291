"""HLP204."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.analysis import ExternState
from ebpf_static.btf.core.compat import essential_name
from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import ConditionKind, Release, feature, kfunc
from ebpf_static.support.known import kfunc_flags
from ebpf_static_rules.calls import split_by_course
from ebpf_static_rules.meetings import BEHIND_A_QUESTION
from ebpf_static_rules.release import ReleaseRule, iter_flows, open_conditions, since_words
from ebpf_static_rules.wording import listed, tick

_SLEEPABLE = "SLEEPABLE"


class _Answer(NamedTuple):
    words: str
    undecided: bool


class KfuncNotForProgramType(ReleaseRule):
    """A program may call a kernel function the target kernel keeps from programs of its type.

    What it does
    ------------
    Reports calls that may run of kernel functions the kernel has, but does not register for this
    type of program, or for sleepable programs only, and any where the compiler of the target's
    processor cannot call them. Functions no table knows, which a module or a
    newer kernel brings, are left undecided.

    Why it matters
    --------------
    The verifier refuses the program: "calling kernel function bpf_task_acquire is not allowed",
    "program must be sleepable to call sleepable kfunc".

    Example
    -------
    On Linux 6.1::

        SEC("xdp")
        int filter(struct xdp_md *ctx) { bpf_task_acquire(task); ... }

    How to fix
    ----------
    Call the function from a program type it is registered for, or guard the call so that it is
    dead code elsewhere.

    References
    ----------
    https://docs.kernel.org/bpf/kfuncs.html
    """

    code = "HLP204"
    name = "kfunc-not-for-program-type"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each call and reason, naming the programs it concerns."""
        locate = Locator(spec, context)
        states = context.view(spec).externs
        answered = feature("kfuncs", release)
        lacking = open_conditions(answered, context) if answered.available else ()
        for (index, insn, number), calls in _calls(spec, context).items():
            if states.get(number) is ExternState.ABSENT:
                continue  # REL201, REL203
            name = essential_name(spec.externs[number].name)
            wrong: dict[_Answer, list[ProgramSpec]] = {}
            for program in calls:
                answer = _judge(name, program, index, spec, release)
                if lacking:
                    answer = _Answer(
                        f"the processor's compiler takes such calls {lacking[0]}", False
                    )
                if answer is not None:
                    wrong.setdefault(answer, []).append(program)
            function = spec.functions[index]
            for answer, programs in wrong.items():
                site = context.view(spec).flow(programs[0]).calls[index, insn]
                for surely, group in split_by_course(spec, context, site, tuple(programs)):
                    doubtful = answer.undecided or not surely
                    names = listed([tick(program.name) for program in group])
                    yield self.finding(
                        context,
                        f"`{function.name}` calls the kernel function `{name}` in {names}: "
                        f"{answer.words}{'' if surely else f', {BEHIND_A_QUESTION}'}",
                        locate.function(function, insn),
                        help="call it from a type of program it is registered for",
                        severity=Severity.NOTE if doubtful else None,
                        confidence=Confidence.LOW if doubtful else Confidence.MEDIUM,
                        targeted=True,
                        programs=tuple(program.name for program in group),
                        undecided=doubtful,
                    )


def _calls(
    spec: CollectionSpec, context: RuleContext
) -> dict[tuple[int, int, int], list[ProgramSpec]]:
    """Return the programs in which each call of a kernel function may run, by place and extern."""
    found: dict[tuple[int, int, int], list[ProgramSpec]] = {}
    if not spec.externs:
        return found
    for program, flow in iter_flows(spec, context):
        for place, site in flow.calls.items():
            if site.helper is None and 0 <= site.extern < len(spec.externs):
                found.setdefault((*place, site.extern), []).append(program)
    return found


def _judge(
    name: str, program: ProgramSpec, function: int, spec: CollectionSpec, release: Release
) -> _Answer | None:
    if program.type.number == 0 or not program.type.known or program.type.name == "EXT":
        return None
    answer = kfunc(name, program.type, release, program.attach_type)
    if answer.status == "unknown":
        why = answer.note or "the tables do not say"
        return _Answer(f"whether it may is not known ({why})", True)
    if not answer.available:
        exists = kfunc(name, None, release).available
        words = f"programs of type {program.type.name} may not, {since_words(answer, release)}"
        return _Answer(words, not exists)  # there, by BTF, though no table has it: a backport
    other = answer.condition(ConditionKind.OTHER)
    if other is not None:
        return _Answer(f"{other[0]}, which was not looked at", True)
    # Callbacks of work queues sleep even in programs that do not.
    own = spec.functions[function] is program
    if own and not program.sleepable and _SLEEPABLE in (kfunc_flags(name, release.line) or ()):
        return _Answer("only sleepable programs may", False)
    return None
