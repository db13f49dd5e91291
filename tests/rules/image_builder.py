"""Build the spec of a native image from a few lines of TOML.

``object = {image = {...}}`` in a case holds::

    machine = "x64"
    kind = "driver"
    version = "1.1.0"         # of bpf2c; left out: not known
    relocatable = true        # left out: no relocation table
    layout = {name = "0.21", program_stride = 144, map_stride = 80, helper_stride = 40}
    maps = [{name = "m", type = "HASH", key_size = 4, value_size = 4, max_entries = 1}]
    programs = [{name = "f", section = "bind", helpers = [[1, "helper_id_1"]]}]
"""

from __future__ import annotations

from typing import Any

from ebpf_static.specs import ByName, MapOrigin, MapSpec
from ebpf_static.specs.native import (
    NativeHelper,
    NativeImageSpec,
    NativeLayout,
    NativeProgramSpec,
)
from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import HelperId, MapType, ProgramType
from ebpf_static.uapi.sections import match_windows

_LAYOUT = {"name": "0.21", "program_stride": 144, "map_stride": 80, "helper_stride": 40}


def build_image(given: dict[str, Any]) -> NativeImageSpec:
    """Return the spec ``given`` describes."""
    fields = dict(given)
    version = fields.pop("version", None)
    spec = NativeImageSpec.model_construct(
        platform=Platform.WINDOWS,
        numbering=Platform.WINDOWS,
        byte_order="little",
        machine=fields.pop("machine", "x64"),
        kind=fields.pop("kind", "driver"),
        image_base=0x140000000,
        sections=ByName(()),
        layout=NativeLayout(**(_LAYOUT | fields.pop("layout", {}))),
        bpf2c_version=None if version is None else Version.parse(version),
        relocatable=fields.pop("relocatable", None),
        maps=ByName(_map(row) for row in fields.pop("maps", ())),
        functions=ByName(_program(row) for row in fields.pop("programs", ())),
    )
    assert not fields, f"unknown keys of an image: {sorted(fields)}"
    return spec


def _map(row: dict[str, Any]) -> MapSpec:
    type_ = MapType.named(Platform.WINDOWS, row["type"])
    rest: dict[str, Any] = {name: value for name, value in row.items() if name != "type"}
    defaults: dict[str, Any] = {"key_size": 0, "value_size": 0, "max_entries": 0, "section": "maps"}
    return MapSpec.model_construct(**defaults | rest, type=type_, origin=MapOrigin.IMAGE)


def _program(row: dict[str, Any]) -> NativeProgramSpec:
    section = row.get("section", "bind")
    match = match_windows(section)
    type_ = match.program_type if match else ProgramType.of(Platform.WINDOWS, 0)
    helpers = tuple(
        NativeHelper(HelperId.of(Platform.WINDOWS, number, type_), symbol)
        for number, symbol in row.get("helpers", ())
    )
    return NativeProgramSpec.model_construct(
        name=row["name"],
        section=section,
        section_index=0,
        section_offset=0,
        linkage="global",
        byte_order="little",
        code=b"",
        type=type_,
        attach_type=match.attach_type if match else None,
        bpf_insn_count=2,
        pe_section=section[:8],
        code_section=".text",
        code_address=0x1000,
        helpers=helpers,
        program_type_guid=type_.guid or "",
        attach_type_guid="",
        entry_offset=0,
    )
