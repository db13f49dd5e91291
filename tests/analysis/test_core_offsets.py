"""Loads and stores whose offset CO-RE chooses: the kernel's offset counts, not the file's."""

from __future__ import annotations

import pytest

from ebpf_static.analysis import Base, Inputs, Patch, Pointer, Poison, analyse
from tests.build.asm import LE, R0, R1
from tests.formats.writing import ObjectWriter

_PLACE = (0, 0)
_LOAD, _STORE = LE.ldx(64, R0, R1, 272), LE.st(32, R1, 272, 0)


@pytest.mark.parametrize(
    ("inputs", "offset"),
    [
        (Inputs(), 272),
        (Inputs(core_places=frozenset({_PLACE})), None),
        (Inputs(core={_PLACE: Patch(168)}, core_places=frozenset({_PLACE})), 168),
    ],
)
@pytest.mark.parametrize("code", [_LOAD, _STORE])
def test_offset_of_a_relocated_access(code: bytes, inputs: Inputs, offset: int | None) -> None:
    writer = ObjectWriter()
    writer.program("perf_event", code + LE.mov(R0, 0) + LE.exit())
    spec = writer.read()
    access = analyse(spec, spec.programs[0], inputs).accesses[_PLACE]
    assert access.pointer == Pointer(Base.CONTEXT, access.pointer.id, offset)


def test_poisoned_access_never_runs() -> None:
    writer = ObjectWriter()
    writer.program("perf_event", _LOAD + LE.exit())
    spec = writer.read()
    inputs = Inputs(core={_PLACE: Poison("no such field")}, core_places=frozenset({_PLACE}))
    flow = analyse(spec, spec.programs[0], inputs)
    assert not flow.accesses
    assert flow.poisoned == {_PLACE: "no such field"}
