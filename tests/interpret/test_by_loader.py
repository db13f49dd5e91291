"""What another library than libbpf 1.0 makes of an object."""

from __future__ import annotations

from ebpf_static.interpret.by_loader import as_read_by, match_section
from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import ObjectLoader
from tests.differential.objects import OURS


def _read(name: str) -> CollectionSpec:
    return read(OURS / "linux" / f"{name}.o")


def _as_read(name: str, loader: str) -> CollectionSpec:
    return as_read_by(_read(name), ObjectLoader.parse(loader))


def test_libbpf_reads_what_the_spec_says() -> None:
    spec = _read("sections-clang19-el")
    assert as_read_by(spec, ObjectLoader()) is spec
    named = as_read_by(spec, ObjectLoader.parse("libbpf:1.7"))
    assert named.programs == spec.programs
    assert named.maps == spec.maps


def test_an_older_libbpf_has_fewer_sections() -> None:
    new, old = (_as_read("sections_new-clang19-el", f"libbpf:{it}") for it in ("1.7", "1.1"))
    typed = {it.name for it in new.programs if it.type.number}
    assert {it.name for it in old.programs if it.type.number} < typed


def test_programs_have_the_types_the_loader_gives_them() -> None:
    plain = _read("unknown_section-clang19-el")
    by_libbpf = {it.name: it.type.number for it in plain.programs}
    by_cilium = {it.name: it for it in _as_read("unknown_section-clang19-el", "cilium").programs}
    assert by_libbpf["sloppy"] == 0
    assert by_cilium["sloppy"].type.number != 0
    for name, program in by_cilium.items():
        assert program.autoload is (program.type.number != 0), name


def test_a_mark_is_a_part_of_the_name_to_aya() -> None:
    marked = [it.name for it in _read("sections-clang19-el").programs if not it.autoload]
    assert marked
    for loader, typed in (("aya", False), ("cilium", True), ("libbpf:0.8", True)):
        spec = _as_read("sections-clang19-el", loader)
        for name in marked:
            program = spec.programs[name]
            assert (program.type.number != 0) is typed, (loader, name)
            assert program.autoload is (loader != "libbpf:0.8")
            assert program.code == _read("sections-clang19-el").programs[name].code


def test_aya_passes_over_what_a_map_holds() -> None:
    read_by_libbpf, by_aya = (
        _read("map_in_map-clang19-el"),
        _as_read("map_in_map-clang19-el", "aya"),
    )
    assert any(it.inner is not None for it in read_by_libbpf.maps)
    assert all(it.inner is None and it.inner_name is None and not it.values for it in by_aya.maps)


def test_no_licence_is_gpl_to_aya() -> None:
    assert _read("no_license-clang19-el").license is None
    assert _as_read("no_license-clang19-el", "aya").license == "GPL"
    assert _as_read("no_license-clang19-el", "cilium").license is None


def test_between_two_readings_of_cilium_a_section_may_mean_anything() -> None:
    old, new = ObjectLoader.parse("cilium:0.17"), ObjectLoader.parse("cilium:0.22")
    assert match_section("netfilter", new) is not None
    assert match_section("netfilter", old) is None
    assert match_section("xdp_filter", old) == match_section("xdp_filter", new)
