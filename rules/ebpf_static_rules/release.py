"""What rules about one Linux release share: their base, the code that may run, and wording."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from ebpf_static.analysis import Flow
from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.support import Availability, Condition, ConditionKind, Release
from ebpf_static.support.architectures import DEFAULT, architecture_of
from ebpf_static.target import Platform, Version
from ebpf_static_rules.evidence import is_foreign


class ReleaseRule(Rule, abstract=True):
    """A rule that judges for one Linux release, and only when one is named."""

    platforms: ClassVar[tuple[Platform, ...]] = (Platform.LINUX,)
    release_only: ClassVar[bool] = True

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield what is wrong on the release judged for."""
        release = context.release
        if release is None or spec.elf is None or is_foreign(spec, Platform.LINUX):
            return
        yield from self.judge(spec, context, release)

    @abstractmethod
    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each instance of the problem."""

    def undecided(
        self, context: RuleContext, message: str, locate: Locator, function: FunctionSpec
    ) -> Finding:
        """Return the note that something about a program cannot be decided."""
        return self.finding(
            context,
            message,
            locate.function(function),
            severity=Severity.NOTE,
            confidence=Confidence.LOW,
            targeted=True,
            undecided=True,
        )


def iter_flows(spec: CollectionSpec, context: RuleContext) -> Iterator[tuple[ProgramSpec, Flow]]:
    """Yield every program with what may happen when it runs on the target kernel."""
    view = context.view(spec)
    for program in spec.programs:
        yield program, view.flow(program)


def since_words(answer: Availability, release: Release) -> str:
    """Return when a release lacks something until: ``which Linux has since 5.8``."""
    if answer.until is not None and (answer.since is None or answer.since == answer.until):
        return f"which Linux has no longer since {answer.until}"
    if answer.since is not None:
        return f"which Linux has since {answer.since}"
    failed = words_of(answer.conditions)
    if failed:
        return failed
    return f"which {release.label} does not have"


def words_of(conditions: tuple[Condition, ...]) -> str:
    """Return conditions in words."""
    return "; ".join(str(condition) for condition in conditions)


def open_conditions(
    answer: Availability, context: RuleContext, program: ProgramSpec | None = None
) -> tuple[Condition, ...]:
    """Return the conditions of something available that this program and kernel do not meet.

    Capabilities and lockdown are no question of bytes: the loading process has what it needs, and
    nothing is locked down.
    """
    return tuple(it for it in answer.conditions if not _is_met(it, context, program))


def _has_machine(names: tuple[str, ...], context: RuleContext) -> bool:
    """Tell whether the target's processor is among ``arm64:6.0 x86_64:5.5``, and new enough."""
    machine = architecture_of(context.target).name
    if machine == DEFAULT:  # spans are counted on it already
        return any(name.startswith(machine) for name in names)
    release = context.release
    for name in names:
        known, _, since = name.partition(":")
        if known == machine:
            version = release.version if release is not None else None
            return not since or version is None or not version < Version.parse(since)
    return False


def _is_met(condition: Condition, context: RuleContext, program: ProgramSpec | None) -> bool:
    if condition.kind is ConditionKind.SLEEPABLE:
        return program is not None and program.sleepable
    if condition.kind is ConditionKind.ATTACH_TARGET and program is not None:
        # That a target has yet to be set is PRG204's.
        return program.attach_to is None or program.attach_to in condition.names
    if condition.kind is ConditionKind.CONFIG:
        config = context.kernel.config if context.kernel else None
        return config is None or all(config.get(name) in ("y", "m") for name in condition.names)
    if condition.kind is ConditionKind.ARCH:
        return _has_machine(condition.names, context)
    return True
