"""Every built-in rule against its cases: ``cases/<CODE>.toml``, in the language of spec_builder."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import ebpf_static_rules
from ebpf_static.api import check
from ebpf_static.findings import Finding, Report
from ebpf_static.plugins import Rule
from ebpf_static.target import Target
from tests.rules.spec_builder import build_spec, build_types

CASES = Path(__file__).parent / "cases"
RULES: dict[str, type[Rule]] = {rule.code: rule for rule in tuple(ebpf_static_rules.iter_classes())}
_PLACES = {"section", "program", "map", "symbol", "insn", "offset", "file", "line"}
_TEXTS = {"message", "help"}
_PLAIN = {"severity", "confidence", "undecided"}
_CASE_KEYS = {
    "name", "object", "target", "kernel", "config", "loader", "arch", "page_size", "expect",
}  # fmt: skip
_KEYS = _PLACES | _TEXTS | _PLAIN | {"related", "programs"}


def _load() -> list[Any]:
    loaded = []
    for path in sorted(CASES.glob("*.toml")):
        document = tomllib.loads(path.read_text("utf-8"))
        for verdict in ("pass", "fail"):
            for case in document.get(verdict, ()):
                name = f"{path.stem}-{verdict}-{case['name']}"
                loaded.append(pytest.param(path.stem, verdict, case, id=name))
    return loaded


LOADED = _load()


def _run(code: str, case: dict[str, Any], folder: Path) -> Report:
    spec = build_spec(case.get("object", {}))
    targets = [_target(case, folder)] if "target" in case else []
    loader = case.get("loader")
    return check(spec, targets=targets, select=[code], name="test.o", loader=loader)


def _target(case: dict[str, Any], folder: Path) -> Target:
    """Return a case's target, with the BTF and configuration it gives its kernel."""
    btf: tuple[Path, ...] = ()
    config = None
    if "kernel" in case:
        btf = (folder / "vmlinux.btf",)
        btf[0].write_bytes(build_types(case["kernel"]).build())
    if "config" in case:
        config = folder / "config"
        config.write_text("".join(f"{key}={value}\n" for key, value in case["config"].items()))
    machine = {"arch": case.get("arch", ""), "page_size": case.get("page_size")}
    return Target.parse(case["target"], btf=btf, config=config, **machine)


@pytest.mark.parametrize(("code", "verdict", "case"), LOADED)
def test_case(code: str, verdict: str, case: dict[str, Any], tmp_path: Path) -> None:
    """A passing case has no finding, a failing one exactly those it expects."""
    unknown = set(case) - _CASE_KEYS
    assert not unknown, f"unknown keys of a case: {unknown}"
    report = _run(code, case, tmp_path)
    assert not report.failures
    found = list(report.findings)
    expected = case.get("expect", [])
    assert bool(expected) == (verdict == "fail")
    shown = [f"{f.severity} {f.location}: {f.message}" for f in found]
    assert len(found) == len(expected), shown
    for finding, wanted in zip(found, expected, strict=True):
        _compare(finding, wanted)


def _compare(finding: Finding, wanted: dict[str, Any]) -> None:
    assert set(wanted) <= _KEYS, f"unknown keys of an expectation: {set(wanted) - _KEYS}"
    for key in _TEXTS & set(wanted):
        assert wanted[key] in getattr(finding, key)
    for key in _PLAIN & set(wanted):
        assert getattr(finding, key) == wanted[key]
    if "programs" in wanted:
        assert list(finding.programs) == wanted["programs"]
    for key in _PLACES & set(wanted):
        assert getattr(finding.location, key) == wanted[key]
    for line in wanted.get("related", ()):
        assert any(line in text for text in finding.related), finding.related


@pytest.mark.parametrize("code", sorted(RULES))
def test_rule_has_cases(code: str) -> None:
    """A rule without a passing and a failing case is not finished."""
    verdicts = {case.values[1] for case in LOADED if case.values[0] == code}
    assert verdicts == {"pass", "fail"}


def test_cases_belong_to_rules() -> None:
    assert {case.values[0] for case in LOADED} <= set(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_messages(rule: type[Rule], tmp_path: Path) -> None:
    """What a rule says on its failing cases reads as house style wants it."""
    cases = [case for case in LOADED if case.values[0] == rule.code and case.values[1] == "fail"]
    for case in cases:
        for finding in _run(rule.code, case.values[2], tmp_path).findings:
            assert not finding.message.endswith((".", "!")), finding.message
            assert "\n" not in finding.message + finding.help
            assert len(finding.related) <= 2 * 6
            assert finding.location.object == "test.o"
            assert not finding.help[:1].isupper(), finding.help
