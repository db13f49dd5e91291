"""What the kernel refuses of a BTF, told from its own rules; where it may be asked, it is asked."""

from __future__ import annotations

import ctypes
import os
import random
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ebpf_static.btf import Btf
from ebpf_static.btf.sources import read_btf
from ebpf_static.btf.verify import KernelRules, find_kernel_problem
from ebpf_static.btf.verify.links import find_bad_link
from ebpf_static.btf.verify.plain import is_plainly_sound
from ebpf_static.btf.verify.records import find_bad_record
from ebpf_static.errors import EbpfStaticError, UnsupportedObjectError
from tests.btf.test_reader import every_kind
from tests.build.btf_writer import BtfWriter

ROOT = Path(__file__).parents[2]
_SYS_BPF, _BTF_LOAD = 321, 18
_REFUSED = (7, 17, 22, 524)  # E2BIG, EEXIST, EINVAL, ENOTSUPP


def kernel_takes(raw: bytes) -> bool:
    """Ask this kernel; skip where nobody may."""
    if os.uname().machine != "x86_64":
        pytest.skip("the system call's number is that of x86-64")
    library = ctypes.CDLL(None, use_errno=True)
    data = ctypes.create_string_buffer(raw, len(raw))
    attributes = struct.pack("<QQIII20x", ctypes.addressof(data), 0, len(raw), 0, 0)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    descriptor: int = library.syscall(_SYS_BPF, _BTF_LOAD, buffer, len(attributes))
    if descriptor >= 0:
        os.close(descriptor)
        return True
    if ctypes.get_errno() not in _REFUSED:
        pytest.skip(f"BPF_BTF_LOAD is not to be had: errno {ctypes.get_errno()}")
    return False


def sound() -> BtfWriter:
    """A BTF of every kind that a kernel takes."""
    w = BtfWriter()
    i = w.integer("int", 4)
    p = w.ptr(i)
    a = w.array(i, i, 4)
    s = w.struct("s", 24, [("a", i, 0), ("p", p, 64), ("l", p, 128)])
    w.struct("u", 16, [("a", i, 0), ("b", a, 0)], union=True)
    w.bitfields("bits", 8, [("lo", i, 0, 3), ("hi", i, 3, 5), ("plain", i, 32, 0)])
    w.enum("e", [("A", 0), ("B", 1)])
    w.fwd("later")
    t = w.typedef("t", w.const(w.volatile(s)))
    w.restrict(w.ptr(t))
    proto = w.func_proto(i, [("x", p), ("y", i)])
    f = w.func("f", proto)
    w.func_proto(0, [("x", i), ("", 0)])
    v = w.var("v", t)
    w.datasec(".data", 32, [(v, 8, 24)])
    w.floating("double", 8)
    w.decl_tag("tag", s, 1)
    w.decl_tag("tag", f, 0)
    w.decl_tag("tag", v)
    w.ptr(w.type_tag("user", i))
    w.enum64("e64", [("BIG", 1 << 40)])
    return w


def first_problem(w: BtfWriter, *, by_loader: bool = True) -> str | None:
    found = find_kernel_problem(Btf.parse(w.build()), by_loader=by_loader)
    return None if found is None else f"{found.type_id}: {found.what}"


def test_sound() -> None:
    assert first_problem(sound(), by_loader=False) is None
    assert kernel_takes(sound().build())


BROKEN: list[tuple[str, Callable[[BtfWriter], object]]] = [
    ("its name is no identifier", lambda w: w.struct("a b", 4)),
    ("its name is no identifier", lambda w: w.typedef("", 1)),
    ("its name is no identifier", lambda w: w.fwd("x" * 513)),
    ("no identifier", lambda w: w.struct("q", 4, [("\u0101", 1, 0)])),
    ("the name of value 0", lambda w: w.enum("q", [("", 0)])),
    ("an enum of 3 bytes", lambda w: w.enum("q", [("Q", 0)], size=3)),
    ("type 0 of member 0", lambda w: w.struct("q", 4, [("a", 0, 0)])),
    ("which does not exist,", lambda w: w.struct("q", 4, [("a", 99, 0)])),
    ("member 1 is before", lambda w: w.struct("q", 8, [("a", 1, 32), ("b", 1, 0)])),
    ("member 0 starts behind", lambda w: w.struct("q", 4, [("a", 1, 64)])),
    ("member 0 ends behind its 4", lambda w: w.struct("q", 4, [("a", 2, 0)])),
    ("member 0 ends behind its 6", lambda w: w.struct("q", 6, [("a", 1, 32)])),
    ("at bit 8", lambda w: w.struct("q", 8, [("a", 1, 8)], union=True)),
    ("does not start with a byte", lambda w: w.struct("q", 16, [("a", 2, 4)])),
    ("has 40 bits of a type of 32", lambda w: w.bitfields("q", 8, [("a", 1, 0, 40)])),
    ("bitfield of what has no bits", lambda w: w.bitfields("q", 8, [("a", 2, 0, 3)])),
    ("40 bits do not fit", lambda w: w.integer("q", 4, bits=40)),
    ("encoding 0x3", lambda w: w.integer("q", 4, encoding=3)),
    ("a number of 3 bytes", lambda w: w.floating("q", 3)),
    ("a DECL_TAG, is no type", lambda w: w.ptr(w.decl_tag("q", 4))),
    ("a INT, is no type", lambda w: w.func("q", 1)),
    ("parameter 1 has no name", lambda w: w.func("q", w.func_proto(0, [("", 1)]))),
    ("is no return type", lambda w: w.func_proto(w.fwd("q"))),
    ("void is no type of parameter 1", lambda w: w.func_proto(0, [("a", 0), ("b", 1)])),
    ("is no type of parameter 1", lambda w: w.func_proto(0, [("a", w.fwd("q"))])),
    ("is no index type", lambda w: w.array(1, 2, 3)),
    ("is no element type", lambda w: w.array(w.fwd("q"), 1, 3)),
    ("an array of 4 GiB", lambda w: w.array(1, 1, 1 << 30)),
    ("linkage 2 of a function", lambda w: w.func("q", w.func_proto(0), 2)),
    ("linkage 2 of a variable", lambda w: w.var("q", 1, 2)),
    ("is no type", lambda w: w.var("q", w.fwd("later2"))),
    ("a section of 0 bytes", lambda w: w.datasec(".q", 0, [(w.var("q", 1), 0, 4)])),
    ("variable 0 has 2 bytes", lambda w: w.datasec(".q", 8, [(w.var("q", 1), 0, 2)])),
    ("is no variable 0", lambda w: w.datasec(".q", 8, [(1, 0, 4)])),
    ("overlaps", lambda w: w.datasec(".q", 8, [(v := w.var("q", 1), 0, 4), (v, 2, 4)])),
    ("a tag without text", lambda w: w.decl_tag("", 4)),
    ("it tags component 3 of 3", lambda w: w.decl_tag("q", 4, 3)),
    ("a INT, is no type", lambda w: w.decl_tag("q", 1)),
    ("refers to itself in a loop", lambda w: w.ptr(len_of(w) + 1)),
    ("refers to itself", lambda w: w.struct("q", 8, [("a", len_of(w) + 1, 0)])),
]


def len_of(w: BtfWriter) -> int:
    return len(Btf.parse(w.build())) - 1


@pytest.mark.parametrize(("message", "break_it"), BROKEN, ids=range(len(BROKEN)))
def test_broken(message: str, break_it: Callable[[BtfWriter], object]) -> None:
    w = sound()
    break_it(w)
    assert message in (first_problem(w, by_loader=False) or "nothing")
    assert not kernel_takes(w.build())


def test_deep_nesting() -> None:
    for levels, fits in ((30, True), (31, True), (32, False)):
        w = BtfWriter()
        # Outermost first: each needs the next one before it is resolved itself.
        for level in range(1, levels + 1):
            w.struct(f"s{level}", 8, [("inner", level + 1, 0)])
        w.struct("last", 8, [("a", levels + 2, 0)])
        w.integer("int", 4)
        assert (first_problem(w) is None) is fits, levels
        assert kernel_takes(w.build()) is fits


def test_what_a_loader_mends() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    f = w.func("kfunc", w.func_proto(0, [("", i)]), 2)
    w.datasec(".ksyms", 0, [(w.var("jiffies", w.const(0), 2), 0, 4), (f, 0, 0)])
    w.datasec(".bss", 0, [(w.var("v", i), 0, 4)])
    assert first_problem(w) is None
    assert first_problem(w, by_loader=False) is not None


def test_bounds_of_older_kernels() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    w.struct("x" * 200, 4, [("a", i, 0)])
    btf = Btf.parse(w.build())
    assert find_kernel_problem(btf) is None
    assert find_kernel_problem(btf, KernelRules(name_bytes=128)) is not None
    w = BtfWriter()
    w.datasec(".data.a-b", 4, [(w.var("v", w.integer("int", 4)), 0, 4)])
    btf = Btf.parse(w.build())
    assert find_kernel_problem(btf) is None
    assert find_kernel_problem(btf, KernelRules(any_section_name=False)) is not None
    w = BtfWriter()
    w.integer("int", 4)
    assert find_kernel_problem(Btf.parse(w.build()), KernelRules(types=0)) is not None
    assert find_kernel_problem(Btf.parse(BtfWriter().build())) is not None


def empties_a_name(raw: bytes, at: int) -> bool:
    """Whether the word changed may be a name at an offset that is not 0 and yet empty.

    Only the kernel sees a difference between that and no name.
    """
    word = int.from_bytes(raw[at & ~3 : (at & ~3) + 4], "little")
    strings = raw[24 + int.from_bytes(raw[16:20], "little") :]
    return 0 < word < len(strings) and not strings[word]


def test_kernel_agrees_on_mutated_types() -> None:
    """What one changed byte makes of a sound BTF is judged as the kernel judges it."""
    generator = random.Random(20)
    sources = [bytes(source.build()) for source in (sound(), sound(), every_kind("little")[0])]
    answers: Counter[bool] = Counter()
    for _ in range(2000):
        raw = bytearray(generator.choice(sources))
        at = generator.randrange(24, 24 + int.from_bytes(raw[12:16], "little"))
        raw[at] = generator.choice([0, 1, 2, 3, 4, 8, 0x10, 0x20, 0x40, 0x7F, 0x80, 0xFF])
        try:
            ours = find_kernel_problem(Btf.parse(bytes(raw)), by_loader=False) is None
        except EbpfStaticError:
            ours = False
        if not ours or not empties_a_name(bytes(raw), at):
            assert kernel_takes(bytes(raw)) is ours, (at, raw[at])
            answers[ours] += 1
    assert min(answers[True], answers[False]) > 200


def test_plainly_sound_only_what_the_rules_pass() -> None:
    """The short way says yes to most that is sound, and to nothing the rules refuse."""
    generator = random.Random(21)
    objects = sorted((ROOT / "corpus" / "objects" / "linux").glob("*-el.o"))[::6]
    sources = [bytes(sound().build()), *(read_btf(path).raw for path in objects)]
    answers: Counter[bool] = Counter()
    for _ in range(2000):
        raw = bytearray(generator.choice(sources))
        start = 24 + int.from_bytes(raw[8:12], "little")
        at = generator.randrange(start, start + int.from_bytes(raw[12:16], "little"))
        raw[at] = generator.choice([0, 1, 2, 3, 4, 8, 0x10, 0x20, 0x40, 0x7F, 0x80, 0xFF])
        try:
            btf = Btf.parse(bytes(raw))
        except EbpfStaticError:
            continue
        rules = KernelRules(depth=generator.choice([8, 32]))
        plain = is_plainly_sound(btf, rules)
        if plain:
            assert find_bad_record(btf, rules, by_loader=True) is None, (at, raw[at])
            assert find_bad_link(btf, rules, by_loader=True) is None, (at, raw[at])
        answers[plain] += 1
    assert min(answers.values()) > 200


@pytest.mark.parametrize("path", sorted((ROOT / "corpus" / "objects" / "linux").glob("*-el.o")))
def test_plainly_sound_is_what_compilers_write(path: Path) -> None:
    try:
        btf = read_btf(path)
    except UnsupportedObjectError:
        return  # has no BTF, on purpose
    assert is_plainly_sound(btf, KernelRules())


def test_debian_objects_are_sound() -> None:
    """Objects that load are not accused of anything."""
    paths = sorted((ROOT / "corpus" / "debian").glob("*/*"))
    if not paths:
        pytest.skip("corpus/debian is not fetched (corpus/fetch_debian.py)")
    checked = 0
    for path in paths:
        try:
            btf = read_btf(path)
        except UnsupportedObjectError:
            continue
        assert find_kernel_problem(btf) is None, path.name
        checked += 1
    assert checked > 90


def test_long_chains_take_no_time() -> None:
    """Sixty thousand arrays of arrays, and two thousand structs with one: looked at once each."""
    w = BtfWriter()
    number = innermost = w.integer("int", 4)
    for _ in range(60_000):
        innermost = w.array(innermost, number, 1)
    for count in range(2000):
        w.struct(f"s{count}", 4, [("x", innermost, 0)])
    assert first_problem(w) is None
    w.struct("small", 3, [("x", innermost, 0)])
    assert first_problem(w) == f"{w.next_id - 1}: member 0 ends behind its 3 bytes"
