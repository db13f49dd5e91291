from __future__ import annotations

from dataclasses import replace

import pytest

from ebpf_static.engine.run import MAX_FINDINGS_PER_RULE, run_rules
from ebpf_static.findings import Report
from ebpf_static.plugins import RuleEntry
from ebpf_static.target import Platform, Target
from tests.engine.samples import HasMaps, registry, spec

LINUX, LINUX_54, WINDOWS = map(Target.parse, ("linux", "linux:5.4", "windows"))


def run(*targets: Target, functions: tuple[str, ...] = (), maps: tuple[str, ...] = ()) -> Report:
    return run_rules(spec(*maps), "a.o", targets, registry(*functions).rules)


def seen(report: Report) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.target) for finding in report.findings]


def test_findings_are_sorted_and_the_object_is_named() -> None:
    report = run(maps=("b", "a"))
    assert [f.location.map for f in report.findings if f.code == "MAP101"] == ["a", "b"]
    assert report.objects == ("a.o",)
    assert report.targets == ()
    assert not report.ok


def test_a_single_target_need_not_be_a_list() -> None:
    report = run_rules(spec(), "a.o", WINDOWS, registry().rules)
    assert report.targets == ("windows",)


def test_without_a_target_the_object_is_judged_by_its_own_platform() -> None:
    rules = registry().rules
    assert ("WIN201", None) not in seen(run_rules(spec(), "a.o", (), rules))
    windows = spec(platform=Platform.WINDOWS)
    assert ("WIN201", None) in seen(run_rules(windows, "a.o", (), rules))


def test_a_rule_runs_only_on_the_platforms_it_can_judge() -> None:
    assert "WIN201" not in dict(seen(run(LINUX)))
    assert "WIN201" in dict(seen(run(WINDOWS)))


def test_a_rule_for_releases_runs_only_when_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HasMaps, "meta", replace(HasMaps.meta, release_only=True))
    assert "MAP101" not in dict(seen(run(maps=("m",))))
    assert "MAP101" not in dict(seen(run(LINUX, maps=("m",))))
    assert "MAP101" in dict(seen(run(LINUX_54, maps=("m",))))
    assert RuleEntry.of(HasMaps).release_only


def test_targeted_findings_are_kept_per_target() -> None:
    assert [t for code, t in seen(run(LINUX, WINDOWS)) if code == "MAP102"] == ["linux", "windows"]


def test_what_holds_for_every_target_is_said_once() -> None:
    found = seen(run(LINUX, WINDOWS, maps=("m",)))
    assert [t for code, t in found if code == "MAP101"] == [None]


def test_what_holds_for_some_targets_is_tied_to_them() -> None:
    assert ("WIN201", "windows") in seen(run(LINUX, WINDOWS))


def test_a_target_named_twice_counts_once() -> None:
    assert run(LINUX, LINUX).targets == ("linux",)


def test_a_rule_that_raises_is_named_and_the_others_still_run() -> None:
    report = run(functions=("misbehaving", "well_behaved"), maps=("m",))
    messages = [failure.message for failure in report.failures]
    assert messages == [
        "rule PRG001 (crashing-rule) of plugin tests failed: ZeroDivisionError: boom",
        (
            "rule PRG002 (junk-rule) of plugin tests failed: "
            "TypeError: yielded str instead of a Finding"
        ),
    ]
    assert {failure.object for failure in report.failures} == {"a.o"}
    assert ("MAP101", None) in seen(report)
    assert ("PRG001", None) in seen(report), "what it found before it crashed stays"


def test_a_crash_is_reported_once_for_several_targets() -> None:
    assert len(run(LINUX, LINUX_54, functions=("misbehaving",)).failures) == 2


def test_a_malformed_part_met_late_is_a_finding_of_the_object() -> None:
    report = run(functions=("misbehaving",))
    (finding,) = [f for f in report.findings if f.code == "ELF001"]
    assert (finding.location.section, finding.location.offset) == (".BTF", 0x40)
    assert all("lazy-part" not in failure.message for failure in report.failures)


def test_findings_without_end_are_cut_and_said_so() -> None:
    report = run(functions=("endless",))
    assert len(report.findings) == MAX_FINDINGS_PER_RULE
    assert report.skipped == (f"a.o: PRG003 findings after the first {MAX_FINDINGS_PER_RULE}",)


def test_numbers_of_an_unknown_object_follow_the_target() -> None:
    as_linux, as_windows = spec("l"), spec("w", platform=Platform.WINDOWS)
    rules = registry().rules
    report = run_rules(as_linux, "a.o", (LINUX, WINDOWS), rules, as_windows=as_windows)
    found = {(f.location.map, f.target) for f in report.findings if f.code == "MAP101"}
    assert found == {("l", "linux"), ("w", "windows")}


@pytest.mark.parametrize("targets", [(), (LINUX,), (LINUX, WINDOWS)])
def test_the_same_input_gives_the_same_report(targets: tuple[Target, ...]) -> None:
    assert run(*targets, maps=("b", "a")) == run(*targets, maps=("b", "a"))
