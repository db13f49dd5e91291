"""The rules about contexts, arguments and return values against what five kernels accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.sources import read_btf
from ebpf_static.kernel.arguments import argument_refusal
from ebpf_static.kernel.attach import KernelFunction, find_target
from ebpf_static.kernel.contexts import find_rules
from ebpf_static.kernel.returns import find_range
from ebpf_static.specs import ProgramSpec
from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import AttachType, ProgramType

HERE = Path(__file__).parent
BTFS = HERE.parent / "btf" / "data"
KERNELS = ("5.10.262", "6.1.192", "6.12.117", "6.18.44", "7.3.4")
RETURNED = (-4096, -1, 0, 1, 2, 3, 4)
ZERO = {"CGROUP_SKB": "CGROUP_INET_INGRESS", "XDP": "XDP"}

MISSED = {"5.10.262": 6}
"""Accesses a kernel refuses and the tables do not: backports to its line, of unknown date."""


class Trial(NamedTuple):
    """One access, and whether the kernel took it."""

    offset: int
    size: int
    writes: bool
    taken: bool


@cache
def _rows() -> list[dict[str, Any]]:
    text = (HERE / "data" / "accesses.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@cache
def _btf(kernel: str) -> Btf:
    line = kernel.rpartition(".")[0]
    return read_btf(str(BTFS / f"vmlinux-{line}.btf.xz"))


def _trials(row: dict[str, Any]) -> Iterator[Trial]:
    if row["target"]:
        offsets, sizes, directions = [*range(0, 104, 8), 4], (8, 4), (False,)
    else:
        offsets = [it for first, end in row["offsets"] for it in range(first, end)]
        sizes, directions = (1, 2, 4, 8), (False, True)  # type: ignore[assignment]
    places = [(o, s, w) for w in directions for o in offsets for s in sizes]
    bits = bin(int(row["bits"], 16))[3:]
    assert len(bits) == len(places)
    for (offset, size, writes), bit in zip(places, bits, strict=True):
        yield Trial(offset, size, writes, bit == "1")


def _program(row: dict[str, Any]) -> ProgramSpec:
    attach = AttachType.named(Platform.LINUX, row["attach"]) if row["attach"] else None
    type_ = ProgramType.named(Platform.LINUX, row["type"])
    if attach is None and row["type"] in ZERO:
        attach = AttachType.named(Platform.LINUX, ZERO[row["type"]])
    fields: dict[str, Any] = {"type": type_, "attach_type": attach}
    return ProgramSpec.model_construct(**fields, name="f", attach_to=row["target"] or None)


def _refusal(
    row: dict[str, Any], function: KernelFunction | None, version: Version, trial: Trial
) -> str | None:
    if function is not None:
        return argument_refusal(function, row["attach"], version, trial.offset, trial.size)
    rules = find_rules(ProgramType.named(Platform.LINUX, row["type"]))
    assert rules is not None
    attach = row["attach"] or ZERO.get(row["type"], "CGROUP_INET_INGRESS")
    return rules.refusal(
        trial.offset, trial.size, writes=trial.writes, attach=attach, version=version
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_accesses(kernel: str) -> None:
    """Nothing a kernel takes is refused, and next to nothing it refuses is taken."""
    version = Version.parse(kernel)
    wrong, missed, count = [], [], 0
    for row in _rows():
        if row["kernel"] != kernel:
            continue
        function = find_target(_program(row), [_btf(kernel)]) if row["target"] else None
        assert bool(row["target"]) == (function is not None)
        for trial in _trials(row):
            count += 1
            refused = _refusal(row, function, version, trial) is not None
            if refused and trial.taken:
                wrong.append((row["type"], row["attach"], row["target"], trial))
            elif not refused and not trial.taken:
                missed.append((row["type"], row["attach"], row["target"], trial))
    assert count > 40_000
    assert not wrong
    padding = [it for it in missed if it[0] == "CGROUP_SOCK"]
    assert len(missed) - len(padding) <= MISSED.get(kernel, 0), missed
    assert bool(padding) == (kernel == "5.10.262")


@pytest.mark.parametrize("kernel", KERNELS)
def test_returns(kernel: str) -> None:
    """The numbers a program may return are those the kernel takes."""
    version = Version.parse(kernel)
    for row in _rows():
        if row["kernel"] == kernel:
            targets = [_btf(kernel)] if row["target"] else []
            allowed = find_range(_program(row), version, targets)
            known = [it for it in RETURNED if allowed is None or allowed.holds(it % (1 << 64))]
            assert known == row["returns"], (row["type"], row["attach"], row["target"])


def test_layouts() -> None:
    """The fields of the table are those of the kernels' own structures, at their offsets."""
    found = 0
    for line, since in (("6.12.117", Version(6, 12)), ("7.3.4", Version(7, 3))):
        btf = _btf(line)
        for name in ("XDP", "SOCK_OPS", "SK_LOOKUP", "CGROUP_SOCKOPT", "SCHED_CLS", "SK_MSG"):
            rules = find_rules(ProgramType.named(Platform.LINUX, name))
            assert rules is not None
            type_id = btf.find(rules.struct, Kind.STRUCT)
            assert type_id is not None
            places = set(_members(btf, type_id, 0))
            for row in rules.rows:
                if row.since is None or not since < row.since:
                    assert (row.name, row.offset) in places, (rules.struct, row)
                    found += 1
    assert found > 200


def _members(btf: Btf, type_id: int, base: int) -> Iterator[tuple[str, int]]:
    for member in btf.type(btf.resolve(type_id)).members:  # type: ignore[union-attr]
        at = base + member.bit_offset // 8
        if member.name:
            yield member.name, at
        else:
            yield from _members(btf, member.type_id, at)
