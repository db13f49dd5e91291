"""What the Windows rules share: they judge objects for eBPF for Windows only."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from ebpf_static.findings import Finding
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.evidence import is_foreign


class WindowsRule(Rule, abstract=True):
    """A rule that has something to say only where eBPF for Windows is the platform judged for.

    Attributes:
        foreign: whether it judges objects known to be made for Linux, too: only rules that say
            what would have to change do, the others would add noise to PLT003.
    """

    platforms = (Platform.WINDOWS,)
    foreign: ClassVar[bool] = True

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield the findings of :meth:`judge` when Windows is judged for."""
        if context.judged_platform(spec).numbering is not Platform.WINDOWS:
            return
        if self.foreign or not is_foreign(spec, Platform.WINDOWS):
            yield from self.judge(spec, context, Locator(spec, context))

    @abstractmethod
    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each instance of the problem on Windows."""


def map_type(item: MapSpec) -> MapType | None:
    """Return what a map is on Windows by its meaning; None when Windows has no such type.

    A Linux object's RINGBUF is RINGBUF: that its number is another one is WIN001's to say.
    """
    return item.type.on(Platform.WINDOWS)
