from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from ebpf_static.api import Checker
from ebpf_static.engine.inputs import Inputs, find_inputs
from ebpf_static.engine.policy import Ignore, Policy
from ebpf_static.findings import Copies, Report
from ebpf_static.scanning.finding import Terms
from ebpf_static.scanning.inventory import Surveyor
from ebpf_static.scanning.judging import Judge
from ebpf_static.scanning.runners import InExecutor, InProcess, InProcesses, Runner, in_order
from tests.scanning.conftest import Write, object_with

NORMAL = Terms()


def report_of(
    inputs: Inputs, checker: Checker, runner: Runner | None = None, terms: Terms = NORMAL
) -> Report:
    with runner or InProcess() as used:
        return Judge(lambda _: checker, used, terms=terms).run(inputs)


def summary(report: Report) -> tuple[list[str], dict[str, str]]:
    return [f.message for f in report.findings], {f.object: f.message for f in report.failures}


def test_items_are_taken_in_order_while_others_run() -> None:
    started: list[int] = []

    def start() -> Iterator[int]:
        for number in range(6):
            started.append(number)
            yield number

    taken = [(item, len(started)) for item in in_order(start(), 2)]
    assert taken == [(0, 3), (1, 4), (2, 5), (3, 6), (4, 6), (5, 6)]


def test_processes_change_nothing(write: Write, checker: Checker, tmp_path: Path) -> None:
    write(**{f"o{n:02}": f"p{n % 7}" for n in range(20)}, broken="crash")
    (tmp_path / "cut.o").write_bytes(object_with("x")[:200])
    (tmp_path / "lib.a").write_bytes(b"!<arch>\n")
    inputs = find_inputs([".", "lib.a"])
    alone = report_of(inputs, checker)
    assert len(alone.objects) == 9
    assert alone.copies[0] == Copies("o00.o", ("o07.o", "o14.o"))
    assert [f.object for f in alone.failures] == ["broken.o", "lib.a"]
    assert report_of(inputs, checker, InProcesses(3)) == alone
    with ThreadPoolExecutor(3) as threads:
        assert report_of(inputs, checker, InExecutor(threads)) == alone


KILLED = "3 processes working on it were lost, the last was killed by SIGKILL"


def test_what_kills_is_named_and_the_others_go_on(write: Write, checker: Checker) -> None:
    inputs = write(a="a", b="kill", c="c", d="leave", e="e")
    found, failures = summary(report_of(inputs, checker, InProcesses(2)))
    assert found == ["program `a`", "program `c`", "program `e`"]
    left = "3 processes working on it were lost, the last ended with status 3"
    assert failures == {"b.o": KILLED, "d.o": left}


def test_what_hangs_is_named(write: Write, checker: Checker) -> None:
    inputs = write(a="hang")
    found, failures = summary(report_of(inputs, checker, InProcesses(1, timeout=0.5)))
    assert (found, failures) == ([], {"a.o": "took longer than 0.5 s"})


def test_an_executor_that_breaks_loses_nothing(write: Write, checker: Checker) -> None:
    inputs = write(a="a", b="kill", c="c", d="d")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        found, failures = summary(report_of(inputs, checker, InExecutor(executor)))
    assert found == ["program `a`", "program `c`", "program `d`"]
    assert failures == {
        "b.o": "3 processes working on it were lost, the last was killed by SIGKILL"
    }


class Refuses(Executor):
    def submit(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise RuntimeError("no more")


def test_an_executor_that_takes_nothing_loses_nothing(write: Write, checker: Checker) -> None:
    inputs = write(a="a")
    assert summary(report_of(inputs, checker, InExecutor(Refuses())))[0] == ["program `a`"]


def test_copies_are_told_apart_by_what_is_ignored(write: Write, checker: Checker) -> None:
    inputs = write(a="same", b="same", c="same")
    policy = Policy(ignores=(Ignore("ZZZ901", "known", objects="a.o"),))
    ignoring = Checker(checker.targets, checker.rules, (), policy)
    report = report_of(inputs, ignoring)
    assert [(f.location.object, bool(f.suppressed_by)) for f in report.findings] == [
        ("a.o", True),
        ("b.o", False),
    ]
    assert report.copies == (Copies("b.o", ("c.o",)),)


def test_what_is_in_containers_is_found_and_named(
    write: Write, checker: Checker, tmp_path: Path
) -> None:
    write(a="a")
    (tmp_path / "agent").write_bytes(x86(object_with("inside")) + x86(object_with("a")))
    report = report_of(find_inputs(["."]), checker)
    first, second = f"agent!obj@{64:#x}", f"agent!obj@{64 + len(object_with('inside')) + 64:#x}"
    assert report.objects == ("a.o", first)
    assert report.copies == (Copies("a.o", (second,)),)
    assert report == report_of(find_inputs(["."]), checker, InProcesses(2))


def x86(contents: bytes) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\x3e\x00" + bytes(44) + contents


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_cannot_be_opened_is_a_failure_where_it_was_named(
    checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thin.a").write_bytes(b"!<thin>\n")
    (tmp_path / "x86.o").write_bytes(x86(b""))

    def failures(paths: list[str], terms: Terms) -> list[str]:
        runner = InProcess() if jobs == 1 else InProcesses(jobs)
        report = report_of(find_inputs(paths), checker, runner, terms)
        assert len(report.failures) + len(report.skipped) == 2
        return [f.object for f in report.failures]

    assert failures(["x86.o", "thin.a"], Terms()) == ["x86.o", "thin.a"]
    if jobs > 1:
        return
    assert failures(["x86.o", "thin.a"], Terms(lenient=True)) == []
    assert failures(["."], Terms()) == []
    assert failures(["."], Terms(strict=True)) == ["thin.a"]


def test_work_is_watched(write: Write, checker: Checker) -> None:
    seen: list[tuple[int, str]] = []
    with InProcess() as runner:
        work = Judge(lambda _: checker, runner, watch=lambda n, name: seen.append((n, name)))
        work.run(write(a="a", b="b"))
    assert seen == [(1, "a.o"), (1, "a.o"), (2, "b.o"), (2, "b.o")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_of_its_own_is_named_before_what_is_inside_another(
    write: Write, checker: Checker, tmp_path: Path, jobs: int
) -> None:
    contents = object_with("deep") + object_with("crash") + object_with("named")
    (tmp_path / "agent").write_bytes(x86(contents))
    inputs = write(probe="deep", unlucky="crash", wordy="named")
    report = report_of(inputs, checker, InProcess() if jobs == 1 else InProcesses(jobs))
    inside = [f"agent!obj@{64 + n * len(object_with('deep')):#x}" for n in range(3)]
    found = {finding.message: finding.location.object for finding in report.findings}
    assert found["program `deep`"] == "probe.o"
    assert [failure.object for failure in report.failures] == ["unlucky.o"]
    # What speaks of a name is not called otherwise.
    assert found[f"program `{inside[2]}`"] == inside[2]
    assert report.copies == (
        Copies(inside[2], ("wordy.o",)),
        Copies("probe.o", (inside[0],)),
        Copies("unlucky.o", (inside[1],)),
    )
    assert report.objects == (inside[2], "probe.o", "unlucky.o")
    assert {ran.object for ran in report.ran} == set(report.objects)
    with InProcess() as runner:
        listed = Surveyor(runner, NORMAL).run(inputs).objects
    assert [each.path for each in listed] == ["probe.o", "unlucky.o", "wordy.o"]
    assert listed[0].also_at == (inside[0],)
