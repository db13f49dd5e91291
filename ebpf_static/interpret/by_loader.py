"""An object as another library than libbpf 1.0 reads it.

A spec says what an object declares, the same for everybody; programs and maps come out of it as
libbpf 1.0 and newer make them. What the others make of the same sections and definitions follows
from ``uapi.sections`` and the support table ``loaders``, which name their sources.
"""

from __future__ import annotations

from ebpf_static.interpret.programs import TEXT, make_program
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapOrigin, MapSpec, ProgramSpec
from ebpf_static.specs.base import ByName
from ebpf_static.support.loaders import loader_answer, loader_map_members, loader_version
from ebpf_static.target import Library, ObjectLoader, Platform, Version
from ebpf_static.uapi.sections import (
    SectionMatch,
    is_old_cilium_agreed,
    match_aya,
    match_cilium,
    match_libbpf,
)

CILIUM_READ = Version(0, 22)
"""The release whose sections are known; of 0.11 only where it agrees."""
_NO_SYMBOL = "none"


def is_read_as_written(loader: ObjectLoader) -> bool:
    """Whether a loader makes of an object what its spec says: libbpf, no older one named."""
    return loader.library is Library.LIBBPF and loader.version is None


def match_section(section: str, loader: ObjectLoader) -> SectionMatch | None:
    """Return what a loader makes of a program section's name, None when it names no type."""
    if loader.library is Library.CILIUM:
        old = loader_version(loader) < CILIUM_READ
        return None if old and not is_old_cilium_agreed(section) else match_cilium(section)
    if loader.library is Library.AYA:
        return match_aya(section)
    return match_libbpf(section, loader_version(loader))


def as_read_by(spec: CollectionSpec, loader: ObjectLoader) -> CollectionSpec:
    """Return the spec of an object for Linux as ``loader`` reads it; itself for libbpf."""
    if is_read_as_written(loader) or spec.numbering is not Platform.LINUX or spec.elf is None:
        return spec
    changes: dict[str, object] = {
        "functions": ByName(_function(function, loader) for function in spec.functions),
        "maps": ByName(_map(item, loader) for item in spec.maps),
    }
    if spec.license is None and loader_answer("missing_license", loader) == "takes":
        changes["license"] = "GPL"
    # Not a copy: what the spec has worked out and kept is of the functions it had.
    fields = {name: getattr(spec, name) for name in CollectionSpec.model_fields}
    return CollectionSpec.model_construct(**{**fields, **changes})


def _function(function: FunctionSpec, loader: ObjectLoader) -> FunctionSpec:
    if not _is_program(function, loader):
        return function
    section = function.elf_section
    fields = {name: getattr(function, name) for name in FunctionSpec.model_fields}
    plain = FunctionSpec.model_construct(**{**fields, "section": section})
    program = make_program(plain, match_section(section, loader), Platform.LINUX)
    if loader_answer("optional_mark", loader) == "takes":
        return program
    # cilium/ebpf passes over a program without a type where it is not asked for by name.
    passed_over = loader.library is Library.CILIUM and program.type.number == 0
    return program.model_copy(update={"autoload": not passed_over, "section": section})


def _is_program(function: FunctionSpec, loader: ObjectLoader) -> bool:
    if isinstance(function, ProgramSpec):
        return True
    static = loader_answer("static_programs", loader) == "takes"
    return static and function.section != TEXT and function.linkage != _NO_SYMBOL


def _map(item: MapSpec, loader: ObjectLoader) -> MapSpec:
    """Return a map without the members a loader passes over."""
    if item.origin is not MapOrigin.BTF or loader_answer("map_members", loader) != "takes":
        return item
    read = loader_map_members(loader)
    changes: dict[str, object] = {
        name: 0 for name in ("map_extra", "numa_node") if name not in read
    }
    if "values" not in read and "values" in item.declared:
        if not {"value", "value_size"} & set(item.declared):
            changes["value_size"] = 0
        changes |= {"values": (), "inner": None, "inner_name": None}
    if item.pinning not in (0, 1):
        changes["pinning"] = 0
    return item.model_copy(update=changes)
