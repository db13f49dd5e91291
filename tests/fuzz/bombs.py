"""Small files that ask for much: each would cost hours or gigabytes if something multiplied.

``BOMBS`` maps a name to a builder. ``python -m tests.fuzz.bombs`` reads and checks each in a
process of its own and prints what it cost.
"""
# ruff: noqa: T201 - it talks to a terminal

from __future__ import annotations

import resource
import struct
import sys
import time
from collections.abc import Callable, Iterable
from multiprocessing import get_context

from ebpf_static.errors import EbpfStaticError
from tests.build.asm import LE, R0, R1, R2, R10
from tests.build.btf_writer import BtfExtWriter, BtfWriter
from tests.build.elf_writer import (
    R_BPF_64_64,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHT_NOBITS,
    SHT_REL,
    STB_GLOBAL,
    STB_WEAK,
    STT_FUNC,
    STT_OBJECT,
    ElfWriter,
    Section,
)

CODE, DATA = SHF_ALLOC | SHF_EXECINSTR, SHF_ALLOC | SHF_WRITE
EMPTY = LE.mov(R0, 0) + LE.exit()
BOMBS: dict[str, Callable[[], bytes]] = {}


def _bomb(build: Callable[[], bytes]) -> Callable[[], bytes]:
    BOMBS[build.__name__.replace("_", "-")] = build
    return build


def _program(writer: ElfWriter, name: str = "socket", code: bytes = EMPTY) -> None:
    section = writer.section(name, code, CODE, align=8)
    writer.symbol(f"p_{name}", section, 0, len(code), type=STT_FUNC, bind=STB_GLOBAL)


def _relocate(writer: ElfWriter, section: Section, places: Iterable[int], symbol: int) -> None:
    """Add a relocation table at once: the writer's own way takes time squared."""
    rows = b"".join(struct.pack("<QQ", place, symbol << 32 | R_BPF_64_64) for place in places)
    writer.section(".rel", rows, 0, SHT_REL, info=section, entsize=16)


@_bomb
def sections_that_are_the_file() -> bytes:
    writer = ElfWriter()
    big = writer.section("blob", bytes(4 << 20))
    for _ in range(10_000):
        section = writer.section("version", b"\0" * 4)
        section.header = {"sh_size": 4 << 20, "sh_offset": 64}
    assert big.index
    return writer.build()


@_bomb
def data_sections_that_are_the_file() -> bytes:
    writer = ElfWriter()
    writer.section(".data", bytes(8 << 20), DATA)
    for _ in range(2_000):
        writer.section(".data", b"\1", DATA).header = {"sh_size": 8 << 20, "sh_offset": 64}
    return writer.build()


@_bomb
def names_inside_names() -> bytes:
    writer = ElfWriter()
    text = writer.section(".data", b"\1" * 8, DATA)
    writer.symbol(b"a" * 4090 + b"\0" + b"b" * 4090, text, size=1, type=STT_OBJECT)
    for at in range(200_000):
        symbol = writer.symbol("", text, 0, 1, type=STT_OBJECT, bind=STB_GLOBAL)
        symbol.fields = {"st_name": 1 + at % 8000}
    return writer.build()


@_bomb
def symbols_without_end() -> bytes:
    writer = ElfWriter()
    text = writer.section(".data", b"\1" * 8, DATA)
    for _ in range(300_000):
        writer.symbol("a", text, 0, 1, type=STT_OBJECT)
    return writer.build()


@_bomb
def alias_functions() -> bytes:
    writer = ElfWriter()
    code = LE.mov(R0, 0) * 500_000 + LE.exit()
    text = writer.section(".text", code, CODE)
    for at in range(16_000):
        writer.symbol(f"f{at}", text, 0, len(code), type=STT_FUNC, bind=STB_GLOBAL)
    return writer.build()


@_bomb
def alias_functions_times_relocations() -> bytes:
    writer = ElfWriter()
    code = LE.lddw(R1, 0) + EMPTY
    text = writer.section("xdp", code, CODE)
    writer.symbol("nothing")
    for at in range(16_000):
        writer.symbol(f"f{at}", text, 0, len(code), type=STT_FUNC, bind=STB_GLOBAL)
    _relocate(writer, text, [0] * 200_000, 1)
    return writer.build()


@_bomb
def relocations_on_nothing() -> bytes:
    writer = ElfWriter()
    text = writer.section("xdp", EMPTY, CODE)
    writer.symbol("a" * 4000)
    writer.symbol("f", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    _relocate(writer, text, range(16, 200_016), 1)
    return writer.build()


@_bomb
def calls_only() -> bytes:
    writer = ElfWriter()
    code = LE.call_local(-1) * 1_000_000 + LE.exit()
    text = writer.section("xdp", code, CODE)
    writer.symbol("f", text, 0, len(code), type=STT_FUNC, bind=STB_GLOBAL)
    return writer.build()


@_bomb
def chain_of_programs() -> bytes:
    writer = ElfWriter()
    count = 16_000
    code = (LE.call_local(1) + LE.exit()) * (count - 1) + EMPTY
    text = writer.section("xdp", code, CODE)
    for at in range(count):
        writer.symbol(f"f{at}", text, 16 * at, 16, type=STT_FUNC, bind=STB_GLOBAL)
    return writer.build()


@_bomb
def programs_that_call_all() -> bytes:
    writer = ElfWriter()
    count, calls = 1_000, 900
    size = 8 * (calls + 1)
    code = b"".join(
        b"".join(
            LE.call_local(((at + 1 + n) % count - at) * (calls + 1) - n - 1) for n in range(calls)
        )
        + LE.exit()
        for at in range(count)
    )
    text = writer.section("xdp", code, CODE)
    for at in range(count):
        writer.symbol(f"f{at}", text, size * at, size, type=STT_FUNC, bind=STB_GLOBAL)
    return writer.build()


@_bomb
def same_named_sections_times_variables() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    number = btf.integer("int", 4)
    rows = [(btf.var(f"v{at}", number, 0), 0, 4) for at in range(60_000)]
    btf.datasec(".data", 8, rows)
    for _ in range(8_000):
        writer.section(".data", bytes(8), DATA)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def variables_that_overlap() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    byte = btf.integer("char", 1)
    array = btf.array(byte, byte, 1 << 20)
    rows = [(btf.var(f"v{at}", array), 0, 1 << 20) for at in range(60_000)]
    btf.datasec(".data", 1 << 20, rows)
    btf.datasec(".struct_ops", 1 << 20, rows[:16_000])
    writer.section(".data", bytes(1 << 20), DATA)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def struct_ops_that_overlap() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    byte = btf.integer("char", 1)
    big = btf.struct("ops", 1 << 20, [("a", btf.array(byte, byte, 1 << 20), 0)])
    btf.datasec(".struct_ops", 1 << 20, [(btf.var(f"v{n}", big), 0, 8) for n in range(16_000)])
    writer.section(".struct_ops", bytes(1 << 20), DATA)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def records_that_overlap() -> bytes:
    writer = ElfWriter()
    maps = writer.section("maps", bytes(1 << 20), DATA)
    for at in range(16_000):
        writer.symbol(f"m{at}", maps, 0, 1 << 20, type=STT_OBJECT, bind=STB_GLOBAL)
    return writer.build()


@_bomb
def inner_maps_by_number() -> bytes:
    writer = ElfWriter()
    record = b"".join(n.to_bytes(4, "little") for n in (12, 4, 4, 1, 0, 7, 0, 99, 15_999))
    maps = writer.section("maps", record * 16_000, DATA)
    for at in range(16_000):
        writer.symbol(f"m{at}", maps, 36 * at, 36, type=STT_OBJECT, bind=STB_GLOBAL)
    return writer.build()


@_bomb
def map_of_many_members() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    number = btf.ptr(btf.array(btf.integer("int", 4), 1, 5))
    definition = btf.struct("", 8, [("max_entries", number, 0)] * 60_000)
    btf.datasec(".maps", 8, [(btf.var(f"m{n}", definition), 8 * n, 8) for n in range(16_000)])
    writer.section(".maps", bytes(8 * 16_000), DATA)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def sections_times_strings() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    btf.string("x" * (8 << 20))
    btf.integer("int", 4)
    for at in range(16_000):
        writer.section(f".data.{at}", b"\1", DATA)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def runs_of_function_info() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    proto = btf.func_proto(btf.integer("int", 4))
    func = btf.func("f", proto)
    ext = BtfExtWriter(btf)
    sections = [f"xdp/{at}" for at in range(8_000)]
    for name in sections:
        ext.func_info(name, 0, func)
        ext.line_info(name, 0, "/a.c", "text", (1, 1))
        _program(writer, name)
    raw = bytearray(ext.build())
    writer.section(".BTF", btf.build())
    writer.section(".BTF.ext", bytes(raw))
    return writer.build()


@_bomb
def long_access_strings() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    struct_id = btf.struct("s", 4, [("a", btf.integer("int", 4), 0)])
    long = btf.string("0:" * 30_000)
    ext = BtfExtWriter(btf)
    for at in range(60_000):
        ext.core_relo("xdp", 8 * at, struct_id, "0", 0)
    rows = ext.parts[2]["xdp"]
    rows[:] = [(at, kind, long + at // 8, zero) for at, kind, _, zero in rows]
    _program(writer, "xdp")
    writer.section(".BTF", btf.build())
    writer.section(".BTF.ext", ext.build())
    return writer.build()


@_bomb
def tags_on_one_variable() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    variable = btf.var("e", btf.integer("int", 4), 2)
    btf.datasec(".kconfig", 4, [(variable, 0, 4)])
    for _ in range(100_000):
        btf.decl_tag("t", variable)
    writer.symbol("e", bind=STB_WEAK)
    writer.section(".BTF", btf.build())
    _program(writer)
    return writer.build()


@_bomb
def externs_without_end() -> bytes:
    writer = ElfWriter()
    _program(writer)
    for at in range(100_000):
        writer.symbol(f"e{at}", bind=STB_GLOBAL)
    return writer.build()


@_bomb
def bss_beyond_all_memory() -> bytes:
    writer = ElfWriter()
    writer.section(".bss", b"", DATA, SHT_NOBITS).header = {"sh_size": 1 << 63}
    _program(writer)
    return writer.build()


@_bomb
def branches_that_meet() -> bytes:
    """Code whose context is followed because nothing else tells the platform."""
    writer = ElfWriter()
    steps = [
        LE.stx(64, R10, -8 * (n % 64) - 8, R1) + LE.jump("jeq", R2, n, 1) + LE.alu("add", R1, 1)
        for n in range(60_000)
    ]
    back = LE.jump("jeq", R2, 0, -30_000)
    _program(writer, "xdp", b"".join(steps) + back * 10_000 + EMPTY)
    return writer.build()


@_bomb
def relocated_values() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    number = btf.integer("int", 4)
    values = btf.array(btf.ptr(btf.func_proto(number)), number, 0)
    kind = btf.ptr(btf.array(number, number, 3))
    definition = btf.struct("", 8, [("type", kind, 0), ("values", values, 64)])
    btf.datasec(".maps", 16, [(btf.var("m", definition), 0, 8)])
    maps = writer.section(".maps", bytes(1 << 20), DATA)
    _program(writer)
    writer.symbol("m", maps, 0, 16, type=STT_OBJECT)
    _relocate(writer, maps, range(0, 1 << 20, 8), 1)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def misspelt_sections() -> bytes:
    writer = ElfWriter()
    for at in range(4_000):
        _program(writer, f"kprobes_{at}/" + "cgroup/sock_relase" * 12)
    return writer.build()


@_bomb
def maps_nobody_can_make() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    number = btf.integer("int", 4)
    huge = btf.ptr(btf.array(number, number, 0xFFFFFFFF))
    members = [(name, huge, 64 * at) for at, name in enumerate(("type", "pinning", "map_flags"))]
    definition = btf.struct("", 24, members)
    count = 16_000
    btf.datasec(".maps", 8, [(btf.var(f"m{n}", definition), 8 * n, 8) for n in range(count)])
    maps = writer.section(".maps", bytes(8 * count), DATA)
    for at in range(count):
        writer.symbol(f"m{at}", maps, 8 * at, 8, type=STT_OBJECT)
    code = b"".join(LE.lddw(R1, 0) + LE.call(at % 300) for at in range(20_000)) + LE.exit()
    text = writer.section("xdp", code, CODE)
    writer.symbol("p", text, 0, len(code), type=STT_FUNC, bind=STB_GLOBAL)
    rows = b"".join(
        struct.pack("<QQ", 24 * at, (1 + at % count) << 32 | R_BPF_64_64) for at in range(20_000)
    )
    writer.section(".rel", rows, 0, SHT_REL, info=text, entsize=16)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def declarations_without_end() -> bytes:
    writer, btf = ElfWriter(), BtfWriter()
    number = btf.integer("int", 4)
    for at in range(400_000):
        btf.var(f"v{at}", number, 2)
    writer.symbol("v399999", bind=STB_GLOBAL)
    _program(writer)
    writer.section(".BTF", btf.build())
    return writer.build()


@_bomb
def code_of_nonsense() -> bytes:
    writer = ElfWriter()
    code = bytes(range(256)) * 2_000
    count = 100
    for at in range(count):
        section = writer.section(f"xdp/{at}", code[: 8 * 2_500], CODE)
        writer.symbol(f"p{at}", section, 0, 20_000, type=STT_FUNC, bind=STB_GLOBAL)
    return writer.build()


@_bomb
def jumps_everywhere() -> bytes:
    writer = ElfWriter()
    count = 30_000
    code = (
        b"".join(LE.jump("jeq", R2, n, (n * 7919) % 30_000 - 15_000) for n in range(count))
        + LE.exit()
    )
    _program(writer, "kprobe/f", code)
    return writer.build()


@_bomb
def frames_far_below() -> bytes:
    writer = ElfWriter()
    asm = LE.mov(R1, R10) + LE.alu("add", R1, -(1 << 31)) + LE.call(1) + LE.stx(64, R1, -8, R1)
    _program(writer, "xdp", asm * 3_000 + EMPTY)
    return writer.build()


def _cost(name: str, limit: int) -> None:
    from ebpf_static.api import check
    from ebpf_static.reading import read
    from tests.fuzz.walk import walk

    data = BOMBS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    times, said = [], ""
    for use in (read, walk, check):
        start = time.process_time()
        try:
            use(data)
        except EbpfStaticError as error:
            said = str(error)[:90]
        except MemoryError:
            said = "MEMORY"
        times.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    columns = "".join(f"{seconds:8.2f}" for seconds in times)
    print(f"{name:36}{len(data) / 1e6:7.1f} MB{columns}{peak / 1e3:8.0f} MB  {said}", flush=True)


def main(names: list[str]) -> int:
    """Print what each bomb costs to read, to walk and to check."""
    print(f"{'':36}{'size':>10}{'read':>8}{'walk':>8}{'check':>8}{'peak':>11}")
    for name in names or BOMBS:
        process = get_context("spawn").Process(target=_cost, args=(name, 4 << 30))
        process.start()
        process.join(120)
        if process.exitcode is None:
            print(f"{name:36} still running after 120 s")
            process.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
