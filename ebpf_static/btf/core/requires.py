"""Which kernel types and fields an object depends on, told from the object alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ebpf_static.btf.core.compat import essential_name
from ebpf_static.btf.core.spec import CoreError, CoreKind, parse_spec
from ebpf_static.btf.ext import CoreRelocation
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import Kind
from ebpf_static.errors import FormatError


class RequiredType(NamedTuple):
    """Something of the kernel an object refers to through CO-RE.

    Attributes:
        kind: ``struct``, ``union``, ``enum``, ``typedef`` and so on.
        name: the type's name without flavour.
        path: what of it: ``.mm.pgd``, ``::PIDTYPE_PID``, or nothing for the type as a whole.
        kinds: the kinds of relocation that refer to it, in order of their numbers.
        flavours: the names the object gives the type where they differ from ``name``.
    """

    kind: str
    name: str
    path: str
    kinds: tuple[CoreKind, ...]
    flavours: tuple[str, ...] = ()

    @property
    def is_optional(self) -> bool:
        """Whether the object also asks if it exists, so may well do without."""
        return any(kind.is_guard for kind in self.kinds)

    def __str__(self) -> str:
        """Return it as C names it: ``struct task_struct.mm``."""
        return f"{self.kind} {self.name}{self.path}"


def requires_types(local: Btf, relocations: Iterable[CoreRelocation]) -> tuple[RequiredType, ...]:
    """Return what an object with BTF ``local`` needs of a kernel, sorted by type and path.

    References to its own types only (``bpf_core_type_id_local``) need nothing; relocations that
    are malformed are left out, :class:`~ebpf_static.btf.core.CoreRelocator` reports them.
    """
    kinds: dict[tuple[str, str, str], set[CoreKind]] = {}
    flavours: dict[tuple[str, str, str], set[str]] = {}
    for relocation in relocations:
        try:
            spec = parse_spec(local, relocation)
            name = local.name(spec.root_type_id)
            kind = Kind(local.kind(spec.root_type_id)).name.lower()
        except (CoreError, FormatError):
            continue
        if spec.kind is CoreKind.TYPE_ID_LOCAL or not name:
            continue
        path = f"::{spec.accessors[0].name}" if spec.kind.is_enum else spec.path
        key = (kind.replace("enum64", "enum"), essential_name(name), path)
        kinds.setdefault(key, set()).add(spec.kind)
        flavours.setdefault(key, set()).add(name)
    return tuple(
        RequiredType(*key, tuple(sorted(kinds[key])), tuple(sorted(flavours[key] - {key[1]})))
        for key in sorted(kinds)
    )
