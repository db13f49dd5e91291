"""MAP101."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.map.walk import iter_definitions
from ebpf_static_rules.wording import unknown_confidence


class MapTypeUnknown(Rule):
    """A map has a type that does not exist on the platform.

    What it does
    ------------
    Reports maps, and inner maps, whose type number is no map type of the platform judged. When
    the number means something on the other platform, the finding says what.

    Why it matters
    --------------
    Creating the map fails (`-EINVAL`), and with it the whole object: libbpf creates every map
    before it loads the first program. Map types have other numbers on Windows than on Linux, so
    the usual reason is the wrong header.

    Example
    -------
    ::

        struct {
                __uint(type, 27);                  // RINGBUF on Linux, nothing on Windows
                __uint(max_entries, 4096);
        } events SEC(".maps");

    How to fix
    ----------
    Use the type's name, and the header of the platform the object is for: `linux/bpf.h` or
    `vmlinux.h` on Linux, `ebpf_structs.h` on Windows.

    References
    ----------
    https://docs.kernel.org/bpf/maps.html
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/ebpf_structs.h
    """

    code = "MAP101"
    name = "map-type-unknown"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.MAPS

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield a finding for each map whose type number no table of the platform has."""
        platform = context.judged_platform(spec)
        for declared, item, words in iter_definitions(spec):
            type_ = MapType.of(platform, item.type.number)
            if type_.known:
                continue
            yield self.finding(
                context,
                f"{words} has type {type_.number}{_elsewhere(type_)}, which is no map type of "
                f"{platform.label}",
                Locator(spec, context).map(declared),
                help=_help(type_),
                confidence=unknown_confidence(type_),
            )


def _other(platform: Platform) -> Platform:
    return Platform.LINUX if platform is Platform.WINDOWS else Platform.WINDOWS


def _elsewhere(type_: MapType) -> str:
    other = _other(type_.platform)
    there = MapType.of(other, type_.number)
    return f" ({there.name} on {other.label})" if there.known else ""


def _help(type_: MapType) -> str:
    there = MapType.of(_other(type_.platform), type_.number)
    here = there.on(type_.platform) if there.known else None
    if here is not None:
        return f"compile with the headers of {here.platform.label}: {here.name} is {here.number}"
    return f"use a map type {type_.platform.label} has, by its name"
