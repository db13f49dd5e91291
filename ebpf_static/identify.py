"""Tells a Linux object from a Windows object by what it shows, and says why.

No single header field names the platform: only efW's optional tag section states it. Everything
else is weighed (``data/identify.json``): sections, helper ids, map types and layouts, BTF types and
their shapes, CO-RE relocations, source paths. Names both platforms use prove nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any, Final

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import AnyEnum, Enum, Enum64, Struct, Union
from ebpf_static.errors import ObjectError
from ebpf_static.formats.draft import MapDraft, ObjectDraft
from ebpf_static.interpret import interpret
from ebpf_static.interpret.legacy_maps import EFW, EFW_OLD
from ebpf_static.isa.scan import iter_calls
from ebpf_static.package_data import read_data
from ebpf_static.specs.evidence import Evidence
from ebpf_static.specs.map import MapOrigin
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId, MapType
from ebpf_static.uapi.sections import match_linux_loose, match_windows

_PLATFORMS: Final = (Platform.LINUX, Platform.WINDOWS)
_FIRST_EXTENSION_HELPER: Final = 65536
_PATH_SAMPLES: Final = 64
_INNER_MEMBERS: Final = frozenset({"inner_map_idx", "inner_id"})
_SECTION_SAMPLES: Final = 16
_PROGRAM_SAMPLES: Final = 256
_CONTEXT_STEPS: Final = 100_000
"""Instructions followed in all programs together for what they show of their context."""


@cache
def _facts() -> dict[str, Any]:
    text = read_data("ebpf_static", "data", "identify.json")
    facts: dict[str, Any] = json.loads(text)
    return facts


def identify(draft: ObjectDraft) -> tuple[Platform, tuple[Evidence, ...]]:
    """Return the platform an object is made for and the evidence, strongest first.

    The strongest observation of each kind counts once, so that ten programs of one kind weigh no
    more than one. Too little evidence, or as much for one side as for the other, is ``UNKNOWN``.
    """
    evidence = _distinct(_iter_evidence(draft))
    platform = _decide(evidence)
    if platform is Platform.UNKNOWN:
        # Following the context through the code costs more than all the rest together.
        evidence = _distinct((*evidence, *_context_accesses(draft)))
        platform = _decide(evidence)
    return platform, evidence


def _distinct(items: Iterable[Evidence]) -> tuple[Evidence, ...]:
    best: dict[tuple[Platform, str, str], Evidence] = {}
    for item in items:
        best.setdefault((item.platform, item.kind, item.what), item)
    key = attrgetter("platform", "kind", "where", "what")
    return tuple(sorted(best.values(), key=lambda item: (-item.weight, *key(item))))


def _decide(evidence: tuple[Evidence, ...]) -> Platform:
    linux, windows = (_score(evidence, platform) for platform in _PLATFORMS)
    if max(linux, windows) < _facts()["minimum"] or linux == windows:
        return Platform.UNKNOWN
    return Platform.LINUX if linux > windows else Platform.WINDOWS


def _score(evidence: tuple[Evidence, ...], platform: Platform) -> int:
    kinds: dict[str, int] = {}
    for item in evidence:
        if item.platform is platform:
            kinds[item.kind] = max(kinds.get(item.kind, 0), item.weight)
    return sum(kinds.values())


def _evidence(platform: Platform | str, kind: str, what: str, where: str) -> Evidence:
    return Evidence.model_construct(
        platform=Platform(platform),
        kind=kind,
        weight=_facts()["weights"][kind],
        what=what,
        where=where,
    )


def _iter_evidence(draft: ObjectDraft) -> Iterator[Evidence]:
    if draft.tag is not None:
        yield _evidence(
            "windows",
            "tag-section",
            "the section that tags an efW object is there",
            "section .ebpf_for_windows",
        )
    yield from _sections(draft)
    yield from _helpers(draft)
    yield from _instructions(draft)
    for item in draft.maps:
        yield from _map(item, draft)
    yield from _externs(draft)
    try:
        if draft.btf is not None:
            yield from _btf(draft.btf)
        yield from _ext(draft)
    except ObjectError:
        # Broken BTF is a problem of its own; here it just shows nothing more.
        return


def _sections(draft: ObjectDraft) -> Iterator[Evidence]:
    for section in draft.elf.sections:
        for platform, names in _facts()["data_sections"].items():
            if section.name in names and section.size:
                yield _evidence(
                    platform,
                    "data-section",
                    f"section `{section.name}` means something only there",
                    f"section {section.name}",
                )
    for name in dict.fromkeys(f.section for f in draft.functions if f.section != ".text"):
        linux, windows = match_linux_loose(name), match_windows(name)
        where = f"section {name}"
        if linux is not None and windows is None:
            kind = "section-name" if linux.exact else "section-prefix"
            yield _evidence("linux", kind, f"section `{linux.pattern}` exists only on Linux", where)
        elif windows is not None and windows.windows_only and linux is None:
            # Windows needs no separator, but `process_exec` may as well be somebody's own name.
            meant = windows.exact or name.startswith(f"{windows.pattern}/")
            kind = "section-name" if meant else "section-guess"
            yield _evidence(
                "windows", kind, f"section `{windows.pattern}` exists only on Windows", where
            )


def _helpers(draft: ObjectDraft) -> Iterator[Evidence]:
    seen: set[int] = set()
    for function in draft.functions:
        for _, source, number in iter_calls(function.code, function.byte_order):
            if source or number in seen:
                continue
            seen.add(number)
            where = f'function "{function.name}"'
            linux = HelperId.of(Platform.LINUX, number)
            if number >= _FIRST_EXTENSION_HELPER:
                if HelperId.of(Platform.WINDOWS, number).candidates:
                    yield _evidence(
                        "windows", "helper-id", f"helper {number} exists only on Windows", where
                    )
            elif linux.known and not HelperId.of(Platform.WINDOWS, number).known:
                yield _evidence(
                    "linux",
                    "helper-id",
                    f"helper {number} (`{linux.name}`) exists only on Linux",
                    where,
                )


def _instructions(draft: ObjectDraft) -> Iterator[Evidence]:
    for row in _facts()["opcodes"]:
        for function in draft.functions:
            if not set(row["opcodes"]).isdisjoint(function.code[::8]):
                where = f'function "{function.name}"'
                yield _evidence(row["platform"], "instruction", row["what"], where)


def _context_accesses(draft: ObjectDraft) -> Iterator[Evidence]:
    """Look at how programs of shared section names read their context."""
    from ebpf_static.analysis import Base, analyse  # most objects are told without it

    spec = interpret(draft, Platform.UNKNOWN, (), Platform.LINUX)
    rows = _facts()["context_accesses"]
    budget = _CONTEXT_STEPS
    for program in spec.programs[:_PROGRAM_SAMPLES]:
        name = program.type.name
        wanted = [row for row in rows if row["program_type"] == name]
        if not wanted or match_windows(program.section) is None:
            continue
        if budget <= 0:
            break
        flow = analyse(spec, program, max_steps=budget)
        budget -= flow.steps
        for access in flow.accesses.values():
            offset = access.pointer.offset
            if access.pointer.base is not Base.CONTEXT or offset is None:
                continue
            for row in wanted:
                if (
                    row["low"] <= offset < row["high"]
                    and row.get("size", access.size) == access.size
                ):
                    yield _evidence(
                        row["platform"],
                        "context-access",
                        f"{access.size} bytes at offset {offset} of the context are "
                        f"{name}'s only there",
                        f'program "{program.name}"',
                    )


def _map(item: MapDraft, draft: ObjectDraft) -> Iterator[Evidence]:
    where = f'map "{item.name}"'
    if item.record is not None:
        yield from _record(item, draft, where)
    elif item.number is not None:
        known = {p: MapType.of(p, item.number).known for p in _PLATFORMS}
        if known[Platform.LINUX] and not known[Platform.WINDOWS]:
            yield _evidence(
                "linux", "map-type", f"map type {item.number} exists only on Linux", where
            )
        yield from _map_shape(item, where)
    for platform, members in _facts()["map_members"].items():
        for member in item.declared:
            if member in members:
                yield _evidence(
                    platform, "map-member", f"maps have the member `{member}` only there", where
                )


def _map_shape(item: MapDraft, where: str) -> Iterator[Evidence]:
    """Compare a definition with what its type's number may look like on each platform."""
    if item.origin is not MapOrigin.BTF:
        return
    inner = item.inner is not None or not _INNER_MEMBERS.isdisjoint(item.declared)
    for row in _facts()["map_shapes"]:
        if row["type"] != item.number:
            continue
        value = inner if row["field"] == "inner" else getattr(item, row["field"])
        if value in row["is"] if "is" in row else value not in row["is_not"]:
            yield _evidence(
                row["platform"],
                row["kind"],
                f"a map of type {item.number} is so declared only there: {row['why']}",
                where,
            )


def _record(item: MapDraft, draft: ObjectDraft, where: str) -> Iterator[Evidence]:
    size = len(item.record or b"")
    first = int.from_bytes((item.record or b"")[:4], draft.elf.byte_order)
    if first == 0:
        # Zeroes are no record: a BTF-defined map whose BTF is gone.
        return
    if size == EFW.size or (size == EFW_OLD.size and first == size):
        yield _evidence("windows", "map-layout", f"map records of {size} bytes are efW's", where)
    elif size in (20, 28, 36):
        yield _evidence(
            "linux", "map-layout", f"map records of {size} bytes are Linux loaders'", where
        )


def _externs(draft: ObjectDraft) -> Iterator[Evidence]:
    for extern in draft.externs:
        where = f'extern "{extern.name}"'
        prefixes = tuple(_facts()["extern_tags"]["windows"])
        if any(tag.startswith(prefixes) for tag in extern.tags):
            yield _evidence("windows", "extern-tag", "an extern names its efW module", where)
        elif extern.section in (".ksyms", ".kconfig"):
            yield _evidence("linux", "extern", f"externs in `{extern.section}` are Linux's", where)


def _btf(btf: Btf) -> Iterator[Evidence]:
    facts = _facts()
    for platform, names in facts["btf_types"].items():
        for name in names:
            if btf.find_all(name):
                yield _evidence(
                    platform, "btf-type", f"type `{name}` exists only there", f"BTF type {name}"
                )
    for shape in facts["btf_shapes"]:
        for name in shape["types"]:
            yield from _shape(btf, shape, name)
    enumerators = _enumerators(btf)
    for row in facts["btf_enums"]:
        value = enumerators.get(row["name"])
        fits = [p for p in ("linux", "windows") if row.get(p) == value]
        if value is not None and len(fits) == 1:
            yield _evidence(
                fits[0],
                "btf-enum",
                f"`{row['name']}` is {value} only there",
                f"BTF enumerator {row['name']}",
            )


def _shape(btf: Btf, shape: dict[str, Any], name: str) -> Iterator[Evidence]:
    type_id = btf.find(name, Kind.STRUCT)
    record = None if type_id is None else btf.type(type_id)
    if not isinstance(record, Struct):
        return
    for member in _iter_members(btf, record):
        if member[0] != shape["member"]:
            continue
        found = {"offset": member[1], "size": member[2]}
        fits = [p for p in ("linux", "windows") if shape.get(p) == found]
        if len(fits) == 1:
            yield _evidence(
                fits[0],
                "btf-shape",
                f"`{name}.{member[0]}` has {member[2]} bytes at offset {member[1]} only there",
                f"BTF type {name}",
            )


def _iter_members(btf: Btf, record: Struct, base: int = 0) -> Iterator[tuple[str, int, int]]:
    """Yield (name, byte offset, size) of a struct's members, one level of anonymous ones opened."""
    for member in record.members:
        at = base + member.bit_offset // 8
        inner = btf.type(btf.resolve(member.type_id))
        if not member.name and base == 0 and isinstance(inner, Struct | Union):
            for nested in inner.members:
                yield nested.name, at + nested.bit_offset // 8, btf.size_of(nested.type_id)
        else:
            yield member.name, at, btf.size_of(member.type_id)


def _enumerators(btf: Btf) -> dict[str, int]:
    wanted = {row["name"] for row in _facts()["btf_enums"]}
    found: dict[str, int] = {}
    for kind in (Kind.ENUM, Kind.ENUM64):
        for type_id in btf.iter_ids(kind):
            record = btf.type(type_id)
            if isinstance(record, Enum | Enum64):
                found.update(_wanted(record, wanted))
    return found


def _wanted(record: AnyEnum, wanted: set[str]) -> dict[str, int]:
    return {value.name: value.value for value in record.values if value.name in wanted}


def _ext(draft: ObjectDraft) -> Iterator[Evidence]:
    ext = draft.btf_ext
    if ext is None:
        return
    core = ext.core_sections
    if core:
        yield _evidence(
            "linux",
            "core-relocation",
            "CO-RE relocations are resolved only there",
            f"section {core[0]}",
        )
    for section in ext.sections[:_SECTION_SAMPLES]:
        for path in ext.source_files(section, _PATH_SAMPLES):
            yield from _path(path, section)


def _path(path: str, section: str) -> Iterator[Evidence]:
    for platform, fragments in _facts()["source_paths"].items():
        for fragment in fragments:
            if fragment in path:
                yield _evidence(
                    platform,
                    "source-path",
                    f"a source path contains `{fragment}`",
                    f"section {section}",
                )
