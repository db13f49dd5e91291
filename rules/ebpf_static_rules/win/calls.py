"""The helpers an object uses: by its code, or by the helper tables of a native image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.specs import CollectionSpec, FunctionSpec
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import ProgramType
from ebpf_static_rules.facts import iter_loaded_with_types


class HelperUse(NamedTuple):
    """A helper one function uses.

    Attributes:
        function: the function, or the program of a native image.
        number: the helper's number.
        insn: the first call; None in a native image, which has no bytecode.
        types: types of the programs the function runs in, known ones only.
    """

    function: FunctionSpec
    number: int
    insn: int | None
    types: tuple[ProgramType, ...]

    @property
    def name(self) -> str:
        """What messages call the function."""
        return self.function.name or self.function.section


def iter_helpers(spec: CollectionSpec) -> Iterator[HelperUse]:
    """Yield every helper each function uses, once."""
    if isinstance(spec, NativeImageSpec):
        for program in spec.functions:
            for number in dict.fromkeys(it.number for it in program.helper_ids):
                yield HelperUse(program, number, None, _known({program.type}))
        return
    for function, facts, types in iter_loaded_with_types(spec, Platform.WINDOWS):
        for number, insns in facts.helpers.items():
            yield HelperUse(function, number, insns[0], _known(types or ()))


def _known(types: set[ProgramType] | frozenset[ProgramType] | tuple[()]) -> tuple[ProgramType, ...]:
    return tuple(sorted((it for it in types if it.known and it.number), key=lambda it: it.number))
