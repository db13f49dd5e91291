"""What all constants share: a platform, a number, and a table that may know its name."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ebpf_static.errors import UsageError
from ebpf_static.target import Platform
from ebpf_static.uapi.tables import read_rows, rows_by_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

NO_ROW: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, repr=False)
class UapiConstant:
    """A number of an enumeration, on a platform.

    Attributes:
        platform: whose enumeration it is, ``LINUX`` or ``WINDOWS``; ``UNKNOWN`` is taken as
            ``LINUX`` (:attr:`~ebpf_static.target.Platform.numbering`).
        number: the raw number, whatever the object says.
    """

    platform: Platform
    number: int

    _TABLE: ClassVar[str]
    _NOUN: ClassVar[str]

    def __post_init__(self) -> None:
        """Settle whose numbering is meant."""
        object.__setattr__(self, "platform", self.platform.numbering)

    @classmethod
    def of(cls, platform: Platform, number: int) -> Self:
        """Return the constant with ``number``; known ones are the same object each time."""
        platform = platform.numbering
        return find_known(cls, platform).get(number) or cls(platform, number)

    @classmethod
    def named(cls, platform: Platform, name: str) -> Self:
        """Return the constant called ``name``, in any of its spellings and in any case.

        ``RINGBUF``, ``BPF_MAP_TYPE_RINGBUF`` and ``ringbuf`` are one.

        Raises:
            UsageError: when the platform has no such constant.
        """
        platform = platform.numbering
        found = find_spellings(cls, platform).get(name.casefold())
        if found is None:
            raise UsageError(f"{platform.label} has no {cls._NOUN} called {name!r}")
        return found

    @classmethod
    def members(cls, platform: Platform) -> tuple[Self, ...]:
        """Return all known constants of ``platform`` in the order of their numbers."""
        return tuple(find_known(cls, platform.numbering).values())

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the constant :meth:`to_dict` wrote; ``name`` and ``uapi`` are not read."""
        return cls.of(Platform(fields["platform"]), fields["number"])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: platform and number say it, name and uapi are for people."""
        return {
            "platform": self.platform.value,
            "number": self.number,
            "name": self.name,
            "uapi": self.uapi,
        }

    @property
    def name(self) -> str:
        """The spelling without its prefix (``RINGBUF``), or ``UNKNOWN_99``."""
        name: str | None = self.row.get("name")
        return name or f"UNKNOWN_{self.number}"

    @property
    def uapi(self) -> str:
        """The spelling of the header (``BPF_MAP_TYPE_RINGBUF``), or ``unknown map type 99``."""
        uapi: str | None = self.row.get("uapi")
        return uapi or f"unknown {self._NOUN} {self.number}"

    @property
    def known(self) -> bool:
        """Whether a table names this number."""
        return bool(self.row)

    @property
    def libbpf_name(self) -> str | None:
        """The name libbpf and bpftool print (``ringbuf``); None on Windows and for helpers."""
        name: str | None = self.row.get("libbpf_name")
        return name

    @property
    def since(self) -> str | None:
        """The first kernel (``5.8``) or efW release (``0.21.0``) with it, where known.

        A name for messages; judge availability with the tables of ``ebpf_static.support``.
        """
        since: str | None = self.row.get("since", self.row.get("first_release"))
        return since

    @property
    def last_release(self) -> str | None:
        """The last efW release that had it, or None for what has not been retired."""
        release: str | None = self.row.get("last_release")
        return release

    @property
    def source(self) -> str | None:
        """Where the name comes from: a kernel commit, or repository and path."""
        source: str | None = self.row.get("source")
        return source

    def on(self, platform: Platform) -> Self | None:
        """Return the constant of the same meaning on ``platform``, None when it has none."""
        platform = platform.numbering
        if platform is self.platform:
            return self
        if platform is Platform.LINUX:
            name = self.row.get("linux")
            return None if name is None else type(self).named(platform, name)
        members = type(self).members(platform)
        return next((twin for twin in members if twin.row.get("linux") == self.name), None)

    @property
    def row(self) -> Mapping[str, Any]:
        """The table's row, empty for an unknown number."""
        return rows_by_number(self.platform, self._TABLE).get(self.number, NO_ROW)

    @classmethod
    def listed(cls, platform: Platform) -> list[Self]:
        """Return the constants whose number means one thing, in table order."""
        return [cls(platform, row["number"]) for row in read_rows(platform, cls._TABLE)]

    def __str__(self) -> str:
        """Return :attr:`uapi`."""
        return self.uapi

    def __repr__(self) -> str:
        """Return ``<MapType linux RINGBUF 27>``."""
        return f"<{type(self).__name__} {self.platform} {self.name} {self.number}>"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let models hold constants: read from an instance or :meth:`to_dict`'s form."""
        from ebpf_static.uapi.schema import constant_schema

        return constant_schema(cls)


C = TypeVar("C", bound=UapiConstant)

# Only what the tables know is kept, so that no object can make these grow.
_KNOWN: dict[tuple[type[UapiConstant], Platform], Mapping[int, Any]] = {}
_SPELLINGS: dict[tuple[type[UapiConstant], Platform], Mapping[str, Any]] = {}


def find_known(cls: type[C], platform: Platform) -> Mapping[int, C]:
    """Return the constants of ``cls`` by number, made once."""
    found = _KNOWN.get((cls, platform))
    if found is None:
        listed = {it.number: it for it in cls.listed(platform)}
        found = _KNOWN.setdefault((cls, platform), listed)
    return found


def find_spellings(cls: type[C], platform: Platform) -> Mapping[str, C]:
    """Return the constants of ``cls`` by every spelling, in folded case."""
    found = _SPELLINGS.get((cls, platform))
    if found is None:
        spellings: dict[str, C] = {}
        for it in cls.members(platform):
            for text in (it.row["name"], it.row["uapi"], *it.row.get("aliases", ())):
                spellings.setdefault(text.casefold(), it)
        found = _SPELLINGS.setdefault((cls, platform), spellings)
    return found
