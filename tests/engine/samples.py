"""Rules and specs the engine's tests judge with; nothing here depends on the shipped rules."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.errors import FormatError
from ebpf_static.findings import Finding, Location, Severity
from ebpf_static.plugins import Rule, RuleContext, RuleStatus
from ebpf_static.registry import Registry
from ebpf_static.specs import ByName, CollectionSpec, MapOrigin, MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType

PAGE = """{0}

What it does
------------
x

Why it matters
--------------
x

Example
-------
x

How to fix
----------
x

References
----------
x
"""


class HasMaps(Rule):
    __doc__ = PAGE.format("A map is declared.")
    code, name, severity = "MAP101", "map-declared", Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        for item in spec.maps:
            place = Location(object=context.object_name, section=item.section, map=item.name)
            yield self.finding(context, f"map `{item.name}` is declared", place)


class ForTarget(Rule):
    __doc__ = PAGE.format("Every target has its finding.")
    code, name, severity = "MAP102", "map-for-target", Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        del spec
        place = Location(object=context.object_name)
        yield self.finding(context, "judged", place, targeted=True)


class OnWindows(Rule):
    __doc__ = PAGE.format("Says something on Windows only.")
    code, name, severity = "WIN201", "on-windows", Severity.NOTE
    platforms = (Platform.WINDOWS,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        del spec
        yield self.finding(context, "on Windows", Location(object=context.object_name))


class Crashes(Rule):
    __doc__ = PAGE.format("Finds something, then crashes.")
    code, name, severity = "PRG001", "crashing-rule", Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        del spec
        yield self.finding(context, "found before", Location(object=context.object_name))
        raise ZeroDivisionError("boom")


class YieldsJunk(Rule):
    __doc__ = PAGE.format("Yields what is no finding.")
    code, name, severity = "PRG002", "junk-rule", Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        del spec, context
        yield "junk"  # type: ignore[misc]


class MeetsMalformedPart(Rule):
    __doc__ = PAGE.format("Decodes a part of the object that is malformed.")
    code, name, severity = "BTF001", "lazy-part", Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        del spec, context
        yield from ()
        raise FormatError("string offset 99 is out of range", where=".BTF", offset=0x40)


class NeverEnds(Rule):
    __doc__ = PAGE.format("Finds without end.")
    code, name, severity = "PRG003", "endless-rule", Severity.NOTE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        del spec
        number = 0
        while True:
            place = Location(object=context.object_name, offset=number)
            yield self.finding(context, f"finding {number}", place)
            number += 1


class InPreview(Rule):
    __doc__ = PAGE.format("Still in preview.")
    code, name, severity = "MAP301", "preview-rule", Severity.NOTE
    status = RuleStatus.PREVIEW

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        del spec
        yield self.finding(context, "preview", Location(object=context.object_name))


class SaysNumbering(Rule):
    __doc__ = PAGE.format("Says whose numbers the spec is in.")
    code, name, severity = "PRG004", "numbering-used", Severity.NOTE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        place = Location(object=context.object_name)
        yield self.finding(context, f"in {spec.numbering} numbers", place, targeted=True)


def numbering() -> tuple[type[Rule], ...]:
    return (SaysNumbering,)


def well_behaved() -> tuple[type[Rule], ...]:
    return (ForTarget, HasMaps, InPreview, OnWindows)


def misbehaving() -> tuple[type[Rule], ...]:
    return (Crashes, YieldsJunk, MeetsMalformedPart)


def endless() -> tuple[type[Rule], ...]:
    return (NeverEnds,)


def registry(*functions: str) -> Registry:
    """Return a registry of the functions above (``well_behaved`` when none is named)."""
    own = "ebpf_static.engine.own_rules:builtin"
    dotted = tuple(f"{__name__}:{name}" for name in functions or ("well_behaved",))
    return Registry(rules=(own, *dotted), third_parties=False)


def spec(*map_names: str, platform: Platform = Platform.LINUX) -> CollectionSpec:
    """Return a spec of hash maps."""
    maps = [
        MapSpec(
            name=name,
            type=MapType.named(platform, "HASH"),
            key_size=4,
            value_size=8,
            max_entries=16,
            origin=MapOrigin.BTF,
            section=".maps",
        )
        for name in map_names
    ]
    return CollectionSpec(
        platform=platform, numbering=platform.numbering, byte_order="little", maps=ByName(maps)
    )
