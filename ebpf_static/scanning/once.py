"""Does something with every object once, wherever and however often it was found."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ebpf_static.engine.inputs import Inputs
from ebpf_static.errors import ConfigError, EbpfStaticError, UnknownRuleError, UnknownTargetError
from ebpf_static.scanning.finding import Finder, Found
from ebpf_static.scanning.runners import Done, Handle, in_order

_T = TypeVar("_T")

OF_THE_RUN = (ConfigError, UnknownRuleError, UnknownTargetError)
"""Errors that concern the run, whatever the object."""


@dataclass
class Once(Generic[_T]):
    """One object, and what became of it.

    Attributes:
        first: where it was found first, without its bytes.
        size: bytes it has.
        outcome: what was made of it.
        error: why there is no outcome.
        copies: where else it was found, without its bytes.
        is_settled: the first place is the one to name, whatever the others are.
    """

    first: Found
    size: int
    outcome: _T | None = None
    error: EbpfStaticError | None = None
    copies: list[Found] = field(default_factory=list)
    is_settled: bool = False

    @property
    def primary(self) -> Found:
        """The place reports name: a file of its own if there is one, whatever holds it, too."""
        if self.is_settled:
            return self.first
        return next((found for found in self.everywhere if not found.inside), self.first)

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.primary.part.name

    @property
    def everywhere(self) -> tuple[Found, ...]:
        """All places it was found in."""
        return (self.first, *self.copies)

    @property
    def other_names(self) -> tuple[str, ...]:
        """What it is called elsewhere."""
        primary = self.primary
        return tuple(found.part.name for found in self.everywhere if found is not primary)


def identity_of(found: Found) -> bytes:
    """Return what two objects share that are the same."""
    return found.part.identity or found.part.name.encode("utf-8", "surrogatepass")


def each_once(
    finder: Finder,
    inputs: Inputs,
    start: Callable[[Found], Handle[_T]],
    key_of: Callable[[Found], Hashable] = identity_of,
    when_done: Callable[[Once[_T]], None] | None = None,
) -> list[Once[_T]]:
    """Return every object with what became of it, in the order in which they were found.

    Args:
        finder: finds them.
        inputs: the files to look into.
        start: starts the work on an object.
        key_of: what two objects share of which one stands for both.
        when_done: told of each object as soon as its outcome is there.

    Raises:
        UsageError: something is wrong with the run, whatever the object.
    """
    known: dict[Hashable, Once[_T]] = {}

    def iter_started() -> Iterator[tuple[Once[_T], Handle[_T]]]:
        for found in finder.iter_found(inputs.found.values()):
            # Bytes are kept while they are on their way, not until the end.
            light = found._replace(part=found.part._replace(source=b""))
            key = key_of(found)
            if key in known:
                known[key].copies.append(light)
                continue
            once = known[key] = Once(light, len(found.part.source))
            yield once, _started(start, found)

    for once, handle in in_order(iter_started(), finder.runner.ahead, lambda it: it[0].size):
        try:
            once.outcome = handle.result()
        except OF_THE_RUN:
            raise
        except EbpfStaticError as error:
            once.error = error
        if when_done is not None:
            when_done(once)
    return list(known.values())


def _started(start: Callable[[Found], Handle[_T]], found: Found) -> Handle[_T]:
    try:
        return start(found)
    except OF_THE_RUN:
        raise
    except EbpfStaticError as error:
        return Done(error=error)
