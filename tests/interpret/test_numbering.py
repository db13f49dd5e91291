"""The same bytes with each platform's numbers: types, sections and what counts as a program."""

from __future__ import annotations

import pytest

from ebpf_static.errors import UnknownTargetError
from ebpf_static.target import Platform
from tests.build.elf_writer import STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_FUNC
from tests.formats.writing import CODE, EMPTY, ObjectWriter


def test_map_type_15_is_two_things() -> None:
    names = {}
    for platform in (None, Platform.LINUX, Platform.WINDOWS):
        writer = ObjectWriter()
        writer.define("m", type=15)
        item = writer.read(platform=platform).maps["m"]
        names[platform] = (item.type.platform, item.type.name)
    assert names == {
        None: (Platform.LINUX, "SOCKMAP"),
        Platform.LINUX: (Platform.LINUX, "SOCKMAP"),
        Platform.WINDOWS: (Platform.WINDOWS, "SAMPLE_HASH_MAP"),
    }


def test_inner_maps_are_numbered_alike() -> None:
    writer = ObjectWriter()
    inner = writer.definition(type=4)
    array = writer.btf.array(writer.btf.ptr(inner), writer.int_id, 0)
    writer.define("m", type=12, values=("raw", array))
    item = writer.read(platform="windows").maps["m"].inner
    assert item is not None
    assert (str(item.type.platform), item.type.name) == ("windows", "PERCPU_HASH")


@pytest.mark.parametrize(
    ("section", "platform", "facts"),
    [
        ("xdp", "linux", ("XDP", 6, "BPF_XDP", 37)),
        ("xdp", "windows", ("XDP", 1, "BPF_XDP", 1)),
        ("xdp/anything", "linux", ("UNSPEC", 0, None, None)),
        ("xdp/anything", "windows", ("XDP", 1, "BPF_XDP", 1)),
        ("bind", "linux", ("UNSPEC", 0, None, None)),
        ("bind", "windows", ("BIND", 2, "BPF_ATTACH_TYPE_BIND", 2)),
        ("kprobe/f", "linux", ("KPROBE", 2, None, None)),
        ("kprobe/f", "windows", ("UNSPEC", 0, None, None)),
        ("cgroup_skb/ingress", "linux", ("CGROUP_SKB", 8, "BPF_CGROUP_INET_INGRESS", 0)),
    ],
)
def test_section_names(section: str, platform: str, facts: tuple[object, ...]) -> None:
    writer = ObjectWriter()
    writer.program(section)
    spec = writer.read(platform=platform)
    (program,) = spec.programs
    attach = program.attach_type
    assert (
        program.type.name,
        program.type.number,
        attach and attach.uapi,
        None if attach is None else attach.number,
    ) == facts
    assert str(spec.numbering) == platform


@pytest.mark.parametrize(
    ("platform", "programs"),
    [("linux", ("global", "weak")), ("windows", ("global", "weak"))],
)
def test_static_functions_are_no_programs(platform: str, programs: tuple[str, ...]) -> None:
    writer = ObjectWriter()
    text = writer.section("xdp", EMPTY * 3, CODE)
    binds = {"static": STB_LOCAL, "global": STB_GLOBAL, "weak": STB_WEAK}
    for at, (name, bind) in enumerate(binds.items()):
        writer.symbol(name, text, 16 * at, 16, type=STT_FUNC, bind=bind)
    assert writer.read(platform=platform).programs.keys() == programs


@pytest.mark.parametrize(("platform", "programs"), [("linux", ()), ("windows", ("a", "b"))])
def test_text_alone(platform: str, programs: tuple[str, ...]) -> None:
    """Two functions in ``.text`` and nothing else: subprograms to libbpf, programs to efW."""
    writer = ObjectWriter()
    text = writer.section(".text", EMPTY * 2, CODE)
    for at, name in enumerate("ab"):
        writer.symbol(name, text, 16 * at, 16, type=STT_FUNC, bind=STB_GLOBAL)
    assert writer.read(platform=platform).programs.keys() == programs


def test_numbering_does_not_change_the_platform_found() -> None:
    writer = ObjectWriter()
    writer.program("kprobe/f")
    spec = writer.read(platform="windows")
    assert (str(spec.platform), str(spec.numbering)) == ("linux", "windows")


def test_unknown_platform_name() -> None:
    with pytest.raises(UnknownTargetError):
        ObjectWriter().read(platform="beos")
