from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from ebpf_static.cli import progress
from ebpf_static.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=made))
    return made


def test_short_work_shows_nothing(terminal: Terminal, clock: Clock) -> None:
    shown = Progress(2)
    shown.step(1, "a.o")
    clock.now = 0.9
    shown.step(2, "b.o")
    shown.done()
    assert terminal.getvalue() == ""


def test_long_work_shows_a_line_and_takes_it_away(terminal: Terminal, clock: Clock) -> None:
    shown = Progress(300)
    clock.now = 1.1
    shown.step(120, "ev\x1b[2Jil\n.o")
    shown.step(121, "too soon")
    clock.now = 2.0
    shown.step(122, "x" * 500)
    shown.done()
    first, second, last = terminal.getvalue().split("\r\x1b[K")[1:]
    assert first == "[120/300] ev\\x1b[2Jil\\x0a.o"
    assert second.startswith("[122/300] xxx")
    assert len(second) < 80
    assert last == ""


@pytest.mark.parametrize("wanted", [True, False])
def test_nobody_looking_or_not_wanted(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, *, wanted: bool
) -> None:
    stream = io.StringIO() if wanted else Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    shown = Progress(1, wanted=wanted)
    clock.now = 5
    shown.step(1, "a.o")
    shown.done()
    assert stream.getvalue() == ""
