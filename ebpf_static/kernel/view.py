"""One object on one kernel: everything the kernel decides about it, worked out when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ebpf_static.analysis import ExternState, Flow, Inputs, analyse
from ebpf_static.analysis.run import MAX_STEPS
from ebpf_static.btf import Btf
from ebpf_static.kernel.core import CoreOutcomes, resolve_core
from ebpf_static.kernel.externs import resolve_externs
from ebpf_static.kernel.kconfig import KconfigValues, resolve_kconfig
from ebpf_static.specs import CollectionSpec, ExternKind, ProgramSpec
from ebpf_static.support.architectures import DEFAULT, Architecture, find_architecture
from ebpf_static.support.known import kfunc_flags
from ebpf_static.support.map_creation import PAGE_SIZE
from ebpf_static.target import Version

_FROZEN_DATA = Version(5, 5)
_FINDS_ELEMENTS = Version(6, 14)
"""Commit d2102f2f5d75 ("bpf: verifier: Support eliding map lookup nullness")."""

MAX_STEPS_OF_ALL = 4 * MAX_STEPS
"""Instructions evaluated for all programs of an object together; then flows are incomplete."""


def _knows_nothing(_name: str) -> bool | None:
    return None


@dataclass(frozen=True, slots=True)
class Kernel:
    """What is known of a target kernel.

    Attributes:
        version: its release, None when the user named none.
        btf: its types and those of its loaded modules; empty when not known.
        config: its build configuration, None when not known.
        clobbers_spills: see :class:`~ebpf_static.analysis.Inputs`.
        knows_kfunc: whether the support tables say it has a kfunc; None for "cannot tell".
        machine: its processor.
        page_size: bytes of its pages.
    """

    version: Version | None = None
    btf: tuple[Btf, ...] = ()
    config: Mapping[str, str] | None = None
    clobbers_spills: bool = False
    knows_kfunc: Callable[[str], bool | None] = _knows_nothing
    machine: Architecture = field(default_factory=lambda: find_architecture(DEFAULT))
    page_size: int = PAGE_SIZE


class View:
    """An object as a kernel sees it; with an empty :class:`Kernel`, as far as any kernel does."""

    def __init__(self, spec: CollectionSpec, kernel: Kernel | None = None) -> None:
        self.spec = spec
        self.kernel = kernel or Kernel()
        self._flows: dict[int, Flow] = {}
        self._steps_left = MAX_STEPS_OF_ALL

    @cached_property
    def core(self) -> CoreOutcomes:
        """What each CO-RE relocation comes to."""
        return resolve_core(self.spec, self.kernel.btf)

    @cached_property
    def kconfig(self) -> KconfigValues:
        """What the ``.kconfig`` map holds."""
        return resolve_kconfig(self.spec, self.kernel.version, self.kernel.config)

    @cached_property
    def externs(self) -> Mapping[int, ExternState]:
        """Whether the kernel has each kfunc and ksym."""
        kernel = self.kernel
        return resolve_externs(self.spec, kernel.btf, kernel.knows_kfunc, kernel.version)

    @cached_property
    def inputs(self) -> Inputs:
        """All of it in the form the analysis takes."""
        version = self.kernel.version
        return Inputs(
            core=self.core.results,
            core_places=self.core.places,
            kconfig=self.kconfig.data,
            externs=self.externs,
            nullable=self._nullable(),
            clobbers_spills=self.kernel.clobbers_spills,
            finds_elements=version is None or not version < _FINDS_ELEMENTS,
            frozen_data=version is None or not version < _FROZEN_DATA,
        )

    def _nullable(self) -> frozenset[int]:
        """Return the externs whose functions may return NULL, as their flags say."""
        version = self.kernel.version
        if version is None:
            return frozenset()
        line = f"{version.major}.{version.minor}"
        return frozenset(
            index
            for index, extern in enumerate(self.spec.externs)
            if extern.kind is ExternKind.KFUNC
            and "RET_NULL" in (kfunc_flags(extern.name, line) or ())
        )

    def flow(self, program: ProgramSpec) -> Flow:
        """Return what may happen when ``program`` runs, worked out once."""
        known = self._flows.get(id(program))
        if known is None:
            steps = min(MAX_STEPS, self._steps_left)
            known = analyse(self.spec, program, self.inputs, max_steps=steps)
            self._flows[id(program)] = known
            self._steps_left = max(self._steps_left - known.steps, 0)
        return known
