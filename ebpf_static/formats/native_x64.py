"""The x64 instructions getters are made of (Intel SDM volume 2; Microsoft calling convention)."""

from __future__ import annotations

from typing import Final

from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_machine import MASK32, Processor, Stuck, Value

_RAX, _RCX, _RDX, _RSP = 0, 1, 2, 4
_VOLATILE: Final = (0, 1, 2, 8, 9, 10, 11)
_REX: Final = range(0x40, 0x50)
_ADD, _OR, _AND, _SUB, _XOR = 0, 1, 4, 5, 6


class X64(Processor):
    """Follows x64 code from a function's first instruction."""

    REGISTERS = 16

    def __init__(self, pe: PeFile, start: int) -> None:
        super().__init__(pe, start)
        self.registers[_RCX] = Value("arg0", 0)
        self.registers[_RDX] = Value("arg1", 0)
        self.registers[_RSP] = Value("stack", 0)
        self._rex = 0
        self._prefix = 0

    def step(self) -> bool:
        """Follow one instruction; True when it returns."""
        self._rex, self._prefix = 0, 0
        code = self.fetch(1)[0]
        while code in {0x66, 0xF2, 0xF3}:
            self._prefix = code
            code = self.fetch(1)[0]
        if code in _REX:
            self._rex = code
            code = self.fetch(1)[0]
        if code in {0xC3, 0xC2}:
            return True
        if code == 0x0F:
            self._two_byte()
        elif code in {0xE8, 0xE9, 0xEB}:
            self._branch(code)
        elif 0x50 <= code < 0x60 or code in {0x68, 0x6A}:
            self._stack(code)
        elif code == 0xAB and self._prefix == 0xF3:  # a debug build fills its locals
            self.registers[_RCX] = Value("", 0)
        elif code != 0x90:
            self._move(code)
        return False

    @property
    def _size(self) -> int:
        if self._rex & 8:
            return 8
        return 2 if self._prefix == 0x66 else 4

    def _signed(self, size: int) -> int:
        return int.from_bytes(self.fetch(size), "little", signed=True)

    def _two_byte(self) -> None:
        code = self.fetch(1)[0]
        if code == 0x1E:  # ENDBR64
            self.fetch(1)
        elif code in {0x1F, 0x0D}:  # multi-byte NOP, PREFETCHW
            self._operand(0)
        else:
            self._vector(code)

    def _vector(self, code: int) -> None:
        """Move between a vector register and memory, or clear a vector register."""
        register, place = self._operand(0)
        scalar = {0xF2: 8, 0xF3: 4}.get(self._prefix, 16)
        if code in {0x57, 0xEF} and place == register:  # XORPS, PXOR
            self.vectors[register] = Value("", 0)
        elif isinstance(place, int):
            raise Stuck
        elif code in {0x10, 0x28} or (code == 0x6F and self._prefix != 0xF2):
            size = 16 if code == 0x6F else scalar
            self.vectors[register] = self.load(place, size)
        elif code == 0x7E and self._prefix == 0xF3:  # MOVQ from memory
            self.vectors[register] = self.load(place, 8)
        elif code in {0x11, 0x29} or (code == 0x7F and self._prefix != 0xF2):
            self.memory.store(place, self.vectors[register], 16 if code == 0x7F else scalar)
        elif code == 0xD6 and self._prefix == 0x66:  # MOVQ to memory
            self.memory.store(place, self.vectors[register], 8)
        else:
            raise Stuck

    def _branch(self, code: int) -> None:
        distance = self._signed(1 if code == 0xEB else 4)
        if code != 0xE8:
            self.position += distance
            return
        # A call of a checker (just-my-code, stack cookie): it keeps what the getter relies on.
        for register in _VOLATILE:
            self.registers[register] = None

    def _stack(self, code: int) -> None:
        register = (code & 7) | (self._rex & 1) << 3
        top = self.registers[_RSP]
        if 0x58 <= code < 0x60:
            self.registers[register] = self.load(top, 8)
            self.registers[_RSP] = self.add(top, 8)
            return
        value = self.registers[register]
        if code in {0x68, 0x6A}:
            value = self.constant(self._signed(4 if code == 0x68 else 1))
        self.registers[_RSP] = top = self.add(top, -8)
        self.memory.store(top, value, 8)

    def _operand(self, immediate: int) -> tuple[int, int | Value | None]:
        """Return the register field, and a register number or the address of a memory operand.

        Args:
            immediate: bytes of immediate behind the operand, which RIP-relative addresses count.
        """
        modrm = self.fetch(1)[0]
        mode, field, low = modrm >> 6, modrm >> 3 & 7, modrm & 7
        register = field | (self._rex & 4) << 1
        if mode == 3:
            return register, low | (self._rex & 1) << 3
        base: Value | None
        if low == 4:
            base = self._scaled(mode)
        elif low == 5 and mode == 0:
            distance = self._signed(4)
            return register, self.image(self.position + immediate + distance)
        else:
            base = self.registers[low | (self._rex & 1) << 3]
        return register, self.add(base, self._signed((0, 1, 4)[mode]) if mode else 0)

    def _scaled(self, mode: int) -> Value | None:
        sib = self.fetch(1)[0]
        if (sib >> 3 & 7) | (self._rex & 2) << 2 != 4 or (sib & 7 == 5 and mode == 0):
            raise Stuck
        return self.registers[(sib & 7) | (self._rex & 1) << 3]

    def _read(self, place: int | Value | None, size: int) -> Value | None:
        if not isinstance(place, int):
            return self.load(place, size)
        value = self.registers[place]
        return _cut(value, size)

    def _write(self, place: int | Value | None, value: Value | None, size: int) -> None:
        if isinstance(place, int):
            if size < 4:
                raise Stuck
            self.registers[place] = _cut(value, size)
        else:
            self.memory.store(place, value, size)

    def _move(self, code: int) -> None:
        size = self._size
        if 0xB8 <= code < 0xC0:
            number = int.from_bytes(self.fetch(8 if size == 8 else size), "little")
            self.registers[(code & 7) | (self._rex & 1) << 3] = self.constant(number)
        elif code == 0x89:
            register, place = self._operand(0)
            self._write(place, self.registers[register], size)
        elif code == 0x8B:
            register, place = self._operand(0)
            self._write(register, self._read(place, size), size)
        elif code == 0x8D:
            register, place = self._operand(0)
            if isinstance(place, int):
                raise Stuck
            self.registers[register] = _cut(place, size)
        elif code in {0xC7, 0xC6}:
            self._move_immediate(1 if code == 0xC6 else size)
        elif code in {0x31, 0x33, 0x29, 0x2B}:
            self._clear()
        elif code in {0x81, 0x83}:
            self._arithmetic(code)
        elif code in {0xC1, 0xD1}:
            self._shift(code)
        elif code == 0xFF:
            self._increment()
        elif code == 0x85:  # TEST sets flags nobody here looks at
            self._operand(0)
        else:
            raise Stuck

    def _move_immediate(self, size: int) -> None:
        _, place = self._operand(min(size, 4))
        number = self._signed(min(size, 4))
        self._write(place, Value("", number & ((1 << 8 * size) - 1)), size)

    def _clear(self) -> None:
        """XOR or SUB of a register with itself."""
        register, place = self._operand(0)
        if place != register:
            raise Stuck
        self.registers[register] = Value("", 0)

    def _arithmetic(self, code: int) -> None:
        width = 4 if code == 0x81 else 1
        operation, place = self._operand(width)
        operation &= 7
        number = self._signed(width)
        if operation in {_ADD, _SUB}:
            moved = self.add(
                self._read(place, self._size), number if operation == _ADD else -number
            )
            self._write(place, moved, self._size)
        elif operation == _AND and not number:
            self._write(place, Value("", 0), self._size)
        elif operation == _OR and number == -1:
            self._write(place, Value("", (1 << 8 * self._size) - 1), self._size)
        else:
            raise Stuck

    def _shift(self, code: int) -> None:
        operation, place = self._operand(code == 0xC1)
        count = self.fetch(1)[0] & 63 if code == 0xC1 else 1
        value = self._read(place, self._size)
        if operation & 7 not in {4, 5} or value is None or value.base:  # SHL, SHR
            raise Stuck
        left = operation & 7 == 4
        number = value.number << count if left else value.number >> count
        self._write(place, Value("", number & ((1 << 8 * self._size) - 1)), self._size)

    def _increment(self) -> None:
        operation, place = self._operand(0)
        if operation & 7 > 1:
            raise Stuck
        step = -1 if operation & 7 else 1
        self._write(place, self.add(self._read(place, self._size), step), self._size)


def _cut(value: Value | None, size: int) -> Value | None:
    """Return the low bytes of a plain number; half an address is unknown."""
    if value is None or size == 8:
        return value
    return None if value.base else Value("", value.number & (MASK32 if size == 4 else 0xFFFF))
