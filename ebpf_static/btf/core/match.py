"""Finding in a target what a spec of the object names.

Source: libbpf's src/relo_core.c (``bpf_core_spec_match``, ``bpf_core_match_member``) and
src/libbpf.c (``bpf_core_add_cands``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ebpf_static.btf.core.compat import Compat, essential_name, same_kind
from ebpf_static.btf.core.spec import (
    MAX_SPEC_LENGTH,
    U32,
    Accessor,
    CoreError,
    CoreKind,
    CoreSpec,
    is_flexible,
)
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import Array, Enum, Enum64, Struct, Union

_MAX_CANDIDATES = 1024


class Candidate(NamedTuple):
    """A type of a target with the essential name of a type of the object."""

    btf: Btf
    type_id: int


class _Found(NamedTuple):
    """A member found: steps to it, where it is, and its type."""

    raw: tuple[int, ...]
    bit_offset: int
    accessor: Accessor
    type_id: int


def find_candidates(local: Btf, type_id: int, targets: Sequence[Btf]) -> tuple[Candidate, ...]:
    """Return the types of the first target with any that share name and kind with a type.

    Args:
        local: the object's BTF.
        type_id: the type in it.
        targets: the kernel's BTF first, then its modules', of which only own types count. All
            modules are looked through together when the kernel has none.

    Raises:
        CoreError: more types share the name than any honest kernel has.
    """
    record = local.type(type_id)
    essential = essential_name(record.name)
    found: list[Candidate] = []
    for number, target in enumerate(targets):
        for target_id in target.find_flavours(essential):
            own = number == 0 or target_id >= target.start_id
            name = target.name(target_id)
            if own and essential_name(name) == essential:
                other = target.type(target_id)
                if same_kind(record, other):
                    found.append(Candidate(target, target_id))
            if len(found) > _MAX_CANDIDATES:
                raise CoreError(f"more than {_MAX_CANDIDATES} types are called {essential}")
        if number == 0 and found:
            break
    return tuple(found)


def match_spec(compat: Compat, spec: CoreSpec, target_id: int) -> CoreSpec | None:
    """Return what ``spec`` is in the target, starting from its type ``target_id``, or None.

    Raises:
        CoreError: libbpf gives up on the whole object here.
        FormatError: the target's BTF is malformed.
    """
    matched = CoreSpec(compat.target, target_id, spec.kind)
    if spec.kind.is_type:
        relation = compat.match if spec.kind is CoreKind.TYPE_MATCHES else compat.types
        return matched if relation(spec.root_type_id, target_id) else None
    if spec.kind.is_enum:
        return _match_enumerator(spec, matched)
    return _match_field(compat, spec, matched)


def _match_enumerator(spec: CoreSpec, matched: CoreSpec) -> CoreSpec | None:
    type_id = matched.btf.resolve(matched.root_type_id)
    found = matched.btf.type(type_id)
    wanted = essential_name(spec.accessors[0].name or "")
    if isinstance(found, (Enum, Enum64)):
        for index, value in enumerate(found.values):
            if essential_name(value.name) == wanted:
                accessor = Accessor(type_id, index, value.name)
                return matched._replace(accessors=(accessor,), raw=(index,))
    return None


def _match_field(compat: Compat, spec: CoreSpec, matched: CoreSpec) -> CoreSpec | None:
    current = matched.root_type_id
    for position, wanted in enumerate(spec.accessors):
        if wanted.name is not None:
            local_type = compat.local.type(wanted.type_id)
            if not isinstance(local_type, (Struct, Union)):
                raise CoreError("a member access into what has no members")
            member_type = local_type.members[wanted.position].type_id
            search = _MemberSearch(compat, wanted.name, member_type)
            found = search.find(current, matched.raw)
            if found is None:
                return None
            matched = matched._replace(
                accessors=(*matched.accessors, found.accessor),
                raw=found.raw,
                bit_offset=matched.bit_offset + found.bit_offset & U32,
            )
            current = found.type_id
        else:
            element = _element(matched, current, wanted.position) if position else current
            if element is None:
                return None
            current = compat.target.resolve(element)
            if len(matched.raw) >= MAX_SPEC_LENGTH:
                raise CoreError("access goes too deep in the target")
            step = wanted.position * compat.target.size_of(current) * 8
            matched = matched._replace(
                accessors=(*matched.accessors, Accessor(current, wanted.position, None)),
                raw=(*matched.raw, wanted.position),
                bit_offset=matched.bit_offset + step & U32,
            )
    return matched


def _element(matched: CoreSpec, type_id: int, index: int) -> int | None:
    """Return the element type of the array ``type_id`` is, if it has element ``index``."""
    found = matched.btf.type(matched.btf.resolve(type_id))
    if not isinstance(found, Array):
        return None
    if index >= found.nelems and not is_flexible(matched.btf, matched.accessors[-1], found):
        return None
    return found.type_id


class _MemberSearch:
    """Looks for a member by name, through anonymous structs and unions, depth first.

    The first member of that name decides, compatible or not.
    """

    def __init__(self, compat: Compat, name: str, local_type_id: int) -> None:
        self._compat = compat
        self._name = name
        self._local_type_id = local_type_id

    def find(self, type_id: int, raw: tuple[int, ...], offset: int = 0) -> _Found | None:
        """Return the member in ``type_id``, ``offset`` bits in, or None."""
        target = self._compat.target
        current = target.resolve(type_id)
        composite = target.type(current)
        if not isinstance(composite, (Struct, Union)):
            return None
        for index, member in enumerate(composite.members):
            self._compat.spend()
            if len(raw) >= MAX_SPEC_LENGTH:
                raise CoreError("access goes too deep in the target")
            here = offset + member.bit_offset
            if not member.name:
                inner = self.find(member.type_id, (*raw, index), here)
                if inner is not None:
                    return inner
            elif member.name == self._name:
                if not self._compat.fields(self._local_type_id, member.type_id):
                    return None
                accessor = Accessor(current, index, member.name)
                return _Found((*raw, index), here, accessor, member.type_id)
        return None
