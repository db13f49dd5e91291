"""Following the handful of machine instructions of a getter, without running them.

The metadata table of a native image holds functions that store an array's address and length, or
three version numbers, through their arguments. Compilers turn that into a few moves; a symbolic
processor follows those and gives up on anything else. What is followed is never called.

Values are ``(base, number)``: base ``""`` is a plain number, ``image`` an address of the image,
``arg0``/``arg1`` an address behind an argument, ``stack`` one on the stack. None is unknown.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, NamedTuple

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import PeFile

MASK64: Final = (1 << 64) - 1
MASK32: Final = (1 << 32) - 1
MAX_STEPS: Final = 96
"""Instructions followed; an unoptimised getter has about twenty."""


class Value(NamedTuple):
    """A number relative to a base."""

    base: str
    number: int


class Stuck(Exception):  # noqa: N818 -- not an error: the getter is of a shape we do not follow
    """The code does something this module does not follow."""


class Outcome:
    """What a getter leaves behind.

    Attributes:
        result: the value it returns, None when unknown.
    """

    def __init__(self, memory: Memory, result: Value | None) -> None:
        self._memory = memory
        self.result = result

    def number(self, argument: int, offset: int, size: int) -> int | None:
        """Return a plain number stored behind an argument."""
        value = self._memory.load(Value(f"arg{argument}", offset), size)
        return value.number if value is not None and not value.base else None

    def address(self, argument: int) -> int | None:
        """Return the RVA stored behind an argument, 0 for a null pointer, None when unknown."""
        value = self._memory.load(Value(f"arg{argument}", 0), 8)
        if value is None or value.base not in {"", "image"}:
            return None
        return value.number if value.base or not value.number else None


class Memory:
    """Bytes stored so far, each as a byte of a value."""

    def __init__(self) -> None:
        self._bytes: dict[tuple[str, int], tuple[Value, int] | None] = {}

    def store(self, where: Value | None, value: Value | None, size: int) -> None:
        """Store the low ``size`` bytes of ``value``.

        Raises:
            Stuck: the place is unknown, or not the stack and not behind an argument.
        """
        if where is None or where.base in {"", "image"}:
            raise Stuck
        for index in range(size):
            kept = None if value is None else (value, index)
            self._bytes[where.base, where.number + index] = kept

    def load(self, where: Value | None, size: int) -> Value | None:
        """Return what was stored, None when unknown."""
        if where is None:
            return None
        found = [self._bytes.get((where.base, where.number + index)) for index in range(size)]
        number = 0
        whole = found[0][0] if found[0] else None
        for index, item in enumerate(found):
            if item is None:
                return None
            value, position = item
            if value.base:
                same = value == whole and position == index and size == 8
                if not same:
                    return None
            else:
                number |= (value.number >> (8 * position) & 0xFF) << (8 * index)
        return whole if whole is not None and whole.base else Value("", number)


class Processor(ABC):
    """Registers, memory and a position; subclasses decode.

    Attributes:
        pe: the image.
        memory: what has been stored.
        position: RVA of the next instruction.
        registers: general registers.
        vectors: vector registers, as the plain number in them.
    """

    REGISTERS = 32

    def __init__(self, pe: PeFile, start: int) -> None:
        self.pe = pe
        self.memory = Memory()
        self.position = start
        self.registers: list[Value | None] = [None] * self.REGISTERS
        self.vectors: list[Value | None] = [None] * 32

    def run(self) -> Outcome | None:
        """Follow the code to its return; None when it cannot be followed."""
        try:
            for _ in range(MAX_STEPS):
                if self.step():
                    return Outcome(self.memory, self.registers[0])
        except Stuck:
            return None
        return None

    @abstractmethod
    def step(self) -> bool:
        """Follow one instruction; True when it returns."""

    def fetch(self, size: int) -> bytes:
        """Return the next ``size`` bytes of code and step over them.

        Raises:
            Stuck: they are not in an executable section of the file.
        """
        section = self.pe.find_section_at(self.position)
        offset = self.pe.file_offset(self.position)
        if section is None or offset is None or not section.is_executable:
            raise Stuck
        self.position += size
        raw = self.pe.data[offset : offset + size]
        if len(raw) < size:
            raise Stuck
        return raw

    def load(self, where: Value | None, size: int) -> Value | None:
        """Return what lies at an address: something stored, or a constant of the image."""
        if where is None or where.base != "image":
            return self.memory.load(where, size)
        section = self.pe.find_section_at(where.number)
        if section is None or section.is_writable:
            return None
        try:
            raw = self.pe.read(where.number, size, section.name)
        except FormatError:
            return None
        return Value("", int.from_bytes(raw, "little"))

    @staticmethod
    def add(value: Value | None, number: int) -> Value | None:
        """Return ``value`` moved by ``number``."""
        if value is None:
            return None
        moved = value.number + number
        return Value(value.base, moved if value.base else moved & MASK64)

    def image(self, rva: int) -> Value:
        """Return the address of ``rva`` as a value."""
        return Value("image", rva)

    def constant(self, number: int) -> Value:
        """Return an immediate; one that is an address of the image counts as such."""
        inside = number - self.pe.image_base
        if self.pe.image_base and 0 < inside < self.pe.image_size:
            return Value("image", inside)
        return Value("", number & MASK64)
