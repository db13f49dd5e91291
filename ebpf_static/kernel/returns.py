"""What programs may return: the ranges the verifier enforces at a program's exit.

Source: Linux ``kernel/bpf/verifier.c`` (``check_return_code``, ``return_retval_range``) and
``kernel/bpf/bpf_lsm.c`` (``bpf_lsm_get_retval_range``) as of 5.10.262, 6.1.192, 6.12.117, 7.3.4;
the dates of single ranges are those of the commits in ``data/return_ranges.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ebpf_static.btf import Btf, Kind
from ebpf_static.kernel.attach import find_target
from ebpf_static.package_data import read_data
from ebpf_static.specs import ProgramSpec
from ebpf_static.target import Version

_SIGN64, _SIGN32 = 1 << 63, 1 << 31


@dataclass(frozen=True, slots=True)
class ReturnRange:
    """The numbers a program may return.

    Attributes:
        low: the least of them.
        high: the greatest.
        narrow: only the low 32 bits of r0 count.
    """

    low: int
    high: int
    narrow: bool = False

    def holds(self, value: int) -> bool:
        """Tell whether an unsigned 64-bit value of r0 is allowed."""
        return self.low <= self.read(value) <= self.high

    def read(self, value: int) -> int:
        """Return an unsigned value of r0 as the signed number the kernel compares."""
        if self.narrow:
            value &= 2 * _SIGN32 - 1
        sign = _SIGN32 if self.narrow else _SIGN64
        return value - 2 * sign if value >= sign else value

    def __str__(self) -> str:
        """Return the range in words: ``0``, ``0 or 1``, ``0 to 3``."""
        if self.low == self.high:
            return str(self.low)
        return f"{self.low} {'or' if self.high == self.low + 1 else 'to'} {self.high}"


def find_range(
    program: ProgramSpec, version: Version | None, targets: Sequence[Btf]
) -> ReturnRange | None:
    """Return what a program may return on a kernel; None where anything goes or nobody can tell.

    Args:
        program: the program.
        version: the kernel's; None leaves ranges out that not every release enforces.
        targets: the kernel's BTF, which says whether an LSM hook returns anything.
    """
    attach = program.attach_type.name if program.attach_type else ""
    for row in _rows().get(program.type.name, ()):
        if attach not in row.get("attach", (attach,)) or attach in row.get("not_attach", ()):
            continue
        if not _holds(row, version):
            continue
        if row.get("hook") is not None and not _hook_fits(row, program, targets):
            continue
        return ReturnRange(row["range"][0], row["range"][1], row.get("narrow", False))
    return None


def _holds(row: dict[str, Any], version: Version | None) -> bool:
    """Tell whether a range is enforced; without a version, only what every release does."""
    since, until = row.get("since"), row.get("until")
    if version is None:
        return since is None and until is None
    if since is not None and version < Version.parse(since):
        return False
    return until is None or version < Version.parse(until)


def _hook_fits(row: dict[str, Any], program: ProgramSpec, targets: Sequence[Btf]) -> bool:
    hook = find_target(program, targets) if targets else None
    if hook is None:
        return False
    name = hook.name.removeprefix("bpf_lsm_")
    returns = "nothing" if hook.btf.kind(hook.btf.resolve(hook.result)) == Kind.VOID else "number"
    if name in row.get("not_hooks", ()) or name not in row.get("hooks", (name,)):
        return False
    return bool(returns == row["hook"])


@cache
def _rows() -> dict[str, list[dict[str, Any]]]:
    """Return the rows by program type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(read_data("ebpf_static.kernel", "data", "return_ranges.json"))["rows"]:
        found.setdefault(row["program_type"], []).append(row)
    return found
