"""HLP202."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import (
    Availability,
    ConditionKind,
    Release,
    helper,
    program_type,
    struct_ops_helper,
)
from ebpf_static.uapi.constants import HelperId
from ebpf_static_rules.calls import (
    HelperCall,
    iter_helper_calls,
    split_by_course,
)
from ebpf_static_rules.kernel_btf import has_function, has_helper
from ebpf_static_rules.meetings import BEHIND_A_QUESTION
from ebpf_static_rules.release import ReleaseRule, open_conditions, since_words, words_of
from ebpf_static_rules.structures import find_structure
from ebpf_static_rules.wording import listed, tick

# Options few distributions set; what the others guard is there but in kernels made small.
_RARE: Final = frozenset({"CONFIG_BPF_KPROBE_OVERRIDE"})


class _Answer(NamedTuple):
    words: str
    undecided: bool
    confidence: Confidence


class HelperNotForProgramType(ReleaseRule):
    """A program may call a helper the target kernel keeps from programs of its type.

    What it does
    ------------
    Reports calls that may run, as HLP201 follows them, of helpers the release has, but not for
    this type of program, not with this attach type, or for sleepable programs only.

    Why it matters
    --------------
    The verifier refuses the program: "unknown func bpf_override_return#58", "program of this type
    cannot use helper". Which helpers a type may call grew over the years: 29 of 100 pairs became
    legal after both helper and type existed.

    Example
    -------
    On Linux 5.10::

        SEC("xdp")
        int filter(struct xdp_md *ctx)
        {
                bpf_skb_load_bytes(ctx, 0, buffer, 8);     // for socket buffers only
                return XDP_PASS;
        }

    How to fix
    ----------
    Use a helper the type may call, move the call to another program, or guard it so that it is
    dead code where the kernel refuses it.

    References
    ----------
    https://docs.ebpf.io/linux/helper-function/
    """

    code = "HLP202"
    name = "helper-not-for-program-type"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each call and reason, naming the programs it concerns."""
        locate = Locator(spec, context)
        for call in iter_helper_calls(spec, context, release):
            known = helper(call.helper, None, None, release).available
            if not known and not has_helper(context, call.helper):
                continue  # HLP201
            for answer, programs in _answers(call, spec, context, release).items():
                function = spec.functions[call.site.function]
                for surely, group in split_by_course(spec, context, call.site, tuple(programs)):
                    names = listed([tick(program.name) for program in group])
                    doubtful = answer.undecided or not surely
                    yield self.finding(
                        context,
                        f"`{function.name}` calls the helper `bpf_{call.helper.name}` in {names}: "
                        f"{answer.words}{'' if surely else f', {BEHIND_A_QUESTION}'}",
                        locate.function(function, call.site.insn),
                        help="use a helper this type of program may call, or guard the call",
                        severity=Severity.NOTE if doubtful else None,
                        confidence=answer.confidence,
                        targeted=True,
                        programs=tuple(program.name for program in group),
                        undecided=doubtful,
                    )


def _answers(
    call: HelperCall, spec: CollectionSpec, context: RuleContext, release: Release
) -> dict[_Answer, list[ProgramSpec]]:
    """Return what is wrong with a call, and in which programs."""
    found: dict[_Answer, list[ProgramSpec]] = {}
    for program in call.programs:
        known = program.type.known and program.type.number != 0
        if not known or not program_type(program.type, release).available:
            continue  # PRG001, PRG201
        answer = _judge(call.helper, program, spec, context, release)
        if answer is not None:
            found.setdefault(answer, []).append(program)
    return found


def _judge(
    asked: HelperId,
    program: ProgramSpec,
    spec: CollectionSpec,
    context: RuleContext,
    release: Release,
) -> _Answer | None:
    name = program.type.name
    if name == "EXT":
        return None  # the replaced program decides, and PRG204 says that it is not known
    if name == "STRUCT_OPS":
        answer = struct_ops_helper(asked, find_structure(spec, program) or "", release)
    else:
        answer = helper(asked, program.type, program.attach_type, release)
    if answer.status == "unknown":
        why = answer.note or "the tables do not say"
        return _Answer(f"whether it may is not known ({why})", True, Confidence.LOW)
    lacking = open_conditions(answer, context, program)
    if not answer.available and not helper(asked, None, None, release).available:
        return _Answer("a backport, of which no table says who may call it", True, Confidence.LOW)
    if not answer.available:
        dated = answer.since is not None or answer.until is not None or answer.conditions
        words = f", {since_words(answer, release)}" if dated else ""
        return _Answer(f"programs of type {name} may not{words}", False, answer.confidence)
    if lacking:
        return _Answer(words_of(lacking), False, answer.confidence)
    built = _is_built(asked, answer, context)
    if built is not None:
        return built
    other = answer.condition(ConditionKind.OTHER)
    return _Answer(f"{other[0]}, which was not looked at", True, Confidence.LOW) if other else None


def _is_built(asked: HelperId, answer: Availability, context: RuleContext) -> _Answer | None:
    """Return what is wrong when the kernel's configuration may leave the helper out.

    Without the configuration, the kernel's BTF has the function behind the helper or has it not.
    """
    options = answer.condition(ConditionKind.CONFIG)
    if options is None or (context.kernel is not None and context.kernel.config is not None):
        return None
    built = has_function(context, f"bpf_{asked.name}")
    words = f"needs a kernel with {', '.join(options)}"
    if built is False:
        return _Answer(f"{words}, and this one has no such function", False, Confidence.HIGH)
    if built is None and not _RARE.isdisjoint(options):
        return _Answer(f"{words}, which most leave out", True, Confidence.LOW)
    return None
