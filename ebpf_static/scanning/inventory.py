"""Which objects there are: what each is, and everywhere it was found. Nothing is judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple

from ebpf_static.engine.inputs import Inputs
from ebpf_static.errors import ObjectError, UnsupportedObjectError
from ebpf_static.findings import Failure
from ebpf_static.reading import read
from ebpf_static.scanning.finding import Finder, Found, Terms, Watch
from ebpf_static.scanning.once import Once, each_once
from ebpf_static.scanning.runners import Handle, Runner


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


class Surveyor:
    """Makes an inventory.

    Attributes:
        finder: finds the objects.
    """

    def __init__(self, runner: Runner, terms: Terms, watch: Watch | None = None) -> None:
        """Prepare to look; the arguments are those of :class:`~.finding.Finder`."""
        self._runner = runner
        self.finder = Finder(runner, terms, watch)

    def run(self, inputs: Inputs) -> Inventory:
        """Return what is in files."""
        entries = each_once(self.finder, inputs, self._start)
        objects = tuple(found for entry in entries for found in self._settle(entry))
        self.finder.finish()
        report = self.finder.trouble.report(inputs)
        return Inventory(objects, report.failures, report.skipped)

    def _start(self, found: Found) -> Handle[FoundObject | str]:
        return self._runner.submit(describe, found.part.source, found.part.name)

    def _settle(self, entry: Once[FoundObject | str]) -> Iterator[FoundObject]:
        outcome = entry.outcome
        if outcome is None:
            why = str(entry.error)
            self.finder.trouble.fail(entry.first.number, entry.name, why)
            outcome = FoundObject(entry.name, problem=why)
        if isinstance(outcome, FoundObject):
            yield replace(outcome, path=entry.name, also_at=entry.other_names)
        for found in entry.everywhere:
            if isinstance(outcome, FoundObject):
                self.finder.is_object(found)
            else:
                self.finder.reject(found, outcome)
