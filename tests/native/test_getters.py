"""Getter code as compilers write it is followed; anything else is left alone.

Byte sequences are assembled by hand from the architecture manuals. The debug forms are what
Microsoft's compiler is known to write: arguments kept in the caller's home space, checkers called.
"""

from __future__ import annotations

import struct

import pytest

from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_machine import Outcome
from ebpf_static.formats.native_metadata import find_metadata, follow, skip_jumps
from ebpf_static.formats.native_pe import read_native
from tests.build.pe_writer import ARM64, CODE, CONST, X64, NativeWriter, PeWriter, Place

TEXT, DATA = 0x1000, 0x2000


def run(code: bytes, machine: int = X64, *, constant: bytes = bytes(64)) -> Outcome | None:
    """Follow ``code`` at RVA 0x1000; 0x2000 holds read-only constants."""
    writer = PeWriter(machine)
    writer.put(".text", code, flags=CODE)
    writer.put(".rdata", constant, flags=CONST)
    return follow(PeFile(writer.build()), TEXT)


def version(code: bytes, machine: int = X64, **kwargs: bytes) -> tuple[int | None, ...] | None:
    outcome = run(code, machine, **kwargs)
    return None if outcome is None else tuple(outcome.number(0, at, 4) for at in (0, 4, 8))


def table(code: bytes, machine: int = X64) -> tuple[int | None, int | None] | None:
    outcome = run(code, machine)
    return None if outcome is None else (outcome.address(0), outcome.number(1, 0, 8))


def code(*parts: str) -> bytes:
    return bytes.fromhex("".join(parts))


def words(*parts: int) -> bytes:
    return struct.pack(f"<{len(parts)}I", *parts)


X64_VERSIONS = {
    "optimised": code("c70101000000", "c7410405000000", "c7410800000000", "c3"),
    "for size": code("6a0158", "8901", "6a0558", "894104", "83610800", "c3"),
    "with xor and inc": code("33c0", "894108", "ffc0", "8901", "c7410405000000", "c3"),
    "merged words": code("48b8", "0100000005000000", "488901", "83610800", "c3"),
    "shifted": code("b805000000", "48c1e020", "48ffc0", "488901", "31c0", "894108", "c3"),
    "debug": code(
        "48894c2408",  # mov [rsp+8], rcx
        *("488b442408", "c70001000000"),  # mov rax, [rsp+8]; mov dword [rax], 1
        *("488b442408", "c7400405000000"),
        *("488b442408", "c7400800000000"),
        "c3",
    ),
    "debug with just-my-code": code(
        *("48894c2408", "55", "57", "4881ece8000000", "488d6c2420"),
        *("488d0dd0ff0000", "e8c0ff0000", "90"),  # lea rcx, [marker]; call the checker
        *("488b85e0000000", "c70001000000"),
        *("488b85e0000000", "c7400405000000"),
        *("488b85e0000000", "c7400800000000"),
        *("488da5c8000000", "5f", "5d", "c3"),
    ),
    "hot-patchable": code("6690", "c70101000000", "c7410405000000", "83610800", "c3"),
    "with frame pointer": code(
        *("f30f1efa", "55", "4889e5", "48894d10", "488b4510", "c70001000000"),
        *("488b4510", "c7400405000000", "488b4510", "c7400800000000", "90", "5d", "c3"),
    ),
}


@pytest.mark.parametrize("body", X64_VERSIONS.values(), ids=X64_VERSIONS.keys())
def test_x64_versions(body: bytes) -> None:
    assert version(body) == (1, 5, 0)


@pytest.mark.parametrize("jump", ["e903000000cccccc", "eb03cccccc"])
def test_x64_jumps_of_incremental_links(jump: str) -> None:
    assert version(code(jump) + X64_VERSIONS["debug"]) == (1, 5, 0)


def test_x64_constants_of_the_image() -> None:
    constant = struct.pack("<4I", 1, 5, 0, 9)
    load = (DATA - TEXT - 7).to_bytes(4, "little")
    body = code("488b05") + load + code("488901", "83610800", "c3")
    assert version(body, constant=constant) == (1, 5, 0)
    load = (DATA - TEXT - 7).to_bytes(4, "little")
    assert version(code("0f1005") + load + code("0f1101", "c3"), constant=constant) == (1, 5, 0)
    load = (DATA - TEXT - 8).to_bytes(4, "little")
    body = code("f20f1005") + load + code("f20f1101", "0f57c0", "f30f114108", "c3")
    assert version(body, constant=constant) == (1, 5, 0)


def test_x64_tables() -> None:
    address = (DATA - TEXT - 7).to_bytes(4, "little")
    optimised = code("488d05") + address + code("488901", "48c70203000000", "c3")
    assert table(optimised) == (DATA, 3)
    debug = code("4889542410", "48894c2408", "488b442408", "488d0d")
    debug += (DATA - TEXT - len(debug) - 4).to_bytes(4, "little")
    debug += code("488908", "488b442410", "48c70003000000", "c3")
    assert table(debug) == (DATA, 3)
    none = code("48832100", "48832200", "c3")
    assert table(none) == (0, 0)


ARM64_VERSIONS = {
    "optimised": words(0x52800028, 0x528000A9, 0x29002408, 0xB900081F, 0xD65F03C0),
    # mov w8, #1; mov w9, #5; stp w8, w9, [x0]; str wzr, [x0, #8]; ret
    "debug": words(
        *(0xD10043FF, 0xF90007E0),  # sub sp, sp, #16; str x0, [sp, #8]
        *(0xF94007E8, 0x52800029, 0xB9000109),  # ldr x8, [sp, #8]; mov w9, #1; str w9, [x8]
        *(0xF94007E8, 0x528000A9, 0xB9000509),
        *(0xF94007E8, 0xB900091F),
        *(0x910043FF, 0xD65F03C0),
    ),
    "with frame": words(
        *(0xD503237F, 0xA9BF7BFD, 0x910003FD),  # pacibsp; stp x29, x30, [sp, #-16]!; mov x29, sp
        *(0x52800028, 0xB9000008, 0x528000A8, 0xB9000408, 0xB900081F),
        *(0xA8C17BFD, 0xD50323FF, 0xD65F03C0),  # ldp x29, x30, [sp], #16; autibsp; ret
    ),
    "merged words": words(0xD2800028, 0xF2C000A8, 0xF9000008, 0xB900081F, 0xD65F03C0),
    "vector": words(0x0F000420, 0x528000A8, 0xFD000000, 0xB9000408, 0xB900081F, 0xD65F03C0),
}


@pytest.mark.parametrize("body", ARM64_VERSIONS.values(), ids=ARM64_VERSIONS.keys())
def test_arm64_versions(body: bytes) -> None:
    assert version(body, ARM64) == (1, 5, 0)


def test_arm64_tables() -> None:
    # adrp x8, +1 page; str x8, [x0]; mov x9, #3; str x9, [x1]; ret
    body = words(0xB0000008, 0xF9000008, 0xD2800069, 0xF9000029, 0xD65F03C0)
    assert table(body, ARM64) == (DATA, 3)
    assert table(words(0xF900001F, 0xF900003F, 0xD65F03C0), ARM64) == (0, 0)
    jump = words(0x14000003, 0xD4200000, 0xD4200000)  # b +12, over two traps
    far = words(0xB0000008, 0xF9000008, 0xD2800069, 0xF9000029, 0xD65F03C0)
    assert table(jump + far, ARM64) == (DATA, 3)


@pytest.mark.parametrize(
    ("body", "machine"),
    [
        (code("cc"), X64),  # a trap
        (code("ebfe"), X64),  # a loop
        (code("7402", "c3"), X64),  # a conditional jump
        (code("ff2500000000"), X64),  # a jump through memory
        (code("488b00"), X64),  # runs out of the section
        (code("e9ffffff7f"), X64),  # leaves the image
        (code("c7042501000000"), X64),  # an absolute address
        (words(0xD4200000), ARM64),
        (words(0x14000000), ARM64),
        (words(0x54000040, 0xD65F03C0), ARM64),
        (words(0xD61F0000), ARM64),
        (words(0x17FF0000), ARM64),
    ],
)
def test_other_code_is_not_followed(body: bytes, machine: int) -> None:
    assert run(body, machine) is None


def test_stores_elsewhere_are_not_followed() -> None:
    assert run(code("488d05f00f0000", "c70001000000", "c3")) is None  # into the image
    assert run(code("31c0", "c70001000000", "c3")) is None  # to address zero


def test_half_known_values_are_unknown() -> None:
    assert version(code("c70101000000", "c3")) == (1, None, None)
    # Half an address is no number.
    body = code("488d05f00f0000", "8901", "c7410405000000", "c7410800000000", "c3")
    assert version(body) == (None, 5, 0)


def test_writable_memory_is_no_constant() -> None:
    writer = PeWriter()
    writer.put(".text", code("488b05f90f0000", "488901", "c3"), flags=CODE)
    writer.put(".data", struct.pack("<2I", 1, 5))
    outcome = follow(PeFile(writer.build()), TEXT)
    assert outcome is not None
    assert outcome.number(0, 0, 4) is None


def test_jumps_to_entry_points_are_skipped() -> None:
    writer = PeWriter()
    writer.put(".text", code("e9fb0f0000", "e9f6ffffff"), flags=CODE)
    writer.put("bind", b"\xc3", flags=CODE)
    pe = PeFile(writer.build())
    assert skip_jumps(pe, 0x1000, 4) == 0x2000
    assert skip_jumps(pe, 0x1005, 1) == 0x1000
    assert skip_jumps(pe, 0x2000, 4) == 0x2000


def test_a_program_behind_an_incremental_link_jump() -> None:
    writer = NativeWriter("0.21")
    program = writer.program("one", section="xdp")
    writer.sections["xdp"].data[:] = b"\x90\xc3"
    thunk = writer.put(".text", b"\xe9" + bytes(4), flags=CODE)
    writer.build()
    distance = writer.sections["xdp"].address + 1 - writer.rva(thunk) - 5
    text = writer.sections[".text"].data
    text[thunk.offset + 1 : thunk.offset + 5] = distance.to_bytes(4, "little", signed=True)
    writer.point(Place("programs", program.offset + 32), thunk)
    (one,) = read_native(writer.build()).programs
    assert (one.code_section, one.section_offset) == ("xdp", 1)


def test_a_table_that_hands_out_something_else_is_not_believed() -> None:
    writer = NativeWriter("0.21")
    writer.program("one")
    place = writer.metadata()
    other = writer.put(".data", bytes(160))
    getter = next(at for at in writer.pointers if at.section == ".text")
    writer.point(getter, other)
    pe = PeFile(writer.build())
    assert find_metadata(pe) is None
    writer.point(getter, Place("programs", 0))
    metadata = find_metadata(PeFile(writer.build()))
    assert metadata is not None
    assert metadata.rva == writer.rva(place)


def test_a_version_nobody_can_follow_is_unknown() -> None:
    writer = NativeWriter("0.21")
    writer.program("one")
    writer.metadata(version=(1, 2, 3))
    data = writer.build().replace(code("c70101000000"), code("cccccccccccc"))
    spec = read_native(data)
    assert spec.bpf2c_version is None
    assert spec.layout.metadata_size == 56
