"""Our verdicts for ``--loader cilium`` and ``--loader aya`` against what those libraries said.

python -m tests.calibration.loaders [--all]

``tests/data/loaders`` holds what each library made of our own objects and the Debian ones on Linux
6.18.44, as ``tests/loaders/README.md`` says. A missing object, or another build of it, is passed
over.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import sys
from collections import Counter
from functools import cache
from typing import Any, NamedTuple

from ebpf_static.errors import EbpfStaticError
from ebpf_static.reading import read
from ebpf_static.target import ObjectLoader, Target
from ebpf_static.verdict import ObjectVerdicts, Status, judge_object
from tests.calibration.agreement import WAYS
from tests.differential.objects import ROOT

LOADERS = ("cilium-0.22", "cilium-0.11", "aya-0.13")
KERNEL = "6.18.44"
_WORDS = {"as_is": "as they are", "sized": "given a size"}
_COLUMNS = (
    "loader", "maps", "programs and objects", "both load", "both reject", "falsely rejected",
    "falsely loads", "unknown",
)  # fmt: skip


class Pair(NamedTuple):
    """One question and both answers.

    Attributes:
        object: name of the object.
        program: name of the program, None for the whole object.
        refusal: the library's words, None where it loaded.
        predicted: ours.
        reason: code and message of our first reason.
    """

    object: str
    program: str | None
    refusal: str | None
    predicted: Status
    reason: str


def loader_of(name: str) -> ObjectLoader:
    """Return the loader a file of outcomes is about."""
    return ObjectLoader.parse(name.replace("-", ":"))


def compare(name: str, way: str) -> list[Pair]:
    """Judge every object that is here for a loader and compare."""
    pairs = []
    judged: dict[str, ObjectVerdicts | str | None] = {}
    for row in _rows(name):
        if way not in row:
            continue
        key = row["object"]
        if key not in judged:
            judged[key] = _judge(row, loader_of(name), assume_setup=WAYS[way])
        ours = judged[key]
        if ours is not None:
            pairs.append(_pair(row, ours, row[way]))
    return pairs


def _rows(name: str) -> list[dict[str, Any]]:
    packed = (ROOT / "tests" / "data" / "loaders" / f"{name}.jsonl.xz").read_bytes()
    return [json.loads(line) for line in lzma.decompress(packed).decode().splitlines()]


@cache
def _target() -> Target:
    btf = ROOT / "tests" / "btf" / "data" / "vmlinux-6.18.btf.xz"
    return Target.parse(f"linux:{KERNEL}", btf=btf)


def _judge(
    row: dict[str, Any], loader: ObjectLoader, *, assume_setup: bool
) -> ObjectVerdicts | str | None:
    path = ROOT / "corpus" / row["object"]
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest()[:16] != row["sha256_16"]:
        return None
    try:
        return judge_object(read(data), _target(), assume_setup=assume_setup, loader=loader)
    except EbpfStaticError as error:
        return str(error)


def _pair(row: dict[str, Any], ours: ObjectVerdicts | str, refusal: str | None) -> Pair:
    if isinstance(ours, str):
        return Pair(row["object"], row["program"], refusal, Status.REJECTED, ours)
    verdict = ours.object
    if row["program"] is not None:
        verdict = ours.programs.get(row["program"], ours.object)
    first = verdict.reasons[0] if verdict.reasons else None
    reason = f"{first.code} {first.message}" if first else ""
    return Pair(row["object"], row["program"], refusal, verdict.status, reason)


def table_of(pairs: list[Pair]) -> Counter[tuple[Status, bool]]:
    """Return how often each prediction met each outcome."""
    return Counter((pair.predicted, pair.refusal is None) for pair in pairs)


def row_of(name: str, way: str, pairs: list[Pair]) -> str:
    """Return the line of the table for a loader."""
    table, whole = table_of(pairs), len(pairs)
    unknown = table[Status.UNKNOWN, True] + table[Status.UNKNOWN, False]
    cells = (
        loader_of(name).label,
        _WORDS[way],
        whole,
        table[Status.LOADS, True],
        table[Status.REJECTED, False],
        *(
            f"{part} ({100 * part / max(whole, 1):.1f} %)"
            for part in (table[Status.REJECTED, True], table[Status.LOADS, False], unknown)
        ),
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main() -> int:
    """Print the table, and with ``--all`` every disagreement; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.calibration.loaders")
    parser.add_argument("--all", action="store_true", help="list every disagreement")
    everything = parser.parse_args().all
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for name in LOADERS:
        for way in WAYS:
            pairs = compare(name, way)
            lines.append(row_of(name, way, pairs))
            for pair in pairs if everything else ():
                expected = Status.LOADS if pair.refusal is None else Status.REJECTED
                if pair.predicted is not expected:
                    print(name, way, *pair)  # noqa: T201 - a command
    print("\n".join(lines))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
