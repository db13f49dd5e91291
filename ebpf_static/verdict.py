"""Will it load? One answer per program and one for the object, each with its reasons.

A program is rejected when a rule finds an error that concerns it, unknown when something about it
cannot be decided from what is known, and loads otherwise. A loader creates every map even for a
program loaded alone, so what is wrong with a map or with the object itself concerns all programs.
A program is asked to load alone only when its object does not load as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ebpf_static.engine.run import run_rules
from ebpf_static.findings import Finding, Report, Severity
from ebpf_static.interpret.by_loader import as_read_by
from ebpf_static.plugins import Stage, Step
from ebpf_static.registry import RegisteredRule, Registry, get_registry
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.target import ObjectLoader, Platform, Target


class Status(StrEnum):
    """Whether something loads."""

    LOADS = "loads"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a program or object loads, and why not or why nobody can tell.

    Attributes:
        status: the answer.
        reasons: the findings that make it so, in the order loading trips over them; empty for
            what loads.
    """

    status: Status
    reasons: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectVerdicts(Mapping[str, Verdict]):
    """The verdicts of one object on one target: a mapping of program names to verdicts.

    Attributes:
        target: the target judged for.
        object: whether everything a loader loads unasked loads together.
        programs: each program, by name, with the object when that loads as a whole, else alone;
            empty when the object cannot even be opened.
        report: all findings.
    """

    target: Target
    object: Verdict
    programs: Mapping[str, Verdict]
    report: Report

    def __getitem__(self, name: str) -> Verdict:
        """Return a program's verdict."""
        return self.programs[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over program names."""
        return iter(self.programs)

    def __len__(self) -> int:
        """Return how many programs were judged."""
        return len(self.programs)


def judge_object(
    spec: CollectionSpec,
    target: Target,
    *,
    assume_setup: bool = True,
    name: str = "<spec>",
    registry: Registry | None = None,
    loader: ObjectLoader | None = None,
) -> ObjectVerdicts:
    """Return whether an object and each of its programs load on a target.

    Args:
        spec: the object.
        target: platform and release, with the kernel's BTF and configuration where known.
        assume_setup: judge as if the object's own loader had given a size to maps without one;
            False judges the object exactly as it is.
        name: what findings call the object.
        registry: where rules come from; by default everything installed.
        loader: the library it is loaded with where the target names none; by default libbpf.

    Raises:
        UnknownTargetError: the target is no release, or the loader is not known.
        UsageError: its BTF or configuration cannot be read.
    """
    rules = (registry or get_registry()).rules
    report = run_rules(spec, name, target, rules, assume_setup=assume_setup, loader=loader)
    used = target.loader or loader
    if used is not None and target.platform is Platform.LINUX:
        spec = as_read_by(spec, used)
    sorter = _Sorter(spec, rules)
    for finding in report.findings:
        sorter.add(finding)
    return ObjectVerdicts(target, sorter.object_verdict(), sorter.program_verdicts(), report)


class _Sorter:
    """Sorts findings by what they stop: the object, its opening, or single programs."""

    def __init__(self, spec: CollectionSpec, rules: Iterable[RegisteredRule]) -> None:
        self._spec = spec
        self._rules = {rule.entry.code: rule for rule in rules}
        self._opening: list[Finding] = []
        self._whole: list[Finding] = []
        self._by_program: dict[str, list[Finding]] = {p.name: [] for p in spec.programs}
        self._alone: dict[str, list[Finding]] = {p.name: [] for p in spec.programs}

    def add(self, finding: Finding) -> None:
        """Take a finding into account if it decides anything."""
        rule = self._rules.get(finding.code)
        stage = rule.rule.stage if rule is not None else Stage.OBJECT
        if stage is Stage.ALONE:
            stops = finding.model_copy(update={"severity": Severity.ERROR})
            for name in self._concerned(finding):
                self._alone[name].append(stops)
            return
        if finding.severity is not Severity.ERROR and not finding.undecided:
            return
        if stage is Stage.OPEN:
            self._opening.append(finding)
            return
        concerned = self._concerned(finding) if stage is Stage.PROGRAM else ()
        if not concerned:
            self._whole.append(finding)
        for name in concerned:
            self._by_program[name].append(finding)

    def _concerned(self, finding: Finding) -> tuple[str, ...]:
        """Return the entry programs a finding about code or a program stops."""
        if finding.programs:
            return tuple(name for name in finding.programs if name in self._by_program)
        place = finding.location
        if place.program is None:
            return ()
        if place.program in self._by_program:
            return (place.program,)
        return tuple(p.name for p in self._spec.programs if self._links(p, place.program))

    def _links(self, program: ProgramSpec, function: str) -> bool:
        linked: tuple[FunctionSpec, ...] = self._spec.get_linked(program)
        return any(item.name == function for item in linked)

    def program_verdicts(self) -> dict[str, Verdict]:
        """Return each program's verdict; none when the object cannot be opened."""
        if any(f.severity is Severity.ERROR for f in self._opening):
            return {}
        shared = [*self._opening, *self._whole]
        # What loads with the whole object is not asked to load without it.
        together = self.object_verdict().status is Status.LOADS
        return {
            program.name: self._verdict(
                [
                    *shared,
                    *self._by_program[program.name],
                    *(() if together and program.autoload else self._alone[program.name]),
                ]
            )
            for program in self._spec.programs
        }

    def object_verdict(self) -> Verdict:
        """Return the verdict on everything a loader loads unasked."""
        reasons = [*self._opening, *self._whole]
        for program in self._spec.programs:
            if program.autoload:
                reasons += self._by_program[program.name]
        return self._verdict(list(dict.fromkeys(reasons)))

    def _verdict(self, reasons: list[Finding]) -> Verdict:
        errors = tuple(f for f in reasons if f.severity is Severity.ERROR)
        kept = tuple(sorted(errors or reasons, key=self._step))
        if errors:
            return Verdict(Status.REJECTED, kept)
        return Verdict(Status.UNKNOWN, kept) if kept else Verdict(Status.LOADS)

    def _step(self, finding: Finding) -> tuple[int, int]:
        """Return how far loading gets before it meets what a finding is about."""
        rule = self._rules.get(finding.code)
        step = Step.OPEN if rule is None else rule.rule.step
        elf = self._spec.elf
        if step is not Step.OPEN or elf is None:
            return (step, 0)
        # Sections are read one after another.
        section = elf.find_section(finding.location.section or "")
        return (step, 0 if section is None else section.index)


def deciding(verdict: Verdict) -> Finding | None:
    """Return the reason a verdict is told by: its first error, else its first doubt."""
    errors = (it for it in verdict.reasons if it.severity is Severity.ERROR)
    return next(errors, next(iter(verdict.reasons), None))
