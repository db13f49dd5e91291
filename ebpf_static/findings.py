"""What rules say about an object, and the report that collects it."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, computed_field

from ebpf_static.errors import escape

_MOVES = re.compile(r"\binsn \d+|\boffset 0x[0-9a-f]+")
"""Parts of a message that change when code moves: ``insn 12``, ``byte offset 0x40``."""


_EMBEDDED = re.compile(r"\bobj@0x[0-9a-f]+")
"""Where an object is in the file around it, which changes with every build of that."""

IN_SOURCE = "btf_decl_tag"
"""What the reason of a finding suppressed in the C source begins with."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Severity(StrEnum):
    """How bad: SARIF's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for error, 1 for warning, 2 for note."""
        return ("error", "warning", "note").index(self.value)


class Confidence(StrEnum):
    """How sure the rule is of the facts it judged by."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Location(_Model):
    """A place in an object, as far as it is known; nothing here is ever made up.

    Attributes:
        object: name of the object as the user gave it.
        section: section name.
        program: program or function name.
        map: map name.
        symbol: any other symbol or type name.
        insn: insn index within ``program``.
        offset: byte offset in the file.
        file: C source file from line information.
        line: 1-based line in ``file``.
        column: 1-based column in ``line``.
        source: text of that line.
    """

    object: str
    section: str | None = None
    program: str | None = None
    map: str | None = None
    symbol: str | None = None
    insn: int | None = None
    offset: int | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source: str | None = None

    @property
    def logical(self) -> str:
        """The place inside the object in words: ``section xdp: program "f": insn 3``."""
        parts = []
        if self.section is not None:
            parts.append(f"section {escape(self.section) or '(unnamed)'}")
        for word in ("program", "map", "symbol"):
            value = getattr(self, word)
            if value is not None:
                parts.append(f'{word} "{escape(value)}"')
        if self.insn is not None:
            parts.append(f"insn {self.insn}")
        elif self.offset is not None:
            parts.append(f"offset {self.offset:#x}")
        return ": ".join(parts)

    def __str__(self) -> str:
        """Return the object, the place inside it and the source line where known."""
        text = escape(self.object)
        if self.logical:
            text += f": {self.logical}"
        if self.file is not None:
            text += f" ({escape(self.file)}:{self.line}:{self.column})"
        return text


class Finding(_Model):
    """One problem of one object.

    Attributes:
        code: rule code, ``MAP101``.
        name: rule name, ``map-type-unknown``.
        severity: error, warning or note.
        confidence: how sure the facts are.
        message: one sentence without a trailing period.
        target: what it was judged for (``windows``, ``linux:5.4``); None when it holds anywhere.
        locations: where; the first is the primary one and always there.
        help: what to do, imperative; empty when there is nothing to say.
        related: further facts worth a line each.
        suppressed_by: why it is not counted, None when it is.
        programs: entry programs it concerns; empty when that follows from the location.
        undecided: what is said cannot be decided from what is known: it makes a verdict unknown.
    """

    code: str
    name: str
    severity: Severity
    confidence: Confidence = Confidence.HIGH
    message: str
    target: str | None = None
    locations: tuple[Location, ...]
    help: str = ""
    related: tuple[str, ...] = ()
    suppressed_by: str | None = None
    programs: tuple[str, ...] = ()
    undecided: bool = False

    @property
    def location(self) -> Location:
        """The primary location."""
        return self.locations[0]

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def fingerprint(self) -> str:
        """Stable across rebuilds that move code: rule, object, symbol and message, no positions.

        Offsets into a type (``at offset 8 of `struct xdp_md` ``) are what a finding is about and
        stay; they are decimal, and offsets into a file are not.
        """
        place = self.location
        parts = (
            self.code,
            self.target or "",
            _EMBEDDED.sub("obj@#", place.object),
            place.section or "",
            place.program or "",
            place.map or "",
            place.symbol or "",
            _MOVES.sub("#", self.message),
        )
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def sort_key(self) -> tuple[str | int, ...]:
        """Object, then place, then code, then target: the order of every report."""
        place = self.location
        return (
            place.object,
            place.section or "",
            place.program or "",
            place.map or "",
            -1 if place.insn is None else place.insn,
            self.code,
            self.target or "",
            self.message,
        )


class Failure(_Model):
    """Something the run could not do: an unreadable file, a rule that crashed.

    Attributes:
        object: the object concerned.
        message: one line.
        rule: code of the rule that failed, None when it was no rule.
    """

    object: str
    message: str
    rule: str | None = None


class Ran(NamedTuple):
    """Which rules judged an object.

    Attributes:
        object: name of the object.
        target: what it was judged for; None for its own platform.
        rules: their codes, in the order they ran.
    """

    object: str
    target: str | None
    rules: tuple[str, ...]


class Copies(NamedTuple):
    """Where else an object was found that was judged once.

    Attributes:
        object: name it was judged by.
        places: names of what is byte for byte the same, in the order they were found.
    """

    object: str
    places: tuple[str, ...]


class Report(_Model):
    """The outcome of one run.

    Attributes:
        findings: everything found, sorted; suppressed ones included.
        failures: what could not be done.
        objects: names of the objects judged, sorted.
        targets: what they were judged for.
        loaders: the libraries they are loaded with on Linux, as far as any were named.
        skipped: what was passed over, with the reason, one line each.
        ran: which rules judged each object for each target.
        stale: entries of the baseline that no finding matches any more, one line each.
        copies: where else objects were found, sorted; such places are in no other field.
    """

    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    objects: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    loaders: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    ran: tuple[Ran, ...] = ()
    stale: tuple[str, ...] = ()
    copies: tuple[Copies, ...] = ()

    @property
    def active(self) -> tuple[Finding, ...]:
        """The findings that are not suppressed."""
        return tuple(f for f in self.findings if f.suppressed_by is None)

    @property
    def ok(self) -> bool:
        """True when nothing failed and no active finding is an error."""
        return not self.failures and not self.count(Severity.ERROR)

    @cached_property
    def _places(self) -> dict[str, tuple[str, ...]]:
        return dict(self.copies)

    def places_of(self, name: str) -> tuple[str, ...]:
        """Return where else the object called ``name`` was found."""
        return self._places.get(name, ())

    def count(self, severity: Severity) -> int:
        """Return how many active findings have this severity."""
        return sum(f.severity is severity for f in self.active)

    @classmethod
    def merge(cls, reports: tuple[Report, ...]) -> Report:
        """Return one report of many, sorted.

        The parts are valid already, and building pydantic's validators for the whole would cost
        more than judging a small object.
        """
        return cls.model_construct(
            findings=tuple(
                sorted((f for r in reports for f in r.findings), key=lambda f: f.sort_key)
            ),
            failures=tuple(dict.fromkeys(f for r in reports for f in r.failures)),
            objects=tuple(sorted({o for r in reports for o in r.objects})),
            targets=tuple(dict.fromkeys(t for r in reports for t in r.targets)),
            loaders=tuple(dict.fromkeys(it for r in reports for it in r.loaders)),
            skipped=tuple(s for r in reports for s in r.skipped),
            ran=tuple(sorted((x for r in reports for x in r.ran), key=lambda x: x.object)),
            stale=tuple(s for r in reports for s in r.stale),
            copies=tuple(sorted(c for r in reports for c in r.copies)),
        )
