"""Findings by what they point to, in words that fit into a box."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from ebpf_static.errors import escape
from ebpf_static.findings import Finding
from ebpf_static.output.pictures.drawing import MAX_WIDTH, Line
from ebpf_static.specs import FunctionSpec, MapSpec

_SHOWN = 6
"""Findings written into one place of a box."""
_MAX_LINES = 4
"""Lines of one finding."""
_INDENT = "  "


class Marks:
    """The findings of one object."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._code: dict[tuple[str, str], list[Finding]] = {}
        self._maps: dict[str, list[Finding]] = {}
        self.total = 0
        for finding in findings:
            self.total += 1
            for place in finding.locations:
                if place.program is not None:
                    key = (place.section or "", place.program)
                    self._code.setdefault(key, []).append(finding)
                elif place.map is not None:
                    self._maps.setdefault(place.map, []).append(finding)

    def by_insn(self, function: FunctionSpec) -> dict[int | None, list[Finding]]:
        """Return what points into a function, by insn index; None for the function itself."""
        found: dict[int | None, list[Finding]] = {}
        for finding in self.of_function(function):
            for place in finding.locations:
                if place.program == function.name:
                    mine = found.setdefault(place.insn, [])
                    if finding not in mine:
                        mine.append(finding)
        return found

    def of_function(self, function: FunctionSpec) -> list[Finding]:
        """Return what points to a function or into it."""
        found = self._code.get((function.section, function.name), [])
        return list(dict.fromkeys([*found, *self._code.get(("", function.name), [])]))

    def of_map(self, item: MapSpec) -> list[Finding]:
        """Return what points to a map."""
        return list(dict.fromkeys(self._maps.get(item.name, [])))


def mark_lines(findings: list[Finding], *, most: int = _SHOWN) -> list[Line]:
    """Return lines for each finding, and one that counts the rest."""
    lines = []
    for finding in findings[:most]:
        text = mark_text(finding)
        wrapped = wrap(text, MAX_WIDTH - len(_INDENT), max_lines=_MAX_LINES, placeholder=" …")
        role = finding.severity.value
        lines += [
            Line(f"{_INDENT if n else ''}{part}", role, role) for n, part in enumerate(wrapped)
        ]
    if len(findings) > most:
        worst = min(findings[most:], key=lambda finding: finding.severity.rank)
        lines.append(
            Line(f"… and {len(findings) - most} more findings", *(worst.severity.value,) * 2)
        )
    return lines


def mark_text(finding: Finding) -> str:
    """Return severity, code, target and message on one line."""
    target = f" [{finding.target}]" if finding.target else ""
    return escape(f"{finding.severity.value} {finding.code}{target}: {finding.message}")


def codes_of(findings: list[Finding]) -> str:
    """Return the codes of some findings, each once."""
    codes = dict.fromkeys(escape(finding.code) for finding in findings)
    shown = list(codes)[:_SHOWN]
    return ", ".join([*shown, "…"] if len(codes) > len(shown) else shown)
