"""Everything about eBPF for Windows (efW)."""

from __future__ import annotations

import json
import re
from typing import Any

from scripts.support_tables.common import ROOT, Row, Table, compact, key, shorten, snapshot

SPAN = re.compile(r"v([\d.]+)\.\.v([\d.]+)")
SINCE = re.compile(r"since v?(\d+\.\d+\.\d+)")
OLDEST = "0.9.0"
"""Oldest release the tables answer for."""

EXTENSIONS = (
    ("xdp-for-windows", "xdp-for-windows"),
    ("neteventebpfext", "neteventebpfext"),
    ("ntosebpfext", "ntosebpfext"),
    ("sample", "sample"),
)
"""Providers that are not part of eBPF for Windows itself."""

EFW_RELEASES = "microsoft/ebpf-for-windows:include/ebpf_structs.h (at every tag)"


def _header(facts: Row) -> list[str]:
    commits = [f"{repository} at {commit}" for repository, commit in facts["as_of"].items()]
    return [*facts["source"], *commits]


def _release(text: str) -> str:
    return text.removeprefix("v")


def releases() -> Table:
    """Releases in order, with what is odd about their tags."""
    facts = snapshot("windows/releases")
    minimum = facts["minimum_image_version_by_runtime"]
    rows = []
    for fact in facts["releases"]:
        unreleased = fact["tag"] is None
        version = "1.6.0" if unreleased else _release(fact["version"])
        if key(version) < key(OLDEST):
            continue
        rows.append(
            compact(
                name=version,
                unreleased=unreleased or None,
                date=fact["commit_date"],
                minimum_image=minimum.get(fact["version"]),
                source=f"microsoft/ebpf-for-windows at {fact['commit']}",
            )
        )
    absent = {
        "1.0.0": "was never tagged: 1.0.0-rc1 and 1.0.0-rc2 were followed by 1.1.0",
        "1.2.0": "was never tagged: 1.1.0 was followed by 1.2.1",
        "0.19.2": "is a servicing release that these tables do not cover",
    }
    return Table(_header(facts), rows, absent=absent)


def _retired(fact: Row, rows: list[str]) -> str | None:
    """Return the first release without a value that was withdrawn."""
    for field in ("status", "provider"):
        match = SPAN.search(fact.get(field) or "")
        if match:
            return next(name for name in rows if key(name) > key(match.group(2)))
    return None


def _names() -> list[str]:
    return [str(row["name"]) for row in releases().rows]


def _extension(provider: str | None) -> list[str]:
    found = next((name for part, name in EXTENSIONS if part in (provider or "")), None)
    return [f"extension={found}"] if found else []


def _spans(since: str, until: str | None, texts: list[str]) -> list[Row]:
    return [compact(since=since, until=until, when=texts)]


def map_types() -> Table:
    """Map types with what creation wants, as numbers where the runtime checks them."""
    facts = snapshot("windows/map_types")
    rows = []
    for fact in facts["map_types"]:
        name = shorten(fact["name"], "BPF_MAP_TYPE_")
        texts = [] if fact["creatable"] is True else _map_provider(fact)
        spans = _spans(_release(fact["first_release"]), None, texts) if fact["creatable"] else []
        rows.append(
            compact(
                name=name,
                number=fact["value"],
                spans=spans,
                source=facts["source"][0],
                note="; ".join(fact.get("notes", [])) or None,
                **MAP_SIZES.get(fact["kind"], {}),
                inner_map="required" if fact["kind"].endswith("of_maps") else None,
                max_entries_is_limit=fact.get("max_entries_is_limit"),
                per_cpu=fact.get("per_cpu"),
            )
        )
    return Table(_header(facts), rows, rules=facts["general_creation_rules"])


def _map_provider(fact: Row) -> list[str]:
    name = "sample" if "sample" in str(fact["creatable"]) else "xdp-for-windows"
    return [f"extension={name}"]


_ONE_UP: list[Row] = [{"min": 1}]
_ZERO: list[Row] = [{"one_of": [0]}]
_FOUR: list[Row] = [{"one_of": [4]}]
_PAGES: list[Row] = [
    {"min": 4096, "power_of_two": True, "multiple_of": 4096, "note": "the size in bytes"}
]
_PLAIN: Row = {"key_size": _ONE_UP, "value_size": _ONE_UP, "max_entries": _ONE_UP}

MAP_SIZES: dict[str, Row] = {
    "hash": _PLAIN,
    "lru_hash": _PLAIN,
    "array": {**_PLAIN, "key_note": "read as a u32: anything but 4 is a latent bug"},
    "array_of_objects": {**_PLAIN, "value_size": _FOUR, "key_note": "tail calls need 4"},
    "hash_of_maps": {**_PLAIN, "value_size": _FOUR},
    "array_of_maps": {**_PLAIN, "value_size": _FOUR, "key_note": "read as a u32"},
    "lpm": {**_PLAIN, "key_size": [{"min": 4}]},
    "queue": {**_PLAIN, "key_size": _ZERO},
    "stack": {**_PLAIN, "key_size": _ZERO},
    "ringbuf": {"key_size": _ZERO, "max_entries": _PAGES},
    "perf": {"max_entries": _PAGES},
}
"""Creation checks by kind (``libs/execution_context/ebpf_maps.c``)."""


XDP_MOVED = "0.14.0"
"""Release whose netebpfext no longer provides XDP: xdp-for-windows does."""


def _type_spans(name: str, since: str, until: str | None, provider: str | None) -> list[Row]:
    if name == "UNSPEC":
        return []
    texts = _extension(provider)
    if name == "XDP":
        return [*_spans(since, XDP_MOVED, []), *_spans(XDP_MOVED, until, texts)]
    return _spans(since, until, texts)


def program_types() -> Table:
    """Program types; those of other extensions need them installed."""
    facts = snapshot("windows/program_types")
    names = _names()
    rows = []
    for fact in facts["program_types"]:
        name = shorten(fact["name"], "BPF_PROG_TYPE_")
        since = _release(fact["first_release"])
        until = _retired({"status": fact.get("status")}, names)
        spans = _type_spans(name, since, until, fact["provider"])
        rows.append(
            compact(
                name=name,
                number=fact["value"],
                spans=spans,
                source=facts["source"][0],
                note=fact.get("status"),
                provider=fact["provider"],
            )
        )
    return Table(_header(facts), rows)


def attach_types() -> Table:
    """Attach types."""
    facts = snapshot("windows/attach_types")
    names = _names()
    rows = []
    for fact in facts["attach_types"]:
        name = shorten(fact["name"], "BPF_ATTACH_TYPE_", "BPF_")
        until = _retired(fact, names) if "status" in fact else None
        since = _release(fact["first_release"])
        spans = _type_spans(name, since, until, fact.get("provider"))
        rows.append(
            compact(
                name=name,
                number=fact["value"],
                spans=spans,
                source=facts["source"][0],
                program_types=[
                    shorten(it, "BPF_PROG_TYPE_") for it in [fact["program_type"]] if it
                ],
                bpf_prog_attach=fact.get("bpf_prog_attach"),
            )
        )
    return Table(_header(facts), rows)


def helpers() -> Table:
    """Helpers; ``scope`` is the program type of a number from 65536 on."""
    facts = snapshot("windows/helpers")
    types = {row["name"]: row for row in program_types().rows}
    rows = [_general(fact, facts["source"][0]) for fact in facts["general_helpers"]]
    rows += [_scoped(fact, types) for fact in facts["extension_helpers"]]
    return Table(_header(facts), rows)


def _general(fact: Row, source: str) -> Row:
    overriding = [shorten(text.split(" ")[0], "BPF_PROG_TYPE_") for text in fact["overridden_by"]]
    return compact(
        name=shorten(fact["enum"], "BPF_FUNC_"),
        number=fact["id"],
        spans=_spans(_release(fact["first_release"]), None, []),
        source=source,
        program_types=None if fact["default_implementation"] else overriding,
        note=None
        if fact["default_implementation"]
        else "has no default implementation: only program types that bring their own have it",
    )


def _scoped(fact: Row, types: dict[str, Row]) -> Row:
    scope = shorten(fact["scope"], "BPF_PROG_TYPE_")
    match = SPAN.search(fact.get("status", ""))
    until = None
    if match:
        since = match.group(1)
        until = next(name for name in _names() if key(name) > key(match.group(2)))
    else:
        first = fact.get("first_release")
        since = _release(first) if first else types[scope]["spans"][0]["since"]
    texts = _extension(fact["provider"])
    if fact.get("implicit_context"):
        texts.append("build=an image from bpf2c 0.18.0 or later")
    return compact(
        name=fact["name"].removeprefix("bpf_"),
        number=fact["id"],
        scope=scope,
        spans=_spans(since, until, texts),
        source=fact["source"],
        note=fact.get("status"),
    )


def instructions() -> Table:
    """What the verifier, the JIT and bpf2c each make of every operation of ``isa``."""
    facts = snapshot("windows/instructions")
    path = ROOT / "ebpf_static" / "isa" / "data" / "operations.json"
    operations = json.loads(path.read_text(encoding="utf-8"))["operations"]
    rows = []
    for operation in operations:
        fact = next((it for it in facts["isa"]["opcodes"] if _matches(operation, it)), None)
        if fact is None:
            continue
        now, then = fact["actual_at_head"], fact["documented"] or {}
        fields = {
            back_end: _back_end(now[name], then.get(name), plain=_plain(operation))
            for back_end, name in (
                ("verifier", "verifier"),
                ("jit", "ubpf_jit_and_interpreter"),
                ("native", "native_bpf2c"),
            )
        }
        source = (
            "microsoft/ebpf-for-windows:tools/bpf2c/bpf_code_generator.cpp, docs/isa-support.rst"
        )
        rows.append(
            {"name": operation["name"], **fields, "source": source} | compact(note=fact.get("note"))
        )
    return Table(_header(facts), rows, newest_read="1.5.0")


def _plain(operation: Row) -> bool:
    """Whether an operation belongs to what every eBPF machine always had."""
    late = operation["cpu"] not in ("v1", "v2") or operation["kind"] == "atomic"
    return not late and operation["name"] not in ("call_local", "call_kfunc", "callx")


def _back_end(now: Any, documented: Any, *, plain: bool) -> list[Row]:
    """Return the spans of one back end.

    The documentation is of October 2024, about release 0.20; what HEAD does beyond it began
    somewhere between the two, and what it says of newer operations some time before.
    """
    if now is False:
        return []
    since = SINCE.search(now) if isinstance(now, str) else None
    words = None if since or now is True else f"other={now}"
    texts = [words] if words else []
    if since:
        return [compact(since=since.group(1), when=texts)]
    if documented is True and plain:
        return [compact(since="0.2.0", when=texts)]
    if documented is True:
        return [{"since": "0.2.0", "seen": "0.20.0", "bound": True} | compact(when=texts)]
    return [{"since": "0.2.0", "seen": "1.5.0", "bound": True} | compact(when=texts)]


def _matches(operation: Row, fact: Row) -> bool:
    """Whether a row of efW's table is about ``operation``."""
    if int(fact["opcode"], 16) != operation["opcode"] or fact["mnemonic"].startswith("second"):
        return False
    field = operation["selector"]
    if field is None:
        return True
    text = fact["offset" if field == "off" else field]
    return text == "any" or int(text, 0) in operation["allowed"][field]


EFW = "microsoft/ebpf-for-windows:"

FEATURES = (
    ("bpf_to_bpf_calls", "0.20.0", "native", "tools/bpf2c/bpf_code_generator.cpp"),
    ("global_data", "0.21.0", "native", "tools/bpf2c/bpf_code_generator.cpp"),
    ("implicit_context", "0.18.0", "native", "include/bpf2c.h"),
    ("custom_maps", "1.1.0", None, "include/ebpf_structs.h"),
    ("btf_resolved_functions", "1.5.0", "native", "docs/BtfResolvedFunctions.md"),
    ("linux_command_numbers", "0.20.0", None, "include/linux/bpf.h"),
    ("pin_by_name", "0.12.0", None, "include/ebpf_structs.h"),
    ("versioned_native_images", "0.21.0", "native", "include/bpf2c.h"),
    ("open_from_memory", "0.16.0", None, "ebpfapi/Source.def"),
    ("autoload", "0.18.0", None, "ebpfapi/Source.def"),
)
"""Features by first release; ``native`` ones exist in native images only."""


def features() -> Table:
    """What releases added that is neither a type nor a helper."""
    facts = snapshot("windows/releases")
    rows = [
        compact(
            name=name,
            spans=_spans(since, None, ["build=a native image"] if native else []),
            source=EFW + path,
        )
        for name, since, native, path in FEATURES
    ]
    return Table(_header(facts), rows)


LIMITS = (
    ("stack_bytes", "bytes", "stack_bytes_per_frame", "external/ebpf-verifier"),
    ("call_frames", "frames", "call_frames", "external/ebpf-verifier"),
    ("function_arguments", "arguments", "helper_args", "include/ebpf_structs.h"),
    ("tail_calls", "calls", "tail_call_chain", "libs/execution_context/ebpf_core.h"),
    ("jit_insns", "insns", "ubpf_max_instructions_exclusive", "external/ubpf"),
    ("jit_helpers", "helpers", "jit_distinct_helpers", "external/ubpf"),
    ("jit_code_bytes", "bytes", "jit_native_code_buffer_bytes", "libs/service/api_service.cpp"),
)
NAME_LIMITS = (
    ("map_name_bytes", 63, "libs/execution_context/ebpf_maps.c"),
    ("program_name_bytes", 63, "libs/execution_context/ebpf_program.c"),
    ("section_name_bytes", 63, "libs/execution_context/ebpf_program.c"),
    ("object_name_bytes", 15, "libs/api/bpf_syscall.cpp"),
    ("global_section_bytes", 1_048_576, "tools/bpf2c/bpf_code_generator.cpp"),
)


def limits() -> Table:
    """Limits at the newest release; nobody compared older ones."""
    facts = snapshot("windows/instructions")
    found = facts["limits"]
    rows = [
        {
            "name": name,
            "unit": unit,
            "values": [[OLDEST, found[field] - (field.endswith("exclusive"))]],
            "static": True,
            "source": EFW + path,
        }
        for name, unit, field, path in LIMITS
    ]
    rows += [
        {
            "name": name,
            "unit": "bytes",
            "values": [[OLDEST, value]],
            "static": True,
            "source": EFW + path,
        }
        for name, value, path in NAME_LIMITS
    ]
    return Table(_header(facts), rows)
