"""Judges what is found: each object once, wherever it is, and reports it under its first name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

from ebpf_static.api import Checker
from ebpf_static.engine.inputs import Inputs
from ebpf_static.errors import EbpfStaticError, ObjectError, UnsupportedObjectError
from ebpf_static.findings import Copies, Report
from ebpf_static.scanning.finding import Finder, Found, Terms, Watch
from ebpf_static.scanning.once import OF_THE_RUN, Once, each_once, identity_of
from ebpf_static.scanning.renaming import renamed
from ebpf_static.scanning.runners import Done, Handle, Runner


class Outcome(NamedTuple):
    """What became of one object.

    Attributes:
        report: what rules say of it, None when it could not be judged.
        foreign: it is no object, and this is what it is.
        error: it could not be judged, and this is why.
        trace: where an error of ours was raised.
        is_kept: the report is of a former run.
    """

    report: Report | None = None
    foreign: str = ""
    error: str = ""
    trace: str = ""
    is_kept: bool = False


class Kept(Protocol):
    """Keeps reports for another run."""

    def get(self, checker: Checker, found: Found) -> Report | None:
        """Return the report on an object, None when it is not known."""

    def put(self, checker: Checker, found: Found, report: Report) -> None:
        """Keep a report."""


def judge(state: Checker | bytes, source: bytes | str, name: str) -> Outcome:
    """Return what becomes of one object; runs in whatever process it is sent to.

    Args:
        state: the checker, or what it was packed into.
        source: the object's bytes, or its path.
        name: what findings call it.

    Raises:
        UsageError: what the run was asked for does not exist, whatever the object.
    """
    try:
        if isinstance(state, bytes):
            from ebpf_static.scanning.sending import unpack  # work in this process sends nothing

            checker = unpack(state)
        else:
            checker = state
        return Outcome(checker.judge(source, name))
    except OF_THE_RUN:
        raise
    except UnsupportedObjectError as error:
        return Outcome(foreign=error.detail)
    except ObjectError as error:
        return Outcome(error=error.detail)
    except EbpfStaticError as error:
        where = source if isinstance(source, str) else name
        return Outcome(error=str(error).removeprefix(f"{where}: "))
    except Exception as error:  # noqa: BLE001 - one object must not take the others down
        import traceback

        text = (
            f"internal error: {type(error).__name__}: {error} "
            "(rerun with -vv for the traceback, and please report it)"
        )
        return Outcome(error=text, trace="".join(traceback.format_exception(error)))


class Judge:
    """Judges the objects in files.

    Attributes:
        finder: finds the objects.
        traces: where errors of ours were raised.
    """

    def __init__(
        self,
        checker_for: Callable[[Path], Checker],
        runner: Runner,
        *,
        terms: Terms = Terms(),  # noqa: B008 - frozen
        kept: Kept | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Prepare to judge.

        Args:
            checker_for: what judges the objects in a file.
            runner: where objects are judged.
            terms: what counts as a failure.
            kept: reports of former runs.
            watch: told what is being worked on.
        """
        self.traces: list[str] = []
        self._checker_for = checker_for
        self._runner = runner
        self._kept = kept
        self.finder = Finder(runner, terms, watch)
        self._states: dict[int, Checker | bytes] = {}

    def run(self, inputs: Inputs) -> Report:
        """Return the report on all files.

        Raises:
            UsageError: a rule or target does not exist, or a configuration is wrong.
        """
        judged = each_once(self.finder, inputs, self._start, self._key, self._keep)
        reports = [report for each in judged for report in self._settle(each)]
        self.finder.finish()
        return Report.merge((*reports, self.finder.trouble.report(inputs)))

    def _checker(self, found: Found) -> Checker:
        return self._checker_for(found.item.path)

    def _key(self, found: Found) -> tuple[int, bytes, tuple[int, ...]]:
        """Return what two objects must share to be judged once."""
        checker = self._checker(found)
        return id(checker), identity_of(found), checker.policy.ignores_for(found.part.name)

    def _start(self, found: Found) -> Handle[Outcome]:
        checker = self._checker(found)
        report = self._kept.get(checker, found) if self._kept is not None else None
        if report is not None:
            return Done(Outcome(report, is_kept=True))
        state = self._states.get(id(checker))
        if state is None:
            state = self._states[id(checker)] = self._state(checker)
        return self._runner.submit(judge, state, found.part.source, found.part.name)

    def _state(self, checker: Checker) -> Checker | bytes:
        if self._runner.is_local:
            return checker
        from ebpf_static.scanning.sending import pack

        return pack(checker, with_files=not self._runner.sees_files)

    def _keep(self, judged: Once[Outcome]) -> None:
        outcome = judged.outcome
        if outcome is None:
            return
        if outcome.trace:
            self.traces.append(outcome.trace)
        report = outcome.report
        # A rule that failed may do better next time.
        if report is None or report.failures or outcome.is_kept:
            return
        if self._kept is not None:
            self._kept.put(self._checker(judged.first), judged.first, report)

    def _settle(self, judged: Once[Outcome]) -> Iterator[Report]:
        """Yield what is reported of an object, and note what could not be."""
        outcome = judged.outcome or Outcome(error=str(judged.error))
        if outcome.report is not None:
            report = renamed(outcome.report, judged.first.part.name, judged.name)
            if report is None:  # a text speaks of the name it was judged by
                report, judged = outcome.report, replace(judged, is_settled=True)
            yield self._checker(judged.first).policy.apply(report)
            if judged.copies:
                copies = Copies(judged.name, judged.other_names)
                yield Report.model_construct(copies=(copies,))
        for found in judged.everywhere:
            if outcome.report is not None:
                self.finder.is_object(found)
            elif outcome.error:
                self.finder.trouble.fail(found.number, found.part.name, outcome.error)
            else:
                self.finder.reject(found, outcome.foreign)
