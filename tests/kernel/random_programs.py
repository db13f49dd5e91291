"""Random small programs: nonsense, but near enough to what a verifier takes that it takes some."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.build.asm import LE, Reg

SECTIONS = {"kprobe/x": 2, "tc": 3, "tp/a/b": 5, "xdp": 6, "perf_event": 7, "raw_tp/x": 17}
"""Section names by the program type each stands for, without anything to attach to."""

HASH, ARRAY = 0, 1
"""The two maps they use: values of 16 bytes, four elements."""

_OTHERS = (0, 2, 3, 4, 5, 6, 7, 8, 9)
_HELPERS = (5, 7, 14, 35, 158)  # numbers, and one typed address
_PROBE_READ, _LOOK_UP = 113, 1


@dataclass
class RandomProgram:
    """One program being made up.

    Attributes:
        section: its section.
        code: its instructions, whole.
        maps: insn indices of map references, and which map.
    """

    generator: random.Random
    section: str = ""
    code: list[bytes] = field(default_factory=list)
    maps: list[tuple[int, int]] = field(default_factory=list)
    holds: dict[int, str] = field(default_factory=lambda: {1: "context"})
    slots: list[int] = field(default_factory=list)

    def make(self) -> RandomProgram:
        """Fill it in."""
        choose = self.generator
        self.section = choose.choice(list(SECTIONS))
        self.code.append(LE.mov(Reg(6), Reg(1)))
        self.holds[6] = "context"
        steps = (
            self._constant, self._copy, self._compute, self._read_context, self._keep,
            self._fetch, self._access, self._call, self._look_up, self._jump,
        )  # fmt: skip
        for _ in range(choose.randrange(3, 14)):
            choose.choice(steps)()
        self.code += [LE.mov(Reg(0), 0), LE.exit()]
        return self

    def _set(self, code: bytes, register: int, what: str) -> None:
        self.code.append(code)
        self.holds[register] = what

    def _any(self) -> Reg:
        return Reg(self.generator.choice(list(self.holds) or [10]))

    def _constant(self) -> None:
        to = self.generator.choice(_OTHERS)
        self._set(LE.mov(Reg(to), self.generator.choice([0, 1, -1, 8, 64, 4096])), to, "number")

    def _copy(self) -> None:
        to, source = self.generator.choice(_OTHERS), self._any()
        bits = self.generator.choice([64, 64, 64, 32])
        self._set(LE.mov(Reg(to), source, bits=bits), to, self.holds.get(int(source), "stack"))

    def _compute(self) -> None:
        to = self._any()
        operations = ["add", "sub", "and", "or", "xor", "mul"]
        if self.holds.get(int(to)) != "number":
            operations = ["add"]
        amount = self.generator.choice([1, 8, -8, 16, 3])
        self.code.append(LE.alu(self.generator.choice(operations), to, amount))

    def _read_context(self) -> None:
        sources = [it for it, what in self.holds.items() if what == "context"]
        if sources:
            to, source = self.generator.choice(_OTHERS), self.generator.choice(sources)
            offset = self.generator.choice([0, 4, 8, 16, 24, 32, 64, 76, 80, 104, 112])
            bits = self.generator.choice([8, 16, 32, 64])
            self._set(LE.ldx(bits, Reg(to), Reg(source), offset), to, "value")

    def _keep(self) -> None:
        slot = -8 * self.generator.randrange(1, 5)
        self.code.append(LE.stx(64, Reg(10), slot, self._any()))
        self.slots.append(slot)

    def _fetch(self) -> None:
        if self.slots:
            to, slot = self.generator.choice(_OTHERS), self.generator.choice(self.slots)
            self._set(LE.ldx(64, Reg(to), Reg(10), slot), to, "value")

    def _access(self) -> None:
        to, offset = self.generator.choice(_OTHERS), self.generator.choice([0, 4, 8, -8])
        bits = self.generator.choice([8, 32, 64])
        self._set(LE.ldx(bits, Reg(to), self._any(), offset), to, "value")

    def _call(self) -> None:
        helper = self.generator.choice((*_HELPERS, _PROBE_READ))
        if helper == _PROBE_READ:
            slot, size = -8 * self.generator.randrange(1, 5), self.generator.choice([1, 4, 8])
            self.code += [LE.mov(Reg(3), 0), LE.mov(Reg(1), Reg(10)), LE.alu("add", Reg(1), slot)]
            self.code.append(LE.mov(Reg(2), size))
            self.slots.append(slot)
        self._called(helper)

    def _look_up(self) -> None:
        slot, item = -8 * self.generator.randrange(1, 5), self.generator.choice([HASH, ARRAY])
        self.code += [LE.st(64, Reg(10), slot, 0), LE.mov(Reg(2), Reg(10))]
        self.code.append(LE.alu("add", Reg(2), slot))
        self.maps.append((sum(map(len, self.code)) // 8, item))
        self.code.append(LE.lddw(Reg(1), 0))
        self._called(_LOOK_UP)
        if self.generator.random() < 0.5:
            self.code += [LE.jump("jne", Reg(0), 0, 2), LE.mov(Reg(0), 0), LE.exit()]

    def _called(self, helper: int) -> None:
        self.code.append(LE.call(helper))
        for register in range(1, 6):
            self.holds.pop(register, None)
        self.holds[0] = "value"

    def _jump(self) -> None:
        operation = self.generator.choice(["jeq", "jne", "jgt", "jslt"])
        far = self.generator.choice([0, 1, 1, 2])
        self.code.append(LE.jump(operation, self._any(), self.generator.choice([0, 1, 5]), far))
