"""Reads libbpf's debug log of CO-RE relocations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"sec '(.*)': found \d+ CO-RE relocations")
_RELOCATION = re.compile(r"prog '(.*?)': relo #(\d+): (.*)")
_PATCHED = re.compile(r"patched insn #\d+ \((.*?)\) (imm|off|imm64|mem_sz) (\d+) -> (\d+)")
_MATCHING = re.compile(r"(matching|non-matching) candidate #\d+ (.*)")


@dataclass
class LoggedRelocation:
    """What libbpf said of one relocation.

    Attributes:
        spec: the object's side, as libbpf prints it.
        matching: the target's side of each candidate that fits.
        patched: the field written (imm, off, imm64), with its new value.
        resized: the bytes a load or store was adjusted to, or None.
        poisoned: whether the instruction was replaced.
        problem: a warning, after which libbpf gave up, or None.
    """

    spec: str = ""
    matching: list[str] = field(default_factory=list)
    patched: tuple[str, int] | None = None
    resized: int | None = None
    poisoned: bool = False
    problem: str | None = None


def parse_log(text: str) -> dict[tuple[str, int], LoggedRelocation]:
    """Return what the log says by section and number of the relocation in it."""
    found: dict[tuple[str, int], LoggedRelocation] = {}
    section = None
    for raw in text.splitlines():
        line = raw.strip().removeprefix("libbpf: ")
        if start := _SECTION.match(line):
            section = start[1]
        elif section is not None and (entry := _RELOCATION.match(line)):
            relocation = found.setdefault((section, int(entry[2])), LoggedRelocation())
            _add(relocation, entry[3])
        elif section is not None and line.startswith("failed to "):
            section = None
    return found


def _add(relocation: LoggedRelocation, text: str) -> None:
    if not relocation.spec and text.startswith("<"):
        relocation.spec = text
    elif candidate := _MATCHING.match(text):
        if candidate[1] == "matching":
            relocation.matching.append(candidate[2])
    elif patched := _PATCHED.match(text):
        if patched[2] == "mem_sz":
            relocation.resized = int(patched[4])
        else:
            relocation.patched = (patched[2], int(patched[4]))
    elif text.startswith("substituting insn"):
        relocation.poisoned = True
    elif not text.startswith(("no matching targets", "insn #")):
        relocation.problem = text
