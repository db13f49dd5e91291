"""Each kind of evidence, in the smallest object that shows it and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files

import pytest

from ebpf_static.specs import CollectionSpec, Evidence
from tests.build.asm import R0, R1, R6
from tests.build.elf_writer import STB_GLOBAL, STT_OBJECT
from tests.formats.writing import DATA, ObjectWriter

FACTS = json.loads(files("ebpf_static").joinpath("data", "identify.json").read_text("utf-8"))


def _kinds(spec: CollectionSpec) -> set[tuple[str, str]]:
    return {(item.platform.value, item.kind) for item in spec.evidence}


def _tagged(writer: ObjectWriter) -> None:
    writer.section(".ebpf_for_windows", b"\1")


def _program(section: str, *helpers: int) -> Callable[[ObjectWriter], object]:
    def add(writer: ObjectWriter) -> None:
        calls = b"".join(writer.asm.call(helper) for helper in helpers)
        writer.program(section, writer.asm.mov(R0, 0) + calls + writer.asm.exit())

    return add


def _packet_load(writer: ObjectWriter) -> None:
    asm = writer.asm
    writer.program("my_own", asm.mov(R6, R1) + asm.ld_abs(16, 12) + asm.exit())


def _section(name: str) -> Callable[[ObjectWriter], object]:
    return lambda writer: writer.section(name, b"\1", DATA)


def _map(**members: int) -> Callable[[ObjectWriter], object]:
    return lambda writer: writer.define("m", **members)


def _map_with_inner(number: int, key_size: int) -> Callable[[ObjectWriter], object]:
    def add(writer: ObjectWriter) -> None:
        array = writer.btf.array(writer.btf.ptr(writer.definition(type=2)), writer.int_id, 0)
        writer.define("m", type=number, key_size=key_size, values=("raw", array))

    return add


def _record(*words: int) -> Callable[[ObjectWriter], object]:
    def add(writer: ObjectWriter) -> None:
        record = b"".join(word.to_bytes(4, "little") for word in words)
        maps = writer.section("maps", record, DATA)
        writer.symbol("m", maps, 0, len(record), type=STT_OBJECT, bind=STB_GLOBAL)

    return add


def _struct(name: str, *members: tuple[str, int, int]) -> Callable[[ObjectWriter], object]:
    """A struct of (name, offset, size) members; every size is one char array."""

    def add(writer: ObjectWriter) -> None:
        btf = writer.btf
        char = btf.integer("char", 1)
        rows = [(m, btf.array(char, char, size), 8 * offset) for m, offset, size in members]
        btf.struct(name, 64, rows)

    return add


def _enum(name: str, value: int) -> Callable[[ObjectWriter], object]:
    return lambda writer: writer.btf.enum("some_enum", [(name, value)])


def _extern(section: str, tag: str | None = None) -> Callable[[ObjectWriter], object]:
    def add(writer: ObjectWriter) -> None:
        btf = writer.btf
        if section == ".kconfig":
            extern = btf.var("e", writer.int_id, 2)
        else:
            extern = btf.func("e", btf.func_proto(0), 2)
        btf.datasec(section, 0, [(extern, 0, 0)])
        if tag:
            btf.decl_tag(tag, extern)
        writer.symbol("e", bind=STB_GLOBAL)

    return add


def _core(writer: ObjectWriter) -> None:
    writer.ext.core_relo("xdp", 0, writer.btf.struct("s", 4), "0", 0)
    writer.with_ext = True


def _line(path: str) -> Callable[[ObjectWriter], object]:
    def add(writer: ObjectWriter) -> None:
        assert writer.int_id
        writer.ext.line_info("xdp", 0, path, "return 0;", (1, 1))
        writer.with_ext = True

    return add


def _context(section: str, bits: int, offset: int) -> Callable[[ObjectWriter], object]:
    def add(writer: ObjectWriter) -> None:
        asm = writer.asm
        load = asm.ldx(bits, R0, R1, offset)
        writer.program(section, load + asm.exit())

    return add


CASES: dict[str, tuple[Callable[[ObjectWriter], object], str, str]] = {
    "tag": (_tagged, "windows", "tag-section"),
    "section of libbpf": (_program("kprobe/f"), "linux", "section-name"),
    "section of old libbpf": (_program("socket_own_name"), "linux", "section-prefix"),
    "section of efW": (_program("bind"), "windows", "section-name"),
    "section of efW with a suffix": (_program("bind/mine"), "windows", "section-name"),
    "section that may be efW's": (_program("process_exec"), "windows", "section-guess"),
    ".kconfig section": (_section(".kconfig"), "linux", "data-section"),
    "struct_ops section": (_section(".struct_ops.link"), "linux", "data-section"),
    "arena section": (_section(".addr_space.1"), "linux", "data-section"),
    "jump tables": (_section(".jumptables"), "linux", "data-section"),
    "Linux helper": (_program("xdp", 113), "linux", "helper-id"),
    "Windows helper": (_program("xdp", 65536), "windows", "helper-id"),
    "packet load": (_packet_load, "linux", "instruction"),
    "Linux map type": (_map(type=27), "linux", "map-type"),
    "ring buffer": (_map(type=13, max_entries=4096), "windows", "map-shape"),
    "hash of maps": (_map(type=13, key_size=4), "linux", "map-shape"),
    "LRU hash": (_map(type=8, key_size=16, value_size=8), "windows", "map-shape"),
    "queue": (_map(type=10, value_size=8), "windows", "map-shape"),
    "Windows hash of maps": (_map_with_inner(6, 8), "windows", "map-shape"),
    "Windows array of maps": (_map_with_inner(7, 4), "windows", "map-shape"),
    "per-CPU hash": (_map(type=4, key_size=4, value_size=16), "windows", "map-guess"),
    "map flags": (_map(type=1, key_size=4, map_flags=1), "linux", "map-member"),
    "inner map index": (_map(type=1, key_size=4, inner_map_idx=1), "windows", "map-member"),
    "libbpf record": (_record(1, 4, 4, 1, 0), "linux", "map-layout"),
    "samples record": (_record(1, 4, 4, 1, 0, 0, 0), "linux", "map-layout"),
    "iproute2 record": (_record(1, 4, 4, 1, 0, 0, 0, 0, 0), "linux", "map-layout"),
    "efW record": (_record(1, 4, 4, 1, 0, 0, 0, 0), "windows", "map-layout"),
    "old efW record": (_record(36, 1, 4, 4, 1, 0, 0, 0, 0), "windows", "map-layout"),
    "Linux type": (_struct("__sk_buff"), "linux", "btf-type"),
    "Windows type": (_struct("_bind_md"), "windows", "btf-type"),
    "Linux xdp_md": (_struct("xdp_md", ("data", 0, 4)), "linux", "btf-shape"),
    "Windows xdp_md": (_struct("xdp_md", ("data", 0, 8)), "windows", "btf-shape"),
    "Linux enumerator": (_enum("XDP_DROP", 1), "linux", "btf-enum"),
    "Windows enumerator": (_enum("XDP_DROP", 2), "windows", "btf-enum"),
    "kconfig extern": (_extern(".kconfig"), "linux", "extern"),
    "ksyms extern": (_extern(".ksyms"), "linux", "extern"),
    "module extern": (_extern(".ksyms", "module_id:{x}"), "windows", "extern-tag"),
    "CO-RE": (_core, "linux", "core-relocation"),
    "Linux source": (_line("/usr/include/linux/bpf.h"), "linux", "source-path"),
    "Windows source": (_line("C:/ebpf-for-windows/x.c"), "windows", "source-path"),
    "Windows context": (_context("xdp", 64, 8), "windows", "context-access"),
    "Linux context": (_context("xdp", 32, 4), "linux", "context-access"),
    "Windows sock_addr": (_context("cgroup/connect4", 16, 40), "windows", "context-access"),
    "Windows sock_ops": (_context("sockops", 64, 56), "windows", "context-access"),
}


@pytest.mark.parametrize("name", CASES)
def test_evidence_speaks_alone(name: str) -> None:
    build, platform, kind = CASES[name]
    writer = ObjectWriter()
    build(writer)
    spec = writer.read()
    assert _kinds(spec) == {(platform, kind)}
    enough = FACTS["weights"][kind] >= FACTS["minimum"]
    assert spec.platform.value == (platform if enough else "unknown")
    assert spec.numbering.value == (platform if enough else "linux")
    for item in spec.evidence:
        assert item.what
        assert item.where
        assert item.weight == FACTS["weights"][kind]


def test_every_kind_has_a_case() -> None:
    assert {kind for _, _, kind in CASES.values()} == set(FACTS["weights"])


SILENT: dict[str, Callable[[ObjectWriter], object]] = {
    "nothing": lambda _: None,
    "shared section": _program("xdp"),
    "shared section of sockets": _program("cgroup/connect4"),
    "shared sockops": _program("sockops"),
    "unheard-of section": _program("my_own"),
    "text": _program(".text"),
    "shared helper": _program("xdp", 1, 2, 3),
    "helper nobody has": _program("xdp", 60_000),
    "helper far away": _program("xdp", 70_000_000),
    "negative helper": _program("xdp", -1),
    "shared map type": _map(type=1, key_size=4, value_size=4, max_entries=1),
    "map type nobody has": _map(type=200),
    "record of zeroes": _record(0, 0, 0, 0, 0, 0, 0, 0),
    "record of another size": _record(1, 4, 4, 1, 0, 0, 0, 0, 0, 0),
    "globals": _section(".data"),
    "empty kconfig": lambda writer: writer.section(".kconfig"),
    "any type": _struct("my_struct"),
    "xdp_md of neither": _struct("xdp_md", ("data", 4, 8)),
    "enumerator of neither": _enum("XDP_DROP", 77),
    "unknown source": _line("/src/a.c"),
    "shared context": _context("cgroup/connect4", 32, 4),
    "untagged extern elsewhere": _extern(".elsewhere"),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_proves_nothing(name: str) -> None:
    writer = ObjectWriter()
    SILENT[name](writer)
    spec = writer.read()
    assert _kinds(spec) == set()
    assert spec.platform.value == "unknown"
    assert spec.numbering.value == "linux"


def test_as_much_for_one_side_as_for_the_other_is_unknown() -> None:
    writer = ObjectWriter()
    _struct("__sk_buff")(writer)
    _struct("_bind_md")(writer)
    spec = writer.read()
    assert spec.platform.value == "unknown"
    assert _kinds(spec) == {("linux", "btf-type"), ("windows", "btf-type")}


def test_a_kind_counts_once_however_often_it_is_seen() -> None:
    writer = ObjectWriter()
    for name in ("kprobe/a", "kprobe/b", "tracepoint/c/d"):
        writer.program(name, name=name)
    _tagged(writer)
    spec = writer.read()
    assert spec.platform.value == "windows"


def test_hints_add_up() -> None:
    writer = ObjectWriter()
    _program("process_exec")(writer)
    _line("C:/ebpf-for-windows/x.c")(writer)
    assert writer.read().platform.value == "windows"


def test_evidence_comes_strongest_first_and_each_once() -> None:
    writer = ObjectWriter()
    for at in range(3):
        writer.program("bind", writer.asm.call(65536) + writer.asm.exit(), name=f"p{at}")
    _tagged(writer)
    evidence = writer.read().evidence
    assert [item.kind for item in evidence] == ["tag-section", "helper-id", "section-name"]
    assert [item.weight for item in evidence] == sorted(
        (item.weight for item in evidence), reverse=True
    )
    assert all(isinstance(item, Evidence) for item in evidence)


def test_the_code_is_followed_only_when_nothing_else_tells() -> None:
    writer = ObjectWriter()
    _context("xdp", 64, 8)(writer)
    _struct("_bind_md")(writer)
    assert "context-access" not in {kind for _, kind in _kinds(writer.read())}


def test_broken_btf_shows_nothing_and_ends_nothing() -> None:
    writer = ObjectWriter()
    writer.program("kprobe/f")
    writer.btf.struct("xdp_md", 8, [("data", 9999, 0)])
    spec = writer.read()
    assert spec.platform.value == "linux"
    assert spec.btf is not None


@pytest.mark.parametrize("member", ["data", ""])
def test_members_that_have_no_size(member: str) -> None:
    writer = ObjectWriter()
    writer.btf.struct("xdp_md", 8, [(member, 0, 0)])
    assert writer.read().platform.value == "unknown"
