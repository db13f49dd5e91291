"""Exit statuses, and what a report means as one."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ebpf_static.findings import Report

SEVERITIES = ("error", "warning", "note")


class ExitCode(IntEnum):
    """What the exit status of ``ebpf-static`` says; the output format never changes it."""

    OK = 0
    """Nothing at or above the failing severity."""
    FINDINGS = 1
    """Something at or above the failing severity."""
    FAILURE = 2
    """The job could not be done: wrong usage, unreadable input, a rule that crashed."""
    INTERRUPTED = 130
    """Ctrl-C."""


def exit_code(report: Report, *, fail_on: str = "error", exit_zero: bool = False) -> ExitCode:
    """Return the exit status of a report.

    Args:
        report: what was found.
        fail_on: the mildest severity that fails, one of :data:`SEVERITIES`.
        exit_zero: findings never fail; failures still do.
    """
    if report.failures:
        return ExitCode.FAILURE
    if exit_zero:
        return ExitCode.OK
    failing = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    fails = any(finding.severity.value in failing for finding in report.active)
    return ExitCode.FINDINGS if fails else ExitCode.OK
