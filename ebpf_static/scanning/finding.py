"""Finds objects in files and in what files contain, in order, and notes what stood in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ebpf_static.engine.inputs import Input, Inputs
from ebpf_static.errors import EbpfStaticError
from ebpf_static.findings import Failure, Report
from ebpf_static.scanning.opening import Opened, Part, open_bytes, open_container, open_plain
from ebpf_static.scanning.runners import Done, Handle, Runner, in_order

Watch = Callable[[int, str], None]
"""Told the number of the file, from 1, and the name of what is being worked on."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts as a failure of the run.

    Attributes:
        lenient: a named file in which there is no object is passed over.
        strict: so is nothing else that could not be looked into, even in directories.
    """

    lenient: bool = False
    strict: bool = False


class Found(NamedTuple):
    """Something that may be an object.

    Attributes:
        number: of the file it is in, from 1.
        item: that file.
        part: the object.
        inside: whether the file is a container.
    """

    number: int
    item: Input
    part: Part
    inside: bool


@dataclass
class Trouble:
    """What could not be done and what was passed over, by the number of the file.

    Attributes:
        terms: what counts as a failure.
        failures: what could not be done.
        skipped: what was passed over.
        unopened: how many parts of containers are among it because they could not be opened.
    """

    terms: Terms
    failures: list[tuple[int, Failure]] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    unopened: int = 0

    def fail(self, number: int, name: str, message: str) -> None:
        """Note what could not be done."""
        failure = Failure.model_construct(object=name, message=message)
        self.failures.append((number, failure))

    def skip(self, number: int, name: str, message: str) -> None:
        """Note what was passed over."""
        self.skipped.append((number, f"{name}: {message}"))

    def pass_over(self, number: int, item: Input, name: str, message: str) -> None:
        """Note a file that is no object, or has none: a failure where somebody promised one."""
        promised = item.named and not self.terms.lenient
        if promised or (self.terms.strict and item.claims_bpf):
            self.fail(number, name, message)
        else:
            self.skip(number, name, message)

    def report(self, inputs: Inputs) -> Report:
        """Return everything in the order of the files."""
        unread = inputs.unread if self.terms.strict else ()
        failures = sorted(self.failures, key=lambda entry: entry[0])
        skipped = sorted(self.skipped, key=lambda entry: entry[0])
        return Report.model_construct(
            failures=(*(f for _, f in failures), *inputs.failures, *unread),
            skipped=(*inputs.skipped, *(line for _, line in skipped)),
        )


class Finder:
    """Finds the objects in files.

    Attributes:
        runner: where containers are opened.
        trouble: what stood in the way, complete when everything was found.
    """

    def __init__(self, runner: Runner, terms: Terms, watch: Watch | None = None) -> None:
        """Prepare to open files.

        Args:
            runner: where containers are opened.
            terms: what counts as a failure.
            watch: told what is being worked on.
        """
        self.trouble = Trouble(terms)
        self.watch = watch or (lambda _number, _name: None)
        self.runner = runner
        self._with_objects: set[int] = set()
        self._empty: dict[int, tuple[Input, str]] = {}

    def iter_found(self, inputs: Iterable[Input]) -> Iterator[Found]:
        """Yield what may be an object, in the order of the files."""
        for number, item, handle in in_order(self._opening(inputs), self.runner.ahead):
            try:
                opened = handle.result()
            except EbpfStaticError as error:
                text = str(error).removeprefix(f"{item.path}: ")
                self.trouble.fail(number, item.name, text)
                continue
            self._note(number, item, opened)
            for part in opened.parts:
                self.watch(number, part.name)
                yield Found(number, item, part, bool(opened.nothing))

    def is_object(self, found: Found) -> None:
        """Note that something found is an object."""
        self._with_objects.add(found.number)

    def reject(self, found: Found, what: str) -> None:
        """Note that something found is no object, but ``what``."""
        if found.inside:
            self.trouble.skip(found.number, found.part.name, what)
        else:
            self.trouble.pass_over(found.number, found.item, found.part.name, what)

    def finish(self) -> None:
        """Note the containers without an object."""
        for number, (item, why) in self._empty.items():
            if number not in self._with_objects:
                self.trouble.pass_over(number, item, item.name, why)

    def _opening(self, inputs: Iterable[Input]) -> Iterator[tuple[int, Input, Handle[Opened]]]:
        for number, item in enumerate(inputs, 1):
            self.watch(number, item.name)
            yield number, item, self._open(item)

    def _open(self, item: Input) -> Handle[Opened]:
        try:
            if item.data is not None:
                opened: Opened | None = open_bytes(item.data, item.name)
            else:
                opened = open_plain(item.path, item.name)
        except EbpfStaticError as error:
            return Done(error=error)
        if opened is not None:
            return Done(opened)
        return self.runner.submit_here(open_container, str(item.path), item.name)

    def _note(self, number: int, item: Input, opened: Opened) -> None:
        if opened.nothing and not opened.unopened:
            self._empty[number] = (item, opened.nothing)
        for path, reason in opened.unopened:
            if (item.named and not self.trouble.terms.lenient) or self.trouble.terms.strict:
                self.trouble.fail(number, path, reason)
            else:
                self.trouble.unopened += 1
                self.trouble.skip(number, path, reason)
