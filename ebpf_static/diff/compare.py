"""Compares two objects, or an object and the native image said to be made from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from ebpf_static.diff.image import ImageNames, as_image_has_it
from ebpf_static.diff.model import Change, Difference, DiffReport, Origin
from ebpf_static.diff.needs import Comparison, iter_needs
from ebpf_static.isa.scan import iter_calls
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapSpec, ProgramSpec
from ebpf_static.specs.base import Named
from ebpf_static.specs.native import NativeImageSpec, NativeProgramSpec
from ebpf_static.target import Target
from ebpf_static.uapi.constants import HelperId

T = TypeVar("T", bound=Named)
Fields = dict[str, str]


def compare(
    left: CollectionSpec,
    right: CollectionSpec,
    *,
    names: tuple[str, str] = ("left", "right"),
    left_data: bytes | None = None,
    right_data: bytes | None = None,
    targets: Sequence[Target] = (),
) -> DiffReport:
    """Return what differs between two objects.

    Where one side is a native image and the other an object, what images do not hold (map flags,
    type information) is left out, names are translated as bpf2c does, and :attr:`DiffReport.origin`
    says whether the image was made from the object.

    Args:
        left: one side.
        right: the other.
        names: what to call them.
        left_data: bytes of the left object, to compare with the hash in a right-hand image.
        right_data: likewise, the other way round.
        targets: releases to say for whether the right object loads where the left one did.

    Raises:
        UnknownTargetError: a target is no release.
        UsageError: one of its files cannot be read.
    """
    image_sides = [isinstance(spec, NativeImageSpec) for spec in (left, right)]
    mixed = image_sides[0] is not image_sides[1]
    if mixed:
        left, right = _translate(left, right)
    differences = tuple(_iter_differences(left, right, mixed=mixed))
    report = DiffReport(left=names[0], right=names[1], differences=differences)
    if not mixed:
        return _with_releases(report, left, right, targets)
    image, data = (left, right_data) if image_sides[0] else (right, left_data)
    origin, note = _origin(image, data, differences)
    left_out = "images hold no bytecode, map flags, type information or licence: not compared"
    return report.model_copy(update={"origin": origin, "notes": (note, left_out)})


def _with_releases(
    report: DiffReport, left: CollectionSpec, right: CollectionSpec, targets: Sequence[Target]
) -> DiffReport:
    """Add what each side needs and since when it loads, where both are for one platform."""
    if left == right or left.numbering is not right.numbering:
        return report
    comparison = Comparison(left, right)
    found = (*iter_needs(left, right), *comparison.iter_differences())
    return report.model_copy(
        update={
            "differences": (*report.differences, *found),
            "regressions": tuple(comparison.iter_regressions(targets)),
        }
    )


def _translate(
    left: CollectionSpec, right: CollectionSpec
) -> tuple[CollectionSpec, CollectionSpec]:
    if isinstance(left, NativeImageSpec):
        return left, as_image_has_it(right, ImageNames.of(left))
    assert isinstance(right, NativeImageSpec)  # noqa: S101 - one side is an image
    return as_image_has_it(left, ImageNames.of(right)), right


def _origin(
    image: CollectionSpec, data: bytes | None, differences: tuple[Difference, ...]
) -> tuple[Origin, str]:
    stored = image.elf_hash if isinstance(image, NativeImageSpec) else None
    if stored is None:
        note = "the image holds no hash of the object it was made from"
        return (Origin.DIFFERENT if differences else Origin.CONSISTENT), note
    if data is not None and stored in _hashes(data):
        return Origin.SAME, "the image holds the hash of exactly this object"
    if differences:
        return Origin.DIFFERENT, "the image holds the hash of another object"
    return Origin.CONSISTENT, "the image holds another hash: the object may have been rebuilt"


def _hashes(data: bytes) -> tuple[bytes, ...]:
    """Return the hashes bpf2c can be told to use (``--hash``), SHA256 by default."""
    return tuple(hashlib.new(name, data).digest() for name in ("sha256", "sha384", "sha512"))


def _iter_differences(
    left: CollectionSpec, right: CollectionSpec, *, mixed: bool
) -> Iterator[Difference]:
    if left.platform is not right.platform:
        yield _changed("object", "", "platform", str(left.platform), str(right.platform))
    if not mixed:
        yield from _object_fields(left, right)
    yield from _compare_named("map", left.maps, right.maps, lambda m: _map_fields(m, mixed=mixed))
    yield from _compare_named(
        "program",
        left.programs,
        right.programs,
        lambda p: _program_fields(p, left if p in left.programs else right, mixed=mixed),
    )
    if not mixed:
        mine, theirs = (
            [f for f in spec.functions if not isinstance(f, ProgramSpec)] for spec in (left, right)
        )
        yield from _compare_named("function", mine, theirs, _function_fields)
        yield from _compare_named(
            "extern",
            left.externs,
            right.externs,
            lambda e: {"kind": str(e.kind), "weak": str(e.weak).lower()},
        )


def _object_fields(left: CollectionSpec, right: CollectionSpec) -> Iterator[Difference]:
    rows = (
        ("byte order", left.byte_order, right.byte_order),
        ("license", left.license or "none", right.license or "none"),
        ("size", _size(left), _size(right)),
    )
    for field, one, other in rows:
        if one != other:
            yield _changed("object", "", field, one, other)


def _size(spec: CollectionSpec) -> str:
    return f"{spec.elf.file_size} bytes" if spec.elf else ""


def _compare_named(
    subject: str, left: Iterable[T], right: Iterable[T], fields: Callable[[T], Fields]
) -> Iterator[Difference]:
    """Compare things by name; those with one name are paired in order."""
    waiting: dict[str, list[T]] = {}
    for item in right:
        waiting.setdefault(item.name, []).append(item)
    for item in left:
        others = waiting.get(item.name)
        if not others:
            yield Difference(change=Change.REMOVED, subject=subject, name=item.name)
            continue
        mine, theirs = fields(item), fields(others.pop(0))
        for field in mine:
            if mine[field] != theirs.get(field, ""):
                yield _changed(subject, item.name, field, mine[field], theirs.get(field, ""))
    for others in waiting.values():
        for item in others:
            yield Difference(change=Change.ADDED, subject=subject, name=item.name)


def _changed(subject: str, name: str, field: str, left: str, right: str) -> Difference:
    return Difference(
        change=Change.CHANGED, subject=subject, name=name, field=field, left=left, right=right
    )


def _map_fields(item: MapSpec, *, mixed: bool) -> Fields:
    fields = {
        "type": str(item.type),
        "key size": str(item.key_size),
        "value size": str(item.value_size),
        "max entries": str(item.max_entries),
        "pinning": str(item.pinning),
        "inner map": _inner(item.inner),
        "initial elements": ", ".join(f"{v.index}: {v.name}" for v in item.values) or "none",
        "contents": "none" if item.data is None else hashlib.sha256(item.data).hexdigest()[:16],
    }
    if not mixed:
        fields |= {
            "flags": f"{item.flags:#x}",
            "map_extra": f"{item.map_extra:#x}",
            "numa_node": str(item.numa_node),
        }
    elif item.data is None:
        # Zeroes need no initial contents in an image.
        fields["contents"] = "none"
    return fields


def _inner(inner: MapSpec | None) -> str:
    if inner is None:
        return "none"
    return f"{inner.type} {inner.key_size}/{inner.value_size}/{inner.max_entries}"


def _program_fields(program: ProgramSpec, spec: CollectionSpec, *, mixed: bool) -> Fields:
    fields = {
        "section": program.section,
        "type": str(program.type),
        "attach type": str(program.attach_type or "none"),
        "instructions": str(program.insn_count),
        "helpers": ", ".join(_helpers(program, spec)) or "none",
        "maps": ", ".join(_maps(program, spec)) or "none",
    }
    if not mixed:
        fields["attach to"] = program.attach_to or "none"
        fields["code"] = hashlib.sha256(program.code).hexdigest()[:16]
    return fields


def _function_fields(function: FunctionSpec) -> Fields:
    return {
        "instructions": str(function.insn_count),
        "code": hashlib.sha256(function.code).hexdigest()[:16],
    }


def _helpers(program: ProgramSpec, spec: CollectionSpec) -> list[str]:
    """Return the helpers a program may call, subprograms included, by number."""
    if isinstance(program, NativeProgramSpec):
        found = set(program.helper_ids)
    else:
        found = {
            HelperId.of(spec.numbering, number, program.type if program.type.known else None)
            for function in spec.get_linked(program)
            for _, source, number in iter_calls(function.code, function.byte_order)
            if source == 0 and number > 0
        }
    return [helper.name for helper in sorted(found, key=lambda helper: helper.number)]


def _maps(program: ProgramSpec, spec: CollectionSpec) -> list[str]:
    if isinstance(program, NativeProgramSpec) and isinstance(spec, NativeImageSpec):
        return sorted(set(spec.find_referenced_maps(program)))
    kinds = ("map", "map_value")
    return sorted(
        {
            spec.maps[reference.target].name
            for function in spec.get_linked(program)
            for reference in function.references
            if reference.kind in kinds and 0 <= reference.target < len(spec.maps)
        }
    )
