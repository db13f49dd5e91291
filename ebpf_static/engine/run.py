"""Runs rules over one object, for each target, and survives what they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ebpf_static.engine.own_rules import MalformedObject
from ebpf_static.errors import FormatError
from ebpf_static.findings import Confidence, Failure, Finding, Ran, Report, Severity
from ebpf_static.plugins import RuleContext
from ebpf_static.registry import RegisteredRule, describe
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import ObjectLoader, Platform, Target

if TYPE_CHECKING:
    from ebpf_static.support.loaders import Answer

MAX_FINDINGS_PER_RULE = 1_000
"""Findings kept of one rule on one object and target; hostile input could ask for millions."""


class _Outcome:
    """What running the rules for one target gave."""

    def __init__(self) -> None:
        self.findings: dict[Finding, None] = {}
        self.failures: list[Failure] = []
        self.skipped: list[str] = []
        self.rules: list[str] = []


def run_rules(
    spec: CollectionSpec,
    object_name: str,
    targets: Target | Sequence[Target] | None,
    rules: Iterable[RegisteredRule],
    *,
    as_windows: CollectionSpec | None = None,
    assume_setup: bool = True,
    loader: ObjectLoader | None = None,
) -> Report:
    """Return what ``rules`` find in ``spec``, judged for each of ``targets``.

    A rule that raises becomes a :class:`~ebpf_static.findings.Failure` naming it and its plugin;
    what it found before and all other rules stay. A finding that does not depend on the target
    is reported once when every target has it, and tied to its targets when only some do.

    Args:
        spec: what to judge.
        object_name: what findings call it.
        targets: what to judge for; none means the object's own platform.
        rules: the rules to run, in order.
        as_windows: the spec to judge for Windows, when the object does not say what it is and its
            numbers therefore mean something else there.
        assume_setup: as in :class:`~ebpf_static.plugins.RuleContext`.
        loader: the library the object is loaded with on targets that name none.

    Raises:
        UnknownTargetError: a target is no release, or a loader is not known.
        UsageError: a target's BTF or configuration cannot be read.
    """
    wanted = (targets,) if isinstance(targets, Target) else tuple(dict.fromkeys(targets or ()))
    chosen = tuple(rules)
    windows = as_windows or spec
    outcomes = [
        _run(
            windows if target and target.platform is Platform.WINDOWS else spec,
            make_context(object_name, target, assume_setup=assume_setup, loader=loader),
            chosen,
        )
        for target in wanted or (None,)
    ]
    findings = _merge(wanted, [outcome.findings for outcome in outcomes])
    # Values of our own making are not validated: building pydantic's validators would cost more
    # than judging a small object.
    return Report.model_construct(
        findings=tuple(sorted(findings, key=lambda finding: finding.sort_key)),
        failures=tuple(dict.fromkeys(f for outcome in outcomes for f in outcome.failures)),
        objects=(object_name,),
        targets=tuple(str(target) for target in wanted),
        skipped=tuple(dict.fromkeys(s for outcome in outcomes for s in outcome.skipped)),
        ran=tuple(
            Ran(object_name, str(target) if target else None, tuple(outcome.rules))
            for target, outcome in zip(wanted or (None,), outcomes, strict=True)
        ),
    )


def make_context(
    object_name: str,
    target: Target | None,
    *,
    assume_setup: bool = True,
    loader: ObjectLoader | None = None,
) -> RuleContext:
    """Return what rules are given for one object and target, its files opened.

    Raises:
        UnknownTargetError: the target is no release, or the loader is not known.
        UsageError: its BTF or configuration cannot be read.
    """
    used = (target.loader if target else None) or loader or ObjectLoader()
    if used.version is not None:
        from ebpf_static.support.loaders import resolve_loader

        resolve_loader(used)
    if target is None or target.platform is Platform.WINDOWS or target.is_any:
        # Rules for Windows look releases up themselves: one that was never made is a finding.
        return RuleContext(object_name, target, assume_setup=assume_setup, loader=used)
    # Only a run for a release pays for these.
    from ebpf_static.kernel.opening import open_kernel, open_release

    release = open_release(target)
    kernel = open_kernel(target, release)
    return RuleContext(object_name, target, release, kernel, assume_setup, used)


def _run(spec: CollectionSpec, context: RuleContext, rules: tuple[RegisteredRule, ...]) -> _Outcome:
    outcome = _Outcome()
    platform = context.judged_platform(spec)
    if platform is Platform.LINUX and context.loader != ObjectLoader():
        from ebpf_static.interpret.by_loader import as_read_by

        spec = as_read_by(spec, context.loader)
    codes, running = _running(rules, platform, has_release=context.release is not None)
    outcome.rules.extend(codes)
    for found in running:
        try:
            _run_one(found, spec, context, outcome)
        except FormatError as error:
            # A part of the object that is decoded on first use turned out to be malformed.
            outcome.findings[MalformedObject().from_error(error, context)] = None
        except Exception as error:  # noqa: BLE001 - a rule is other people's code
            outcome.failures.append(_crash(found, context, error))
    return outcome


@lru_cache(maxsize=16)
def _running(
    rules: tuple[RegisteredRule, ...], platform: Platform, *, has_release: bool
) -> tuple[tuple[str, ...], tuple[RegisteredRule, ...]]:
    """Return the codes of the rules that judge for a platform, and those that have to be asked."""
    chosen = tuple(found for found in rules if platform in found.entry.platforms)
    asked = tuple(found for found in chosen if has_release or not found.entry.release_only)
    return tuple(found.entry.code for found in chosen), asked


def _run_one(
    found: RegisteredRule, spec: CollectionSpec, context: RuleContext, outcome: _Outcome
) -> None:
    rule = found.rule
    fact = rule.refused_by_loader
    answer = _refusal(fact, spec, context) if fact else "refuses"
    if answer == "takes":
        return
    for number, finding in enumerate(rule.check(spec, context)):
        if number == MAX_FINDINGS_PER_RULE:
            outcome.skipped.append(
                f"{context.object_name}: {found.entry.code} findings after the first "
                f"{MAX_FINDINGS_PER_RULE}"
            )
            return
        if not isinstance(finding, Finding):
            raise TypeError(f"yielded {type(finding).__name__} instead of a Finding")
        if answer == "unknown":
            finding = _undecided(finding, context)  # noqa: PLW2901 - the same finding, less sure
        outcome.findings[finding] = None


def _refusal(fact: str, spec: CollectionSpec, context: RuleContext) -> Answer:
    """Return whether the object's loader refuses what a rule is about."""
    if context.loader == ObjectLoader():
        return "refuses"
    if context.judged_platform(spec) is not Platform.LINUX:
        return "refuses"
    from ebpf_static.support.loaders import loader_answer

    return loader_answer(fact, context.loader)


def _undecided(finding: Finding, context: RuleContext) -> Finding:
    """Return a finding as the note that nobody knows what the loader does with what it is about."""
    message = f"{finding.message}; it is not known what {context.loader.label} does"
    update = {
        "message": message, "severity": Severity.NOTE, "confidence": Confidence.LOW,
        "undecided": True,
    }  # fmt: skip
    return finding.model_copy(update=update)


def _crash(found: RegisteredRule, context: RuleContext, error: Exception) -> Failure:
    message = (
        f"rule {found.entry.code} ({found.entry.name}) of plugin {found.plugin} failed: "
        f"{describe(error)}"
    )
    return Failure.model_construct(
        object=context.object_name, message=message, rule=found.entry.code
    )


def _merge(targets: tuple[Target, ...], found: list[dict[Finding, None]]) -> list[Finding]:
    if len(found) == 1:
        return list(found[0])
    merged: dict[Finding, None] = {}
    for target, findings in zip(targets, found, strict=True):
        for finding in findings:
            everywhere = finding.target is not None or all(finding in other for other in found)
            kept = finding if everywhere else finding.model_copy(update={"target": str(target)})
            merged[kept] = None
    return list(merged)
