"""Values of an object's ``.kconfig`` externs on a kernel, as libbpf fills them in.

Source: libbpf ``src/libbpf.c``: ``bpf_object__resolve_externs``, ``set_kcfg_value_tri``,
``set_kcfg_value_str``, ``set_kcfg_value_num``, ``find_kcfg_type``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ebpf_static.btf import Btf
from ebpf_static.btf.types import Array, Enum64, Int, Var
from ebpf_static.btf.types import Enum as BtfEnum
from ebpf_static.formats.externs import layout_kconfig
from ebpf_static.specs import CollectionSpec, ExternKind, ExternSpec
from ebpf_static.target import Version

_TRISTATE: Final = "libbpf_tristate"
_NUMBER: Final = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|\d+)\Z")
_BPF_COOKIE: Final = Version(5, 15)
_SYSCALL_WRAPPER: Final = Version(4, 17)


class _Type(Enum):
    BOOL = "bool"
    TRISTATE = "tristate"
    CHAR = "char"
    INT = "int"
    CHARS = "char array"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class KconfigProblem:
    """A kconfig extern libbpf refuses.

    Attributes:
        name: the extern.
        what: why, in words.
    """

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class KconfigValues:
    """The contents of the ``.kconfig`` map on a kernel.

    Attributes:
        data: its bytes; None for those of a value that is not known.
        problems: what libbpf refuses.
    """

    data: tuple[int | None, ...]
    problems: tuple[KconfigProblem, ...]


def resolve_kconfig(
    spec: CollectionSpec, version: Version | None, config: Mapping[str, str] | None
) -> KconfigValues:
    """Return what the object's kconfig externs read on a kernel.

    Args:
        spec: the object.
        version: the kernel's, None when not known.
        config: its configuration, None when not known.
    """
    btf = spec.btf
    offsets, size = layout_kconfig(tuple(spec.externs), btf)
    data: list[int | None] = [None] * size
    problems = []
    for extern in spec.externs:
        if extern.kind is not ExternKind.KCONFIG or btf is None or extern.name not in offsets:
            continue
        value = _value(extern, btf, version, config)
        if isinstance(value, KconfigProblem):
            problems.append(value)
        elif value is not None:
            encoded = value.to_bytes(extern.size + 1, spec.byte_order, signed=value < 0)
            kept = encoded[: extern.size] if spec.byte_order == "little" else encoded[1:]
            data[offsets[extern.name] : offsets[extern.name] + extern.size] = kept
    return KconfigValues(tuple(data), tuple(problems))


def _value(
    extern: ExternSpec, btf: Btf, version: Version | None, config: Mapping[str, str] | None
) -> int | KconfigProblem | None:
    if extern.name.startswith("LINUX_"):
        return _virtual(extern, version)
    if not extern.name.startswith("CONFIG_"):
        return KconfigProblem(extern.name, "is no option of a kernel configuration")
    if config is None:
        return None
    text = config.get(extern.name)
    if text is None:
        return 0 if extern.weak else KconfigProblem(extern.name, "is not set in the configuration")
    kind, is_signed = _type(btf, extern)
    value = _parse(text, kind, extern.size, btf.byte_order, is_signed=is_signed)
    if value is None:
        what = f"is set to {text[:40]}, which does not fit its type ({kind.value})"
        return KconfigProblem(extern.name, what)
    return value


def _virtual(extern: ExternSpec, version: Version | None) -> int | KconfigProblem | None:
    """Return a value libbpf makes up: the version, or what the kernel supports."""
    if extern.name == "LINUX_KERNEL_VERSION":
        if version is None:
            return None
        return version.major << 16 | version.minor << 8 | min(version.patch or 0, 255)
    since = {"LINUX_HAS_BPF_COOKIE": _BPF_COOKIE, "LINUX_HAS_SYSCALL_WRAPPER": _SYSCALL_WRAPPER}
    if extern.name in since:
        return None if version is None else int(not version < since[extern.name])
    return 0 if extern.weak else KconfigProblem(extern.name, "is no value libbpf knows")


def _type(btf: Btf, extern: ExternSpec) -> tuple[_Type, bool]:
    record = btf.type(extern.btf_id or 0)
    found = btf.type(btf.resolve(record.type_id)) if isinstance(record, Var) else record
    if isinstance(found, Int):
        if found.is_bool:
            return (_Type.BOOL if found.size == 1 else _Type.UNKNOWN), False
        return (_Type.CHAR if found.size == 1 else _Type.INT), found.is_signed
    if isinstance(found, BtfEnum | Enum64):
        is_tristate = found.size == 4 and found.name == _TRISTATE
        return (_Type.TRISTATE if is_tristate else _Type.UNKNOWN), False
    if isinstance(found, Array):
        element = btf.type(btf.resolve(found.type_id))
        if isinstance(element, Int) and element.size == 1 and found.nelems:
            return _Type.CHARS, False
    return _Type.UNKNOWN, False


def _parse(text: str, kind: _Type, size: int, byte_order: str, *, is_signed: bool) -> int | None:
    """Return the number an extern of that type holds for a configuration's value, None if unfit."""
    if text in ("y", "m", "n"):
        if kind is _Type.BOOL:
            return None if text == "m" else int(text == "y")
        if kind is _Type.TRISTATE:
            return "nmy".index(text)
        return ord(text) if kind is _Type.CHAR else None
    if text.startswith('"'):
        if kind is not _Type.CHARS:
            return None
        raw = text.strip('"').encode("utf-8", "surrogateescape")[: size - 1].ljust(size, b"\0")
        return int.from_bytes(raw, "little" if byte_order == "little" else "big")
    if kind not in (_Type.INT, _Type.CHAR) or not _NUMBER.match(text):
        return None
    number = int(text, 0) if not re.match(r"[+-]?0\d", text) else int(text, 8)
    bits = 8 * size
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if is_signed else (0, 1 << bits)
    return number if low <= number < high else None
