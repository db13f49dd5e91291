"""Judges the Debian objects for kernels that were asked, and compares.

``tests/data/verdicts/<kernel>.jsonl.xz`` holds what libbpf 1.7 and each kernel said, of every
object as it is and with sizes given to maps that had none. The kernels' BTF is in
``tests/btf/data``. The objects come from ``corpus/fetch_debian.py``; one that is missing, or of
another build, is passed over and counted.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from ebpf_static.errors import EbpfStaticError
from ebpf_static.reading import read
from ebpf_static.target import Target
from ebpf_static.verdict import ObjectVerdicts, Status, judge_object
from tests.differential.objects import ROOT, debian_objects

KERNELS = {"5.10": "5.10.262", "6.1": "6.1.192", "6.12": "6.12.117", "7.3": "7.3.4"}
"""The kernels asked, and what exactly they are."""

WAYS = {"as_is": False, "sized": True}
"""How the objects were loaded, and the ``assume_setup`` that stands for it."""

CAUSES: dict[str, frozenset[str]] = {
    "foreign-endianness": frozenset({"ELF201"}),
    "legacy-maps": frozenset({"MAP104"}),
    "map-relocation": frozenset({"MAP104"}),
    "unsupported-object": frozenset({"PRG002"}),
    "map-create": frozenset({"MAP201", "MAP202", "MAP203", "MAP107"}),
    "helper-unknown": frozenset({"HLP201"}),
    "helper-for-type": frozenset({"HLP202"}),
    "attach-target": frozenset({"PRG203"}),
    "attach-target-set": frozenset({"PRG204"}),
    "kfunc": frozenset({"REL201"}),
    "ksym": frozenset({"REL001", "REL201"}),
    "kconfig": frozenset({"REL202"}),
    "co-re": frozenset({"REL101", "REL102"}),
    "section": frozenset({"PRG001"}),
    "license": frozenset({"LIC001", "LIC004", "LIC010"}),
    "context-access": frozenset({"CTX201", "CTX202", "CTX203"}),
    "struct-ops-type": frozenset({"SOP201", "SOP202"}),
    "verifier": frozenset({"INS211", "INS212"}),
}
"""The rules that speak of each cause; a cause without any is nobody's."""


class Row(NamedTuple):
    """What a kernel said of one object or program, both ways; None where it loaded."""

    object: str
    sha256_16: str
    phase: str
    program: str | None
    as_is: tuple[int, str] | None
    sized: tuple[int, str] | None


class Pair(NamedTuple):
    """One question and both answers.

    Attributes:
        row: the kernel's answer.
        loads: whether it loaded.
        cause: why it did not.
        predicted: ours.
        reason: code of our first reason.
        message: its text.
    """

    row: Row
    loads: bool
    cause: str
    predicted: Status
    reason: str
    message: str

    @property
    def agrees(self) -> bool | None:
        """Whether our first reason is the kernel's; None unless both reject."""
        if self.loads or self.predicted is not Status.REJECTED:
            return None
        return self.reason in CAUSES.get(self.cause, ())


@dataclass
class Agreement:
    """Every comparison on one kernel, one way.

    Attributes:
        kernel: its line.
        way: how the objects were loaded.
        pairs: the comparisons.
        missing: objects that are not here.
    """

    kernel: str
    way: str
    pairs: list[Pair] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def table(self) -> Counter[tuple[Status, bool]]:
        """Return how often each prediction met each outcome."""
        return Counter((pair.predicted, pair.loads) for pair in self.pairs)

    def wrong(self) -> Iterator[Pair]:
        """Yield the pairs that disagree: by verdict, or by first reason."""
        for pair in self.pairs:
            expected = Status.LOADS if pair.loads else Status.REJECTED
            if pair.predicted is not expected or pair.agrees is False:
                yield pair


def read_rows(kernel: str) -> list[Row]:
    """Return what a kernel said."""
    packed = (ROOT / "tests" / "data" / "verdicts" / f"{kernel}.jsonl.xz").read_bytes()
    rows = (json.loads(line) for line in lzma.decompress(packed).decode().splitlines())
    return [Row(**{key: _plain(value) for key, value in row.items()}) for row in rows]


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def target_of(kernel: str) -> Target:
    """Return a kernel that was asked as a target, with its BTF."""
    btf = ROOT / "tests" / "btf" / "data" / f"vmlinux-{kernel}.btf.xz"
    return Target.parse(f"linux:{KERNELS[kernel]}", btf=btf)


def compare(kernel: str, way: str) -> Agreement:
    """Judge every object for a kernel and compare."""
    result = Agreement(kernel, way)
    target = target_of(kernel)
    judged: dict[str, ObjectVerdicts | str | None] = {}
    for row in read_rows(kernel):
        if row.object not in judged:
            judged[row.object] = _judge(row, target, assume_setup=WAYS[way])
        ours = judged[row.object]
        if ours is None:
            result.missing.add(row.object)
        else:
            result.pairs.append(_pair(row, ours, row.as_is if way == "as_is" else row.sized))
    return result


@cache
def _spec(name: str, sha256_16: str) -> Any:
    path = debian_objects().get(name)
    if path is None:
        return None
    data = path.read_bytes()
    return read(data) if hashlib.sha256(data).hexdigest()[:16] == sha256_16 else None


def _judge(row: Row, target: Target, *, assume_setup: bool) -> ObjectVerdicts | str | None:
    try:
        spec = _spec(row.object, row.sha256_16)
    except EbpfStaticError as error:
        return str(error)
    if spec is None:
        return None
    found = judge_object(spec, target, assume_setup=assume_setup, name=row.object)
    if found.report.failures:
        raise AssertionError(found.report.failures)
    return found


def _pair(row: Row, ours: ObjectVerdicts | str, theirs: tuple[int, str] | None) -> Pair:
    cause = "" if theirs is None else theirs[1]
    if isinstance(ours, str):
        return Pair(row, theirs is None, cause, Status.REJECTED, "ELF001", ours)
    verdict = ours.object if row.program is None else ours.programs.get(row.program)
    if verdict is None:  # what cannot be opened has no programs
        verdict = ours.object
    first = verdict.reasons[0] if verdict.reasons else None
    return Pair(
        row,
        theirs is None,
        cause,
        verdict.status,
        first.code if first else "",
        f"{first.location.logical}: {first.message}" if first else "",
    )
