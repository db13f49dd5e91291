"""Ten thousand damaged BTFs: an answer or an error of ours, in bounded time and memory."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ebpf_static.btf import Btf, BtfExt
from ebpf_static.btf.c_dump import c_header
from ebpf_static.btf.compare import iter_all_changes
from ebpf_static.btf.core import CoreRelocator, minimal_btf, requires_types
from ebpf_static.btf.elf_sections import find_sections
from ebpf_static.btf.raw_dump import iter_raw
from ebpf_static.btf.verify import find_kernel_problem
from ebpf_static.errors import EbpfStaticError
from tests.btf.test_reader import every_kind
from tests.btf.test_verify import sound

OBJECT = Path(__file__).parents[2] / "corpus/objects/linux/core-clang19-el.o"
COUNT = 10_000
_BYTES = (0, 1, 2, 4, 8, 0x10, 0x13, 0x7F, 0x80, 0xFF)
_MAX_MEMORY = 64 << 20


def sources() -> tuple[list[bytes], bytes]:
    """Return sound BTFs to damage, and the ``.BTF.ext`` of the first."""
    data = OBJECT.read_bytes()
    found = find_sections(data, (".BTF", ".BTF.ext"), OBJECT.name)
    btf, ext = (data[s.offset : s.offset + s.size] for s in (found[".BTF"], found[".BTF.ext"]))
    made = [every_kind(order)[0].build() for order in ("little", "big")]
    return [btf, *made, sound().build()], ext


def damaged(raw: bytes, generator: random.Random) -> bytes:
    """Return ``raw`` with some bytes, words or its end changed."""
    made = bytearray(raw)
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(made))
        if generator.random() < 0.3:
            word = generator.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, len(raw)))
            made[at & ~3 : (at & ~3) + 4] = word.to_bytes(4, "little")
        else:
            made[at] = generator.choice(_BYTES)
    return bytes(made[: generator.randrange(len(made))] if generator.random() < 0.1 else made)


def use(btf: Btf, whole: Btf, ext: bytes) -> Counter[str]:
    """Do everything there is to do with a BTF; count what worked."""
    done: Counter[str] = Counter()

    def relocate() -> object:
        relocations = BtfExt.parse(ext, btf).core_relocations("kprobe/tcp_connect")
        requires_types(btf, relocations)
        return minimal_btf(whole, CoreRelocator(btf, [whole]).iter_results(relocations))

    def relocate_on() -> object:
        relocations = BtfExt.parse(ext, whole).core_relocations("kprobe/tcp_connect")
        return minimal_btf(btf, CoreRelocator(whole, [btf]).iter_results(relocations))

    jobs: dict[str, Callable[[], object]] = {
        "raw": lambda: list(iter_raw(btf)),
        "header": lambda: c_header(btf),
        "verify": lambda: find_kernel_problem(btf),
        "relocate": relocate,
        "relocate on": relocate_on,
        "diff": lambda: list(iter_all_changes(whole, btf)),
    }
    for name, job in jobs.items():
        try:
            job()
        except EbpfStaticError:
            continue
        done[name] += 1
    return done


def test_ten_thousand() -> None:
    generator = random.Random(4)
    blobs, ext = sources()
    whole = Btf.parse(blobs[0])
    opened: Counter[str] = Counter()
    tracemalloc.start()
    for number in range(COUNT):
        raw = damaged(blobs[number % len(blobs)], generator)
        try:
            btf = Btf.parse(raw)
        except EbpfStaticError:
            continue
        opened["opened"] += 1
        if number % 37 == 0:  # each job takes a hundred times as long as opening
            opened += use(btf, whole, ext)
        else:
            for type_id in range(min(len(btf), 40)):
                try:
                    btf.size_of(type_id)
                    btf.type(type_id)
                except EbpfStaticError:
                    continue
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < _MAX_MEMORY
    assert opened["opened"] > COUNT // 4
    assert min(opened.values()) > 10, opened
