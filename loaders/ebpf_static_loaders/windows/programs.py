"""Bytecode into efW: subprograms appended, references filled in, ``BPF_PROG_LOAD``.

What ``BPF_PROG_LOAD`` takes is less than on Linux: no attach type, no flags, no types (efW
``libs/api/bpf_syscall.cpp``); builds that only run native images refuse it altogether.
"""

from __future__ import annotations

import struct
from typing import Final

from ebpf_static.errors import LoadRejectedError
from ebpf_static.specs import FunctionSpec, ProgramSpec, Reference, ReferenceKind
from ebpf_static_loaders.windows.bpf_syscall import Value, encode_name
from ebpf_static_loaders.windows.preflight import require_function
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.results import CallError, rejected
from ebpf_static_loaders.windows.session import Session

_INSN: Final = struct.Struct("<BBhi")
_LDDW: Final = 0x18
_PSEUDO_MAP_FD: Final = 1
_LOG_BYTES: Final = 1 << 20
_LOG_LINES: Final = 12


def load_program(session: Session, program: ProgramSpec) -> tuple[Fd, str]:
    """Load one program and return it with what the verifier said.

    Raises:
        LoadRejectedError: with the verifier's words; everything is still to be taken back.
    """
    if program.type.number == 0:
        raise rejected(
            f"program `{program.name}`: its section `{program.section}` names no program type",
            "EINVAL",
            rule="PRG001",
        )
    code = link(session, program)
    log = bytearray(_LOG_BYTES)
    license_text = (session.spec.license or "").encode("utf-8", "surrogateescape")
    fields: dict[str, Value] = {
        "prog_type": program.type.number,
        "insn_cnt": len(code) // 8,
        "insns": code,
        "license": license_text + b"\0",
        # Always asked for: a second load only for the log could fail differently.
        "log_level": 1,
        "log_size": len(log),
        "log_buf": log,
        "prog_name": encode_name(program.name),
    }
    try:
        fd = session.runtime.bpf("PROG_LOAD", fields).value
    except CallError as error:
        raise _refused(program, error, _text(log)) from error
    return session.undo.own(Fd(session.runtime, fd)), _text(
        log
    ) if session.options.log_level else ""


def link(session: Session, program: ProgramSpec) -> bytes:
    """Return a program with everything it calls, ready for efW.

    Raises:
        LoadRejectedError: it refers to what efW does not resolve.
    """
    functions = session.spec.get_linked(program)
    positions = {id(function): at for at, function in enumerate(session.spec.functions)}
    starts: dict[int, int] = {}
    end = 0
    for function in functions:
        require_function(function)
        starts[positions[id(function)]] = end
        end += function.insn_count
    return b"".join(
        _relocated(session, function, starts, starts[positions[id(function)]])
        for function in functions
    )


def _relocated(
    session: Session, function: FunctionSpec, starts: dict[int, int], start: int
) -> bytes:
    code = bytearray(function.code)
    for reference in function.references:
        at = 8 * reference.index
        if reference.kind is ReferenceKind.CALL:
            opcode, registers, offset, _ = _INSN.unpack_from(code, at)
            distance = starts[reference.target] - (start + reference.index) - 1
            _INSN.pack_into(code, at, opcode, registers, offset, distance)
        elif reference.kind is ReferenceKind.MAP:
            _set_map(session, reference, code, at)
    return bytes(code)


def _set_map(session: Session, reference: Reference, code: bytearray, at: int) -> None:
    _, registers, offset, _ = _INSN.unpack_from(code, at)
    registers = _PSEUDO_MAP_FD << 4 | registers & 0x0F
    fd = session.maps[reference.target].number
    _INSN.pack_into(code, at, _LDDW, registers, offset, fd)
    _INSN.pack_into(code, at + 8, 0, 0, 0, 0)


def _text(log: bytearray) -> str:
    return bytes(log).partition(b"\0")[0].decode("utf-8", "replace")


def _refused(program: ProgramSpec, error: CallError, log: str) -> LoadRejectedError:
    lines = [line.rstrip() for line in log.splitlines() if line.strip()]
    what = f"program `{program.name}` is refused"
    if lines:
        what = f"{what}: {lines[-1].strip()[:200]}"
    trimmed = "\n".join(lines[-_LOG_LINES:])
    return rejected(what, error.name, trimmed, last_error=error.last_error)
