"""What the rules about native images share: they judge nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from ebpf_static.findings import Finding
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static_rules.win.base import WindowsRule


class NativeRule(WindowsRule, abstract=True):
    """A rule about native images only."""

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield the findings of :meth:`judge_image` for a native image."""
        if isinstance(spec, NativeImageSpec):
            yield from self.judge_image(spec, context, locate)

    @abstractmethod
    def judge_image(
        self, spec: NativeImageSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each instance of the problem."""
