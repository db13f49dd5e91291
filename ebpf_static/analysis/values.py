"""What a register or stack slot may hold, as far as guards and accesses need to know.

A value is one of

* an ``int``: exactly this 64-bit constant, unsigned;
* a :class:`Pointer`: an address whose origin is known, its offset perhaps not;
* a :class:`MaybeNull`: what a helper returned, an address or NULL, and nobody asked which;
* :data:`SCALAR`: some number, which the verifier takes for no address on any path;
* :data:`UNSET`: nothing was ever written there on any path;
* ``None``: anything else. It is never the address of a stack slot: a pointer that may be one stays
  a :class:`Pointer` to the stack, so that a store through ``None`` cannot change the stack.
"""

from enum import Enum, IntEnum
from typing import Final, Literal, NamedTuple, TypeAlias

MASK64: Final = (1 << 64) - 1
MASK32: Final = (1 << 32) - 1


class Base(IntEnum):
    """What a pointer points into."""

    CONTEXT = 0
    """The program's context, handed over in r1."""
    STACK = 1
    """A frame of the stack; ``id`` is its depth, -1 when it may be any frame."""
    MAP = 2
    """A map itself; ``id`` is its index in ``spec.maps``."""
    MAP_VALUE = 3
    """The value of a data section's map; ``id`` as for MAP."""
    FUNCTION = 4
    """A function of the object; ``id`` is its index in ``spec.functions``."""
    KERNEL = 5
    """Something of the kernel's that exists; ``id`` is the extern's index."""
    RETURNED = 6
    """What a helper returned, known not to be NULL; ``id`` is the insn of the call."""


class Pointer(NamedTuple):
    """An address: what it points into, which one, and how far; None where paths disagree."""

    base: Base
    id: int
    offset: int | None


class MaybeNull(NamedTuple):
    """An address or NULL that a helper returned: the function and insn of the call.

    Copies of it are checked together, as the verifier does it.
    """

    function: int
    insn: int


class Asked(int):
    """A constant that something unknown was found to equal: it may be an address all the same."""


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "unset"


class Scalar(Enum):
    """The type of :data:`SCALAR`."""

    SCALAR = "scalar"


UNSET: Final = Unset.UNSET
SCALAR: Final = Scalar.SCALAR
Value: TypeAlias = int | Pointer | MaybeNull | Literal[Unset.UNSET, Scalar.SCALAR] | None

ANY_STACK: Final = Pointer(Base.STACK, -1, None)
"""An address that may be anywhere in the stack, or elsewhere."""


def join(left: Value, right: Value) -> Value:
    """Return the least value that covers both."""
    if left == right and type(left) is type(right):
        return left
    if isinstance(left, Pointer) and isinstance(right, Pointer) and left[:2] == right[:2]:
        return Pointer(left.base, left.id, None)
    if is_number(left) and is_number(right):
        return SCALAR if Asked not in (type(left), type(right)) else None
    for value in (left, right):
        if isinstance(value, Pointer) and value.base is Base.STACK:
            return ANY_STACK
    return None


def is_number(value: Value) -> bool:
    """Tell whether the verifier takes a value for a number, known or not."""
    return value is SCALAR or isinstance(value, int)


def signed(value: int, bits: int = 64) -> int:
    """Return the two's complement reading of an unsigned ``bits``-bit number."""
    return value - (1 << bits) if value >> (bits - 1) else value


def add(value: Value, amount: int) -> Value:
    """Return ``value + amount`` in 64 bits; pointers keep their origin."""
    if isinstance(value, Pointer):
        if value.offset is None:
            return value
        return Pointer(value.base, value.id, signed((value.offset + amount) & MASK64))
    if value is SCALAR:
        return SCALAR
    return (value + amount) & MASK64 if isinstance(value, int) else None


def loosen(value: Value) -> Value:
    """Return what arithmetic nobody follows leaves of a value: a pointer's origin."""
    return Pointer(value.base, value.id, None) if isinstance(value, Pointer) else None
