"""Calls that may run on a target kernel, put together over programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.analysis import CallSite, Flow
from ebpf_static.analysis.helpers import addresses_of
from ebpf_static.analysis.inputs import Place
from ebpf_static.analysis.values import Value
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release, substitutions
from ebpf_static.support.replacements import NEWEST_LIBBPF
from ebpf_static.target import Library, ObjectLoader, Platform, Version
from ebpf_static.uapi.constants import HelperId
from ebpf_static_rules.guards import runs_surely
from ebpf_static_rules.release import iter_flows


class HelperCall(NamedTuple):
    """A helper call that may run, and the programs in which it may.

    Attributes:
        helper: the helper the kernel is asked for, after what the loader replaces.
        site: the call in the first of the programs.
        programs: the programs, each with its own sight of the call.
        sites: the call as each of the programs makes it.
    """

    helper: HelperId
    site: CallSite
    programs: tuple[ProgramSpec, ...]
    sites: tuple[CallSite, ...]


class Course(NamedTuple):
    """Programs in which a call runs, or may run, on the target.

    Attributes:
        surely: the verifier meets the call whatever the target's open answers are.
        programs: the programs.
    """

    surely: bool
    programs: tuple[ProgramSpec, ...]


def split_by_course(
    spec: CollectionSpec, context: RuleContext, site: CallSite, programs: tuple[ProgramSpec, ...]
) -> Iterator[Course]:
    """Yield the programs that surely make a call, then those in which it may be dead code."""
    place = (site.function, site.insn)
    sure = tuple(it for it in programs if runs_surely(spec, context, it, place))
    doubtful = tuple(it for it in programs if it not in sure)
    if sure:
        yield Course(True, sure)
    if doubtful:
        yield Course(False, doubtful)


def iter_helper_calls(
    spec: CollectionSpec, context: RuleContext, release: Release
) -> Iterator[HelperCall]:
    """Yield every call of a known helper that may run, worked out once for all rules."""
    key = ("helper calls", id(spec))
    found: list[HelperCall] | None = context.cache.get(key)
    if found is None:
        found = context.cache[key] = _collect(spec, context, release)
    yield from found


def _collect(spec: CollectionSpec, context: RuleContext, release: Release) -> list[HelperCall]:
    replaced = _replacements(release, context.loader)
    places: dict[tuple[int, int], list[tuple[ProgramSpec, CallSite]]] = {}
    for program, flow in iter_flows(spec, context):
        for place, site in flow.calls.items():
            if site.helper is not None:
                places.setdefault(place, []).append((program, site))
    found = []
    for seen in places.values():
        number = seen[0][1].helper
        helper = HelperId.of(Platform.LINUX, number or 0)
        if helper.known:
            programs, sites = zip(*seen, strict=True)
            asked = replaced.get(helper.name, helper)
            found.append(HelperCall(asked, sites[0], programs, sites))
    return found


def _replacements(release: Release, loader: ObjectLoader) -> dict[str, HelperId]:
    """Return what the loader calls in place of helpers the release lacks.

    cilium/ebpf (``linker.go`` ``fixupProbeReadKernel``) and aya (``aya-obj/src/obj.rs``
    ``Function::sanitize``) replace the same as libbpf.
    """
    return {
        name: HelperId.named(Platform.LINUX, it.by)
        for it in substitutions(release, _libbpf(loader))
        if it.when.startswith("helper ") and it.by is not None
        for name in it.replaces
    }


def _libbpf(loader: ObjectLoader) -> Version:
    own = loader.version if loader.library is Library.LIBBPF else None
    return own or NEWEST_LIBBPF


def iter_addresses(flow: Flow) -> Iterator[tuple[Place, int, Value]]:
    """Yield what helpers are given where they want addresses: place, register and value."""
    for place, site in flow.calls.items():
        for argument in addresses_of(-1 if site.helper is None else site.helper):
            yield place, 1 + argument, site.arguments[argument]
