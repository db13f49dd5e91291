# ruff: noqa: T201 - it talks to a terminal
"""Damage real objects by the thousand and see that reading and checking survive it.

    python -m tests.fuzz.mutate 10000            # a table of what happened; exit 1 on any failure
    python -m tests.fuzz.mutate 10000 --seed 7   # other damage
    python -m tests.fuzz.mutate 10000 --deep     # also judge for targets, and print every object
    python -m tests.fuzz.mutate --replay 4711    # one again, in this process; --save FILE keeps it

Mutation N of a seed is the same bytes on every host. Worker processes run them with a watchdog of
CPU seconds per object and a bound on their address space. A failure is a foreign exception, a rule
that crashed, a hang, or a dead worker.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random
from types import FrameType
from typing import NamedTuple
from xml.etree import ElementTree as ET

from ebpf_static.api import check
from ebpf_static.errors import EbpfStaticError
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.output import inspect_json, inspect_text
from ebpf_static.output.code_facts import CodeIndex
from ebpf_static.output.pictures import dot, mermaid, svg
from ebpf_static.output.pictures.calls import draw_calls
from ebpf_static.output.pictures.drawing import Drawing
from ebpf_static.output.pictures.flow import draw_flow
from ebpf_static.output.pictures.maps import draw_maps
from ebpf_static.output.pictures.marks import Marks
from ebpf_static.output.style import PLAIN
from ebpf_static.specs import CollectionSpec
from tests.fuzz.mutations import mutate
from tests.fuzz.walk import walk

ROOT = Path(__file__).resolve().parents[2]
WATCHDOG_SECONDS = 2.0
MEMORY_BYTES = 1 << 30
_SILENCE_SECONDS = 60.0
_DRAWN = 10
"""Functions of an object whose control flow is drawn."""
_TARGETS = (("linux:5.10",), ("windows:0.21",))


class Hang(BaseException):
    """The watchdog barked; not an Exception, so that nothing takes it for a failed rule."""


class Outcome(NamedTuple):
    """What became of one mutated object."""

    number: int
    kind: str
    verdict: str
    seconds: float
    detail: str = ""


@dataclass(slots=True)
class Tally:
    """The outcomes counted."""

    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[Outcome] = field(default_factory=list)
    slowest: Outcome | None = None
    peak_bytes: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.verdicts[outcome.kind, outcome.verdict] += 1
        if outcome.verdict not in ("spec", "refused"):
            self.failures.append(outcome)
        if self.slowest is None or outcome.seconds > self.slowest.seconds:
            self.slowest = outcome


@cache
def objects() -> tuple[Path, ...]:
    """Return every object there is to damage, in a fixed order."""
    folders = (ROOT / "corpus" / "objects", ROOT / "corpus" / "debian")
    found = (p for folder in folders for p in folder.rglob("*") if p.suffix in (".o", ".elf"))
    return tuple(sorted(found))


def damaged(number: int, seed: int) -> tuple[str, bytes]:
    """Return mutation ``number`` of ``seed``."""
    random = Random(f"{seed}:{number}")
    return mutate(random.choice(objects()).read_bytes(), random)


def judge(data: bytes, *, deep: bool = False) -> tuple[str, str]:
    """Return ``spec`` or ``refused``, or what went wrong and where."""
    spec = walk(data)
    for targets in ((), *_TARGETS) if deep else ((),):
        try:
            report = check(data, targets=targets)
        except EbpfStaticError:
            return "refused", ""
        if report.failures:
            return "rule crash", "; ".join(failure.message for failure in report.failures)
    if deep and spec is not None:
        with suppress(EbpfStaticError):
            text = inspect_text.render(spec, "damaged.o", PLAIN, disasm=True)
            assert text.replace("\n", "").isprintable(), "names reach the terminal raw"
        with suppress(EbpfStaticError):
            json.loads(inspect_json.render(spec, "damaged.o", disasm=True))
        _draw(spec)
    return ("refused" if spec is None else "spec"), ""


def _draw(spec: CollectionSpec) -> None:
    """Draw everything that can be drawn, in every format."""
    index, flows, marks = CodeIndex(spec), TargetFlows(spec), Marks()
    drawers: list[Callable[[], Drawing]] = [
        partial(draw_calls, index, None, flows, marks),
        partial(draw_maps, index, None, flows, marks),
        *(partial(draw_flow, index, it, flows, marks) for it in spec.functions[:_DRAWN]),
    ]
    for draw in drawers:
        with suppress(EbpfStaticError):
            drawing = draw()
            ET.fromstring(svg.render(drawing).encode())
            assert dot.render(drawing).replace("\n", "").isprintable()
            assert mermaid.render(drawing).replace("\n", "").isascii()


def run_one(number: int, seed: int, *, deep: bool = False) -> Outcome:
    """Damage and judge one object under the watchdog."""
    kind, data = damaged(number, seed)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, WATCHDOG_SECONDS)
    try:
        verdict, detail = judge(data, deep=deep)
    except Hang:
        verdict, detail = "hang", _last_lines()
    except Exception:  # noqa: BLE001 - finding them is the point
        verdict, detail = "exception", _last_lines()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Outcome(number, kind, verdict, time.process_time() - start, detail)


def _last_lines() -> str:
    return "".join(traceback.format_exc().splitlines(keepends=True)[-9:])


def _bark(_signal: int, _frame: FrameType | None) -> None:
    raise Hang


def _work(pipe: Connection, numbers: range, seed: int, *, deep: bool) -> None:
    signal.signal(signal.SIGPROF, _bark)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for number in numbers:
        pipe.send(number)
        pipe.send(run_one(number, seed, deep=deep))
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    pipe.close()


def run_all(count: int, seed: int, workers: int, *, deep: bool = False) -> Tally:
    """Run mutations 0 to ``count`` in worker processes; a dead worker costs one object."""
    tally = Tally()
    context = get_context("spawn")
    running: dict[Connection, tuple[object, range, int]] = {}

    def start(numbers: range) -> None:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=_work, args=(theirs, numbers, seed), kwargs={"deep": deep}, daemon=True
        )
        process.start()
        theirs.close()
        running[ours] = (process, numbers, numbers.start)

    for worker in range(workers):
        start(range(worker, count, workers))
    while running:
        ready = wait(list(running), timeout=_SILENCE_SECONDS)
        for pipe in ready or list(running):
            assert isinstance(pipe, Connection)
            process, numbers, current = running[pipe]
            try:
                message = pipe.recv() if ready else None
            except EOFError:
                message = None
            if isinstance(message, Outcome):
                tally.add(message)
            elif message is None:
                process.kill()  # type: ignore[attr-defined]
                del running[pipe]
                tally.add(Outcome(current, damaged(current, seed)[0], "dead worker", 0.0))
                if rest := range(current + workers, count, workers):
                    start(rest)
            elif message in numbers[-1:] or message < count:
                running[pipe] = (process, numbers, message)
            else:
                tally.peak_bytes = max(tally.peak_bytes, message)
                del running[pipe]
    return tally


def report(tally: Tally, count: int, seconds: float) -> None:
    """Print what happened."""
    verdicts = sorted({verdict for _, verdict in tally.verdicts})
    print(f"{'mutation':18}" + "".join(f"{verdict:>12}" for verdict in verdicts))
    for kind in sorted({kind for kind, _ in tally.verdicts}):
        counts = "".join(f"{tally.verdicts[kind, verdict]:12}" for verdict in verdicts)
        print(f"{kind:18}{counts}")
    totals = Counter(verdict for _, verdict in tally.verdicts.elements())
    print(f"{'all':18}" + "".join(f"{totals[verdict]:12}" for verdict in verdicts))
    alike: dict[str, list[Outcome]] = {}
    for outcome in tally.failures:
        alike.setdefault(outcome.verdict + outcome.detail[-300:], []).append(outcome)
    for outcomes in list(alike.values())[:20]:
        first = outcomes[0]
        print(f"\n{len(outcomes)} times {first.verdict}, first #{first.number} ({first.kind})")
        print(first.detail)
    slow = tally.slowest
    print(
        f"\n{count} objects in {seconds:.0f} s, {len(tally.failures)} failures; peak "
        f"{tally.peak_bytes / 1e6:.0f} MB; slowest "
        f"{'' if slow is None else f'#{slow.number} ({slow.kind}) {slow.seconds:.3f} s CPU'}"
    )


def main(argv: list[str] | None = None) -> int:
    """Run; 0 when nothing failed, 1 when something did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--replay", type=int, metavar="N", help="run mutation N alone, unguarded")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the replayed object")
    parser.add_argument("--deep", action="store_true", help="check for targets, inspect and list")
    arguments = parser.parse_args(argv)
    if arguments.replay is not None:
        kind, data = damaged(arguments.replay, arguments.seed)
        if arguments.save:
            arguments.save.write_bytes(data)
        print(kind, *judge(data, deep=arguments.deep))
        return 0
    start = time.monotonic()
    tally = run_all(arguments.count, arguments.seed, arguments.workers, deep=arguments.deep)
    report(tally, arguments.count, time.monotonic() - start)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
