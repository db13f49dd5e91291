"""``junit``: test results as Jenkins, GitLab and Azure read them.

A suite is an object, a case a rule and what it was judged for. A case fails when a finding of it
is at or above ``--fail-on``, as the run does; milder findings are its output; suppressed ones make
it skipped. What could not be done is an error. Source: the XML schema of Jenkins' JUnit reports
(``tests/data/schemas/jenkins-junit.xsd``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple
from xml.etree import ElementTree as ET

from ebpf_static.errors import escape
from ebpf_static.findings import Failure, Finding, Report, Severity
from ebpf_static.output.style import RenderOptions

_TOOL = "ebpf-static"
MAX_PLACES = 100
"""Copies of an object a suite names; a layered image may hold thousands."""


class _Case(NamedTuple):
    """What a case is found by: a rule's code and a target."""

    code: str
    target: str | None


class _Suite:
    """The cases of one object, in the order they ran."""

    def __init__(self) -> None:
        self.cases: dict[_Case, list[Finding]] = {}
        self.failures: list[Failure] = []
        self._by_code: dict[str, list[_Case]] = defaultdict(list)

    def open(self, case: _Case) -> list[Finding]:
        """Return the findings of a case, which need not have any."""
        if case not in self.cases:
            self.cases[case] = []
            self._by_code[case.code].append(case)
        return self.cases[case]

    def add(self, finding: Finding) -> None:
        """Put a finding where it belongs: into its target's case, or into every target's."""
        cases = self._by_code[finding.code]
        places = [case for case in cases if finding.target in (None, case.target)]
        for case in places or [_Case(finding.code, finding.target)]:
            self.open(case).append(finding)


def render(report: Report, options: RenderOptions) -> str:
    """Return one XML document."""
    failing = Severity(options.fail_on).rank
    names = {finding.code: finding.name for finding in report.findings}
    root = ET.Element("testsuites", name=_TOOL)
    totals: dict[str, int] = defaultdict(int)
    for name, suite in sorted(_suites(report).items()):
        element = ET.SubElement(root, "testsuite", name=escape(name) or _TOOL)
        _name_copies(element, report.places_of(name))
        counts = _fill(element, suite, names, failing)
        for key, number in counts.items():
            element.set(key, str(number))
            totals[key] += number
    for key in ("tests", "failures", "errors"):
        root.set(key, str(totals[key]))
    ET.indent(root)
    # Everything but ASCII is a character reference: whatever a name holds, a terminal stays safe.
    text = ET.tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suites(report: Report) -> dict[str, _Suite]:
    suites: dict[str, _Suite] = defaultdict(_Suite)
    for ran in report.ran:
        for code in ran.rules:
            suites[ran.object].open(_Case(code, ran.target))
    for finding in report.findings:
        suites[finding.location.object].add(finding)
    for failure in report.failures:
        suites[failure.object].failures.append(failure)
    return dict(suites)


def _name_copies(suite: ET.Element, places: tuple[str, ...]) -> None:
    if places:
        properties = ET.SubElement(suite, "properties")
        for place in places[:MAX_PLACES]:
            ET.SubElement(properties, "property", name="also-at", value=escape(place))


def _fill(
    element: ET.Element, suite: _Suite, names: dict[str, str], failing: int
) -> dict[str, int]:
    """Write a suite's cases and return its counts."""
    outcomes: Counter[str] = Counter()
    for case, findings in suite.cases.items():
        title = f"{case.code} {names[case.code]}" if case.code in names else case.code
        title += f" [{case.target}]" if case.target else ""
        outcomes[_judge(_case(element, title), findings, failing)] += 1
    for problem in suite.failures:
        node = _case(element, problem.rule or ("reading" if problem.object else "run"))
        ET.SubElement(node, "error", type="failure", message=escape(problem.message))
    return {
        "tests": len(suite.cases) + len(suite.failures),
        "failures": outcomes["failure"],
        "errors": len(suite.failures),
        "skipped": outcomes["skipped"],
    }


def _judge(node: ET.Element, findings: list[Finding], failing: int) -> str:
    """Write what a case found and return how it ended: failure, skipped or passed."""
    active = [finding for finding in findings if finding.suppressed_by is None]
    if findings and not active:
        ET.SubElement(node, "skipped").text = _skipped(findings)
        return "skipped"
    failed = [finding for finding in active if finding.severity.rank <= failing]
    for finding in failed:
        message = escape(finding.message)
        failure = ET.SubElement(node, "failure", type=finding.severity.value, message=message)
        failure.text = _details(finding)
    mild = [finding for finding in active if finding.severity.rank > failing]
    if mild:
        ET.SubElement(node, "system-out").text = "\n\n".join(map(_details, mild))
    return "failure" if failed else "passed"


def _case(suite: ET.Element, title: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", name=escape(title), classname=suite.get("name", _TOOL), time="0"
    )


def _skipped(findings: list[Finding]) -> str:
    return "\n".join(
        f"{escape(f.message)} (suppressed: {escape(f.suppressed_by or '')})" for f in findings
    )


def _details(finding: Finding) -> str:
    lines = [f"{finding.severity.value}: {escape(finding.message)}"]
    lines += [f"at {place}" for place in finding.locations]
    lines += [f"note: {escape(text)}" for text in finding.related]
    lines += [f"help: {escape(line)}" for line in finding.help.splitlines()]
    return "\n".join(lines)
