"""Section names mean what each loader says they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import AttachType, ProgramType
from ebpf_static.uapi.sections import (
    CILIUM,
    LIBBPF,
    OLD_LIBBPF,
    DataKind,
    data_section_kind,
    match_linux,
    match_linux_loose,
    match_windows,
    suggest,
)
from ebpf_static.uapi.tables import read_rows

LINUX, WINDOWS = Platform.LINUX, Platform.WINDOWS
LINUX_ROWS = read_rows(LINUX, "sections")
WINDOWS_ROWS = [row for row in read_rows(WINDOWS, "sections") if "until" not in row]

near_names = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "?", "??"]),
        st.sampled_from([row["pattern"].rstrip("+") for row in (*LINUX_ROWS, *WINDOWS_ROWS)]),
        st.sampled_from(["", "/", "/x", "/x/y", "_x", ".s", ".multi", "+", "+/x", "x", "//"]),
    ),
)


@pytest.mark.parametrize("row", LINUX_ROWS, ids=lambda row: str(row["pattern"]))
def test_every_linux_entry(row: Mapping[str, Any]) -> None:
    name = row["pattern"].rstrip("+")
    match = match_linux(name)
    assert match is not None
    assert match.pattern == row["pattern"]
    assert match.program_type is ProgramType.named(LINUX, row["program_type"])
    wanted = row.get("attach_type")
    assert match.attach_type is (wanted and AttachType.named(LINUX, wanted))
    flags = {"sleepable", "multi", "xdp_frags", "usdt", "attach_type_optional", "attach_btf"}
    assert {flag for flag in flags if getattr(match, flag)} == set(row.get("flags", ()))
    assert match.attach_to is None
    assert match.exact
    assert not match.windows_only
    assert LIBBPF in match.accepted_by

    with_target = match_linux(f"{name}/some/target")
    if row["pattern"].endswith("+"):
        assert with_target is not None
        assert (with_target.pattern, with_target.attach_to) == (row["pattern"], "some/target")
    else:
        assert with_target is None
    assert match_linux(f"{name}+") is None
    assert match_linux_loose(name) == match


@pytest.mark.parametrize(
    ("section", "program_type", "attach_type", "attach_to"),
    [
        ("xdp.frags/devmap", "XDP", "XDP_DEVMAP", None),
        ("kprobe/do_unlinkat", "KPROBE", None, "do_unlinkat"),
        ("kprobe/", "KPROBE", None, ""),
        ("kprobe.multi/foo*", "KPROBE", "TRACE_KPROBE_MULTI", "foo*"),
        ("uprobe//usr/lib/libc.so.6:malloc+8", "KPROBE", None, "/usr/lib/libc.so.6:malloc+8"),
        ("uretprobe.s//proc/self/exe:f+4", "KPROBE", None, "/proc/self/exe:f+4"),
        ("usdt/libc.so.6:libc:memory_sbrk_more", "KPROBE", None, "libc.so.6:libc:memory_sbrk_more"),
        ("ksyscall/openat", "KPROBE", None, "openat"),
        ("cgroup/connect4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_CONNECT", None),
        ("cgroup_skb/ingress", "CGROUP_SKB", "CGROUP_INET_INGRESS", None),
        ("cgroup/skb", "CGROUP_SKB", None, None),
        ("lsm.s/bprm_check_security", "LSM", "LSM_MAC", "bprm_check_security"),
        ("lsm_cgroup/socket_bind", "LSM", "LSM_CGROUP", "socket_bind"),
        ("iter/task", "TRACING", "TRACE_ITER", "task"),
        ("iter.s/task", "TRACING", "TRACE_ITER", "task"),
        ("tc/ingress", "SCHED_CLS", "TCX_INGRESS", None),
        ("tcx/egress", "SCHED_CLS", "TCX_EGRESS", None),
        ("tc", "SCHED_CLS", None, None),
        ("classifier", "SCHED_CLS", None, None),
        ("action", "SCHED_ACT", None, None),
        ("tracepoint/syscalls/sys_enter_openat", "TRACEPOINT", None, "syscalls/sys_enter_openat"),
        ("fentry/nf_nat:nf_nat_init", "TRACING", "TRACE_FENTRY", "nf_nat:nf_nat_init"),
        ("fmod_ret/x", "TRACING", "MODIFY_RETURN", "x"),
        ("freplace/f", "EXT", None, "f"),
        ("raw_tp.w/x", "RAW_TRACEPOINT_WRITABLE", None, "x"),
        ("struct_ops/init", "STRUCT_OPS", None, "init"),
        ("struct_ops.s/init", "STRUCT_OPS", None, "init"),
        ("syscall", "SYSCALL", None, None),
        ("netfilter", "NETFILTER", "NETFILTER", None),
    ],
)  # fmt: skip
def test_linux_names(
    section: str, program_type: str, attach_type: str | None, attach_to: str | None
) -> None:
    match = match_linux(section)
    assert match is not None
    assert match.section == section
    assert match.program_type.name == program_type
    assert (match.attach_type and match.attach_type.name) == attach_type
    assert match.attach_to == attach_to


@pytest.mark.parametrize(
    "section",
    ["xdp_foo", "socket/tail", "socket1", "tc_cls", "kprobe_x", "kprobe.x", "lsm.x/y",
     "struct_opsx", "xdp/foo", "classifier/x", "maps", ".text", "", "?",
     "??xdp", "XDP", "cgroup/connect", "bind"],
)  # fmt: skip
def test_names_libbpf_refuses(section: str) -> None:
    assert match_linux(section) is None


def test_autoload_mark() -> None:
    match = match_linux("?fentry/x")
    assert match is not None
    assert (match.section, match.attach_to, match.autoload) == ("fentry/x", "x", False)
    plain = match_linux("fentry/x")
    assert plain is not None
    assert plain.autoload


def test_attach_type_zero_is_not_none() -> None:
    ingress, socket = match_linux("cgroup_skb/ingress"), match_linux("socket")
    assert ingress is not None
    assert socket is not None
    assert ingress.attach_type is not None
    assert ingress.attach_type.number == 0
    assert ingress.attach_type_optional
    assert socket.attach_type is None


def test_since() -> None:
    said = {
        name: (match.since, match.since_note)
        for name in ("xdp", "tcx/ingress", "tp.s")
        if (match := match_linux(name))
    }
    assert said == {
        "xdp": ("0.0.3", "or earlier"),
        "tcx/ingress": ("1.3.0", None),
        "tp.s": ("1.8", "unreleased"),
    }


def by_walking_the_table(section: str) -> str | None:
    """Return the entry libbpf's own loop would stop at."""
    name = section.removeprefix("?")
    for row in LINUX_ROWS:
        pattern = row["pattern"]
        if pattern.endswith("+"):
            rest = name[len(pattern) - 1 :]
            if name.startswith(pattern[:-1]) and rest[:1] in ("", "/"):
                return str(pattern)
        elif name == pattern:
            return str(pattern)
    return None


@given(near_names)
def test_lookup_agrees_with_libbpfs_walk(section: str) -> None:
    match = match_linux(section)
    assert (match and match.pattern) == by_walking_the_table(section)


@pytest.mark.parametrize(
    ("section", "pattern", "accepted_by"),
    [
        ("xdp_foo", "xdp", (OLD_LIBBPF, CILIUM)),
        ("socket/tail", "socket", (OLD_LIBBPF, CILIUM)),
        ("classifier/x", "classifier", (OLD_LIBBPF, CILIUM)),
        ("tc_cls", "tc", (CILIUM,)),
        ("xdp.frags_x", "xdp.frags", (CILIUM,)),
        ("?sk_msg1", "sk_msg", (OLD_LIBBPF, CILIUM)),
    ],
)
def test_loose_names(section: str, pattern: str, accepted_by: tuple[str, ...]) -> None:
    match = match_linux_loose(section)
    assert match is not None
    assert (match.pattern, match.accepted_by, match.exact) == (pattern, accepted_by, False)
    assert match.attach_to is None


@pytest.mark.parametrize(
    "section", ["kprobe_foo", "tracepoint_x", "foo", "", ".text", "fentry.x/y"]
)
def test_names_nobody_takes(section: str) -> None:
    assert match_linux_loose(section) is None


@pytest.mark.parametrize("row", WINDOWS_ROWS, ids=lambda row: str(row["pattern"]))
def test_every_windows_entry(row: Mapping[str, Any]) -> None:
    match = match_windows(row["pattern"])
    assert match is not None
    assert match.pattern == row["pattern"]
    assert match.program_type.name == row["program_type"]
    assert match.attach_type is AttachType.named(WINDOWS, row["attach_type"])
    assert match.platform is WINDOWS
    assert match.exact
    assert match.windows_only is not row["shared_with_linux"]
    assert match.windows_only is (match_linux(row["pattern"]) is None)


@pytest.mark.parametrize(
    ("section", "pattern", "windows_only"),
    [
        ("bindX", "bind", True),
        ("bind/foo", "bind", True),
        ("xdp_foo", "xdp", False),
        ("cgroup/connect_authorization4", "cgroup/connect_authorization4", True),
        ("cgroup/connect4_redirect", "cgroup/connect4", False),
        ("sample_ext_2", "sample_ext", True),
    ],
)
def test_windows_prefixes(section: str, pattern: str, windows_only: bool) -> None:  # noqa: FBT001
    match = match_windows(section)
    assert match is not None
    assert (match.pattern, match.windows_only) == (pattern, windows_only)
    assert match.exact is (section == pattern)


@pytest.mark.parametrize("section", ["?xdp", "kprobe/x", "cgroup/connect_authorization", "", "tc"])
def test_names_windows_does_not_know(section: str) -> None:
    assert match_windows(section) is None


def test_windows_sections_come_and_go() -> None:
    def type_of(section: str, release: str | None) -> str | None:
        match = match_windows(section, None if release is None else Version.parse(release))
        return None if match is None else match.program_type.name

    assert type_of("xdp_test", "0.13.0") == "XDP"
    assert type_of("xdp_test", "0.21.1") == "XDP_TEST"
    assert type_of("xdp_test", "1.0.0-rc1") == "XDP"
    assert type_of("xdp_test", None) == "XDP"
    assert type_of("cgroup/listen4", "1.2.1") is None
    assert type_of("cgroup/listen4", "1.3") == "CGROUP_SOCK_ADDR"


@given(near_names)
def test_no_name_is_too_odd(section: str) -> None:
    match_linux_loose(section)
    match_windows(section)
    for platform in (LINUX, WINDOWS):
        data_section_kind(section, platform)
        guess = suggest(section, platform)
        taken = match_linux if platform is LINUX else match_windows
        assert guess is None or taken(guess), "a suggestion must be a name that works"
        assert guess is None or not taken(section)


@pytest.mark.parametrize(
    ("section", "guess"),
    [
        ("kprob/do_unlinkat", "kprobe/do_unlinkat"),
        ("?kprob/do_unlinkat", "?kprobe/do_unlinkat"),
        ("??xdp", "?xdp"),
        ("kprobe_do_unlinkat", "kprobe/do_unlinkat"),
        ("lsm:file_open", "lsm/file_open"),
        ("tracepoints/a/b", "tracepoint/a/b"),
        ("kprobe_multi/x", "kprobe.multi/x"),
        ("cgroup/conect4", "cgroup/connect4"),
        ("xdp.frag", "xdp.frags"),
        ("xdp_foo", "xdp"),
        ("tc_ingress", "tc/ingress"),
        ("foo", None),
        ("xdp", None),
        ("", None),
        ("kprob" * 1000, None),
    ],
)
def test_suggestions(section: str, guess: str | None) -> None:
    assert suggest(section) == guess


def test_suggestions_on_windows() -> None:
    assert suggest("bnd", WINDOWS) == "bind"
    assert suggest("cgroup/conect4", WINDOWS) == "cgroup/connect4"
    assert suggest("kprobe/x", WINDOWS) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".data", "data"),
        (".data.hidden", "data"),
        (".database", None),
        (".rodata", "rodata"),
        (".rodata.str1.1", "rodata"),
        (".bss", "bss"),
        (".bss.x", "bss"),
        (".kconfig", "kconfig"),
        (".ksyms", "ksyms"),
        (".struct_ops", "struct_ops"),
        ("?.struct_ops", "struct_ops"),
        (".struct_ops.link", "struct_ops_link"),
        ("?.struct_ops.link", "struct_ops_link"),
        (".struct_ops.other", None),
        (".maps", "maps"),
        (".maps/x", None),
        ("maps", "legacy_maps"),
        ("maps/x", "legacy_maps"),
        ("license", "license"),
        ("version", "version"),
        (".addr_space.1", "arena"),
        (".jumptables", "jumptables"),
        (".percpu", "percpu"),
        (".percpu.x", "percpu"),
        ("?.data", None),
        (".text", None),
        ("xdp", None),
        (".BTF", None),
    ],
)
def test_linux_data_sections(name: str, kind: DataKind | None) -> None:
    assert data_section_kind(name) == kind
    assert data_section_kind(name, Platform.UNKNOWN) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".maps", "maps"),
        (".maps/x", "maps"),
        ("maps/x", "legacy_maps"),
        (".data.x", "data"),
        ("license", "license"),
        (".ksyms", "ksyms"),
        (".struct_ops", None),
        (".kconfig", None),
        (".addr_space.1", None),
    ],
)
def test_windows_data_sections(name: str, kind: DataKind | None) -> None:
    assert data_section_kind(name, WINDOWS) == kind
