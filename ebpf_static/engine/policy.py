"""What becomes of findings once rules have spoken: severities, suppressions, places remapped.

Nothing is thrown away: a finding that does not count stays in the report with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ebpf_static.engine.remap import SourceMap
from ebpf_static.engine.select import is_match
from ebpf_static.findings import Finding, Report, Severity

CONFIDENCES = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings that do not count, and why.

    Attributes:
        selector: code, prefix, name or ``ALL``.
        reason: why; shown with every finding it suppresses.
        objects: glob pattern of the objects meant; empty for all.
        target: the target meant (``rhel:9``), or its platform; empty for all.
    """

    selector: str
    reason: str = ""
    objects: str = ""
    target: str = ""

    def covers(self, finding: Finding, targets: tuple[str, ...] = ()) -> bool:
        """Tell whether a finding is meant; one that holds for all ``targets`` only as a whole."""
        if not is_match(self.selector, finding.code, finding.name):
            return False
        if self.target:
            asked = (finding.target,) if finding.target else targets
            if not asked or any(self.target not in (t, t.partition(":")[0]) for t in asked):
                return False
        return self.is_about(finding.location.object)

    def is_about(self, name: str) -> bool:
        """Tell whether the object called ``name`` is one of those meant."""
        pattern = self.objects
        if not pattern:
            return True
        if Path(pattern).is_absolute():
            name = Path(name).absolute().as_posix()
        return fnmatchcase(name, pattern)

    @property
    def text(self) -> str:
        """The reason as reports show it."""
        where = ", ".join(part for part in (self.objects, self.target) if part)
        text = f"configuration ({where})" if where else "configuration"
        return f"{text}: {self.reason}" if self.reason else text


@dataclass(frozen=True, slots=True)
class Policy:
    """How the findings of one object are to be taken.

    Attributes:
        severities: severity of all findings of a rule, by code or name, in place of their own.
        strict: what cannot be decided is an error.
        ignores: findings that do not count.
        min_confidence: findings less sure than this do not count.
        sources: where C files are on this machine.
        use_tags: whether declaration tags in the object's source suppress findings.
    """

    severities: Mapping[str, Severity] = field(default_factory=dict)
    strict: bool = False
    ignores: tuple[Ignore, ...] = ()
    min_confidence: str = "low"
    sources: SourceMap | None = None
    use_tags: bool = True

    def apply(self, report: Report) -> Report:
        """Return the report as this policy wants it."""
        findings = tuple(self._apply(finding, report.targets) for finding in report.findings)
        return report if findings == report.findings else replaced(report, findings=findings)

    def ignores_for(self, name: str) -> tuple[int, ...]:
        """Return which ignores are about an object; objects with the same are treated alike."""
        return tuple(n for n, each in enumerate(self.ignores) if each.is_about(name))

    def _apply(self, finding: Finding, targets: tuple[str, ...]) -> Finding:
        update: dict[str, Any] = {}
        severity = self._severity(finding)
        if severity is not finding.severity:
            update["severity"] = severity
        if finding.suppressed_by is None and (reason := self._reason(finding, targets)):
            update["suppressed_by"] = reason
        if self.sources is not None:
            locations = tuple(self.sources.apply(place) for place in finding.locations)
            if locations != finding.locations:
                update["locations"] = locations
        return changed(finding, **update) if update else finding

    def _severity(self, finding: Finding) -> Severity:
        named = self.severities.get(finding.code) or self.severities.get(finding.name)
        severity = named or finding.severity
        return Severity.ERROR if self.strict and finding.undecided else severity

    def _reason(self, finding: Finding, targets: tuple[str, ...]) -> str | None:
        for ignore in self.ignores:
            if ignore.covers(finding, targets):
                return ignore.text
        if CONFIDENCES.index(finding.confidence.value) < CONFIDENCES.index(self.min_confidence):
            return f"confidence below {self.min_confidence}"
        return None


def changed(finding: Finding, **update: Any) -> Finding:
    """Return a finding with some fields replaced, and its fingerprint worked out anew."""
    values = {name: getattr(finding, name) for name in type(finding).model_fields}
    return Finding.model_construct(**(values | update))


def replaced(report: Report, **update: Any) -> Report:
    """Return a report with some fields replaced."""
    values = {name: getattr(report, name) for name in type(report).model_fields}
    return Report.model_construct(**(values | update))
