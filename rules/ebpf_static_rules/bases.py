"""Shared bases of rules that differ only in what they look for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from ebpf_static.findings import Finding, Location, Severity
from ebpf_static.isa import Instruction, format_instruction
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ReadProblem
from ebpf_static.support import loader_answer
from ebpf_static.target import ObjectLoader, Platform
from ebpf_static_rules.code import CodeFacts
from ebpf_static_rules.facts import iter_loaded, may_run
from ebpf_static_rules.wording import capped


class CodeRule(Rule, abstract=True):
    """A rule about single instructions: one finding per function, at the first of them."""

    help_text: ClassVar[str]
    reached_only: ClassVar[bool] = False
    """Whether a verifier passes over it where it cannot run: judged so for one kernel."""

    @abstractmethod
    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return the insn index of each bad instruction, and what is wrong in words."""

    def severity_for(self, spec: CollectionSpec, context: RuleContext) -> Severity:
        """Return how bad it is for the platform judged."""
        del spec, context
        return self.severity

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each function with bad instructions."""
        locate = Locator(spec, context)
        severity = self.severity_for(spec, context)
        for function, facts in iter_loaded(spec):
            found = self.find(function, facts)
            if found and self.reached_only and context.release is not None:
                found = [it for it in found if may_run(spec, context, function, it[0])]
            if found:
                index, what = found[0]
                yield self.finding(
                    context,
                    f"`{function.name or function.section}` {what}",
                    locate.function(function, index),
                    help=self.help_text,
                    severity=severity,
                    related=capped((f"insn {i}: {w}" for i, w in found[1:]), len(found) - 1),
                )


class ProblemRule(Rule, abstract=True):
    """A rule that says what a defect the reader stepped over means."""

    kind: ClassVar[str]
    help_text: ClassVar[str]

    @abstractmethod
    def severity_of(
        self, problem: ReadProblem, spec: CollectionSpec, context: RuleContext
    ) -> Severity:
        """Return how bad this problem is for the platform judged."""

    def message_of(self, problem: ReadProblem) -> str:
        """Return the finding's message."""
        return problem.what

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield a finding for each problem of this kind."""
        for problem in spec.problems:
            if problem.kind == self.kind:
                yield self.finding(
                    context,
                    self.message_of(problem),
                    place_of(problem, context),
                    help=self.help_text,
                    severity=self.severity_of(problem, spec, context),
                )


def place_of(problem: ReadProblem, context: RuleContext) -> Location:
    """Return where a problem is: its section or symbol, and the byte offset where known."""
    section, symbol = None, None
    if problem.where.startswith("section "):
        section = problem.where.removeprefix("section ").split(": ", 1)[0]
    elif problem.where.startswith("."):
        section = problem.where
    else:
        symbol = problem.where or None
    return Location(
        object=context.object_name, section=section, symbol=symbol, offset=problem.offset
    )


def in_words(instruction: Instruction) -> str:
    """Return an instruction as messages quote it."""
    return f"`{format_instruction(instruction)}`"


def refuses_bad_btf(context: RuleContext) -> bool:
    """Tell whether the object's loader refuses any BTF it cannot read, needed or not."""
    return context.loader != ObjectLoader() and (
        loader_answer("malformed_btf", context.loader) == "refuses"
    )


def refuses_duplicates(spec: CollectionSpec, context: RuleContext) -> bool:
    """Tell whether the object's loader refuses programs or maps of one name."""
    linux = context.judged_platform(spec) is Platform.LINUX
    return linux and loader_answer("duplicate_names", context.loader) == "refuses"
