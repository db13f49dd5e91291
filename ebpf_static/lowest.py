"""Since when an object loads, and what decides it."""

from __future__ import annotations

from ebpf_static.errors import UnknownTargetError
from ebpf_static.registry import Registry
from ebpf_static.requirements.model import Lowest
from ebpf_static.specs import CollectionSpec
from ebpf_static.support.targets import known_lines
from ebpf_static.target import ObjectLoader, Target
from ebpf_static.verdict import Status, deciding, judge_object


def find_lowest(
    spec: CollectionSpec,
    *,
    assume_setup: bool = True,
    registry: Registry | None = None,
    loader: ObjectLoader | None = None,
) -> Lowest:
    """Return the oldest line of its platform from which on no release is known to reject an object.

    Releases are judged by tables alone, newest first, until one rejects the object: what came and
    went again counts from when it came back. Guards, loaders' substitutions and programs that are
    switched off are taken into account, which a maximum over features does not.
    """
    platform = spec.numbering
    above: str | None = None
    for line in reversed(known_lines(platform)):
        try:
            target = Target.parse(f"{platform}:{line}")
            found = judge_object(
                spec, target, assume_setup=assume_setup, registry=registry, loader=loader
            )
        except UnknownTargetError:
            continue
        if found.object.status is Status.REJECTED:
            return Lowest(line=above, below=line, reason=deciding(found.object))
        above = line
    return Lowest(line=above)
