"""The contract of a loader: what puts a spec into a running platform, and what it hands back.

A loader is a class with a ``name`` and a ``platform``, listed by a function of the entry-point
group ``ebpf_static.loaders``. It loads all or nothing, judges nothing, and every handle it hands
out is a context manager that closes what it stands for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, ClassVar, Self

from ebpf_static.errors import LoaderError, UsageError
from ebpf_static.findings import Report, Severity
from ebpf_static.specs import CollectionSpec, MapSpec, ProgramSpec
from ebpf_static.target import Platform


class CheckFailedError(LoaderError):
    """The object has errors, so it was not handed to the loader.

    Attributes:
        report: what was found.
    """

    def __init__(self, report: Report) -> None:
        errors = [f for f in report.active if f.severity is Severity.ERROR]
        what = str(report.failures[0].message) if report.failures else "it could not be checked"
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            what = f"{errors[0].code}: {errors[0].message}{more}"
        super().__init__(f"not loaded: {what}", rule=None)
        self.report = report


class UpdateMode(StrEnum):
    """What :meth:`Map.update` does when the key is there already, or is not."""

    ANY = "any"
    """Create or replace (``BPF_ANY``)."""
    NEW = "new"
    """Create only (``BPF_NOEXIST``)."""
    EXISTING = "existing"
    """Replace only (``BPF_EXIST``)."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What a user may decide about a load.

    Attributes:
        object_name: what the object is called in errors and in the names of its data maps.
        programs: names of the programs to load; None for those that load by themselves.
        max_entries: size of maps by name, instead of what the object says.
        default_max_entries: size for maps that state none, as their own programs would set one.
        variables: initial values of global variables by name: bytes, or what their type takes.
        attach_to: target of a program by name, instead of the one its section names.
        attach_programs: loaded program an ``freplace``, or a program traced, belongs to, by name.
        maps: pins or handles of existing maps to use instead of creating those, by name.
        pin_dir: where maps pinned by name live; None for the platform's own place.
        kernel_btf: file with the kernel's types, instead of the running kernel's.
        kernel_config: options of the kernel's configuration, instead of the running kernel's.
        token_dir: BPF file system whose delegation gives a token; None for none.
        legacy_maps: create maps of legacy sections too, which libbpf 1.0 refuses.
        log_level: how much the verifier says of programs that load; 0 for nothing.
    """

    object_name: str = "<spec>"
    programs: tuple[str, ...] | None = None
    max_entries: Mapping[str, int] = field(default_factory=dict)
    default_max_entries: int | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    attach_to: Mapping[str, str] = field(default_factory=dict)
    attach_programs: Mapping[str, Program] = field(default_factory=dict)
    maps: Mapping[str, Map | str] = field(default_factory=dict)
    pin_dir: str | None = None
    kernel_btf: str | None = None
    kernel_config: Mapping[str, str] | None = None
    token_dir: str | None = None
    legacy_maps: bool = False
    log_level: int = 0


class Handle(ABC):
    """Something of the platform that has to be closed; a context manager that does."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether it has been closed."""

    @abstractmethod
    def close(self) -> None:
        """Give it back to the platform; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Map(Handle):
    """A map. Keys and values are what its type information makes of them, else bytes.

    A struct is a dictionary by member name, an array a list, ``char[]`` bytes; giving bytes works
    everywhere. A per-CPU map has a list of values, one for each possible CPU.

    Attributes:
        name: what the object calls it.
        spec: its declaration; None for a map opened from a pin.
    """

    name: str
    spec: MapSpec | None

    @abstractmethod
    def lookup(self, key: Any = None, *, raw: bool = False) -> Any | None:
        """Return the value of ``key``, None when there is none.

        Args:
            key: None for maps without keys (queues, stacks), which give their next value.
            raw: whether to return bytes even when the type is known.

        Raises:
            LoaderError: the platform refuses.
        """

    @abstractmethod
    def update(self, key: Any, value: Any, mode: UpdateMode = UpdateMode.ANY) -> None:
        """Set the value of ``key``; a map, a program or bytes where the map holds those.

        Raises:
            LoaderError: the platform refuses, with its code.
            UsageError: the key or value does not fit the map.
        """

    @abstractmethod
    def delete(self, key: Any) -> bool:
        """Remove ``key``; return whether it was there."""

    @abstractmethod
    def keys(self, *, raw: bool = False) -> Iterator[Any]:
        """Yield the keys; others may come and go meanwhile."""

    def items(self, *, raw: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield keys and their values; what goes meanwhile is left out."""
        for key in self.keys(raw=raw):
            value = self.lookup(key, raw=raw)
            if value is not None:
                yield key, value

    def batch(self, *, size: int = 256, raw: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield keys and values, many with one call where the platform can; else one by one."""
        del size
        return self.items(raw=raw)

    @abstractmethod
    def pin(self, path: str) -> None:
        """Give it a name in the platform's file system, so that it outlives the process."""

    @abstractmethod
    def unpin(self) -> None:
        """Remove the name given by :meth:`pin`."""

    @abstractmethod
    def freeze(self) -> None:
        """Refuse changes through handles from now on; programs may still write."""

    @abstractmethod
    def info(self) -> Mapping[str, Any]:
        """Return what the platform says of it: id, type, sizes, flags."""

    def read_ring(self, *, timeout: float | None = None, raw: bool = True) -> Iterator[Any]:
        """Yield what programs put into a ring buffer or perf event array.

        Args:
            timeout: seconds without anything new after which to stop; None to wait for ever.
            raw: whether to yield bytes; False decodes by the map's value type where it has one.

        Raises:
            UsageError: the map is no buffer that can be read.
        """
        del timeout, raw
        raise UsageError(f"map `{self.name}` is no ring buffer")

    def __getitem__(self, key: Any) -> Any:
        """Return the value of ``key``.

        Raises:
            KeyError: there is none.
        """
        value = self.lookup(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        self.update(key, value)

    def __delitem__(self, key: Any) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        return self.keys()


@dataclass(frozen=True, slots=True)
class TestRun:
    """What a program did with the data it was given once or more.

    Attributes:
        result: its return value.
        data: the data after it ran.
        context: the context after it ran; empty when none was given.
        nanoseconds: how long one run took on average.
    """

    __test__ = False  # no test, whatever pytest takes from the name

    result: int
    data: bytes = b""
    context: bytes = b""
    nanoseconds: int = 0


class Program(Handle):
    """A loaded program.

    Attributes:
        name: what the object calls it.
        spec: its declaration; None for a program opened from a pin.
        log: what the verifier said, when it was asked to.
    """

    name: str
    spec: ProgramSpec | None
    log: str

    @abstractmethod
    def attach(self, target: str | None = None, **options: Any) -> Link:
        """Let it run where it belongs.

        Args:
            target: interface, cgroup directory, tracepoint, function …; None for what the
                section names.
            options: what the kind of attachment takes; documented by each loader.

        Raises:
            LoaderError: the platform refuses.
            UsageError: a target is needed, or makes no sense.
        """

    @abstractmethod
    def test_run(
        self, data: bytes = b"", *, context: bytes = b"", repeat: int = 1, flags: int = 0
    ) -> TestRun:
        """Run it on ``data`` without attaching it."""

    @abstractmethod
    def pin(self, path: str) -> None:
        """Give it a name in the platform's file system."""

    @abstractmethod
    def unpin(self) -> None:
        """Remove the name given by :meth:`pin`."""

    @abstractmethod
    def info(self) -> Mapping[str, Any]:
        """Return what the platform says of it: id, type, name."""


class Link(Handle):
    """An attachment; closing it ends it unless it is pinned.

    Attributes:
        how: the way it was made (``bpf_link``, ``netlink``, ``perf_event`` …).
    """

    how: str

    @abstractmethod
    def detach(self) -> None:
        """End the attachment now, pinned or not."""

    @abstractmethod
    def pin(self, path: str) -> None:
        """Give it a name, so that it outlives the process.

        Raises:
            LoaderError: this way of attaching cannot be pinned.
        """

    @abstractmethod
    def unpin(self) -> None:
        """Remove the name given by :meth:`pin`."""

    @abstractmethod
    def info(self) -> Mapping[str, Any]:
        """Return what the platform says of it."""


class Collection(Handle):
    """Everything one load made. Closing it closes its maps, programs and links.

    Attributes:
        spec: what was loaded.
        maps: every map by the object's name for it.
        programs: every program loaded, by name.
        links: every attachment made through :meth:`attach`.
    """

    spec: CollectionSpec
    maps: Mapping[str, Map]
    programs: Mapping[str, Program]
    links: Sequence[Link]

    @abstractmethod
    def attach(self, name: str, target: str | None = None, **options: Any) -> Link:
        """Attach a program, or a struct_ops map, and close the link with the collection.

        Raises:
            UsageError: nothing loaded has that name.
        """


class Loader(ABC):
    """Puts specs into a platform.

    A subclass states ``name`` and ``platform``. It is created without arguments, keeps no state
    between loads, and importing it works on every host.
    """

    name: ClassVar[str]
    platform: ClassVar[Platform | None]
    """Whose objects it loads; None for a loader that only pretends and takes both."""
    loads: ClassVar[bool] = True
    """Whether a load reaches a platform; False for one that only pretends."""

    @abstractmethod
    def available(self) -> str | None:
        """Return why it cannot work on this host, None when it can."""

    @abstractmethod
    def load(self, spec: CollectionSpec, options: LoadOptions | None = None) -> Collection:
        """Load a spec, all of it or nothing.

        Raises:
            LoaderUnavailableError: it cannot work on this host.
            LoadRejectedError: the platform refuses, with its code and log.
            UsageError: the spec is of the other platform, or the options do not fit it.
        """

    @classmethod
    def takes(cls, spec: CollectionSpec) -> bool:
        """Tell whether it is made for such a spec: asked where nobody named a loader."""
        return cls.platform is spec.platform.numbering

    def open_map(self, path: str) -> Map:
        """Return the map pinned at ``path``.

        Raises:
            LoaderError: there is none, or this loader knows no pins.
        """
        raise LoaderError(f"loader {self.name} opens no pins: {path}")

    def profile(self) -> dict[str, Any]:
        """Return what the platform underneath says it has, as a profile others check against.

        Raises:
            LoaderUnavailableError: it cannot work on this host.
            LoaderError: this loader asks no platform.
        """
        raise LoaderError(f"loader {self.name} has no platform to ask")

    def unload(self, path: str) -> Sequence[str]:
        """Remove the pin at ``path``, or every pin below it; return what was removed.

        A program stays attached as long as a pinned link, or anybody else, holds it.
        """
        raise LoaderError(f"loader {self.name} knows no pins: {path}")

    def refuse_platform(self, spec: CollectionSpec) -> None:
        """Refuse a spec of the other platform.

        Raises:
            UsageError: always in words that say which loaders take it.
        """
        if self.platform is None or spec.platform in (self.platform, Platform.UNKNOWN):
            return
        raise UsageError(
            f"loader {self.name} is for {self.platform.label}, "
            f"but the object is made for {spec.platform.label}"
        )
