"""Calls for processes to make."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def kill_unless(times: int, folder: str) -> int:
    """Kill the process, but for the call after ``times`` of them."""
    number = len(list(Path(folder).iterdir()))
    if number < times:
        Path(folder, str(number)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def hang(file: str) -> None:
    """Write down which process this is, and do nothing for long."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(3600)


def fail(what: str) -> None:
    """Raise an exception that cannot be sent."""
    error = ValueError(what)
    error.frame = sys._getframe()  # type: ignore[attr-defined]
    raise error
