"""Programs into the kernel: what ``BPF_PROG_LOAD`` wants of each kind, and what it says.

Source: libbpf ``src/libbpf.c`` (1.7): ``libbpf_prepare_prog_load``, ``bpf_object_load_prog``,
``libbpf_find_attach_btf_id``; ``src/bpf.c`` ``bpf_prog_load``.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass
from typing import Final

from ebpf_static.errors import LoadRejectedError
from ebpf_static.specs import ProgramSpec
from ebpf_static_loaders.linux import errors, targets
from ebpf_static_loaders.linux.features import Feature
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.link_code import LinkedCode, Linker, source_line
from ebpf_static_loaders.linux.preflight import require_program
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.session import Session, encode_name
from ebpf_static_loaders.linux.struct_ops import StructOps
from ebpf_static_loaders.linux.syscall import Value

_SLEEPABLE: Final = 1 << 4
_XDP_HAS_FRAGS: Final = 1 << 5
_TOKEN_FD: Final = 1 << 16
_ATTEMPTS: Final = 5
_FIRST_LOG: Final = 1 << 20
_LARGEST_LOG: Final = (1 << 24) - 1  # what every kernel takes
_FUNC_INFO_BYTES: Final = 8
_LINE_INFO_BYTES: Final = 16


@dataclass(slots=True)
class LoadedProgram:
    """A program in the kernel."""

    spec: ProgramSpec
    fd: Fd
    log: str = ""


def load_programs(session: Session, linker: Linker) -> list[LoadedProgram]:
    """Load every selected program.

    Raises:
        LoadRejectedError: with the verifier's words; everything is still to be taken back.
    """
    loaded = []
    for program in session.spec.programs:
        if session.is_selected(program):
            require_program(program, session.spec)
            linked = linker.link(program)
            loaded.append(_load(session, program, linked))
    _bind_data(session, loaded)
    return loaded


def _load(session: Session, program: ProgramSpec, linked: LinkedCode) -> LoadedProgram:
    fields = _fields(session, program, linked)
    level = session.options.log_level
    try:
        fd, log = _call(session, fields, level)
    except OSError as error:
        log = "" if level else _ask_why(session, fields)
        raise _refused(session, program, linked, error.errno or 0, log) from error
    return LoadedProgram(program, session.undo.own(Fd(session.system, fd)), log)


def _fields(session: Session, program: ProgramSpec, linked: LinkedCode) -> dict[str, Value]:
    kind = program.type.name
    license_text = (session.spec.license or "").encode("utf-8", "surrogateescape")
    fields: dict[str, Value] = {
        "prog_type": program.type.number,
        "insns": linked.code,
        "insn_cnt": len(linked.code) // 8,
        "license": license_text + b"\0",
        "prog_flags": _flags(session, program),
        "expected_attach_type": _attach_type(session, program),
    }
    if session.features.has(Feature.PROG_NAME):
        fields["prog_name"] = encode_name(program.name)
    if kind == "KPROBE":
        fields["kern_version"] = session.host.version_code
    if session.token is not None:
        fields["prog_token_fd"] = session.token.number
    if session.btf is not None and (linked.func_info or linked.line_info):
        fields |= _info_fields(session.btf, linked)
    if linked.fd_array:
        fields["fd_array"] = struct.pack(f"={len(linked.fd_array)}i", *linked.fd_array)
    if kind == "STRUCT_OPS":
        fields |= _struct_ops_fields(session, program)
    else:
        fields |= targets.fields(session, program)
    return fields


def _flags(session: Session, program: ProgramSpec) -> int:
    flags = _SLEEPABLE if program.sleepable else 0
    if program.xdp_frags:
        flags |= _XDP_HAS_FRAGS
    return flags | _TOKEN_FD if session.token is not None else flags


def _attach_type(session: Session, program: ProgramSpec) -> int:
    if program.attach_type is None:
        return 0
    if program.attach_type_optional and not session.features.has(Feature.EXP_ATTACH_TYPE):
        return 0
    return program.attach_type.number


def _info_fields(btf: Fd, linked: LinkedCode) -> dict[str, Value]:
    fields: dict[str, Value] = {"prog_btf_fd": btf.number}
    if linked.func_info:
        fields["func_info_rec_size"] = _FUNC_INFO_BYTES
        fields["func_info"] = linked.func_info
        fields["func_info_cnt"] = len(linked.func_info) // _FUNC_INFO_BYTES
    if linked.line_info:
        fields["line_info_rec_size"] = _LINE_INFO_BYTES
        fields["line_info"] = linked.line_info
        fields["line_info_cnt"] = len(linked.line_info) // _LINE_INFO_BYTES
    return fields


def _struct_ops_fields(session: Session, program: ProgramSpec) -> dict[str, Value]:
    for ops in session.struct_ops.values():
        if isinstance(ops, StructOps) and program.name in ops.programs:
            fields: dict[str, Value] = {
                "attach_btf_id": ops.type_id,
                "expected_attach_type": ops.programs[program.name][1],
            }
            if ops.module is not None:
                fields["attach_fd"] = session.host.module_fd(ops.module)
            return fields
    return {}


def _call(session: Session, fields: dict[str, Value], level: int) -> tuple[int, str]:
    """Load, again when the kernel was interrupted; with a log when one is wanted."""
    log = bytearray(_FIRST_LOG) if level else None
    if log is not None:
        fields = fields | {"log_level": level, "log_buf": log, "log_size": len(log)}
    for attempt in range(_ATTEMPTS):
        try:
            fd = session.system.bpf(Command.PROG_LOAD, fields).value
        except OSError as error:
            if error.errno == errno.EAGAIN and attempt + 1 < _ATTEMPTS:
                continue
            if error.errno == errno.ENOSPC and log is not None and len(log) < _LARGEST_LOG:
                log = bytearray(min(_LARGEST_LOG, 16 * len(log)))
                fields = fields | {"log_buf": log, "log_size": len(log)}
                continue
            raise
        return fd, "" if log is None else _text(log)
    raise OSError(errno.EAGAIN, "interrupted again and again")


def _ask_why(session: Session, fields: dict[str, Value]) -> str:
    """Load once more only for the verifier's words; what loads after all is closed again."""
    log = bytearray(_FIRST_LOG)
    while True:
        asked = fields | {"log_level": 1, "log_buf": log, "log_size": len(log)}
        try:
            session.system.close(session.system.bpf(Command.PROG_LOAD, asked).value)
        except OSError as error:
            if error.errno == errno.ENOSPC and len(log) < _LARGEST_LOG:
                log = bytearray(min(_LARGEST_LOG, 16 * len(log)))
                continue
        return _text(log)


def _text(log: bytearray) -> str:
    return bytes(log).partition(b"\0")[0].decode("utf-8", "replace")


def _refused(
    session: Session, program: ProgramSpec, linked: LinkedCode, code: int, log: str
) -> LoadRejectedError:
    what = f"program `{program.name}` is refused"
    insn = errors.last_insn(log)
    line = None if insn is None else source_line(session.spec, linked, insn)
    trimmed = errors.trim_log(log)
    if line is not None and line not in trimmed:
        trimmed = f"{trimmed}\nat insn {insn}: {line}"
    verdict = _verdict(trimmed)
    if verdict:
        what = f"{what}: {verdict}"
    return errors.rejected(what, code, trimmed)


def _verdict(log: str) -> str:
    """Return the verifier's last word."""
    for line in reversed(log.splitlines()):
        text = line.strip()
        if text and not text.startswith((";", "at insn", "-- ")):
            return text[:200]
    return ""


def _bind_data(session: Session, loaded: list[LoadedProgram]) -> None:
    """Tie read-only data to the programs, so that tools find it; failing is no reason to stop."""
    data = [
        fd
        for item, fd in zip(session.spec.maps, session.maps, strict=True)
        if fd is not None and item.section.startswith(".rodata")
    ]
    if not data or not loaded or not session.features.has(Feature.PROG_BIND_MAP):
        return
    for program in loaded:
        for fd in data:
            try:
                session.system.bpf(
                    Command.PROG_BIND_MAP, {"prog_fd": program.fd.number, "map_fd": fd.number}
                )
            except OSError:
                return
