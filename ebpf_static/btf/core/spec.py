"""From an access string to what it means: ``0:1:2`` to ``task_struct.mm`` at bit 9216.

Source: libbpf's src/relo_core.c, ``bpf_core_parse_spec`` and ``bpf_core_format_spec``.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from ebpf_static.btf.ext import CoreRelocation
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import Array, Enum, Enum64, Kind, Struct, Union
from ebpf_static.errors import FormatError

MAX_SPEC_LENGTH = 64
"""Steps of an access string libbpf follows (``BPF_CORE_SPEC_MAX_LEN``)."""

U32 = 0xFFFFFFFF
_ACCESS = re.compile(r"\d+(?::\d+)*", re.ASCII)
_MAX_INDEX = (1 << 31) - 1


class CoreError(Exception):
    """A relocation libbpf refuses; ends the load of the whole object. Never leaves the package."""


class CoreKind(IntEnum):
    """Kind of a CO-RE relocation (``enum bpf_core_relo_kind``)."""

    FIELD_BYTE_OFFSET = 0
    FIELD_BYTE_SIZE = 1
    FIELD_EXISTS = 2
    FIELD_SIGNED = 3
    FIELD_LSHIFT_U64 = 4
    FIELD_RSHIFT_U64 = 5
    TYPE_ID_LOCAL = 6
    TYPE_ID_TARGET = 7
    TYPE_EXISTS = 8
    TYPE_SIZE = 9
    ENUMVAL_EXISTS = 10
    ENUMVAL_VALUE = 11
    TYPE_MATCHES = 12

    @property
    def is_field(self) -> bool:
        """Whether it is about a field of a struct, union or array."""
        return self <= CoreKind.FIELD_RSHIFT_U64

    @property
    def is_type(self) -> bool:
        """Whether it is about a whole type."""
        return CoreKind.TYPE_ID_LOCAL <= self <= CoreKind.TYPE_SIZE or self is self.TYPE_MATCHES

    @property
    def is_enum(self) -> bool:
        """Whether it is about an enumerator."""
        return self in (CoreKind.ENUMVAL_EXISTS, CoreKind.ENUMVAL_VALUE)

    @property
    def is_guard(self) -> bool:
        """Whether it only asks: absence gives 0, never a poisoned instruction."""
        return self in (
            CoreKind.FIELD_EXISTS,
            CoreKind.TYPE_EXISTS,
            CoreKind.ENUMVAL_EXISTS,
            CoreKind.TYPE_MATCHES,
        )

    @property
    def label(self) -> str:
        """The name libbpf logs."""
        return _LABELS[self]


_LABELS = ("byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
           "local_type_id", "target_type_id", "type_exists", "type_size", "enumval_exists",
           "enumval_value", "type_matches")  # fmt: skip


class Accessor(NamedTuple):
    """A step that names something: member ``name``, or element ``position`` when name is None.

    For an enumerator ``position`` counts from its enum's first.
    """

    type_id: int
    position: int
    name: str | None


class CoreSpec(NamedTuple):
    """What a relocation refers to in one BTF.

    Attributes:
        btf: the BTF the ids belong to, the object's or a target's.
        root_type_id: the type the access starts from.
        kind: kind of the relocation.
        accessors: the steps that name something; anonymous members are passed through.
        raw: every step, anonymous members included.
        bit_offset: from the start of the root type to the field.
    """

    btf: Btf
    root_type_id: int
    kind: CoreKind
    accessors: tuple[Accessor, ...] = ()
    raw: tuple[int, ...] = ()
    bit_offset: int = 0

    def __str__(self) -> str:
        """Return the form libbpf logs: ``<byte_off> [7] struct sk_buff.len (0:1 @ offset 4)``."""
        name = self.btf.name(self.root_type_id) or "<anon>"
        head = f"<{self.kind.label}> [{self.root_type_id}] {_keyword(self)} {name}"
        if self.kind.is_type:
            return head
        if self.kind.is_enum:
            return f"{head}::{self.accessors[0].name} = {enumerator_value(self)}"
        byte, bit = divmod(self.bit_offset, 8)
        raw = ":".join(map(str, self.raw))
        return f"{head}{self.path} ({raw} @ offset {byte}{f'.{bit}' if bit else ''})"

    @property
    def path(self) -> str:
        """The access as C would write it after the type: ``.mm``, ``.comm[3]``."""
        steps = []
        for position, step in enumerate(self.accessors):
            if step.name is not None:
                steps.append(f".{step.name}")
            elif position or step.position:
                steps.append(f"[{step.position}]")
        return "".join(steps)


def parse_spec(btf: Btf, relocation: CoreRelocation) -> CoreSpec:
    """Return what a relocation of the object with ``btf`` refers to.

    Raises:
        CoreError: the kind is unknown or the access string does not fit the type.
        FormatError: the BTF is malformed.
    """
    try:
        kind = CoreKind(relocation.kind)
    except ValueError:
        raise CoreError(f"unknown kind {relocation.kind} of CO-RE relocation") from None
    root = relocation.type_id
    if kind.is_type:
        if relocation.access != "0":
            raise CoreError(f"access string {relocation.access!r} of a type relocation")
        return CoreSpec(btf, root, kind)
    raw = parse_access(relocation.access)
    base = btf.resolve(root)
    if kind.is_enum:
        return _parse_enumerator(btf, root, kind, base, raw)
    spec = CoreSpec(btf, root, kind, (Accessor(base, raw[0], None),), raw[:1])
    spec = spec._replace(bit_offset=raw[0] * btf.size_of(base) * 8 & U32)
    current = base
    for index in raw[1:]:
        spec, current = _step(spec, current, index)
    return spec


def parse_access(text: str) -> tuple[int, ...]:
    """Return the indices of an access string.

    Raises:
        CoreError: it is not colon-separated decimal numbers, or too many.
    """
    if not _ACCESS.fullmatch(text):
        raise CoreError(f"access string {text!r} is not numbers between colons")
    parts = text.split(":")
    if len(parts) > MAX_SPEC_LENGTH or any(len(part) > 10 for part in parts):
        raise CoreError("access string is too long")
    indices = tuple(map(int, parts))
    if max(indices) > _MAX_INDEX:
        raise CoreError(f"access string {text!r} is out of range")
    return indices


def is_flexible(btf: Btf, holder: Accessor, array: Array) -> bool:
    """Whether an array reached by ``holder`` is the flexible last member of its struct."""
    if holder.name is None or array.nelems:
        return False
    return holder.position == btf.vlen(holder.type_id) - 1


def enumerator_value(spec: CoreSpec) -> int:
    """Return the value of the enumerator a spec refers to, with its enum's sign."""
    accessor = spec.accessors[0]
    found = spec.btf.type(accessor.type_id)
    if not isinstance(found, (Enum, Enum64)):
        raise FormatError("not an enum", where=f"type {accessor.type_id}")
    return found.values[accessor.position].value


def _parse_enumerator(
    btf: Btf, root: int, kind: CoreKind, base: int, raw: tuple[int, ...]
) -> CoreSpec:
    found = btf.type(base)
    if not isinstance(found, (Enum, Enum64)) or len(raw) > 1 or raw[0] >= len(found.values):
        raise CoreError(f"enumerator {':'.join(map(str, raw))} does not exist")
    accessor = Accessor(base, raw[0], found.values[raw[0]].name)
    return CoreSpec(btf, root, kind, (accessor,), raw)


def _step(spec: CoreSpec, type_id: int, index: int) -> tuple[CoreSpec, int]:
    """Follow one index from ``type_id``; return the longer spec and the type reached."""
    btf = spec.btf
    current = btf.resolve(type_id)
    found = btf.type(current)
    offset = spec.bit_offset
    accessors = spec.accessors
    if isinstance(found, (Struct, Union)):
        if index >= len(found.members):
            raise CoreError(f"member {index} of {len(found.members)} does not exist")
        member = found.members[index]
        offset += member.bit_offset
        if member.name:
            accessors = (*accessors, Accessor(current, index, member.name))
        reached = member.type_id
    elif isinstance(found, Array):
        reached = btf.resolve(found.type_id)
        if index >= found.nelems and not is_flexible(btf, accessors[-1], found):
            raise CoreError(f"element {index} of {found.nelems} does not exist")
        accessors = (*accessors, Accessor(reached, index, None))
        offset += index * btf.size_of(reached) * 8
    else:
        raise CoreError(f"access goes into type id {current}, which has no members")
    longer = spec._replace(accessors=accessors, raw=(*spec.raw, index), bit_offset=offset & U32)
    return longer, reached


def _keyword(spec: CoreSpec) -> str:
    try:
        return Kind(spec.btf.kind(spec.root_type_id)).name.lower()
    except ValueError:
        return "unknown"
