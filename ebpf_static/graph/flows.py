"""Which code of an object runs on none of some targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from ebpf_static.analysis import Flow
from ebpf_static.graph.links import Links
from ebpf_static.kernel import View
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec, ReferenceKind

_MAX_USERS: Final = 64
"""Programs one function is followed for; with more nothing is claimed."""


class TargetFlows:
    """What may run on each of some targets, worked out when asked for."""

    def __init__(self, spec: CollectionSpec, views: Mapping[str, View] | None = None) -> None:
        """Remember what to look at.

        Args:
            spec: the object.
            views: the object as each target sees it, by what the target is called; by default
                as any kernel does.
        """
        self.spec = spec
        self._views = dict(views) if views else {"": View(spec)}

    @property
    def targets(self) -> tuple[str, ...]:
        """What the targets are called; empty when none was named."""
        return tuple(name for name in self._views if name)

    def flows(self, program: ProgramSpec) -> tuple[Flow, ...]:
        """Return what may happen when ``program`` runs on each target."""
        return tuple(view.flow(program) for view in self._views.values())

    def dead_for(
        self, function: FunctionSpec, insn: int, programs: Sequence[ProgramSpec]
    ) -> tuple[str, ...]:
        """Return the targets on which an instruction runs in none of ``programs``.

        Without a target the answer of any kernel goes by the name of ``""``. Where the analysis
        gave up, for callbacks it may not have followed, without programs and of machine code
        nothing is claimed.
        """
        if not programs or not function.code:
            return ()
        index = self.spec.get_position(function)
        return tuple(
            name
            for name, view in self._views.items()
            if all(self._is_dead(view.flow(program), index, insn) for program in programs)
        )

    def is_dead(self, dead_for: Sequence[str]) -> bool:
        """Tell whether code that is dead for these targets is dead for all there are."""
        return len(dead_for) == len(self._views)

    def users(self, function: FunctionSpec) -> tuple[ProgramSpec, ...]:
        """Return the programs a function runs in, itself if it is one; none when too many."""
        if isinstance(function, ProgramSpec):
            return (function,)
        found: list[ProgramSpec] = []
        links = Links(self.spec)
        for program in self.spec.programs:
            if any(item is function for item in links.of(program)):
                found.append(program)
            if not links.complete or len(found) > _MAX_USERS:
                return ()
        return tuple(found)

    def _is_dead(self, flow: Flow, function: int, insn: int) -> bool:
        if not flow.complete or (function not in flow.reached and function in self._callbacks):
            return False
        return not flow.is_reached(function, insn)

    @cached_property
    def _callbacks(self) -> frozenset[int]:
        """The functions whose address is taken: somebody may call them unseen."""
        kind = ReferenceKind.FUNCTION
        functions = self.spec.functions
        return frozenset(r.target for f in functions for r in f.references if r.kind is kind)
