"""Judges what is found: each object once, wherever it is, and reports it under its first name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from ebpf_static.api import Checker
from ebpf_static.engine.inputs import Inputs
from ebpf_static.errors import (
    ConfigError,
    EbpfStaticError,
    ObjectError,
    UnknownRuleError,
    UnknownTargetError,
    UnsupportedObjectError,
)
from ebpf_static.findings import Copies, Report
from ebpf_static.scanning.finding import Finder, Found, Terms, Watch
from ebpf_static.scanning.runners import Done, Handle, Runner, in_order


class Outcome(NamedTuple):
    """What became of one object.

    Attributes:
        report: what rules say of it, None when it could not be judged.
        foreign: it is no object, and this is what it is.
        error: it could not be judged, and this is why.
        trace: where an error of ours was raised.
    """

    report: Report | None = None
    foreign: str = ""
    error: str = ""
    trace: str = ""


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
    except (ConfigError, UnknownRuleError, UnknownTargetError):
        raise  # concerns the run, not this object
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


class _Key(NamedTuple):
    """What two objects must share to be judged once."""

    checker: int
    identity: bytes
    ignores: tuple[int, ...]


@dataclass
class _Judged:
    """One object and everywhere it was found."""

    first: Found
    checker: Checker
    size: int
    outcome: Outcome | None = None
    copies: list[Found] = field(default_factory=list)


class Judge:
    """Judges the objects in files."""

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
        self._checker_for = checker_for
        self._runner = runner
        self._kept = kept
        self._finder = Finder(runner, terms, watch)
        self._states: dict[int, Checker | bytes] = {}
        self._judged: dict[_Key, _Judged] = {}
        self.traces: list[str] = []

    def run(self, inputs: Inputs) -> Report:
        """Return the report on all files.

        Raises:
            UsageError: a rule or target does not exist, or a configuration is wrong.
        """
        judging = in_order(self._judging(inputs), self._runner.ahead, lambda each: each[0].size)
        for judged, handle in judging:
            judged.outcome = self._outcome(judged, handle)
            if judged.outcome.report is not None:
                self._finder.is_object(judged.first)
        reports = [report for each in self._judged.values() for report in self._settle(each)]
        self._finder.finish()
        return Report.merge((*reports, self._finder.trouble.report(inputs)))

    def _judging(self, inputs: Inputs) -> Iterator[tuple[_Judged, Handle[Outcome]]]:
        """Start judging each object when it is first met, and note where else it is."""
        for found in self._finder.iter_found(inputs.found.values()):
            checker = self._checker_for(found.item.path)
            key = _key(checker, found)
            known = self._judged.get(key)
            if known is not None:
                known.copies.append(_light(found))
                continue
            judged = self._judged[key] = _Judged(_light(found), checker, len(found.part.source))
            yield judged, self._start(checker, found)

    def _start(self, checker: Checker, found: Found) -> Handle[Outcome]:
        report = self._kept.get(checker, found) if self._kept is not None else None
        if report is not None:
            return Done(Outcome(report))
        state = self._states.get(id(checker))
        if state is None:
            state = self._states[id(checker)] = self._state(checker)
        try:
            return self._runner.submit(judge, state, found.part.source, found.part.name)
        except EbpfStaticError as error:
            return Done(error=error)

    def _state(self, checker: Checker) -> Checker | bytes:
        if self._runner.is_local:
            return checker
        from ebpf_static.scanning.sending import pack

        return pack(checker, with_files=not self._runner.sees_files)

    def _outcome(self, judged: _Judged, handle: Handle[Outcome]) -> Outcome:
        try:
            outcome = handle.result()
        except (ConfigError, UnknownRuleError, UnknownTargetError):
            raise
        except EbpfStaticError as error:  # a process was lost
            return Outcome(error=str(error))
        # A rule that failed may do better next time.
        if self._kept is not None and outcome.report is not None and not outcome.report.failures:
            self._kept.put(judged.checker, judged.first, outcome.report)
        if outcome.trace:
            self.traces.append(outcome.trace)
        return outcome

    def _settle(self, judged: _Judged) -> Iterator[Report]:
        """Yield what is reported of an object, and note what could not be."""
        outcome = judged.outcome or Outcome()
        first, copies = judged.first, judged.copies
        if outcome.report is not None:
            yield judged.checker.policy.apply(outcome.report)
            for found in copies:
                self._finder.is_object(found)
            if copies:
                places = tuple(found.part.name for found in copies)
                yield Report.model_construct(copies=(Copies(first.part.name, places),))
            return
        for found in (first, *copies):
            if outcome.error:
                self._finder.trouble.fail(found.number, found.part.name, outcome.error)
            else:
                self._finder.reject(found, outcome.foreign)


def _key(checker: Checker, found: Found) -> _Key:
    part = found.part
    return _Key(
        id(checker),
        part.identity or part.name.encode("utf-8", "surrogatepass"),
        checker.policy.ignores_for(part.name),
    )


def _light(found: Found) -> Found:
    """Return what was found without its bytes."""
    return found._replace(part=found.part._replace(source=b""))
