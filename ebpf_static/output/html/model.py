"""What a page is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from ebpf_static.findings import Failure, Finding
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.matrix import Row
from ebpf_static.output.html.markup import Html
from ebpf_static.output.rule_page import RulePage
from ebpf_static.requirements.model import Requirements
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Target

LEFT_OUT: Final = "Left out to keep the page small"


class Room:
    """How much more may be written; characters."""

    def __init__(self, most: int) -> None:
        self.left = most

    def fits(self, size: int) -> bool:
        """Tell whether so much may be written."""
        return size <= self.left

    def take(self, part: Html | None) -> Html | None:
        """Return the part if there is room for it, and count it."""
        if part is None or not self.fits(len(part)):
            return None
        self.left -= len(part)
        return part


class Contents(NamedTuple):
    """What an object that can be read has inside.

    Attributes:
        spec: the object.
        needs: what it needs; the reason where that cannot be told.
        flows: what may run on the targets named.
        remap: turns the path of a source file into the one to show.
    """

    spec: CollectionSpec
    needs: Requirements | str
    flows: TargetFlows
    remap: Callable[[str], str] = str


class Entry(NamedTuple):
    """One object.

    Attributes:
        name: what it is called.
        findings: what counts, in the order of reports.
        suppressed: how many findings do not count.
        row: where it loads.
        contents: what it has inside; None for one that cannot be read.
        copies: where else it was found, byte for byte the same.
    """

    name: str
    findings: tuple[Finding, ...]
    suppressed: int
    row: Row
    contents: Contents | None = None
    copies: tuple[str, ...] = ()


class Page(NamedTuple):
    """A page.

    Attributes:
        targets: the columns of the matrix.
        judged_for: what findings were judged for; empty for each object's own platform.
        entries: the objects.
        failures: what could not be done.
        pages: what is known of the rules findings are of.
        version: of this program.
    """

    targets: tuple[Target, ...]
    judged_for: tuple[str, ...]
    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...] = ()
    pages: tuple[RulePage, ...] = ()
    version: str = ""
