"""The catalogue holds everything the tables hold, and answers as the lookups do."""

from __future__ import annotations

import pytest

from ebpf_static.errors import UsageError
from ebpf_static.support import find_release, known_lines, lookups
from ebpf_static.support.catalogue import (
    GROUPS,
    Entry,
    Group,
    answer,
    answers_by_program_type,
    details,
    entries,
    find_entries,
    find_group,
)
from ebpf_static.support.tables import read_table
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId, MapType, ProgramType

DERIVED = ("map-flags", "program-flags")


def one(group: str, name: str, platform: Platform = Platform.LINUX) -> Entry:
    (found,) = find_entries(find_group(group), [name], [platform])
    return found


@pytest.mark.parametrize("group", GROUPS, ids=lambda it: it.name)
def test_every_row_of_a_table_is_an_entry(group: Group) -> None:
    for platform in group.platforms:
        if group.name in DERIVED:
            continue
        rows = read_table(platform, group.table).rows
        existing = [row["name"] for row in rows if row["name"] != "UNSPEC"]
        assert sorted(it.name for it in entries(group, platform)) == sorted(existing)


@pytest.mark.parametrize("group", GROUPS, ids=lambda it: it.name)
def test_every_entry_tells_its_source_and_something_more(group: Group) -> None:
    for platform in group.platforms:
        for entry in entries(group, platform):
            found = details(entry)
            assert found[-1].label == "source"
            assert entry.source in found[-1].lines[0]
            assert len(found) > 1, entry.name
            assert all(line for it in found for line in it.lines)


@pytest.mark.parametrize("platform", [Platform.LINUX, Platform.WINDOWS])
@pytest.mark.parametrize("group", [it for it in GROUPS if it.judged], ids=lambda it: it.name)
def test_there_is_an_answer_for_every_entry_and_line(group: Group, platform: Platform) -> None:
    for line in known_lines(platform)[::9]:
        release = find_release(f"{platform.value}:{line}")
        for entry in entries(group, platform):
            told = answer(entry, release)
            assert told is not None
            assert told.status in ("available", "unavailable", "unknown")


def test_answers_are_those_of_the_lookups() -> None:
    old, new = find_release("linux:5.15"), find_release("linux:6.1")
    loop = one("helpers", "bpf_loop")
    assert str(answer(loop, old)) == "unavailable"
    assert str(answer(loop, new)) == "available"
    xdp = ProgramType.named(Platform.LINUX, "xdp")
    told = answer(loop, new, program_type=xdp)
    looked = lookups.helper(HelperId.named(Platform.LINUX, "loop"), xdp, None, new)
    assert told is not None
    assert told.conditions == tuple(str(it) for it in looked.conditions)
    assert answer(loop, find_release("windows:1.1")) is None
    by_type = answers_by_program_type(loop, find_release("linux:6.1"))
    assert (by_type["XDP"].status, by_type["NETFILTER"].status) == ("available", "unavailable")


def test_limits_answer_with_values() -> None:
    entry = one("limits", "hash_key_bytes")
    assert str(answer(entry, find_release("linux:5.4"))) == "512 bytes"
    assert str(answer(entry, find_release("linux:6.1"))) == "no limit"
    later = one("limits", "fentry_arguments")
    assert str(answer(later, find_release("linux:5.4"))) == "unavailable"


def test_map_flags_answer_with_the_map_types_of_the_release() -> None:
    entry = one("map-flags", "BPF_F_MMAPABLE")
    assert entry.number == 1 << 10
    for target, note in (("linux:6.1", "of ARRAY"), ("linux:6.12", "of ARRAY ARENA")):
        release = find_release(target)
        told = answer(entry, release)
        assert told is not None
        assert told.note == note
        for name in note.split()[1:]:
            map_type = MapType.named(Platform.LINUX, name)
            assert lookups.map_flag(map_type, "BPF_F_MMAPABLE", release).available
    told = answer(entry, find_release("linux:5.4"))
    assert told is not None
    assert told.status == "unavailable"


def test_instructions_of_windows_are_a_matter_of_the_back_end() -> None:
    (entry,) = find_entries(find_group("isa"), ["gotol"], [Platform.WINDOWS])
    assert set(entry.facts) == {"native", "jit", "verifier"}
    release = find_release("windows:1.1")
    told = {end: answer(entry, release, back_end=end) for end in entry.facts}
    assert len({str(it) for it in told.values()}) == 2


@pytest.mark.parametrize("text", ["map-types", "map-type", "map_types", "MAP-TYPE"])
def test_groups_are_found_by_the_names_people_try(text: str) -> None:
    assert find_group(text).name == "map-types"
    assert find_group("isa").name == "instructions"


def test_names_are_exact_or_beginnings_or_patterns() -> None:
    helpers = find_group("helpers")
    linux = [Platform.LINUX]
    assert [it.name for it in find_entries(helpers, ["bpf_loop"], linux)] == ["loop"]
    assert [it.name for it in find_entries(helpers, ["LOOP"], linux)] == ["loop"]
    begins = find_entries(helpers, ["ringbuf_"], linux)
    assert begins
    assert all(it.name.startswith("ringbuf_") for it in begins)
    assert set(begins) < set(find_entries(helpers, ["*ringbuf*", "loop"], linux))
    both = find_entries(find_group("map-types"), ["BPF_MAP_TYPE_RINGBUF"])
    assert [(it.platform.value, it.number) for it in both] == [("linux", 27), ("windows", 13)]


@pytest.mark.parametrize(
    ("group", "names", "hint"),
    [
        ("helprs", [], "did you mean 'helpers'?"),
        ("bpf_loop", [], "did you mean 'helpers bpf_loop'?"),
        ("nothing of the kind", [], "choose from map-types, "),
        ("helpers", ["bpf_lop"], "did you mean bpf_loop"),
        ("kfuncs", ["\x1b[31m"], "'features kfuncs' lists them"),
    ],
)
def test_what_is_unknown_gets_near_names(group: str, names: list[str], hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_entries(find_group(group), names)
    assert hint in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_what_only_the_other_platform_has_is_said_to_be_its() -> None:
    for name, here, message in (
        ("bpf_loop", Platform.WINDOWS, "eBPF for Windows has no helper called 'bpf_loop'; Linux"),
        ("memmove_s", Platform.LINUX, "Linux has no helper called 'memmove_s'; eBPF for Windows"),
    ):
        with pytest.raises(UsageError, match=message):
            find_entries(find_group("helpers"), [name], [here])


def test_what_no_target_decides_is_not_asked() -> None:
    with pytest.raises(UsageError, match="leave it out"):
        answer(one("distributions", "debian:12"), find_release("linux:6.1"))
