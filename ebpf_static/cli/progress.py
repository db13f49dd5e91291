"""Progress of long work: one line on standard error, for a person who waits."""

from __future__ import annotations

import sys
import time
from typing import Self

from ebpf_static.errors import escape

_PATIENCE = 1.0
"""Seconds of work before anything is shown."""
_INTERVAL = 0.1
_WIDTH = 79


class Progress:
    """Counts what is done; silent unless a person is looking and has waited a second."""

    def __init__(self, total: int, *, wanted: bool = True) -> None:
        """Start counting.

        Args:
            total: how many items there are.
            wanted: whether to show anything at all.
        """
        self._total = total
        self._shown = False
        self._wanted = wanted and sys.stderr.isatty()
        self._next = time.monotonic() + _PATIENCE

    def step(self, number: int, name: str) -> None:
        """Say that item ``number`` (from 1) is being worked on."""
        if not self._wanted or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _INTERVAL
        text = f"[{number}/{self._total}] {escape(name)}"
        shown = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
        sys.stderr.write(f"\r\x1b[K{shown}")
        sys.stderr.flush()
        self._shown = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.done()

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
