"""The libraries that load objects: what is asked of them, and the table that answers."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

import ebpf_static_rules
from ebpf_static import support
from ebpf_static.errors import UnknownTargetError
from ebpf_static.support.tables import read_table
from ebpf_static.support.versions import version_key
from ebpf_static.target import Library, ObjectLoader, Platform, Version
from ebpf_static.uapi.sections import (
    SectionMatch,
    is_old_cilium_agreed,
    match_aya,
    match_cilium,
    match_libbpf,
)

TABLE = read_table(Platform.LINUX, "loaders")


@pytest.mark.parametrize("text", ["libbpf", "libbpf:0.8", "cilium:0.22", "aya:0.13.1"])
def test_a_loader_is_read_as_it_is_written(text: str) -> None:
    assert str(ObjectLoader.parse(text)) == text
    assert support.resolve_loader(text) == ObjectLoader.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gobpf", "unknown loader 'gobpf': choose from 'libbpf', 'cilium', 'aya'"),
        ("cilium:", "ends in ':'"),
        ("cilium:new", "is not a version"),
        ("cilium:0.5", "cilium/ebpf 0.5 is older than 0.11"),
        ("aya:0.14", "aya 0.14 is newer than 0.13"),
        ("libbpf:0.5", "libbpf 0.5 is older than 0.6"),
    ],
)
def test_what_is_no_loader(text: str, words: str) -> None:
    with pytest.raises(UnknownTargetError, match=words):
        support.resolve_loader(text)


def test_the_newest_release_is_meant_where_none_is_named() -> None:
    assert support.loader_version(ObjectLoader()) == Version(1, 7)
    assert support.loader_answer("legacy_maps", ObjectLoader()) == "refuses"
    assert support.loader_answer("legacy_maps", ObjectLoader.parse("libbpf:0.8")) == "takes"
    assert support.loader_answer("weak_calls", ObjectLoader.parse("cilium:0.11")) == "refuses"
    assert support.loader_answer("weak_calls", ObjectLoader.parse("cilium:0.17")) == "unknown"
    assert support.loader_answer("weak_calls", ObjectLoader(Library.CILIUM)) == "takes"


@pytest.mark.parametrize("fact", TABLE.by_name)
def test_answers_are_ordered_and_within_what_was_read(fact: str) -> None:
    spans = defaultdict(list)
    for answer in TABLE.by_name[fact]["answers"]:
        spans[answer["loader"]].append(answer)
    for loader, found in spans.items():
        known = TABLE.header["releases"][loader]
        assert all(
            version_key(known["oldest"]) <= version_key(it["since"]) <= version_key(known["newest"])
            for it in found
        )
        for before, after in itertools.pairwise(found):
            assert version_key(before["until"]) <= version_key(after["since"])


def test_rules_ask_for_what_the_table_has() -> None:
    asked = {rule.refused_by_loader for rule in ebpf_static_rules.iter_classes()} - {""}
    assert asked
    assert asked <= set(TABLE.by_name)
    for fact in asked:
        assert support.loader_answer(fact, ObjectLoader()) == "refuses"


def test_map_types_and_kinds_exist() -> None:
    types = support.loader_map_types(ObjectLoader(Library.AYA))
    assert types is not None
    assert types <= set(read_table(Platform.LINUX, "map_types").by_name)
    for library in (Library.CILIUM, Library.AYA):
        kinds = support.loader_btf_kinds(ObjectLoader(library))
        assert kinds is not None
        assert kinds <= set(read_table(Platform.LINUX, "btf_kinds").by_name)
    assert support.loader_map_types(ObjectLoader(Library.CILIUM)) is None
    assert support.loader_btf_kinds(ObjectLoader()) is None


def _match_old_libbpf(section: str) -> SectionMatch | None:
    return match_libbpf(section, Version(0, 8))


@pytest.mark.parametrize(
    ("section", "release", "pattern"),
    [
        ("netfilter", "1.2", None),
        ("netfilter", "1.3", "netfilter"),
        ("tc/ingress", "1.2", None),
        ("tc/ingress", "1.7", "tc/ingress"),
        ("sk_skb/verdict", "0.8", "sk_skb"),
        ("sk_skb/verdict", "1.1", None),
        ("fentry.multi/vfs_*", "1.7", None),
        ("kprobe/do_exit", "1.0.1", "kprobe+"),
    ],
)
def test_a_release_of_libbpf_has_its_own_sections(
    section: str, release: str, pattern: str | None
) -> None:
    found = match_libbpf(section, Version.parse(release))
    assert (None if found is None else found.pattern) == pattern


@pytest.mark.parametrize(
    ("section", "cilium", "aya", "old_libbpf"),
    [
        ("xdp", "xdp", "xdp", "xdp"),
        ("xdp_filter", "xdp", None, "xdp"),
        ("xdp/filter", "xdp", None, "xdp"),
        ("xdp/cpumap", "xdp/cpumap", "xdp/cpumap", "xdp/cpumap"),
        ("kprobe/do_exit", "kprobe+", "kprobe+", "kprobe+"),
        ("kprobe_do_exit", None, None, None),
        ("kprobe.multi/do_*", "kprobe.multi+", None, "kprobe.multi+"),
        ("cgroup/skb/all", "cgroup/skb", "cgroup/skb", "cgroup/skb"),
        ("cgroup/nothing", None, None, None),
        ("sk_skb", "sk_skb", None, "sk_skb"),
        ("?tc", "tc", None, "tc"),
        ("?classifier", "classifier", None, "classifier"),
        ("classifier/in", "classifier", "classifier", "classifier"),
        ("tcx/ingress", "tcx/ingress", None, None),
        ("fentry.multi/vfs_*", None, None, None),
    ],
)
def test_sections(
    section: str, cilium: str | None, aya: str | None, old_libbpf: str | None
) -> None:
    for match, expected in (
        (match_cilium, cilium), (match_aya, aya), (_match_old_libbpf, old_libbpf),
    ):  # fmt: skip
        found = match(section)
        assert (None if found is None else found.pattern) == expected, match.__name__


def test_what_stands_behind_a_slash_is_the_target() -> None:
    for match in (match_cilium, match_aya):
        found = match("tracepoint/sched/sched_switch")
        assert found is not None
        assert found.attach_to == "sched/sched_switch"


def test_where_releases_of_cilium_agree() -> None:
    assert is_old_cilium_agreed("xdp_filter")
    assert is_old_cilium_agreed("nothing_of_this_kind")
    assert not is_old_cilium_agreed("kprobe")
    assert not is_old_cilium_agreed("netfilter")
