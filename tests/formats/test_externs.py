"""Externs: what an undefined symbol is, with and without BTF, and where kconfig values stand."""

from __future__ import annotations

import pytest

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.specs import ExternKind, ReferenceKind
from tests.build.asm import R1
from tests.build.elf_writer import R_BPF_64_32, R_BPF_64_64, STB_GLOBAL, STB_WEAK, STT_FUNC
from tests.formats.writing import ObjectWriter


def _extern(writer: ObjectWriter, section: str, rows: dict[str, int], kind: str = "var") -> None:
    """Declare externs of a section: variables by type, or functions by prototype."""
    make = writer.btf.var if kind == "var" else writer.btf.func
    writer.btf.datasec(
        section, 0, [(make(name, type_id, 2), 0, 0) for name, type_id in rows.items()]
    )


def test_kinds() -> None:
    writer = ObjectWriter()
    writer.program()
    btf = writer.btf
    proto = btf.func_proto(writer.int_id)
    _extern(writer, ".kconfig", {"CONFIG_HZ": writer.int_id})
    rows = [
        (btf.var("typed", writer.int_id, 2), 0, 0),
        (btf.var("typeless", btf.const(0), 2), 0, 0),
        (btf.func("kfunc", proto, 2), 0, 0),
    ]
    btf.datasec(".ksyms", 0, rows)
    btf.func("elsewhere", proto, 2)
    for name in ("CONFIG_HZ", "typed", "typeless", "elsewhere", "nothing"):
        writer.symbol(name, bind=STB_GLOBAL)
    writer.symbol("kfunc", bind=STB_WEAK, type=STT_FUNC)
    externs = writer.read().externs
    assert [(e.name, e.kind, e.section, e.weak, e.typed, e.size) for e in externs] == [
        ("CONFIG_HZ", ExternKind.KCONFIG, ".kconfig", False, True, 4),
        ("typed", ExternKind.KSYM, ".ksyms", False, True, 0),
        ("typeless", ExternKind.KSYM, ".ksyms", False, False, 0),
        ("elsewhere", ExternKind.UNKNOWN, None, False, True, 0),
        ("nothing", ExternKind.UNKNOWN, None, False, False, 0),
        ("kfunc", ExternKind.KFUNC, ".ksyms", True, True, 0),
    ]
    assert externs["nothing"].btf_id is None


def test_only_extern_declarations_count() -> None:
    writer = ObjectWriter()
    writer.program()
    writer.btf.func("f", writer.btf.func_proto(0), 1)
    writer.symbol("f", bind=STB_GLOBAL)
    assert writer.read().externs["f"].btf_id is None


def test_one_extern_per_name() -> None:
    writer = ObjectWriter()
    writer.program()
    writer.symbol("same", bind=STB_GLOBAL)
    writer.symbol("same", bind=STB_WEAK)
    writer.symbol("", bind=STB_GLOBAL)
    assert [(e.name, e.weak) for e in writer.read().externs] == [("same", False)]


def test_tags_of_an_extern() -> None:
    writer = ObjectWriter()
    writer.program()
    function = writer.btf.func("f", writer.btf.func_proto(0), 2)
    writer.btf.datasec(".ksyms", 0, [(function, 0, 0)])
    writer.btf.decl_tag("module_id:{1}", function)
    writer.btf.decl_tag("second", function)
    writer.symbol("f", bind=STB_GLOBAL)
    assert writer.read().externs["f"].tags == ("module_id:{1}", "second")


def test_kconfig_layout_is_libbpfs() -> None:
    """By alignment, largest first, then size, then name; each at its own alignment."""
    writer = ObjectWriter()
    btf = writer.btf
    char = btf.integer("char", 1)
    rows = {
        "b_char": char,
        "CONFIG_LONG": btf.integer("long", 8),
        "text": btf.array(char, writer.int_id, 3),
        "a_char": char,
        "int": writer.int_id,
    }
    _extern(writer, ".kconfig", rows)
    asm = writer.asm
    code = b"".join(asm.lddw(R1, 0) for _ in rows) + asm.exit()
    xdp = writer.program(code=code)
    for at, name in enumerate(rows):
        writer.relocation(xdp, 16 * at, writer.symbol(name, bind=STB_GLOBAL), R_BPF_64_64)
    spec = writer.read()
    offsets = {r.name: r.offset for r in spec.functions[0].references}
    assert offsets == {"CONFIG_LONG": 0, "int": 8, "a_char": 12, "b_char": 13, "text": 14}
    assert {r.kind for r in spec.functions[0].references} == {ReferenceKind.KCONFIG}
    kconfig = spec.maps[".kconfig"]
    assert (kconfig.type.name, kconfig.key_size, kconfig.value_size) == ("ARRAY", 4, 17)
    assert (kconfig.max_entries, kconfig.flags, kconfig.data) == (1, 1 << 7 | 1 << 10, None)
    assert kconfig.libbpf_name("some_object.o") == "some_ob.kconfig"


def test_references_to_externs() -> None:
    writer = ObjectWriter()
    asm, btf = writer.asm, writer.btf
    xdp = writer.program(code=asm.lddw(R1, 0) + asm.call_kfunc(-1) + asm.exit())
    rows = [
        (btf.var("ksym", writer.int_id, 2), 0, 0),
        (btf.func("kfunc", btf.func_proto(0), 2), 0, 0),
    ]
    btf.datasec(".ksyms", 0, rows)
    writer.relocation(xdp, 0, writer.symbol("ksym", bind=STB_GLOBAL), R_BPF_64_64)
    writer.relocation(xdp, 16, writer.symbol("kfunc", bind=STB_WEAK), R_BPF_64_32)
    spec = writer.read()
    found = [(r.index, r.kind, r.name, r.weak) for r in spec.functions[0].references]
    assert found == [
        (0, ReferenceKind.KSYM, "ksym", False),
        (2, ReferenceKind.KFUNC, "kfunc", True),
    ]
    assert [spec.externs[r.target].name for r in spec.functions[0].references] == ["ksym", "kfunc"]


def test_kconfig_value_without_a_size() -> None:
    writer = ObjectWriter()
    writer.program()
    _extern(writer, ".kconfig", {"CONFIG_X": 0})
    writer.symbol("CONFIG_X", bind=STB_GLOBAL)
    with pytest.raises(FormatError, match="has no size") as caught:
        writer.read()
    assert caught.value.where == 'extern "CONFIG_X": .BTF: type 0'


def test_kconfig_values_of_gigabytes() -> None:
    writer = ObjectWriter()
    writer.program()
    char = writer.btf.integer("char", 1)
    _extern(writer, ".kconfig", {"CONFIG_X": writer.btf.array(char, writer.int_id, 1 << 30)})
    writer.symbol("CONFIG_X", bind=STB_GLOBAL)
    with pytest.raises(LimitError, match="1073741824 bytes of kernel configuration"):
        writer.read()
