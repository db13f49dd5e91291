"""One program made of what it calls: subprograms appended, every reference filled in.

Source: libbpf ``src/libbpf.c`` (1.7): ``bpf_object__relocate_core``, ``bpf_object__reloc_code``,
``bpf_object__relocate_data``, ``adjust_prog_btf_ext_info``, ``bpf_object__sanitize_prog``.
"""

from __future__ import annotations

import struct
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ebpf_static.btf.core import patch_insn
from ebpf_static.errors import escape
from ebpf_static.kernel import CoreOutcome, resolve_core
from ebpf_static.specs import (
    CollectionSpec,
    FunctionSpec,
    ProgramSpec,
    Reference,
    ReferenceKind,
)
from ebpf_static_loaders.linux.errors import rejected
from ebpf_static_loaders.linux.externs import Resolved
from ebpf_static_loaders.linux.features import Feature
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.session import Session

_INSN: Final = struct.Struct("=BBhi")
_CALL: Final = 0x85
_LDDW: Final = 0x18
_MAP_FD, _MAP_VALUE, _BTF_ID, _FUNC = 1, 2, 3, 4
_KFUNC_CALL: Final = 2
_POISON_MAP: Final = 2001000000
_POISON_KFUNC: Final = 2002000000
_EINVAL: Final = 22
_ENOTSUP: Final = 95
_ENOENT: Final = 2
_RELOC: Final = 22
_MAX_SHORT: Final = 0x7FFF
# bpf_probe_read_{user,kernel}[_str] and what older kernels have instead.
_PROBE_READS: Final = {112: 4, 113: 4, 114: 45, 115: 45}


@dataclass(slots=True)
class LinkedCode:
    """A program as the kernel gets it.

    Attributes:
        code: the instructions.
        func_info: function records, empty without.
        line_info: line records, empty without.
        fd_array: descriptors instructions refer to by position, the first one unused.
        functions: where each function starts, in insns.
    """

    code: bytes
    func_info: bytes = b""
    line_info: bytes = b""
    fd_array: tuple[int, ...] = ()
    functions: tuple[tuple[int, FunctionSpec], ...] = ()


class Linker:
    """Links the programs of one load."""

    def __init__(self, session: Session, externs: Mapping[int, Resolved]) -> None:
        self._session = session
        self._spec = session.spec
        self._externs = externs
        self._positions = {id(function): at for at, function in enumerate(self._spec.functions)}
        self._core = self._resolve_core()
        self._records: dict[str, tuple[tuple[tuple[int, ...], ...], ...]] = {}

    def link(self, program: ProgramSpec) -> LinkedCode:
        """Return a program ready for the kernel.

        Raises:
            LoadRejectedError: something it refers to is not there.
        """
        functions = self._spec.get_linked(program)
        starts: dict[int, int] = {}
        end = 0
        for function in functions:
            starts[self._positions[id(function)]] = end
            end += function.insn_count
        fd_array: list[int] = [0]
        parts = [self._relocated(function, starts, fd_array) for function in functions]
        code = self._substituted(b"".join(parts))
        func_info, line_info = self._info(functions, starts)
        used = tuple(fd_array) if len(fd_array) > 1 else ()
        placed = tuple((starts[self._positions[id(f)]], f) for f in functions)
        return LinkedCode(code, func_info, line_info, used, placed)

    # -- CO-RE ---------------------------------------------------------------------------------

    def _resolve_core(self) -> dict[int, list[CoreOutcome]]:
        """Return the CO-RE results of each function, refusing what libbpf refuses."""
        ext = self._spec.btf_ext
        found: dict[int, list[CoreOutcome]] = defaultdict(list)
        if ext is None or not ext.core_sections:
            return found
        host = self._session.host
        if host.btf is None and host.pretends:
            return found
        if host.btf is None:
            raise rejected(
                "the object adapts itself to the kernel's types, and this kernel shows none "
                "(/sys/kernel/btf/vmlinux)",
                _ENOENT,
                rule="REL103",
            )
        outcomes = resolve_core(self._spec, (host.btf,))
        if any(_missing(outcome) for outcome in outcomes.outcomes) and host.modules:
            outcomes = resolve_core(self._spec, host.all_btf)
        for outcome in outcomes.outcomes:
            function = self._spec.functions[outcome.function]
            if isinstance(function, ProgramSpec) and not self._session.is_selected(function):
                continue
            if outcome.error is not None:
                place = f"function `{function.name}`, insn {outcome.insn}"
                raise rejected(
                    f"{place}: CO-RE relocation: {outcome.error}", _EINVAL, rule="REL102"
                )
            found[outcome.function].append(outcome)
        return found

    # -- references ----------------------------------------------------------------------------

    def _relocated(
        self, function: FunctionSpec, starts: Mapping[int, int], fd_array: list[int]
    ) -> bytes:
        position = self._positions[id(function)]
        code = bytearray(function.code)
        for outcome in self._core.get(position, ()):
            if outcome.result is None:
                continue
            at = 8 * outcome.insn
            patch = patch_insn(bytes(code[at:]), outcome.result, function.byte_order)
            code[at : at + len(patch.insns)] = patch.insns
        for reference in function.references:
            self._apply(function, reference, code, starts, fd_array, starts[position])
        return bytes(code)

    def _apply(
        self,
        function: FunctionSpec,
        reference: Reference,
        code: bytearray,
        starts: Mapping[int, int],
        fd_array: list[int],
        start: int,
    ) -> None:
        kind, at = reference.kind, 8 * reference.index
        if kind is ReferenceKind.CALL:
            _set(code, at, imm=starts[reference.target] - (start + reference.index) - 1)
        elif kind is ReferenceKind.FUNCTION:
            relative = starts[reference.target] - (start + reference.index) - 1
            _set_wide(code, at, _FUNC, relative, 0)
        elif kind in (ReferenceKind.MAP, ReferenceKind.MAP_VALUE):
            self._apply_map(function, reference, code, at)
        elif kind is ReferenceKind.KCONFIG:
            fd = self._kconfig_fd(function)
            _set_wide(code, at, _MAP_VALUE, fd.number, reference.offset)
        elif kind is ReferenceKind.KFUNC and code[at] == _CALL:
            self._apply_kfunc(reference, code, at, fd_array)
        elif kind in (ReferenceKind.KSYM, ReferenceKind.KFUNC):
            self._apply_ksym(reference, code, at)
        else:
            raise self._unresolved(function, reference)

    def _apply_map(
        self, function: FunctionSpec, reference: Reference, code: bytearray, at: int
    ) -> None:
        fd = self._session.maps[reference.target]
        item = self._spec.maps[reference.target]
        if fd is None:
            if reference.kind is ReferenceKind.MAP_VALUE:
                raise rejected(
                    f"function `{function.name}`: map `{item.name}` of global variables, "
                    "which this kernel does not have",
                    _ENOTSUP,
                )
            _set(code, at, opcode=_CALL, registers=0, imm=_POISON_MAP + reference.target)
            _set(code, at + 8, opcode=_CALL, registers=0, imm=_POISON_MAP + reference.target)
        elif reference.kind is ReferenceKind.MAP:
            _set_wide(code, at, _MAP_FD, fd.number, 0)
        else:
            _set_wide(code, at, _MAP_VALUE, fd.number, reference.offset)

    def _kconfig_fd(self, function: FunctionSpec) -> Fd:
        for item, fd in zip(self._spec.maps, self._session.maps, strict=True):
            if item.section == ".kconfig" and fd is not None:
                return fd
        raise rejected(f"function `{function.name}`: there is no map of kernel options", _ENOTSUP)

    def _apply_kfunc(
        self, reference: Reference, code: bytearray, at: int, fd_array: list[int]
    ) -> None:
        target = self._externs.get(reference.target, Resolved())
        if not target.found:
            _set(code, at, opcode=_CALL, registers=0, imm=_POISON_KFUNC + reference.target)
            return
        offset = 0
        if target.module is not None:
            fd = self._session.host.module_fd(target.module)
            if fd not in fd_array:
                fd_array.append(fd)
            offset = fd_array.index(fd)
            if offset > _MAX_SHORT:
                raise rejected("kernel functions of more modules than fit", _ENOTSUP)
        _set(code, at, registers=_registers(0, _KFUNC_CALL), offset=offset, imm=target.type_id)

    def _apply_ksym(self, reference: Reference, code: bytearray, at: int) -> None:
        target = self._externs.get(reference.target, Resolved())
        if target.type_id:
            module = target.module
            fd = 0 if module is None else self._session.host.module_fd(module)
            _set_wide(code, at, _BTF_ID, target.type_id, fd)
        else:
            low, high = target.address & 0xFFFFFFFF, target.address >> 32
            _set_wide(code, at, 0, low, high)

    def _unresolved(self, function: FunctionSpec, reference: Reference) -> Exception:
        what = "a jump table" if reference.kind is ReferenceKind.JUMP_TABLE else "something"
        name = escape(reference.name)
        return rejected(
            f"function `{function.name}`, insn {reference.index}: refers to {what} `{name}` "
            "that cannot be loaded",
            _RELOC,
            rule="ELF003",
        )

    def _substituted(self, code: bytes) -> bytes:
        """Replace helpers an older kernel lacks by those it has."""
        calls = [
            at
            for at in range(0, len(code), 8)
            if code[at] == _CALL
            and not code[at + 1]
            and _INSN.unpack_from(code, at)[3] in _PROBE_READS
        ]
        if not calls or self._session.features.has(Feature.PROBE_READ_KERN):
            return code
        changed = bytearray(code)
        for at in calls:
            _set(changed, at, imm=_PROBE_READS[_INSN.unpack_from(code, at)[3]])
        return bytes(changed)

    # -- functions and lines -------------------------------------------------------------------

    def _info(
        self, functions: tuple[FunctionSpec, ...], starts: Mapping[int, int]
    ) -> tuple[bytes, bytes]:
        ext = self._spec.btf_ext
        if ext is None or self._session.btf is None:
            return b"", b""
        if not self._session.features.has(Feature.BTF_FUNC):
            return b"", b""
        return (
            self._records_of(functions, starts, 0, "function"),
            self._records_of(functions, starts, 1, "line"),
        )

    def _records_of(
        self,
        functions: tuple[FunctionSpec, ...],
        starts: Mapping[int, int],
        which: int,
        noun: str,
    ) -> bytes:
        parts: list[bytes] = []
        for function in functions:
            start = starts[self._positions[id(function)]]
            found = self._cut(function, which, start)
            if not found and not parts:
                return b""
            if not found:
                raise rejected(
                    f"function `{function.name}` has no {noun} information, its caller has",
                    _ENOENT,
                )
            parts.append(found)
        return b"".join(parts)

    def _cut(self, function: FunctionSpec, which: int, start: int) -> bytes:
        """Return the records of one function, counted in insns from the linked program's start."""
        low = function.section_offset
        high = low + len(function.code)
        rows = self._section_records(function.elf_section)[which]
        return b"".join(
            struct.pack(f"={len(row)}I", (row[0] - low) // 8 + start, *row[1:])
            for row in rows
            if low <= row[0] < high
        )

    def _section_records(self, section: str) -> tuple[tuple[tuple[int, ...], ...], ...]:
        known = self._records.get(section)
        ext = self._spec.btf_ext
        if known is None and ext is not None:
            functions = tuple(tuple(info) for info in ext.func_infos(section))
            lines = tuple(
                (r.insn_offset, r.file_off, r.line_off, r.line << 10 | r.column)
                for r in ext.line_records(section)
            )
            known = self._records[section] = (functions, lines)
        return known or ((), ())


def source_line(spec: CollectionSpec, linked: LinkedCode, insn: int) -> str | None:
    """Return the line of C an insn of a linked program comes from, with its place."""
    if spec.btf_ext is None:
        return None
    start, function = max(
        (item for item in linked.functions if item[0] <= insn), key=lambda item: item[0]
    )
    line = spec.btf_ext.line_for(function.elf_section, function.section_offset + 8 * (insn - start))
    if line is None:
        return None
    return f"{line.file}:{line.line}: {line.text.strip()}".rstrip(": ")


def _missing(outcome: CoreOutcome) -> bool:
    return outcome.error is not None or (outcome.result is not None and outcome.result.is_missing)


def _set(
    code: bytearray,
    at: int,
    *,
    opcode: int | None = None,
    registers: int | None = None,
    offset: int | None = None,
    imm: int,
) -> None:
    old = _INSN.unpack_from(code, at)
    _INSN.pack_into(
        code,
        at,
        old[0] if opcode is None else opcode,
        old[1] if registers is None else registers,
        old[2] if offset is None else offset,
        _signed(imm),
    )


def _set_wide(code: bytearray, at: int, source: int, low: int, high: int) -> None:
    """Write a 64-bit load: its source register says what the two halves mean."""
    first = _INSN.unpack_from(code, at)
    target = first[1] & 0x0F if sys.byteorder == "little" else first[1] >> 4
    _INSN.pack_into(code, at, _LDDW, _registers(target, source), first[2], _signed(low))
    second = _INSN.unpack_from(code, at + 8)
    _INSN.pack_into(code, at + 8, *second[:3], _signed(high))


def _registers(target: int, source: int) -> int:
    return source << 4 | target if sys.byteorder == "little" else target << 4 | source


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
