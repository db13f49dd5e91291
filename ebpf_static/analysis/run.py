"""One analysis in progress: what all evaluations of a program's functions share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ebpf_static.analysis.events import Flow
from ebpf_static.analysis.inputs import Inputs
from ebpf_static.analysis.values import ANY_STACK, Value
from ebpf_static.isa.instruction import Instruction
from ebpf_static.specs import CollectionSpec

MAX_DEPTH: Final = 16
"""Calls followed; the verifier stops at 8 frames."""

MAX_STEPS: Final = 2_000_000
"""Instructions evaluated for one program before the answer is called incomplete."""

MAX_CONTEXTS: Final = 32
"""Different argument values one function is evaluated with before they are given up."""

UNKNOWN_ARGUMENTS: Final[tuple[Value, ...]] = (ANY_STACK,) * 5


@dataclass(slots=True)
class Run:
    """The state of one analysis.

    Attributes:
        spec: the object.
        inputs: what the target decides.
        evaluate: evaluates one function for given arguments: (run, index, depth, top, arguments).
        flow: the outcome so far.
        max_steps: instructions evaluated before the answer is called incomplete.
        steps: instructions evaluated.
        results: r0 of evaluations done, by function and arguments.
        contexts: argument values each function was evaluated with.
        active: functions being evaluated, outermost first.
        code: instructions by insn index, by function.
        places: functions by section and offset, filled when first asked.
        plain_context: whether the program's context holds numbers only.
        kconfig: position of the ``.kconfig`` map, None before it was looked for.
    """

    spec: CollectionSpec
    inputs: Inputs
    evaluate: Callable[[Run, int, int, bool, tuple[Value, ...]], Value]
    flow: Flow = field(default_factory=Flow)
    max_steps: int = MAX_STEPS
    steps: int = 0
    results: dict[tuple[int, tuple[Value, ...]], Value] = field(default_factory=dict)
    contexts: dict[int, int] = field(default_factory=dict)
    active: list[int] = field(default_factory=list)
    code: dict[int, Mapping[int, Instruction]] = field(default_factory=dict)
    places: dict[tuple[int, int], int] = field(default_factory=dict)
    plain_context: bool = False
    kconfig: int | None = None

    def find_function(self, section: int, start: int) -> int | None:
        """Return the first function that starts at a place of a section."""
        if not self.places:
            for index, function in enumerate(self.spec.functions):
                self.places.setdefault((function.section_index, function.section_offset), index)
        return self.places.get((section, start))

    def find_kconfig(self) -> int:
        """Return the position of the ``.kconfig`` map, -1 without one."""
        if self.kconfig is None:
            maps = enumerate(self.spec.maps)
            self.kconfig = next((i for i, m in maps if m.name == ".kconfig"), -1)
        return self.kconfig

    def call(
        self, index: int, arguments: tuple[Value, ...], depth: int, *, top: bool = False
    ) -> Value:
        """Evaluate a function and return its r0 joined over its exits."""
        if index in self.active:
            self.flow.recursion.add(index)
            return None
        if depth >= MAX_DEPTH:
            self.flow.complete = False
            return None
        key = (index, arguments)
        if key in self.results:
            return self.results[key]
        count = self.contexts[index] = self.contexts.get(index, 0) + 1
        if count > MAX_CONTEXTS:
            arguments = UNKNOWN_ARGUMENTS
            if (index, arguments) in self.results:
                return self.results[index, arguments]
        self.flow.depth = max(self.flow.depth, depth + 1)
        self.active.append(index)
        result = self.evaluate(self, index, depth, top, arguments)
        self.active.pop()
        self.results[key] = self.results[index, arguments] = result
        return result

    def instructions(self, index: int) -> Mapping[int, Instruction]:
        """Return a function's instructions by insn index."""
        if index not in self.code:
            self.code[index] = {i.index: i for i in self.spec.functions[index].instructions}
        return self.code[index]
