"""What runs where: programs followed with every open question answered yes, and with no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ebpf_static.analysis import CallSite, ExternState, Flow, Patch, analyse
from ebpf_static.analysis.inputs import Inputs
from ebpf_static.btf.core import CoreKind
from ebpf_static.kernel import View
from ebpf_static.requirements.model import Guard
from ebpf_static.specs import CollectionSpec, ExternKind, ProgramSpec

_GUARDS = frozenset(int(kind) for kind in CoreKind if kind.is_guard)
_LARGE = 0x7F  # of every byte of a configuration value: a late version, an option that is set


class Courses:
    """The flows of every program of an object, as far as any kernel decides them."""

    def __init__(self, spec: CollectionSpec) -> None:
        self.spec = spec
        self.view = View(spec)
        self._yes = self._answered(present=True)
        self._no = self._answered(present=False)
        self._asks = self._yes != self._no
        self._flows: dict[int, tuple[Flow, Flow, Flow]] = {}

    def flows(self, program: ProgramSpec) -> tuple[Flow, Flow, Flow]:
        """Return the program's flow with questions open, answered yes, and answered no."""
        found = self._flows.get(id(program))
        if found is None:
            open_ = self.view.flow(program)
            found = (open_, open_, open_)
            if self._asks:
                yes = analyse(self.spec, program, self._yes)
                found = (open_, yes, analyse(self.spec, program, self._no))
            self._flows[id(program)] = found
        return found

    def guard(self, program: ProgramSpec, function: int, insn: int) -> Guard:
        """Return whether an instruction that may run does so in any case."""
        _, yes, no = self.flows(program)
        if not (yes.complete and no.complete):
            return Guard.NONE
        here = (yes.is_reached(function, insn), no.is_reached(function, insn))
        if here == (True, False):
            return Guard.GUARDED
        return Guard.FALLBACK if here == (False, True) else Guard.NONE

    def calls(self, program: ProgramSpec) -> Mapping[tuple[int, int], CallSite]:
        """Return the calls that may run on some kernel."""
        return self.flows(program)[0].calls

    def _answered(self, *, present: bool) -> Inputs:
        view = self.view
        answers = {
            (it.function, it.insn): Patch(int(present))
            for it in view.core.outcomes
            if it.relocation.kind in _GUARDS
        }
        externs = {
            index: ExternState.PRESENT if present or not extern.weak else ExternState.ABSENT
            for index, extern in enumerate(self.spec.externs)
            if extern.kind in (ExternKind.KFUNC, ExternKind.KSYM)
        }
        kconfig = tuple(_LARGE * present if it is None else it for it in view.kconfig.data)
        return replace(view.inputs, core=answers, kconfig=kconfig, externs=externs)
