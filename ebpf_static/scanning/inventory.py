"""Which objects there are: what each is, and everywhere it was found. Nothing is judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

from ebpf_static.engine.inputs import Inputs
from ebpf_static.errors import EbpfStaticError, ObjectError, UnsupportedObjectError
from ebpf_static.findings import Failure, Report
from ebpf_static.reading import read
from ebpf_static.scanning.finding import Finder, Found, Terms, Watch
from ebpf_static.scanning.runners import Handle, Runner, in_order


@dataclass(frozen=True, slots=True)
class FoundObject:
    """One object, wherever it is.

    Attributes:
        path: where it was found first; in containers joined by ``!`` with the way to it.
        also_at: where else, byte for byte the same.
        sha256: of its bytes, in hex digits.
        size: bytes.
        platform: what it is made for, ``unknown`` when nothing says.
        programs: name and type of each program.
        maps: name and type of each map.
        problem: why it cannot be read, empty when it can.
    """

    path: str
    also_at: tuple[str, ...] = ()
    sha256: str = ""
    size: int = 0
    platform: str = ""
    programs: tuple[tuple[str, str], ...] = ()
    maps: tuple[tuple[str, str], ...] = ()
    problem: str = ""


class Inventory(NamedTuple):
    """What was found.

    Attributes:
        objects: each object once, in the order they were found.
        failures: what could not be done.
        skipped: what was passed over, with the reason, one line each.
    """

    objects: tuple[FoundObject, ...]
    failures: tuple[Failure, ...]
    skipped: tuple[str, ...]


def describe(source: bytes | str, name: str) -> FoundObject | str:
    """Return what an object is, or in words why something is none."""
    known = FoundObject(name)
    if isinstance(source, bytes):
        known = replace(known, sha256=sha256(source).hexdigest(), size=len(source))
    try:
        spec = read(source)
    except UnsupportedObjectError as error:
        return error.detail
    except ObjectError as error:
        return replace(known, problem=error.detail)
    return replace(
        known,
        platform=spec.platform.value,
        programs=tuple((p.name, p.type.name or str(p.type)) for p in spec.programs),
        maps=tuple((m.name, m.type.name or str(m.type)) for m in spec.maps),
    )


@dataclass
class _Entry:
    first: Found
    handle: Handle[FoundObject | str]
    copies: list[Found] = field(default_factory=list)
    found: FoundObject | str = ""


class Surveyor:
    """Makes an inventory."""

    def __init__(self, runner: Runner, terms: Terms, watch: Watch | None = None) -> None:
        """Prepare to look; the arguments are those of :class:`~.finding.Finder`."""
        self._runner = runner
        self._finder = Finder(runner, terms, watch)
        self._entries: dict[bytes, _Entry] = {}

    def run(self, inputs: Inputs) -> Inventory:
        """Return what is in files."""
        for entry in in_order(self._describing(inputs), self._runner.ahead):
            try:
                entry.found = entry.handle.result()
            except EbpfStaticError as error:  # a process was lost
                name = entry.first.part.name
                entry.found = FoundObject(name, problem=str(error))
                self._finder.trouble.fail(entry.first.number, name, str(error))
        objects = tuple(found for entry in self._entries.values() for found in self._settle(entry))
        self._finder.finish()
        report: Report = self._finder.trouble.report(inputs)
        return Inventory(objects, report.failures, report.skipped)

    def _describing(self, inputs: Inputs) -> Iterator[_Entry]:
        for found in self._finder.iter_found(inputs.found.values()):
            part = found.part
            light = found._replace(part=part._replace(source=b""))
            key = part.identity or part.name.encode("utf-8", "surrogatepass")
            known = self._entries.get(key)
            if known is not None:
                known.copies.append(light)
                continue
            handle = self._runner.submit(describe, part.source, part.name)
            entry = self._entries[key] = _Entry(light, handle)
            yield entry

    def _settle(self, entry: _Entry) -> Iterator[FoundObject]:
        everywhere = (entry.first, *entry.copies)
        if isinstance(entry.found, FoundObject):
            for found in everywhere:
                self._finder.is_object(found)
            yield replace(entry.found, also_at=tuple(found.part.name for found in entry.copies))
            return
        for found in everywhere:
            self._finder.reject(found, entry.found)
