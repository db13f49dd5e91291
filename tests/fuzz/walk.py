"""Ask an object everything it can be asked: whatever is lazy fails here or not at all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ebpf_static.btf import Btf, BtfExt
from ebpf_static.errors import EbpfStaticError
from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec, FunctionSpec

_TYPES = 3_000
_LINKED = 200


def walk(data: bytes) -> CollectionSpec | None:
    """Read ``data`` and everything reachable from it; None when reading is refused.

    Raises:
        AssertionError: an answer breaks a promise of the specs.
        Exception: anything that is no EbpfStaticError escaped from a reader.
    """
    try:
        spec = read(data)
    except EbpfStaticError as error:
        check_error(error)
        return None
    walk_spec(spec)
    return spec


def walk_spec(spec: CollectionSpec) -> None:
    """Ask a spec everything.

    Raises:
        AssertionError: an answer breaks a promise of the specs.
    """
    _functions(spec)
    _maps(spec)
    if spec.btf is not None:
        walk_btf(spec.btf)
    if spec.btf_ext is not None:
        _ext(spec, spec.btf_ext)
    assert spec.model_dump_json()
    assert hash(spec) == hash(spec)


def check_error(error: EbpfStaticError) -> None:
    """Hold an error of ours to its promises: one printable line that does not repeat the input."""
    text = str(error)
    assert text.isprintable(), "an error is one printable line"
    assert len(text) < 20_000, "an error does not repeat the object"


def _functions(spec: CollectionSpec) -> None:
    for function in spec.functions:
        instructions = function.instructions if spec.elf is not None else ()  # else machine code
        assert (
            spec.elf is None
            or sum(1 + (i.next_imm is not None) for i in instructions) == function.insn_count
        )
        for reference in function.references:
            assert 0 <= reference.index < function.insn_count
            assert reference.target < len(spec.functions) + len(spec.maps) + len(spec.externs)
        assert len(function.references_by_index) == len(function.references)
    for program in spec.programs[:_LINKED]:
        with suppress(EbpfStaticError):
            linked = spec.get_linked(program)
            assert linked[0] is program
            assert len({id(f) for f in linked}) == len(linked)


def _maps(spec: CollectionSpec) -> None:
    for item in spec.maps:
        assert len(item.libbpf_name("some_object.bpf.o").encode("utf-8", "surrogateescape")) >= 0
        assert repr(item.type)
    for variable in spec.variables:
        assert variable.value is None or len(variable.value) <= variable.size
    for program in spec.programs:
        assert repr(program.type), repr(program.attach_type)


def walk_btf(btf: Btf) -> None:
    """Ask types everything; errors of ours are answers."""
    for type_id in range(min(len(btf) + 1, _TYPES)):
        calls: tuple[Any, ...] = (btf.type, btf.name, btf.resolve, btf.size_of, btf.align_of,
                                  btf.decl_tags, btf.type_offset)  # fmt: skip
        for call in calls:
            try:
                call(type_id)
            except EbpfStaticError as error:
                check_error(error)
    with suppress(EbpfStaticError):
        assert sum(1 for _ in btf.iter_types(own=True)) == len(btf) - btf.start_id


def _ext(spec: CollectionSpec, ext: BtfExt) -> None:
    for section in ext.sections:
        ext.func_infos(section)
        with suppress(EbpfStaticError):
            ext.core_relocations(section)
    for function in spec.functions:
        _lines(ext, function)


def _lines(ext: BtfExt, function: FunctionSpec) -> None:
    for at in range(0, min(len(function.code), 4096), 8):
        with suppress(EbpfStaticError):
            ext.line_for(function.section, function.section_offset + at)
