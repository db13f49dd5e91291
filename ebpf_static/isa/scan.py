"""Calls found in undecoded code: what a reader needs before anybody asks for instructions."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

_INSN_BYTES: Final = 8
_CALL: Final = 0x85  # BPF_JMP | BPF_CALL


class Call(NamedTuple):
    """A call: insn ``index``, pseudo source ``src`` (0 helper, 1 local, 2 kfunc), and ``imm``."""

    index: int  # type: ignore[assignment]
    src: int
    imm: int


def iter_calls(code: bytes, byte_order: Literal["little", "big"]) -> Iterator[Call]:
    """Yield every call by immediate, in order; a second slot of LDDW that looks like one too."""
    opcodes = code[::_INSN_BYTES]
    shift = 4 if byte_order == "little" else 0
    at = opcodes.find(_CALL)
    while at >= 0:
        start = at * _INSN_BYTES
        field = code[start + 4 : start + 8]
        imm = int.from_bytes(field, byte_order, signed=True)
        yield Call(at, code[start + 1] >> shift & 15, imm)
        at = opcodes.find(_CALL, at + 1)
