"""Which functions a program reaches, for whoever asks that of all programs of an object."""

from __future__ import annotations

from typing import Final

from ebpf_static.errors import LimitError
from ebpf_static.limits import MAX_LINKED_FUNCTIONS
from ebpf_static.specs import CollectionSpec, FunctionSpec

MAX_LINKED: Final = 1 << 17
"""Functions reached by all programs together that are followed; honest objects have thousands."""


class Links:
    """The functions programs reach, as far as following them all is reasonable.

    Attributes:
        complete: False once a program was taken alone, though it reaches others.
    """

    def __init__(self, spec: CollectionSpec) -> None:
        self._spec = spec
        self._budget = MAX_LINKED
        self.complete = True

    def find(self, program: FunctionSpec) -> tuple[FunctionSpec, ...] | None:
        """Return a program and the functions it reaches; None when they are too many.

        Many programs that all reach many functions would take the product of both.
        """
        if self._budget > 0:
            try:
                linked = self._spec.get_linked(program)
            except LimitError:
                self._budget -= MAX_LINKED_FUNCTIONS
            else:
                self._budget -= len(linked)
                return linked
        self.complete = False
        return None

    def of(self, program: FunctionSpec) -> tuple[FunctionSpec, ...]:
        """Return a program and the functions it reaches; itself alone when they are too many."""
        return self.find(program) or (program,)
