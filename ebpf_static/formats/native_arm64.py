"""The ARM64 instructions getters are made of (Arm Architecture Reference Manual, chapter C4)."""

from __future__ import annotations

from typing import Final

from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_machine import MASK32, MASK64, Processor, Stuck, Value

_SP: Final = 31
_VOLATILE: Final = range(18)
_PAGE: Final = 0xFFF


class Arm64(Processor):
    """Follows ARM64 code from a function's first instruction."""

    def __init__(self, pe: PeFile, start: int) -> None:
        super().__init__(pe, start)
        self.registers[0] = Value("arg0", 0)
        self.registers[1] = Value("arg1", 0)
        self.registers[_SP] = Value("stack", 0)

    def step(self) -> bool:
        """Follow one instruction; True when it returns."""
        here = self.position
        word = int.from_bytes(self.fetch(4), "little")
        if word & 0xFFFFFC1F == 0xD65F0000 or word in {0xD65F0BFF, 0xD65F0FFF}:  # RET, RETAA, RETAB
            return True
        if word & 0xFFFFF01F == 0xD503201F:  # hints: NOP, BTI, PACIBSP …
            return False
        if word & 0x7C000000 == 0x14000000:
            self._branch(word, here)
        elif word & 0x1F000000 == 0x10000000:
            self._address(word, here)
        elif word & 0x1F800000 == 0x11000000:
            self._add_immediate(word)
        elif word & 0x1F800000 == 0x12800000:
            self._move_wide(word)
        elif word & 0x7FE0FFE0 == 0x2A0003E0:  # ORR with the zero register: MOV
            self._set(word & 31, self._get(word >> 16 & 31, word >> 31), word >> 31)
        elif word & 0xBFF8FC00 in {0x0F000400, 0x0F00E400, 0x2F00E400}:
            self._vector_immediate(word)
        elif word & 0x3A000000 == 0x28000000:
            self._pair(word)
        elif word & 0x3A000000 == 0x38000000:
            self._single(word)
        else:
            raise Stuck
        return False

    def _get(self, register: int, wide: int) -> Value | None:
        if register == _SP:
            return Value("", 0)
        value = self.registers[register]
        if wide or value is None:
            return value
        return None if value.base else Value("", value.number & MASK32)

    def _set(self, register: int, value: Value | None, wide: int) -> None:
        if register == _SP:
            return
        if value is not None and not wide:
            value = None if value.base else Value("", value.number & MASK32)
        self.registers[register] = value

    def _branch(self, word: int, here: int) -> None:
        if not word >> 31:
            self.position = here + _signed(word & 0x3FFFFFF, 26) * 4
            return
        for register in _VOLATILE:
            self.registers[register] = None

    def _address(self, word: int, here: int) -> None:
        distance = _signed((word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3, 21)
        target = (here & ~_PAGE) + (distance << 12) if word >> 31 else here + distance
        self._set(word & 31, self.image(target), 1)

    def _add_immediate(self, word: int) -> None:
        if word >> 29 & 1:  # the flag-setting forms
            raise Stuck
        number = (word >> 10 & 0xFFF) << (12 if word >> 22 & 1 else 0)
        value = self.add(self.registers[word >> 5 & 31], -number if word >> 30 & 1 else number)
        target = word & 31
        if target == _SP:
            self.registers[_SP] = value
        else:
            self._set(target, value, word >> 31)

    def _move_wide(self, word: int) -> None:
        kind, shift = word >> 29 & 3, (word >> 21 & 3) * 16
        number = (word >> 5 & 0xFFFF) << shift
        register = word & 31
        if kind == 0:  # MOVN
            number = ~number & MASK64
        elif kind == 3:  # MOVK
            old = self._get(register, 1)
            if old is None or old.base:
                raise Stuck
            number |= old.number & ~(0xFFFF << shift)
        elif kind != 2:
            raise Stuck
        self._set(register, Value("", number), word >> 31)

    def _pair(self, word: int) -> None:
        vector = word >> 26 & 1
        if not vector and word >> 30 & 1:  # LDPSW
            raise Stuck
        size = 4 << (word >> 30) if vector else 8 if word >> 31 else 4
        mode = word >> 23 & 3
        place, load = self._index(word, _signed(word >> 15 & 0x7F, 7) * size, mode), word >> 22 & 1
        for index, register in enumerate((word & 31, word >> 10 & 31)):
            self._transfer(self.add(place, index * size), register, size, load, vector)

    def _vector_immediate(self, word: int) -> None:
        """MOVI of 32-bit lanes without shift, of bytes, or of a 64-bit byte mask."""
        byte = (word >> 16 & 7) << 5 | word >> 5 & 31
        lanes = 2 if word >> 30 & 1 else 1
        if word >> 29 & 1:
            number = sum(0xFF << 8 * i for i in range(8) if byte >> i & 1)
        elif word & 0xF000 == 0xE000:
            number = byte * 0x0101010101010101
        else:
            number = byte * 0x0000000100000001
        self.vectors[word & 31] = Value("", number | number << 64 if lanes == 2 else number)

    def _single(self, word: int) -> None:
        size = 1 << (word >> 30)
        operation = word >> 22 & 3
        vector = word >> 26 & 1
        if vector and operation > 1 and size == 1:
            size, operation = 16, operation & 1
        if operation > 1:  # sign extension
            raise Stuck
        if word >> 24 & 1:
            place = self.add(self.registers[word >> 5 & 31], (word >> 10 & 0xFFF) * size)
        else:
            kind = word >> 10 & 3
            if word >> 21 & 1 or kind == 2:  # register offset, unprivileged
                raise Stuck
            # Kinds 0, 1, 3 are unscaled, post- and pre-index; pairs number them 2, 1, 3.
            place = self._index(word, _signed(word >> 12 & 0x1FF, 9), kind or 2)
        self._transfer(place, word & 31, size, operation, vector)

    def _index(self, word: int, distance: int, mode: int) -> Value | None:
        """Return the address of a transfer: 1 post-index, 2 offset, 3 pre-index."""
        base = word >> 5 & 31
        start = self.registers[base]
        moved = self.add(start, distance)
        if mode in {1, 3}:
            self.registers[base] = moved
        return start if mode == 1 else moved

    def _transfer(
        self, place: Value | None, register: int, size: int, load: int, vector: int
    ) -> None:
        value = self.load(place, size) if load else None
        if load and vector:
            self.vectors[register] = value
        elif load:
            self._set(register, value, 1)
        else:
            kept = self.vectors[register] if vector else self._get(register, 1)
            self.memory.store(place, kept, size)


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) else number
