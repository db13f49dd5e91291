"""Random programs on the kernel this runs on: what it takes, we do not refuse.

Nothing else tries the rules about code on so much that nobody thought of. What the kernel refuses
and we do not is not counted: most of it takes ranges of values, which are not followed.
"""

from __future__ import annotations

import platform
import random
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebpf_static.errors import UnknownTargetError
from ebpf_static.specs import CollectionSpec
from ebpf_static.support.targets import parse_target, resolve
from ebpf_static.target import Target
from ebpf_static.verdict import Status, judge_object
from ebpf_static_loaders.linux.features import try_program
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.syscall import LinuxSystem, System
from tests.kernel.random_programs import ARRAY, HASH, SECTIONS, RandomProgram
from tests.rules.spec_builder import build_spec

PROGRAMS = 400
_BTF = Path("/sys/kernel/btf/vmlinux")
_LDDW = 0x18
_MAPS = (("hash", "HASH", 1, 8), ("array", "ARRAY", 2, 4))


@pytest.fixture
def target() -> Target:
    """The kernel this runs on."""
    if platform.system() != "Linux" or platform.machine() != "x86_64" or not _BTF.is_file():
        pytest.skip("not on x86-64 Linux with BTF")
    release = ".".join(platform.release().split("-")[0].split(".")[:3])
    try:
        found = parse_target(f"linux:{release}")
        resolve(found)
    except UnknownTargetError:
        pytest.skip(f"the tables do not know the kernel this runs on ({platform.release()})")
    return Target.parse(f"linux:{release}", btf=str(_BTF))


@pytest.fixture
def maps() -> Iterator[dict[int, int]]:
    """Descriptors of the two maps the programs use."""
    system = LinuxSystem()
    made: dict[int, int] = {}
    try:
        for which, (_, _, number, key) in zip((HASH, ARRAY), _MAPS, strict=True):
            fields = {"map_type": number, "key_size": key, "value_size": 16, "max_entries": 4}
            made[which] = system.bpf(Command.MAP_CREATE, fields).value
        if try_program(system, bytes.fromhex("b700000000000000 9500000000000000"), 2):
            pytest.skip("programs cannot be loaded here")
    except OSError as error:
        pytest.skip(f"maps cannot be made here: {error}")
    yield made
    for descriptor in made.values():
        system.close(descriptor)


def _spec(program: RandomProgram) -> CollectionSpec:
    code, lines, at = b"".join(program.code), [], 0
    while at < len(code):
        opcode, registers, offset, immediate = struct.unpack_from("<BBhi", code, at)
        dst, src = registers & 15, registers >> 4
        if opcode == _LDDW:
            lines.append(f"lddw r{dst} 0")
        else:
            lines.append(f"insn {opcode:#x} dst={dst} src={src} off={offset} imm={immediate}")
        at += 16 if opcode == _LDDW else 8
    references = [
        {"index": index, "kind": "map", "name": _MAPS[which][0]} for index, which in program.maps
    ]
    row = {"name": "f", "section": program.section, "code": lines, "references": references}
    sizes = {"value_size": 16, "max_entries": 4}
    rows = [{"name": name, "type": kind, "key_size": key, **sizes} for name, kind, _, key in _MAPS]
    return build_spec({"license": "GPL", "programs": [row], "maps": rows})


def _loads(system: System, program: RandomProgram, maps: dict[int, int]) -> bool:
    code = bytearray(b"".join(program.code))
    for index, which in program.maps:
        code[8 * index + 1] |= 0x10  # BPF_PSEUDO_MAP_FD
        code[8 * index + 4 : 8 * index + 8] = struct.pack("<i", maps[which])
    return not try_program(system, bytes(code), SECTIONS[program.section])


def test_what_the_kernel_takes_is_not_refused(target: Target, maps: dict[int, int]) -> None:
    generator, system = random.Random(7), LinuxSystem()
    outcomes: Counter[tuple[bool, bool]] = Counter()
    for number in range(PROGRAMS):
        program = RandomProgram(generator).make()
        verdict = judge_object(_spec(program), target).programs["f"]
        refused = verdict.status is Status.REJECTED
        loads = _loads(system, program, maps)
        said = [(it.code, it.message) for it in verdict.reasons]
        assert not (refused and loads), (number, program.section, said)
        outcomes[refused, loads] += 1
    assert outcomes[False, True] > PROGRAMS // 20
    assert outcomes[True, False] > PROGRAMS // 4
