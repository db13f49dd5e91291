"""A native image against what efW says it loaded: both must say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ebpf_static.errors import escape
from ebpf_static.specs import MapSpec
from ebpf_static.specs.native import NativeImageSpec, NativeProgramSpec
from ebpf_static_loaders.windows.handles import MapInfo


class LoadedMap(NamedTuple):
    """A map efW made of an image: its descriptor, and what efW says of it."""

    fd: int
    info: MapInfo


class LoadedProgram(NamedTuple):
    """A program efW made of an image; ``info`` is ``struct bpf_prog_info`` by field."""

    fd: int
    info: Mapping[str, Any]


def iter_differences(
    spec: NativeImageSpec, maps: Iterable[LoadedMap], programs: Iterable[LoadedProgram]
) -> Iterator[str]:
    """Yield in words everything that is not as the image says."""
    maps, programs = list(maps), list(programs)
    yield from _names("map", [it.name for it in spec.maps], [it.info.name for it in maps])
    names = [str(it.info["name"]) for it in programs]
    yield from _names("program", [it.name for it in spec.programs], names)
    loaded_maps = {it.info.name: it.info for it in maps}
    for item in spec.maps:
        if item.name in loaded_maps:
            yield from _map(item, loaded_maps[item.name])
    by_id = {it.info.id: it.info.name for it in maps}
    loaded_programs = {str(it.info["name"]): it.info for it in programs}
    for program in spec.programs:
        if program.name in loaded_programs:
            yield from _program(spec, program, loaded_programs[program.name], by_id)


def _names(noun: str, declared: list[str], there: list[str]) -> Iterator[str]:
    for name in there:
        if not name:
            yield f"efW has a {noun} without a name"
    for name in sorted({name for name in there if name and there.count(name) > 1}):
        yield f"efW has {there.count(name)} {noun}s called `{escape(name)}`"
    for name in sorted(set(declared) - set(there)):
        yield f"{noun} `{escape(name)}` of the image is not loaded"
    for name in sorted(set(there) - set(declared) - {""}):
        yield f"{noun} `{escape(name)}` is loaded, but not in the image"


def _map(item: MapSpec, info: MapInfo) -> Iterator[str]:
    pairs = (
        ("type", info.type, item.type.number),
        ("key size", info.key_size, item.key_size),
        ("value size", info.value_size, item.value_size),
        ("number of entries", info.max_entries, item.max_entries),
        ("flags", info.map_flags, 0),  # an image has none
        ("inner map", info.inner_map_id != 0, item.inner is not None or bool(item.inner_name)),
    )
    for what, there, declared in pairs:
        if there != declared:
            yield f"map `{escape(item.name)}`: {what} is {there}, not {declared}"


def _program(
    spec: NativeImageSpec,
    program: NativeProgramSpec,
    info: Mapping[str, Any],
    by_id: Mapping[int, str],
) -> Iterator[str]:
    referenced = sorted(set(spec.find_referenced_maps(program)))
    used = sorted({by_id.get(number, f"map id {number}") for number in info["map_ids"]})
    pairs = (
        ("program type", info["type_uuid"], program.program_type_guid.lower()),
        ("attach type", info["attach_type_uuid"], program.attach_type_guid.lower()),
        ("maps used", used, referenced),
    )
    for what, there, declared in pairs:
        if there != declared:
            yield f"program `{escape(program.name)}`: {what} {_is(there)}, not {_is(declared)}"


def _is(value: object) -> str:
    return ", ".join(map(escape, value)) or "none" if isinstance(value, list) else str(value)
