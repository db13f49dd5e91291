"""A large object made on the spot: as many programs, maps and calls as production agents have."""

from __future__ import annotations

from tests.build.asm import LE, R0, R1, R2, R6, R10
from tests.build.elf_writer import (
    R_BPF_64_64,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    STB_GLOBAL,
    STT_FUNC,
    STT_OBJECT,
    ElfWriter,
)

_LOOKUP = 1
_RECORD_BYTES = 20


def make_big_object(insns: int, programs: int = 50, size: int = 0) -> bytes:
    """Return an object of about ``insns`` instructions in ``programs`` kprobe programs.

    Every sixteenth instruction or so loads a map's address and calls a helper. ``size`` pads the
    file with a data section to that many bytes.
    """
    writer = ElfWriter()
    maps = writer.section(
        "maps",
        bytes([2, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0]) + bytes(4),
        SHF_ALLOC | SHF_WRITE,
    )
    writer.section("license", b"GPL\0", SHF_ALLOC | SHF_WRITE)
    symbol = writer.symbol("counts", maps, size=_RECORD_BYTES, type=STT_OBJECT, bind=STB_GLOBAL)
    for number in range(programs):
        code, places = _program(insns // programs)
        section = writer.section(f"kprobe/function_{number}", code, SHF_ALLOC | SHF_EXECINSTR)
        writer.symbol(f"program_{number}", section, size=len(code), type=STT_FUNC, bind=STB_GLOBAL)
        for place in places:
            writer.relocation(section, place, symbol, R_BPF_64_64)
    padding = size - len(writer.build())
    if padding > 0:
        writer.section(".rodata", bytes(range(256)) * (padding // 256), SHF_ALLOC)
    return writer.build()


def _program(insns: int) -> tuple[bytes, list[int]]:
    code = LE.mov(R6, 0)
    places = []
    while len(code) // 8 < insns - 2:
        code += LE.stx(64, R10, -8, R6) + LE.mov(R2, R10) + LE.alu("add", R2, -8)
        places.append(len(code))
        code += LE.lddw(R1, 0) + LE.call(_LOOKUP)
        code += LE.jump("jeq", R0, 0, 2) + LE.ldx(64, R6, R0) + LE.alu("add", R6, 1)
        code += LE.alu("and", R6, 0xFF) * 6
    return code + LE.mov(R0, 0) + LE.exit(), places
