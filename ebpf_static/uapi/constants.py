"""Map types, program types, attach types and helpers as values that know their platform.

Linux and eBPF for Windows number the same names differently (Linux map type 27 is RINGBUF, Windows
map type 27 is nothing and 13 is RINGBUF), so a bare number is never passed around: a constant is
its platform and its number, and constants of two platforms are never equal. A number no table
knows is a value like any other, with :attr:`~ebpf_static.uapi.base.UapiConstant.known` false.

Sources: ``include/uapi/linux/bpf.h`` and ``include/ebpf_structs.h`` of eBPF for Windows; each row
of ``ebpf_static/uapi/data`` names its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ebpf_static.errors import UsageError
from ebpf_static.target import Platform
from ebpf_static.uapi.base import NO_ROW, UapiConstant, find_known, find_spellings
from ebpf_static.uapi.tables import read_rows, rows_by_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

__all__ = ["EXTENSION_BASE", "AttachType", "HelperId", "MapType", "ProgramType", "UapiConstant"]

EXTENSION_BASE = 0xFFFF
"""Helper numbers from here on belong to one program type (efW ``include/ebpf_structs.h``)."""


class MapType(UapiConstant):
    """A ``BPF_MAP_TYPE_*``."""

    __slots__ = ()
    _TABLE = "map_types"
    _NOUN = "map type"


class _GuidConstant(UapiConstant):
    """A constant that eBPF for Windows names by GUID at run time and in native images."""

    __slots__ = ()

    @property
    def guid(self) -> str | None:
        """The GUID in lower case without braces; None on Linux and for unknown numbers."""
        guid: str | None = self.row.get("guid")
        return guid

    @classmethod
    def from_guid(cls, guid: str) -> Self | None:
        """Return the Windows constant ``guid`` names, None when no table has it.

        Args:
            guid: in any case, with or without braces.
        """
        guid = guid.strip("{}").lower()
        return next((it for it in cls.members(Platform.WINDOWS) if it.guid == guid), None)


class ProgramType(_GuidConstant):
    """A ``BPF_PROG_TYPE_*``."""

    __slots__ = ()
    _TABLE = "program_types"
    _NOUN = "program type"

    @property
    def ctx_type(self) -> str | None:
        """The C type a program's context pointer points to (``struct xdp_md``), where known."""
        ctx_type: str | None = self.row.get("ctx_type")
        return ctx_type


class AttachType(_GuidConstant):
    """A member of ``enum bpf_attach_type``.

    Zero is a value like any other: ``CGROUP_INET_INGRESS`` on Linux. "No attach type" is None.
    """

    __slots__ = ()
    _TABLE = "attach_types"
    _NOUN = "attach type"

    @property
    def program_types(self) -> tuple[ProgramType, ...]:
        """The program types that use it, main one first."""
        names = self.row.get("program_types", ())
        return tuple(ProgramType.named(self.platform, name) for name in names)


@dataclass(frozen=True, slots=True, repr=False)
class HelperId(UapiConstant):
    """A ``BPF_FUNC_*``; names are without ``bpf_`` (``map_lookup_elem``).

    On Windows, numbers from :data:`EXTENSION_BASE` on mean something else in each program type.

    Attributes:
        scope: the program type a Windows extension number was used in; None on Linux, for general
            helpers, and when the program type is not known.
    """

    scope: ProgramType | None = None

    _TABLE = "helpers"
    _NOUN = "helper"

    def __post_init__(self) -> None:
        """Drop a scope that carries no meaning.

        Raises:
            UsageError: when the scope is a program type of the other platform.
        """
        UapiConstant.__post_init__(self)
        if self.scope is not None and self.scope.platform is not self.platform:
            raise UsageError(f"{self.platform.label} helpers know no program type {self.scope!r}")
        if not self.per_program_type:
            object.__setattr__(self, "scope", None)

    @classmethod
    def of(
        cls, platform: Platform, number: int, program_type: ProgramType | None = None
    ) -> HelperId:
        """Return the helper with ``number`` as called from a program of ``program_type``.

        Raises:
            UsageError: when ``program_type`` is one of the other platform.
        """
        platform = platform.numbering
        if number < EXTENSION_BASE or platform is Platform.LINUX:
            return find_known(cls, platform).get(number) or cls(platform, number)
        wanted = cls(platform, number, program_type)
        return next((it for it in wanted.candidates if it.scope == program_type), wanted)

    @classmethod
    def named(cls, platform: Platform, name: str) -> HelperId:
        """Return the helper called ``name``, with or without ``bpf_`` or ``BPF_FUNC_``.

        Raises:
            UsageError: when the platform has no such helper.
        """
        platform = platform.numbering
        spellings = find_spellings(cls, platform)
        text = name.casefold()
        found = spellings.get(text) or spellings.get(text.removeprefix("bpf_"))
        if found is None:
            raise UsageError(f"{platform.label} has no helper called {name!r}")
        return found

    @classmethod
    def members(cls, platform: Platform) -> tuple[HelperId, ...]:
        """Return all known helpers of ``platform``, those of one program type last."""
        platform = platform.numbering
        extension = (it for group in _extensions(platform).values() for it in group)
        return (*find_known(cls, platform).values(), *extension)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> HelperId:
        """Return the helper :meth:`to_dict` wrote."""
        scope = fields.get("scope")
        program_type = None if scope is None else ProgramType.from_dict(scope)
        return cls.of(Platform(fields["platform"]), fields["number"], program_type)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with ``scope`` for a helper of one program type."""
        fields = UapiConstant.to_dict(self)
        return fields if self.scope is None else {**fields, "scope": self.scope.to_dict()}

    @property
    def per_program_type(self) -> bool:
        """Whether the number's meaning depends on the program type."""
        return self.platform is Platform.WINDOWS and self.number >= EXTENSION_BASE

    @property
    def candidates(self) -> tuple[HelperId, ...]:
        """The known helpers this number can mean, one for each program type that defines it."""
        return _extensions(self.platform).get(self.number, ()) if self.per_program_type else ()

    @property
    def name(self) -> str:
        """The name without ``bpf_``, ``PER_PROGRAM_TYPE_65536`` or ``UNKNOWN_999``."""
        name: str | None = self.row.get("name")
        if name is None and self.per_program_type and self.scope is None:
            return f"PER_PROGRAM_TYPE_{self.number}"
        return name or f"UNKNOWN_{self.number}"

    @property
    def uapi(self) -> str:
        """``BPF_FUNC_map_lookup_elem``; for a number without meaning, words that say why."""
        uapi: str | None = self.row.get("uapi")
        if uapi is not None:
            return uapi
        if not self.per_program_type:
            return f"unknown helper {self.number}"
        if self.scope is not None:
            return f"unknown {self.scope.name} helper {self.number}"
        return f"helper {self.number} (its meaning depends on the program type)"

    @property
    def row(self) -> Mapping[str, Any]:
        """The table's row for this number in this program type, empty when unknown."""
        if not self.per_program_type:
            return rows_by_number(self.platform, self._TABLE).get(self.number, NO_ROW)
        if self.scope is None or not self.scope.known:
            return NO_ROW
        return _scoped_rows(self.platform).get((self.number, self.scope.name), NO_ROW)

    @classmethod
    def listed(cls, platform: Platform) -> list[HelperId]:
        """Return the general helpers, in table order."""
        return [cls(platform, number) for number in rows_by_number(platform, cls._TABLE)]


_EXTENSIONS: dict[Platform, Mapping[int, tuple[HelperId, ...]]] = {}
_SCOPED_ROWS: dict[Platform, Mapping[tuple[int, str], Mapping[str, Any]]] = {}


def _scoped_rows(platform: Platform) -> Mapping[tuple[int, str], Mapping[str, Any]]:
    found = _SCOPED_ROWS.get(platform)
    if found is None:
        rows = read_rows(platform, "helpers")
        scoped = {(row["number"], row["scope"]): row for row in rows if "scope" in row}
        found = _SCOPED_ROWS.setdefault(platform, scoped)
    return found


def _extensions(platform: Platform) -> Mapping[int, tuple[HelperId, ...]]:
    found = _EXTENSIONS.get(platform)
    if found is None:
        groups: dict[int, tuple[HelperId, ...]] = {}
        for number, scope in sorted(_scoped_rows(platform)):
            helper = HelperId(platform, number, ProgramType.named(platform, scope))
            groups[number] = (*groups.get(number, ()), helper)
        found = _EXTENSIONS.setdefault(platform, groups)
    return found
