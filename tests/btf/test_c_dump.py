from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf_static.btf import Btf
from ebpf_static.btf.c_dump import c_definition, c_header
from ebpf_static.btf.c_names import CNames
from ebpf_static.btf.sources import read_btf
from ebpf_static.btf.types import Struct, Union
from ebpf_static.errors import (
    EbpfStaticError,
    FormatError,
    LimitError,
    UnsupportedObjectError,
)
from tests.btf.test_reader import every_kind
from tests.build.btf_writer import BtfWriter

ROOT = Path(__file__).parents[2]
VMLINUX = Path("/sys/kernel/btf/vmlinux")
CLANG = next((name for name in ("clang-19", "clang") if shutil.which(name)), None)
needs_clang = pytest.mark.skipif(CLANG is None, reason="clang is not installed")


def compile_c(source: str, tmp_path: Path, target: str = "bpf") -> None:
    """Compile for BPF, any warning being an error."""
    path = tmp_path / "dump.c"
    path.write_text(source)
    assert CLANG is not None
    command = [CLANG, "-fsyntax-only", "-Werror", "-target", target, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]


def assertions(btf: Btf) -> str:
    """C that fails to compile unless sizes and offsets are those of the BTF."""
    names = CNames(btf)
    lines = ["#define offsetof(t, m) __builtin_offsetof(t, m)"]
    for record in btf.iter_types():
        if isinstance(record, (Struct, Union)) and record.name:
            keyword = "struct" if isinstance(record, Struct) else "union"
            tag = f"{keyword} {names.tag(record.id)}"
            lines.append(f'_Static_assert(sizeof({tag}) == {record.size}, "{tag}");')
            lines += [
                f"_Static_assert(offsetof({tag}, {m.name}) == {m.bit_offset // 8}, "
                f'"{tag}.{m.name}");'
                for m in record.members
                if m.name and not m.bitfield_size
            ]
    return "\n".join(lines) + "\n"


def declare(w: BtfWriter, type_id: int) -> str:
    return c_definition(Btf.parse(w.build()), type_id)


def test_declarators() -> None:
    w = BtfWriter()
    i, char = w.integer("int", 4, encoding=1), w.integer("char", 1)
    const_char = w.const(char)
    handler = w.func_proto(i, [("ctx", w.ptr(0)), ("fmt", w.ptr(const_char)), ("", 0)])
    cases = {
        w.typedef("plain", i): "typedef int plain;",
        w.typedef("const_ptr", w.const(w.ptr(const_char))): "typedef const char *const const_ptr;",
        w.typedef("array", w.array(w.array(w.ptr(i), i, 3), i, 2)): "typedef int *array[2][3];",
        w.typedef("ptr_array", w.ptr(w.array(i, i, 4))): "typedef int (*ptr_array)[4];",
        w.typedef("fn", handler): "typedef int fn(void *ctx, const char *fmt, ...);",
        w.typedef("fn_ptr", w.ptr(handler)):
            "typedef int (*fn_ptr)(void *ctx, const char *fmt, ...);",
        w.typedef("fns", w.array(w.ptr(w.func_proto(0)), i, 5)): "typedef void (*fns[5])(void);",
        w.typedef("twice", w.const(w.const(i))): "typedef const int twice;",
        w.typedef("user", w.ptr(w.type_tag("user", i))):
            'typedef __attribute__((btf_type_tag("user"))) int *user;',
        w.func("main", handler): "extern int main(void *ctx, const char *fmt, ...);",
        w.var("counter", w.volatile(i)): "extern volatile int counter;",
        w.ptr(i): "int *",
    }  # fmt: skip
    btf = Btf.parse(w.build())
    for type_id, text in cases.items():
        assert c_definition(btf, type_id) == text


def test_function_without_prototype() -> None:
    w = BtfWriter()
    proto = w.func_proto(w.integer("int", 4), [("", 0)])
    assert declare(w, w.typedef("fn", proto)) == "typedef int fn(void);"


def test_function_returning_function_pointer() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    inner = w.ptr(w.func_proto(i))
    outer = w.func("pick", w.func_proto(inner, [("n", i)]))
    assert declare(w, outer) == "extern int (*pick(int n))(void);"


def test_struct_with_anonymous_members_bitfields_and_padding() -> None:
    w = BtfWriter()
    i, long_ = w.integer("int", 4), w.integer("long", 8)
    anonymous = w.struct("", 8, [("x", i, 0), ("y", i, 32)], union=False)
    choice = w.struct("", 8, [("", anonymous, 0), ("all", long_, 0)], union=True)
    outer = w.bitfields(
        "outer", 32, [("a", i, 0, 3), ("b", i, 8, 4), ("", choice, 64, 0), ("tail", i, 128, 0)]
    )
    assert declare(w, outer) == (
        "struct outer {\n"
        "\tint a: 3;\n"
        "\tchar: 5;\n"
        "\tint b: 4;\n"
        "\tunion {\n"
        "\t\tstruct {\n"
        "\t\t\tint x;\n"
        "\t\t\tint y;\n"
        "\t\t};\n"
        "\t\tlong all;\n"
        "\t};\n"
        "\tint tail;\n"
        "\tint: 32;\n"
        "\tlong: 64;\n"
        "};"
    )


def odd_types() -> BtfWriter:
    """Everything that makes a header hard: names, order, packing, padding, cycles by pointer."""
    w = BtfWriter()
    i, char = w.integer("int", 4, encoding=1), w.integer("char", 1)
    long_, wide = w.integer("long", 8), w.integer("unsigned __int128", 16)
    rust, boolean = w.integer("u32", 4), w.integer("bool", 1, encoding=4)
    node = w.next_id
    w.struct("node", 16, [("next", node + 1, 0), ("fn", node + 2, 64)])
    w.ptr(node)
    w.ptr(node + 3)
    w.func_proto(node + 4, [("n", node + 1), ("f", w.next_id + 2)])
    w.typedef("node_t", node)
    w.fwd("node")
    w.fwd("elsewhere", union=True)
    w.struct("holds", 32, [("inner", node + 4, 0), ("flag", boolean, 128), ("w", rust, 160)])
    w.struct("packed", 9, [("c", char, 0), ("l", long_, 8)])
    w.struct("odd_size", 5, [("i", i, 0), ("c", char, 32)])
    w.bitfields("straddle", 5, [("a", i, 0, 20), ("b", i, 20, 20)])
    w.bitfields(
        "units", 12, [("a", i, 0, 20), ("b", i, 32, 20), ("c", i, 66, 3), ("d", char, 88, 0)]
    )
    w.struct("wide", 48, [("w", wide, 0), ("l", long_, 128), ("z", char, 320)])
    w.struct("far", 5000, [("near", i, 0), ("away", i, 39000)])
    w.struct("empty", 0)
    w.struct("flexible", 64, [("len", i, 0), ("data", w.array(char, i, 0), 512)])
    w.struct("grown", 64, [("c", char, 0)], union=True)
    w.struct("tagged", 24, [("", w.struct("inside", 12, [("q", i, 0), ("r", long_, 32)]), 0),
                            ("s", long_, 128)])  # fmt: skip
    w.struct("same", 4, [("one", i, 0)])
    w.struct("same", 8, [("two", long_, 0)])
    w.struct("same", 4, [("three", i, 0)], union=True)
    w.struct("users", 16, [("a", w.next_id - 3, 0), ("b", w.next_id - 2, 64)])
    w.typedef("same", i)
    w.struct("int", 4, [("goto", i, 0)])
    w.struct("Vec<u8>", 4, [("0", i, 0)])
    w.enum("big", [("A", 0), ("B", 0xFFFFFFFF)])
    w.enum("small", [("A", 0), ("C", -5)], size=1, signed=True)
    w.enum64("e64", [("MIN", -(1 << 63)), ("D", 1 << 40)], signed=True)
    w.enum64("e64u", [("TOP", (1 << 64) - 1)])
    w.enum64("e64small", [("ONE", 1)])
    anonymous_enum = w.enum("", [("IN", 1)])
    w.enum("", [("TOPLEVEL", 1)])
    w.struct("enums", 32, [("s", w.next_id - 6, 0), ("e", w.next_id - 5, 64),
                           ("t", w.next_id - 3, 128), ("a", anonymous_enum, 192)])  # fmt: skip
    w.floating("double", 8)
    return w


@needs_clang
def test_odd_types_compile_with_their_layout(tmp_path: Path) -> None:
    btf = Btf.parse(odd_types().build())
    source = c_header(btf)
    checks = [
        line for line in assertions(btf).splitlines() if "goto" not in line and ", 0)" not in line
    ]
    compile_c(source + "\n".join(checks) + "\n", tmp_path)
    assert "enum {\n\tTOPLEVEL = 1,\n};" in source
    assert source.count("struct node {") == 1
    assert "struct Vec_u8_ {\n\tint _0;\n};" in source
    assert "struct same___2 {" in source
    assert "union same___3 {" in source


@needs_clang
@pytest.mark.parametrize(("order", "target"), [("little", "bpfel"), ("big", "bpfeb")])
def test_every_kind_compiles(order: str, target: str, tmp_path: Path) -> None:
    btf = Btf.parse(every_kind(order)[0].build())
    compile_c(c_header(btf) + assertions(btf), tmp_path, target)


@needs_clang
def test_one_type_brings_what_it_needs(tmp_path: Path) -> None:
    btf = Btf.parse(odd_types().build())
    holds = btf.find("holds")
    assert holds is not None
    source = c_header(btf, [holds])
    assert "struct packed" not in source
    compile_c(source + '_Static_assert(sizeof(struct holds) == 32, "");', tmp_path)


@needs_clang
@pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel offers no BTF")
def test_running_kernel_compiles_with_every_size_and_offset(tmp_path: Path) -> None:
    btf = read_btf(VMLINUX)
    checks = assertions(btf)
    assert checks.count("_Static_assert(sizeof") > 5000
    compile_c(c_header(btf) + checks, tmp_path)


@needs_clang
def test_debian_objects_compile_with_every_size_and_offset(tmp_path: Path) -> None:
    paths = sorted((ROOT / "corpus" / "debian").glob("*/*"))
    if not paths:
        pytest.skip("corpus/debian is not fetched (corpus/fetch_debian.py)")
    made: dict[str, list[Path]] = {"little": [], "big": []}
    for number, path in enumerate(paths):
        try:
            btf = read_btf(path)
        except UnsupportedObjectError:
            continue
        source = tmp_path / f"{number}.c"
        source.write_text(c_header(btf) + assertions(btf))
        made[btf.byte_order].append(source)
    assert len(made["little"]) > 60
    for order, files in made.items():
        target = {"little": "bpfel", "big": "bpfeb"}[order]
        # An object without structs leaves the attribute for structs unused.
        flags = ["-fsyntax-only", "-Werror", "-Wno-pragma-clang-attribute", "-target", target]
        command = [str(CLANG), *flags, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:4000]


def test_old_bitfields_without_kflag() -> None:
    w = BtfWriter()
    three = w.integer("unsigned int", 4, bits=3)
    s = w.struct("old", 4, [("a", three, 0), ("b", three, 3)])
    assert declare(w, s) == ("struct old {\n\tunsigned int a: 3;\n\tunsigned int b: 3;\n};")


def test_cycles_by_value_are_errors() -> None:
    w = BtfWriter()
    w.struct("a", 4, [("b", 2, 0)])
    w.struct("b", 4, [("a", 1, 0)])
    w.struct("", 4, [("", 3, 0)])
    w.func_proto(0, [("p", 5)])
    w.ptr(4)
    btf = Btf.parse(w.build())
    for type_id in (1, 2, 3, 5):
        with pytest.raises(FormatError, match=r"cycle|deeply"):
            c_definition(btf, type_id)
    with pytest.raises(EbpfStaticError):
        c_header(btf)


def test_unfolding_anonymous_types_is_bounded() -> None:
    w = BtfWriter()
    last = w.integer("char", 1)
    for level in range(25):
        last = w.struct("", 2, [("a" * (level + 1), last, 0), ("b", last, 8)])
    outer = w.struct("bomb", 4, [("x", last, 0)])
    btf = Btf.parse(w.build())
    with pytest.raises(LimitError, match="unfold"):
        c_definition(btf, outer)


def test_a_function_by_value_is_an_error() -> None:
    w = BtfWriter()
    f = w.func("f", w.func_proto(0))
    s = w.struct("s", 8, [("f", f, 0)])
    with pytest.raises(FormatError):
        declare(w, s)
