from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf_static.btf import Btf
from ebpf_static.btf.raw_dump import iter_raw
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import UnsupportedObjectError
from tests.btf.test_reader import every_kind
from tests.build.btf_writer import BtfWriter

ROOT = Path(__file__).parents[2]
VMLINUX = Path("/sys/kernel/btf/vmlinux")
needs_bpftool = pytest.mark.skipif(not shutil.which("bpftool"), reason="bpftool is not installed")

EXPECTED = """\
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] PTR '(anon)' type_id=1
[3] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=16
[4] STRUCT 's' size=8 vlen=2
\t'a' type_id=1 bits_offset=0
\t'b' type_id=1 bits_offset=32
[5] UNION 'u' size=4 vlen=1
\t'(anon)' type_id=1 bits_offset=0
[6] ENUM 'e' encoding=SIGNED size=4 vlen=2
\t'NEG' val=-1
\t'POS' val=7
[7] FWD 'later' fwd_kind=union
[8] TYPEDEF 'myint' type_id=1
[9] VOLATILE '(anon)' type_id=8
[10] CONST '(anon)' type_id=9
[11] RESTRICT '(anon)' type_id=2
[12] FUNC_PROTO '(anon)' ret_type_id=1 vlen=2
\t'x' type_id=1
\t'(anon)' type_id=0
[13] FUNC 'f' type_id=12 linkage=extern
[14] VAR 'v' type_id=3, linkage=global
[15] DATASEC '.data' size=64 vlen=1
\ttype_id=14 offset=0 size=64 (VAR 'v')
[16] FLOAT 'double' size=8
[17] DECL_TAG 'tagged' type_id=4 component_idx=1
[18] TYPE_TAG 'user' type_id=1
[19] ENUM64 'e64' encoding=UNSIGNED size=8 vlen=2
\t'BIG' val=1099511627776ULL
\t'TOP' val=18446744073709551615ULL
[20] STRUCT 'bits' size=4 vlen=2
\t'lo' type_id=1 bits_offset=0 bitfield_size=3
\t'hi' type_id=1 bits_offset=3 bitfield_size=5"""


def bpftool_raw(path: Path) -> str:
    command = ["bpftool", "btf", "dump", "file", str(path), "format", "raw"]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")


def our_raw(btf: Btf) -> str:
    return "".join(f"{text}\n" for text in iter_raw(btf))


@pytest.mark.parametrize("order", ["little", "big"])
def test_every_kind(order: str) -> None:
    btf = Btf.parse(every_kind(order)[0].build())
    assert "\n".join(iter_raw(btf)) == EXPECTED


@needs_bpftool
def test_every_kind_as_bpftool_prints_it(tmp_path: Path) -> None:
    path = tmp_path / "every.btf"
    path.write_bytes(every_kind("little")[0].build())
    assert bpftool_raw(path).rstrip("\n") == EXPECTED


def test_hostile_names_and_ids() -> None:
    w = BtfWriter()
    w.struct("a\x1b[31mb\n", 0)
    w.datasec(".bss", 0, [(77, 0, 4)])
    w.record(30, "new", 5)
    btf = Btf.parse(w.build(layout=[(0, 0)] * 31))
    assert list(iter_raw(btf)) == [
        "[1] STRUCT 'a\\x1b[31mb\\x0a' size=0 vlen=0",
        "[2] DATASEC '.bss' size=0 vlen=1\n\ttype_id=77 offset=0 size=4 (invalid type id)",
        "[3] KIND_30 'new' info=0x1e000000 size_or_type=5",
    ]


def test_split_btf_prints_its_own_types_only() -> None:
    base_writer = BtfWriter()
    i = base_writer.integer("int", 4)
    w = BtfWriter(base=base_writer)
    w.ptr(i)
    btf = Btf.parse(w.build(), base=Btf.parse(base_writer.build()))
    assert list(iter_raw(btf)) == ["[2] PTR '(anon)' type_id=1"]


@needs_bpftool
@pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel offers no BTF")
def test_running_kernel_equals_bpftool() -> None:
    assert our_raw(read_btf(VMLINUX)) == bpftool_raw(VMLINUX)


@needs_bpftool
def test_debian_objects_equal_bpftool() -> None:
    paths = sorted((ROOT / "corpus" / "debian").glob("*/*"))
    if not paths:
        pytest.skip("corpus/debian is not fetched (corpus/fetch_debian.py)")
    compared = 0
    for path in paths:
        try:
            btf = read_btf(path)
        except UnsupportedObjectError:
            continue
        assert our_raw(btf) == bpftool_raw(path), path.name
        compared += 1
    assert compared > 90
