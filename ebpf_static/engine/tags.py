"""Suppression in the C source: ``__attribute__((btf_decl_tag("ebpf-static:ignore=MAP101")))``.

A compiled object has no comments, but declaration tags survive compilation (clang 14 and newer),
and loaders replace them for kernels that do not know them. A tag stands on a map, a function or a
global variable and concerns what is found there. It names codes, prefixes or names, separated by
commas, and after a space says why: ``ebpf-static:ignore=MAP101,HLP old kernels are not shipped``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from ebpf_static.engine.policy import changed, replaced
from ebpf_static.engine.select import is_match
from ebpf_static.errors import FormatError
from ebpf_static.findings import IN_SOURCE, Finding, Location, Report
from ebpf_static.specs import CollectionSpec

PREFIX = "ebpf-static:"
_KEY = "ignore="
_MAX_SELECTORS = 64
"""Selectors of one tag that are looked at; honest ones have a handful."""


def apply_tags(report: Report, spec: CollectionSpec) -> Report:
    """Return the report with what the object's own source suppresses marked so."""
    if spec.btf is None or not report.findings:
        return report
    tags = _Tags(spec)
    findings = tuple(_apply(finding, tags) for finding in report.findings)
    return report if findings == report.findings else replaced(report, findings=findings)


def _apply(finding: Finding, tags: _Tags) -> Finding:
    if finding.suppressed_by is not None:
        return finding
    for selectors, reason in tags.at(finding.location):
        if any(is_match(selector, finding.code, finding.name) for selector in selectors):
            text = f"{IN_SOURCE}: {reason}" if reason else IN_SOURCE
            return changed(finding, suppressed_by=text)
    return finding


class _Tags:
    """The tags of one object's maps, functions and variables, looked up when asked for."""

    def __init__(self, spec: CollectionSpec) -> None:
        self._spec = spec

    def at(self, place: Location) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield selectors and reason of each tag on what a place names."""
        for text in self._texts(self._ids(place)):
            parsed = parse_tag(text)
            if parsed is not None:
                yield parsed

    def _ids(self, place: Location) -> Iterator[int]:
        if place.map is not None:
            yield from self._maps.get(place.map, ())
        if place.program is not None:
            yield from self._functions.get(place.program, ())
        if place.symbol is not None:
            yield from self._variables.get(place.symbol, ())

    @cached_property
    def _maps(self) -> dict[str, list[int]]:
        return _by_name((m.name, m.btf_id) for m in self._spec.maps)

    @cached_property
    def _functions(self) -> dict[str, list[int]]:
        return _by_name((f.name, f.btf_id) for f in self._spec.functions)

    @cached_property
    def _variables(self) -> dict[str, list[int]]:
        return _by_name((v.name, v.btf_id) for v in self._spec.variables)

    def _texts(self, ids: Iterable[int]) -> Iterator[str]:
        btf = self._spec.btf
        if btf is None:
            return
        try:
            for type_id in ids:
                yield from btf.decl_tags(type_id)
        except FormatError:
            return  # what is wrong with the BTF is a finding of its own


def _by_name(rows: Iterable[tuple[str, int | None]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, btf_id in rows:
        if btf_id:
            found.setdefault(name, []).append(btf_id)
    return found


def parse_tag(text: str) -> tuple[tuple[str, ...], str] | None:
    """Return selectors and reason of a tag; None for a tag that is not ours."""
    if not text.startswith(PREFIX + _KEY):
        return None
    selectors, _, reason = text.removeprefix(PREFIX + _KEY).partition(" ")
    listed = selectors.split(",", _MAX_SELECTORS)[:_MAX_SELECTORS]
    return tuple(selector for selector in listed if selector), reason.strip()
