"""What is there on a target, asked the way rules ask."""

from __future__ import annotations

import pytest

from ebpf_static import support
from ebpf_static.errors import UsageError
from ebpf_static.findings import Confidence
from ebpf_static.support import known
from ebpf_static.support.facts import ConditionKind
from ebpf_static.target import Platform, Target, Version
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

LINUX, WINDOWS = Platform.LINUX, Platform.WINDOWS


def on(text: str) -> support.Release:
    return support.find_release(text)


def linux_map(name: str) -> MapType:
    return MapType.named(LINUX, name)


def ask_helper(
    name: str, program_type: str, where: str, attach_type: str | None = None
) -> support.Availability:
    return support.helper(
        HelperId.named(LINUX, name),
        ProgramType.named(LINUX, program_type),
        None if attach_type is None else AttachType.named(LINUX, attach_type),
        on(where),
    )


@pytest.mark.parametrize(
    ("name", "where", "status", "since"),
    [
        ("RINGBUF", "linux:5.4", "unavailable", "5.8"),
        ("RINGBUF", "linux:5.8.0", "available", "5.8"),
        ("RINGBUF", "linux:6.10", "available", "5.8"),
        ("ARENA", "linux:6.8", "unavailable", "6.9"),
        ("ARENA", "linux:6.10", "available", "6.9"),
        ("UNSPEC", "linux:6.10", "unavailable", None),
    ],
)
def test_map_types(name: str, where: str, status: str, since: str | None) -> None:
    found = support.map_type(linux_map(name), on(where))
    assert (found.status, found.since) == (status, since)
    assert found.available is (status == "available")


def test_versions_are_not_decimal_numbers() -> None:
    """6.10 is newer than 6.9, though 6.1 is older."""
    token = AttachType.named(LINUX, "TRACE_KPROBE_SESSION")
    assert support.attach_type(token, on("linux:6.10.0")).available
    assert not support.attach_type(token, on("linux:6.9")).available
    assert not support.attach_type(token, on("linux:6.1")).available


@pytest.mark.parametrize(
    ("helper", "program_type", "where", "status"),
    [
        ("loop", "XDP", "linux:5.15", "unavailable"),
        ("loop", "XDP", "linux:5.17", "available"),
        ("get_current_comm", "XDP", "linux:6.12", "unavailable"),
        ("get_current_comm", "XDP", "linux:6.17", "available"),
        ("get_current_comm", "KPROBE", "linux:4.19", "available"),
        ("ktime_get_coarse_ns", "KPROBE", "linux:5.14", "available"),
        ("ktime_get_coarse_ns", "KPROBE", "linux:5.15", "unavailable"),
        ("xdp_adjust_head", "SCHED_CLS", "linux:7.3", "unavailable"),
    ],
)
def test_helpers_by_program_type(helper: str, program_type: str, where: str, status: str) -> None:
    assert ask_helper(helper, program_type, where).status == status


def test_what_was_withdrawn_says_until_when() -> None:
    gone = ask_helper("ktime_get_coarse_ns", "KPROBE", "linux:6.1")
    assert (gone.status, gone.since, gone.until) == ("unavailable", None, "5.15")
    there = ask_helper("ktime_get_coarse_ns", "KPROBE", "linux:5.12")
    assert (there.status, there.since, there.until) == ("available", "5.11", "5.15")


@pytest.mark.parametrize(
    ("where", "attach_type", "status"),
    [
        ("linux:6.1", None, "unavailable"),
        ("linux:6.1", "CGROUP_GETSOCKOPT", "unavailable"),
        ("linux:6.1", "CGROUP_SETSOCKOPT", "available"),
        ("linux:5.14", "CGROUP_SETSOCKOPT", "unavailable"),
    ],
)
def test_helpers_that_depend_on_the_attach_type(
    where: str, attach_type: str | None, status: str
) -> None:
    found = ask_helper("setsockopt", "CGROUP_SOCKOPT", where, attach_type)
    assert found.status == status


def test_the_condition_that_fails_is_named() -> None:
    found = ask_helper("setsockopt", "CGROUP_SOCKOPT", "linux:6.1")
    assert found.condition(ConditionKind.ATTACH_TYPE) == ("CGROUP_SETSOCKOPT",)
    assert str(found.conditions[0]) == "only with attach type CGROUP_SETSOCKOPT"


def test_an_attach_type_that_is_not_known_leaves_conditions_open() -> None:
    found = support.helper(
        HelperId.named(LINUX, "setsockopt"),
        ProgramType.named(LINUX, "CGROUP_SOCKOPT"),
        support.ANY_ATTACH_TYPE,
        on("linux:6.1"),
    )
    assert found.available
    assert found.condition(ConditionKind.ATTACH_TYPE) == ("CGROUP_SETSOCKOPT",)


def test_attach_types_were_added_release_by_release() -> None:
    bind = "CGROUP_INET4_BIND"
    old = ask_helper("setsockopt", "CGROUP_SOCK_ADDR", "linux:5.10", bind)
    assert old.status == "unavailable"
    new = ask_helper("setsockopt", "CGROUP_SOCK_ADDR", "linux:5.11", bind)
    assert (new.status, new.since) == ("available", "5.11")
    connect = ask_helper("setsockopt", "CGROUP_SOCK_ADDR", "linux:6.1", "CGROUP_INET4_CONNECT")
    assert connect.since == "5.8"


def test_zero_is_read_as_the_kernel_reads_it() -> None:
    """0 is CGROUP_INET_INGRESS, but CGROUP_SOCK programs without a type become SOCK_CREATE."""
    assert ask_helper("get_retval", "CGROUP_SKB", "linux:6.1").status == "unavailable"
    assert ask_helper("get_retval", "CGROUP_SOCK", "linux:6.1").status == "available"
    assert ask_helper("get_retval", "CGROUP_DEVICE", "linux:5.18").status == "available"


def test_point_releases_differ_from_their_line() -> None:
    before = ask_helper("skb_pull_data", "LWT_SEG6LOCAL", "linux:6.1.176")
    between = ask_helper("skb_pull_data", "LWT_SEG6LOCAL", "linux:6.1.180")
    after = ask_helper("skb_pull_data", "LWT_SEG6LOCAL", "linux:6.1.192")
    assert [it.status for it in (before, between, after)] == ["available", "unknown", "unavailable"]
    assert between.confidence is Confidence.LOW
    assert after.until == "6.1.192"
    assert ask_helper("skb_pull_data", "LWT_SEG6LOCAL", "linux:6.6").available


def test_backported_instructions() -> None:
    assert not support.instruction("gotol", on("linux:6.1.0")).available
    assert support.instruction("gotol", on("linux:6.1")).available
    assert support.instruction("gotol", on("linux:6.2")).status == "unavailable"
    assert support.instruction("gotol", on("linux:6.6")).since == "6.6"


def test_sleepable_helpers_say_so() -> None:
    found = ask_helper("copy_from_user", "KPROBE", "linux:6.1")
    assert found.available
    assert support.needs_sleepable(found)
    assert not support.needs_sleepable(ask_helper("sys_close", "SYSCALL", "linux:6.1"))


def test_a_bound_is_unknown_until_the_first_release_read() -> None:
    assert ask_helper("map_lookup_elem", "KPROBE", "linux:4.9").status == "unknown"
    assert ask_helper("map_lookup_elem", "KPROBE", "linux:4.14").status == "available"
    assert ask_helper("map_lookup_elem", "KPROBE", "linux:3.19").status == "unavailable"


def test_confidence_falls_where_no_tree_was_read() -> None:
    dated = ask_helper("get_current_comm", "XDP", "linux:6.16")
    assert (dated.status, dated.confidence) == ("available", Confidence.MEDIUM)
    before = ask_helper("get_current_comm", "XDP", "linux:6.15")
    assert (before.status, before.confidence) == ("unavailable", Confidence.MEDIUM)
    assert ask_helper("get_current_comm", "XDP", "linux:6.17").confidence is Confidence.HIGH
    vendor = support.map_type(linux_map("RINGBUF"), on("rhel:8"))
    assert (vendor.status, vendor.confidence) == ("available", Confidence.LOW)


def test_programs_whose_helpers_another_thing_decides() -> None:
    assert ask_helper("map_lookup_elem", "STRUCT_OPS", "linux:6.12").available
    assert ask_helper("tcp_send_ack", "STRUCT_OPS", "linux:6.12").status == "unknown"
    assert ask_helper("tcp_send_ack", "EXT", "linux:6.12").status == "unknown"
    assert ask_helper("loop", "STRUCT_OPS", "linux:5.15").status == "unavailable"
    ack = HelperId.named(LINUX, "tcp_send_ack")
    assert support.struct_ops_helper(ack, "tcp_congestion_ops", on("linux:7.3")).available
    assert support.struct_ops_helper(ack, "Qdisc_ops", on("linux:7.3")).status == "unavailable"
    assert support.struct_ops_helper(ack, "tcp_congestion_ops", on("linux:6.1")).status == "unknown"


def test_unknown_numbers() -> None:
    number = HelperId.of(LINUX, 999)
    xdp = ProgramType.named(LINUX, "XDP")
    assert support.helper(number, xdp, None, on("linux:7.3")).status == "unavailable"
    assert support.map_type(MapType.of(LINUX, 77), on("linux:7.3")).status == "unavailable"
    strange = ProgramType.of(LINUX, 99)
    lookup = HelperId.named(LINUX, "map_lookup_elem")
    assert support.helper(lookup, strange, None, on("linux:7.3")).status == "unknown"


# --- kfuncs --------------------------------------------------------------------------------------


def ask_kfunc(name: str, program_type: str | None, where: str) -> support.Availability:
    wanted = None if program_type is None else ProgramType.named(LINUX, program_type)
    return support.kfunc(name, wanted, on(where))


@pytest.mark.parametrize(
    ("name", "program_type", "where", "status"),
    [
        ("bpf_list_push_front", "TRACING", "linux:6.3", "available"),
        ("bpf_list_push_front", "TRACING", "linux:6.6", "unavailable"),
        ("bpf_list_push_front_impl", "TRACING", "linux:6.6", "available"),
        ("bpf_list_push_front", "TRACING", "linux:7.1", "available"),
        ("bpf_dynptr_slice___mine", "XDP", "linux:6.6", "available"),
        ("bpf_dynptr_slice", "XDP", "linux:6.1", "unavailable"),
        ("bpf_wakeup_sources_read_lock", "SYSCALL", "linux:7.3", "available"),
        ("bpf_no_such_function", "XDP", "linux:7.3", "unknown"),
        ("bpf_list_push_front", None, "linux:6.2", "available"),
    ],
)
def test_kfuncs_come_go_and_come_back(
    name: str, program_type: str | None, where: str, status: str
) -> None:
    assert ask_kfunc(name, program_type, where).status == status


def test_kfuncs_by_program_type() -> None:
    assert ask_kfunc("bpf_xdp_metadata_rx_hash", "XDP", "linux:6.6").available
    assert ask_kfunc("bpf_xdp_metadata_rx_hash", "SCHED_CLS", "linux:6.6").status == "unavailable"


def test_kfunc_flags_change() -> None:
    assert known.kfunc_flags("bpf_arena_alloc_pages", "6.9") == ("SLEEPABLE", "TRUSTED_ARGS")
    assert "SPINLOCK_SAFE" in (known.kfunc_flags("bpf_arena_alloc_pages", "7.3") or ())
    assert known.kfunc_flags("bpf_arena_alloc_pages", "6.8") is None
    assert known.kfunc_flags("nothing", "6.8") is None


def test_kfuncs_with_a_filter_say_so() -> None:
    found = ask_kfunc("scx_bpf_dsq_insert", "STRUCT_OPS", "linux:6.18")
    assert found.condition(ConditionKind.OTHER)


def test_filters_on_the_attach_type_are_judged() -> None:
    kprobe = ProgramType.named(LINUX, "KPROBE")
    session = AttachType.named(LINUX, "TRACE_KPROBE_SESSION")
    for attach_type, status in ((None, "unavailable"), (session, "available")):
        found = support.kfunc("bpf_session_cookie", kprobe, on("linux:6.12"), attach_type)
        assert found.status == status
    assert support.kfunc("bpf_session_cookie", kprobe, on("linux:6.12")).conditions
    assert ask_kfunc("bpf_get_file_xattr", "LSM", "linux:6.12").available
    assert ask_kfunc("bpf_get_file_xattr", "TRACEPOINT", "linux:6.12").status == "unavailable"


# --- the rest ------------------------------------------------------------------------------------


def test_isa_levels() -> None:
    levels = [support.isa_level(on(f"linux:{it}")) for it in ("4.4", "4.19", "5.10", "5.15", "6.6")]
    assert levels == ["v1", "v2", "v2", "v3", "v4"]
    with pytest.raises(UsageError, match="no instruction-set level"):
        support.isa_level(on("windows:1.1"))


def test_atomics_and_jmp32() -> None:
    assert support.instruction("jeq32_imm", on("linux:5.4")).available
    assert not support.instruction("cmpxchg_64", on("linux:5.10")).available
    assert support.instruction("cmpxchg_64", on("linux:5.15")).since == "5.12"
    assert support.instruction("callx", on("linux:7.3")).status == "unavailable"


def test_btf_kinds() -> None:
    assert not support.btf_kind("FLOAT", on("linux:5.10")).available
    assert support.btf_kind("FLOAT", on("linux:5.15")).available
    assert support.btf_kind("INT", on("windows:1.1")).status == "unknown"


def test_features_and_their_architectures() -> None:
    found = support.feature("tail_calls_with_subprograms", on("linux:6.1"))
    assert found.since == "5.10"
    assert "arm64:6.0" in (found.condition(ConditionKind.ARCH) or ())
    assert not support.feature("bounded_loops", on("linux:5.2")).available
    with pytest.raises(UsageError, match="no feature called 'magic'"):
        support.feature("magic", on("linux:6.1"))


def test_commands_links_and_struct_ops() -> None:
    assert support.command("MAP_FREEZE", on("linux:5.2")).available
    assert not support.command("MAP_FREEZE", on("linux:5.0")).available
    assert support.link_type("KPROBE_MULTI", on("linux:5.18")).since == "5.18"
    assert support.struct_ops_type("sched_ext_ops", on("linux:6.6")).status == "unavailable"
    assert support.struct_ops_type("sched_ext_ops", on("linux:6.12")).available
    assert support.struct_ops_type("my_ops", on("linux:6.12")).status == "unknown"
    with pytest.raises(UsageError, match="no link types of eBPF for Windows"):
        support.link_type("XDP", on("windows:1.1"))


def test_map_flags() -> None:
    array = linux_map("ARRAY")
    assert support.map_flag(array, "BPF_F_MMAPABLE", on("linux:5.4")).since == "5.5"
    assert support.map_flag(array, "BPF_F_MMAPABLE", on("linux:5.10")).available
    assert not support.map_flag(array, "BPF_F_NO_PREALLOC", on("linux:7.3")).available
    assert not support.map_flag(
        linux_map("PERCPU_HASH"), "BPF_F_NUMA_NODE", on("linux:6.18")
    ).available
    windows = support.map_flag(
        MapType.named(WINDOWS, "HASH"), "BPF_F_NO_PREALLOC", on("windows:1.1")
    )
    assert windows.status == "unavailable"


def test_a_name_of_one_platform_is_not_looked_up_on_the_other() -> None:
    with pytest.raises(UsageError, match="cannot be looked up"):
        support.map_type(linux_map("RINGBUF"), on("windows:1.1"))


def test_lookups_take_plain_targets() -> None:
    assert support.map_type(linux_map("RINGBUF"), Target(LINUX, Version(5, 8))).available


# --- any supported release -----------------------------------------------------------------------


def test_any_release_lacks_what_some_lack() -> None:
    found = support.map_type(MapType.named(WINDOWS, "PERF_EVENT_ARRAY"), on("windows"))
    assert (found.status, found.since) == ("available", "0.21.0")
    assert found.lacking[0] == "0.9"
    assert found.lacking[-1] == "0.20"
    assert "0.21" not in found.lacking


def test_any_release_has_what_all_have() -> None:
    assert support.map_type(MapType.named(WINDOWS, "HASH"), on("windows")).lacking == ()
    ringbuf = support.map_type(linux_map("RINGBUF"), on("linux"))
    assert (ringbuf.status, ringbuf.lacking) == ("available", ())
    arena = support.map_type(linux_map("ARENA"), on("linux"))
    assert arena.lacking == ("5.10", "5.15", "6.1", "6.6")


def test_any_release_is_an_error_only_for_what_none_has() -> None:
    assert ask_helper("xdp_adjust_head", "SCHED_CLS", "linux").status == "unavailable"
    withdrawn = ask_helper("ktime_get_coarse_ns", "KPROBE", "linux")
    assert withdrawn.status == "available"
    assert "5.15" in withdrawn.lacking


# --- eBPF for Windows ----------------------------------------------------------------------------


def windows_helper(number: int, scope: str, where: str) -> support.Availability:
    program_type = ProgramType.named(WINDOWS, scope)
    helper = HelperId.of(WINDOWS, number, program_type)
    return support.helper(helper, program_type, None, on(where))


@pytest.mark.parametrize(
    ("number", "scope", "where", "status"),
    [
        (1, "BIND", "windows:0.9", "available"),
        (65536, "SOCK_OPS", "windows:1.1", "unavailable"),
        (65536, "SOCK_OPS", "windows:1.2", "available"),
        (65536, "CGROUP_SOCK_ADDR", "windows:0.20", "available"),
        (65536, "CGROUP_SOCK_ADDR", "windows:0.21", "unavailable"),
        (65536, "BIND", "windows:1.5", "unavailable"),
        (26, "BIND", "windows:0.16", "unavailable"),
        (35, "XDP", "windows:1.4", "unavailable"),
        (35, "SAMPLE", "windows:1.4", "available"),
    ],
)
def test_windows_helpers(number: int, scope: str, where: str, status: str) -> None:
    assert windows_helper(number, scope, where).status == status


def test_a_number_of_many_meanings_is_unknown_without_program_type() -> None:
    found = support.helper(HelperId.of(WINDOWS, 65536), None, None, on("windows:1.1"))
    assert found.status == "unknown"


def test_windows_extensions_are_conditions() -> None:
    xdp = ProgramType.named(WINDOWS, "XDP")
    old, new = (support.program_type(xdp, on(it)) for it in ("windows:0.13", "windows:1.1"))
    assert old.condition(ConditionKind.EXTENSION) is None
    assert new.condition(ConditionKind.EXTENSION) == ("xdp-for-windows",)
    test = support.program_type(ProgramType.named(WINDOWS, "XDP_TEST"), on("windows:1.1"))
    assert (test.status, test.until) == ("unavailable", "1.0.0-rc1")


def test_windows_back_ends_differ() -> None:
    local = [
        support.instruction("call_local", on(it)).available
        for it in ("windows:0.18", "windows:0.20")
    ]
    assert local == [False, True]
    assert support.instruction("gotol", on("windows:0.21"), "jit").status == "unknown"
    assert support.instruction("lddw_btf_id", on("windows:1.5")).status == "unavailable"
    with pytest.raises(UsageError, match="unknown back end 'wasm'"):
        support.instruction("gotol", on("windows:1.1"), "wasm")


def test_windows_has_no_kfuncs_of_the_kernel() -> None:
    assert support.kfunc("bpf_obj_new", None, on("windows:1.5")).status == "unavailable"


# --- facts ---------------------------------------------------------------------------------------


def test_facts_tell_their_history() -> None:
    fact = known.kfunc_fact("bpf_list_push_back")
    assert fact is not None
    assert support.lowest_version(fact) == Version(6, 2)
    assert support.history(fact) == ("6.2 until 6.4", "since 7.1")


def test_facts_tell_conditions_bounds_and_backports() -> None:
    seg6 = known.helper_fact(
        HelperId.named(LINUX, "skb_pull_data"), ProgramType.named(LINUX, "LWT_SEG6LOCAL")
    )
    assert seg6 is not None
    assert support.history(seg6)[0] == "4.18 until 7.2"
    assert support.history(seg6)[1].startswith("gone from 6.1.y by 6.1.192 (")
    sockopt = known.helper_fact(
        HelperId.named(LINUX, "setsockopt"), ProgramType.named(LINUX, "CGROUP_SOCKOPT")
    )
    assert sockopt is not None
    assert support.history(sockopt) == ("since 5.15; only with attach type CGROUP_SETSOCKOPT",)
    old = known.helper_fact(
        HelperId.named(LINUX, "map_lookup_elem"), ProgramType.named(LINUX, "XDP")
    )
    assert old is not None
    assert support.history(old) == ("since 4.8 or a later release up to 4.14",)


def test_what_never_existed_has_no_lowest_version() -> None:
    fact = known.helper_fact(
        HelperId.named(LINUX, "xdp_adjust_head"), ProgramType.named(LINUX, "SCHED_CLS")
    )
    assert fact is not None
    assert support.lowest_version(fact) is None
    assert support.history(fact) == ("in no release",)
    assert known.kfunc_fact("nothing") is None
