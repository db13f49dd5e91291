"""Every image of ``corpus/native`` reads as its manifest, written from the sources, says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ebpf_static import errors
from ebpf_static.formats.native_pe import read_native
from ebpf_static.formats.pe_header import is_native_image
from ebpf_static.specs.map import MapOrigin, MapValue
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static.target import Platform

IMAGES = Path(__file__).resolve().parents[2] / "corpus" / "native"
MANIFEST: dict[str, dict[str, Any]] = json.loads((IMAGES / "MANIFEST.json").read_text())["images"]
GOOD = sorted(file for file, entry in MANIFEST.items() if "expect" in entry)
BROKEN = sorted(file for file, entry in MANIFEST.items() if "fails" in entry)


@pytest.fixture(scope="module", params=GOOD)
def read(request: pytest.FixtureRequest) -> tuple[NativeImageSpec, dict[str, Any]]:
    data = (IMAGES / request.param).read_bytes()
    return read_native(data, signatures=False), MANIFEST[request.param]["expect"]


Read = tuple[NativeImageSpec, dict[str, Any]]


def test_every_file_is_in_the_manifest_unchanged() -> None:
    files = {path.name for path in IMAGES.iterdir() if path.suffix in {".sys", ".dll"}}
    assert files == set(MANIFEST)
    for file, entry in MANIFEST.items():
        data = (IMAGES / file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"], file
        assert len(data) < 20_000, file


def test_image(read: Read) -> None:
    spec, expect = read
    layout = spec.layout
    strides = [
        layout.program_stride,
        layout.map_stride,
        layout.helper_stride,
        layout.metadata_size,
    ]
    version = None if spec.bpf2c_version is None else str(spec.bpf2c_version)
    assert {
        "machine": spec.machine,
        "kind": spec.kind,
        "layout": layout.name,
        "strides": strides,
        "bpf2c_version": version,
        "imports": {it.module: list(it.functions) for it in spec.imports},
        "exports": list(spec.exports),
        "module_name": spec.module_name,
        "npi_guid": spec.npi_guid,
        "elf_hash": None if spec.elf_hash is None else spec.elf_hash.hex(),
        "values": {it.map: list(it.values) for it in spec.initial_values},
        "globals": {it.name: it.data.hex() for it in spec.global_sections},
    } == {key: value for key, value in expect.items() if key not in {"maps", "programs"}}
    assert (spec.platform, spec.numbering) == (Platform.WINDOWS, Platform.WINDOWS)
    assert spec.relocatable is True
    assert [p for p in spec.problems if p.kind != "authenticode"] == []


def test_maps(read: Read) -> None:
    spec, expect = read
    found = [
        {
            "name": it.name,
            "type": it.type.name,
            "key_size": it.key_size,
            "value_size": it.value_size,
            "max_entries": it.max_entries,
            "pinning": it.pinning,
            "legacy_id": it.legacy_id,
            **({"inner": it.inner_name} if it.inner_name else {}),
        }
        for it in spec.maps
    ]
    assert found == expect["maps"]
    for it in spec.maps:
        assert it.origin is MapOrigin.IMAGE
        assert it.type.platform is Platform.WINDOWS
        names = expect["values"].get(it.name, [])
        kind = "program" if it.type.name == "PROG_ARRAY" else "map"
        assert it.values == tuple(
            MapValue(index, kind, name) for index, name in enumerate(names) if name
        )
        data = expect["globals"].get(it.name)
        assert it.data == (None if data is None else bytes.fromhex(data))
        if it.inner_name:
            assert it.inner is not None
            assert it.inner.name == it.inner_name


def test_programs(read: Read) -> None:
    spec, expect = read
    found = [
        {
            "name": it.name,
            "section": it.section,
            "pe_section": it.pe_section,
            "code_section": it.code_section,
            "type": it.type.name,
            "type_guid": it.program_type_guid,
            "attach_type": it.attach_type.name if it.attach_type else None,
            "attach_guid": it.attach_type_guid,
            "info_hash": None if it.info_hash is None else it.info_hash.hex(),
            "hash_algorithm": it.info_hash_algorithm,
            "insns": it.insn_count,
            "helpers": [[h.id.number, h.id.name if h.id.number else ""] for h in it.helpers],
            "maps": list(spec.find_referenced_maps(it)),
            "resolved": [list(function) for function in it.resolved_functions],
        }
        for it in spec.programs
    ]
    assert found == expect["programs"]
    for it in spec.programs:
        assert it.code == b""
        assert it.instructions == ()
        assert all(h.symbol == f"helper_id_{h.id.number}" for h in it.helpers if h.id.number)
        assert 0 not in [helper.number for helper in it.helper_ids]


def test_the_spec_survives_json(read: Read) -> None:
    spec, _ = read
    assert NativeImageSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize("file", BROKEN)
def test_broken_images_say_what_is_wrong_and_where(file: str) -> None:
    data = (IMAGES / file).read_bytes()
    fails = MANIFEST[file]["fails"]
    with pytest.raises(getattr(errors, fails["error"])) as caught:
        read_native(data)
    assert fails["says"] in str(caught.value)


@pytest.mark.parametrize("file", GOOD)
def test_a_first_page_is_enough_to_recognise_an_image(file: str) -> None:
    data = (IMAGES / file).read_bytes()
    assert is_native_image(data[:0x400])
    assert not is_native_image(data[:0x80])


@pytest.mark.parametrize("data", [b"", b"MZ", b"MZ" + bytes(62), b"\x7fELF" + bytes(60)])
def test_other_files_are_not_native_images(data: bytes) -> None:
    assert not is_native_image(data)
    with pytest.raises(errors.UnsupportedObjectError):
        read_native(data)
