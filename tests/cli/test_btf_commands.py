"""Commands about types: ``inspect --types``, ``btfgen``, ``diff-btf``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebpf_static.btf import Kind
from ebpf_static.btf.sources import read_btf
from ebpf_static.cli.main import main
from tests.build.btf_writer import BtfWriter

ROOT = Path(__file__).parents[2]
OBJECT = ROOT / "corpus/objects/linux/core-clang19-el.o"


def kernel(folder: Path, name: str, *, state_first: bool) -> Path:
    """Write the BTF of a kernel with some of what the object asks for."""
    w = BtfWriter()
    short, number = w.integer("unsigned short", 2), w.integer("unsigned int", 4)
    net = w.struct("net", 4, [("inum", number, 0)])
    pointer = w.ptr(net)
    first = 64 if state_first else 0
    w.struct("sock", 32, [("family", short, first), ("net", pointer, first + 64)])
    w.struct("unused", 4, [("x", number, 0)])
    if state_first:
        w.enum("connection", [("CONNECTION_OPEN", 4)])
    path = folder / name
    path.write_bytes(w.build())
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return kernel(tmp_path, "old.btf", state_first=False)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return kernel(tmp_path, "new.btf", state_first=True)


def out(capsys: pytest.CaptureFixture[str], *arguments: str | Path, status: int = 0) -> str:
    assert main([str(argument) for argument in arguments]) == status
    return capsys.readouterr().out


def test_types_of_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "inspect", OBJECT, "--types", "sock___with_flavor")
    assert text.startswith("struct sock___with_flavor {\n\tu16 family;\n")
    assert text == out(capsys, "inspect", OBJECT, "--types", "struct sock___with_flavor")
    header = out(capsys, "inspect", OBJECT, "--types")
    assert "#ifndef __VMLINUX_H__" in header
    assert "struct sock___with_flavor {" in header
    document = json.loads(
        out(capsys, "inspect", OBJECT, "--types", "net", "--output-format", "json")
    )
    assert [row["kind"] for row in document["types"]] == ["STRUCT"]
    assert document["types"][0]["text"].startswith("[")


def test_types_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("nothing", "enum net", "class net"):
        assert main(["inspect", str(OBJECT), "--types", name]) == 2
        assert name.split()[0] in capsys.readouterr().err


def test_inspect_a_kernels_types(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "inspect", old)
    assert "type information (BTF), no programs" in text
    assert "STRUCT" in text
    facts = json.loads(out(capsys, "inspect", old, "--output-format", "json"))["btf"]
    assert facts["types"] == 6
    assert facts["kinds"]["STRUCT"] == 3


def test_types_of_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = BtfWriter()
    base.integer("int", 4)
    (tmp_path / "vmlinux").write_bytes(base.build())
    module = BtfWriter(base=base)
    module.struct("mine", 4, [("x", 1, 0)])
    (tmp_path / "module").write_bytes(module.build())
    command = ("inspect", tmp_path / "module", "--btf", tmp_path / "vmlinux")
    assert "first id      2" in out(capsys, *command)
    assert out(capsys, *command, "--types", "mine") == "struct mine {\n\tint x;\n};\n"


def test_what_is_no_object_and_no_type_information(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    assert main(["inspect", str(path)]) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert main(["inspect", str(path), "--types"]) == 2
    assert "notes.txt" in capsys.readouterr().err


def test_source_paths(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("inspect", OBJECT, "--disasm", "--remap-path", "./=here/")
    assert "; here/core.c" in out(capsys, *command)
    document = out(capsys, *command, "--output-format", "json")
    assert '"here/core.c"' in document
    assert "./core.c" not in document
    assert main(["inspect", str(OBJECT), "--remap-path", "x"]) == 2


def test_btfgen(new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "min.btf"
    out(capsys, "btfgen", OBJECT, OBJECT, "--btf", new, "-o", file)
    small = read_btf(file)
    assert small.find("unused") is None
    struct_id = small.find("sock", Kind.STRUCT)
    assert struct_id is not None
    assert small.size_of(struct_id) == 32


def test_btfgen_refuses(new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = ROOT / "corpus/objects/linux/bare-clang19-el.o"
    file = tmp_path / "min.btf"
    assert main(["btfgen", str(plain), "--btf", str(new), "-o", str(file)]) == 2
    assert "no object has CO-RE relocations" in capsys.readouterr().err
    assert not file.exists()
    assert main(["btfgen", str(OBJECT), "--btf", str(new), "-o", str(tmp_path / "no/dir")]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert main(["btfgen", str(OBJECT), "--btf", str(tmp_path / "none"), "-o", str(file)]) == 2


def test_diff_btf_of_what_objects_use(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = out(capsys, "diff-btf", old, new, OBJECT)
    assert "struct sock___with_flavor.family\n  - offset 0, 2 bytes, unsigned short\n" in text
    assert "  + offset 8, 2 bytes, unsigned short\n" in text
    assert "enum connection::CONNECTION_OPEN\n  - missing\n  + value 4\n" in text
    assert "unused" not in text
    assert out(capsys, "diff-btf", old, old, OBJECT, "--exit-code") == ""
    out(capsys, "diff-btf", old, new, OBJECT, "--exit-code", status=1)


def test_diff_btf_of_everything(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(out(capsys, "diff-btf", old, new, "--output-format", "json"))
    changes = {row["what"]: row for row in document["changes"]}
    assert set(changes) == {"enum connection", "struct sock"}
    assert changes["enum connection"]["before"] == "missing"
    assert "short family;" in changes["struct sock"]["after"]


def test_diff_btf_indents_members(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "diff-btf", old, new)
    assert "  +     CONNECTION_OPEN = " in text
    assert "x09" not in text
