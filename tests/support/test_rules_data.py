"""Creation rules, program rules, limits and what loaders substitute."""

from __future__ import annotations

import pytest

from ebpf_static import support
from ebpf_static.errors import UsageError
from ebpf_static.support.tables import read_table
from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

LINUX, WINDOWS = Platform.LINUX, Platform.WINDOWS


def on(text: str) -> support.Release:
    return support.find_release(text)


def rules(name: str, where: str) -> support.MapRules:
    release = on(where)
    found = support.map_rules(MapType.named(release.platform, name), release)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "where", "key", "value", "entries", "accepted"),
    [
        ("HASH", "linux:6.1", 4, 8, 1, True),
        ("HASH", "linux:6.1", 0, 8, 1, False),
        ("HASH", "linux:6.1", 4, 0, 1, False),
        ("HASH", "linux:6.1", 4, 8, 0, False),
        ("HASH", "linux:5.10", 513, 8, 1, False),
        ("HASH", "linux:5.11", 513, 8, 1, True),
        ("ARRAY", "linux:6.1", 8, 8, 1, False),
        ("DEVMAP", "linux:5.7", 4, 8, 1, False),
        ("DEVMAP", "linux:5.8", 4, 8, 1, True),
        ("RINGBUF", "linux:6.1", 0, 0, 4096, True),
        ("RINGBUF", "linux:6.1", 0, 0, 6000, False),
        ("RINGBUF", "linux:6.1", 0, 0, 12288, False),
        ("STACK_TRACE", "linux:6.1", 4, 1016, 1, True),
        ("STACK_TRACE", "linux:6.1", 4, 1020, 1, False),
        ("STACK_TRACE", "linux:6.1", 4, 1024, 1, False),
        ("LPM_TRIE", "linux:6.1", 4, 4, 1, False),
        ("LPM_TRIE", "linux:6.1", 8, 4, 1, True),
        ("TASK_STORAGE", "linux:6.1", 4, 8, 1, False),
        ("TASK_STORAGE", "linux:6.1", 4, 8, 0, True),
        ("HASH", "windows:1.1", 4, 8, 1, True),
        ("RINGBUF", "windows:1.1", 0, 0, 5000, False),
        ("RINGBUF", "windows:1.1", 0, 0, 8192, True),
        ("QUEUE", "windows:1.1", 4, 8, 1, False),
    ],
)
def test_map_sizes(
    name: str, where: str, key: int, value: int, entries: int, *, accepted: bool
) -> None:
    found = rules(name, where)
    checks = [
        rule is None or rule.allows(size)
        for rule, size in (
            (found.key_size, key),
            (found.value_size, value),
            (found.max_entries, entries),
        )
    ]
    assert all(checks) is accepted


def test_the_page_size_of_the_machine_counts() -> None:
    ring = rules("RINGBUF", "linux:6.1").max_entries
    assert ring is not None
    assert ring.allows(4096)
    assert not ring.allows(4096, page_size=65536)
    assert str(ring) == "4096 to 2147483648, a power of two, a multiple of the page size"


def test_rules_read_as_words() -> None:
    assert str(rules("ARRAY", "linux:6.1").key_size) == "4"
    assert str(rules("DEVMAP", "linux:6.1").value_size) == "4 or 8"
    assert str(rules("HASH", "linux:6.1").key_size) == "at least 1"
    assert str(rules("STACK_TRACE", "linux:6.1").value_size) == "8 to 1016, a multiple of 8"


def test_what_else_creation_wants() -> None:
    lpm = rules("LPM_TRIE", "linux:6.1")
    assert lpm.flags_required == ("BPF_F_NO_PREALLOC",)
    assert rules("SK_STORAGE", "linux:6.1").btf == "required"
    assert rules("PERF_EVENT_ARRAY", "linux:6.1").btf == "refused"
    assert rules("HASH_OF_MAPS", "linux:6.1").inner_map == "required"
    assert rules("HASH", "linux:5.11").key_plus_value == 4194255
    assert rules("HASH", "linux:5.10").key_plus_value is None
    assert rules("BLOOM_FILTER", "linux:6.1").map_extra
    assert not rules("HASH", "linux:6.1").map_extra


def test_what_values_may_hold_depends_on_the_release() -> None:
    assert "TIMER" not in rules("HASH", "linux:5.10").value_fields
    assert "TIMER" in rules("HASH", "linux:5.15").value_fields
    assert rules("ARRAY", "linux:5.2").direct_value
    assert not rules("ARRAY", "linux:5.0").direct_value


def test_helpers_and_map_types_belong_together() -> None:
    stack = rules("STACK_TRACE", "linux:6.1")
    assert stack.only_these_helpers
    assert "get_stackid" in stack.helpers
    tail = HelperId.named(LINUX, "tail_call")
    assert support.helper_map_types(tail) == ("PROG_ARRAY",)
    assert support.helper_map_types(HelperId.named(LINUX, "ktime_get_ns")) is None


def test_helpers_only_some_programs_may_use_with_a_map() -> None:
    free = rules("SOCKMAP", "linux:5.4")
    assert "map_delete_elem" in free.helpers
    assert not free.restricted_helpers
    fixed = rules("SOCKMAP", "linux:6.1").restricted_helpers
    assert "SOCK_OPS" in fixed["map_delete_elem"]
    assert "XDP" in fixed["map_update_elem"]
    assert "TRACING/TRACE_ITER" in fixed["map_update_elem"]
    assert "map_delete_elem" not in rules("SOCKMAP", "linux:6.1.5").restricted_helpers
    assert "XDP" not in rules("SOCKMAP", "linux:7.3").restricted_helpers["map_update_elem"]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("linux:4.4", set()),
        ("linux:5.10", {"perf_event_prealloc", "sleepable_prealloc"}),
        ("linux:6.0", {"perf_event_prealloc", "sleepable_prealloc", "timer_tracing"}),
        ("linux:6.1", {"timer_tracing"}),
        ("linux:7.0", set()),
    ],
)
def test_rules_about_programs_and_maps_come_and_go(where: str, names: set[str]) -> None:
    wanted = {"perf_event_prealloc", "sleepable_prealloc", "timer_tracing"}
    assert {it.name for it in support.map_program_rules(on(where))} & wanted == names


def test_whom_a_rule_is_about() -> None:
    found = {it.name: it for it in support.map_program_rules(on("linux:6.1"))}
    timer, lock = found["timer_tracing"], found["spin_lock_sleepable"]
    assert timer.field == "TIMER"
    assert timer.is_about("KPROBE", None, sleepable=False)
    assert timer.is_about("TRACING", "TRACE_RAW_TP", sleepable=False)
    assert not timer.is_about("TRACING", "TRACE_FENTRY", sleepable=False)
    assert lock.is_about("LSM", "LSM_MAC", sleepable=True)
    assert not lock.is_about("LSM", "LSM_MAC", sleepable=False)
    assert support.map_program_rules(on("windows:1.1")) == ()


def test_capabilities_were_split_in_5_8() -> None:
    assert rules("STACK_TRACE", "linux:5.4").capabilities == ("CAP_SYS_ADMIN",)
    assert rules("STACK_TRACE", "linux:5.8").capabilities == ("CAP_BPF",)
    assert rules("SOCKMAP", "linux:5.4").capabilities == ("CAP_NET_ADMIN",)
    assert rules("HASH", "linux:6.1").capabilities == ()


def test_no_rules_for_what_is_no_map() -> None:
    assert support.map_rules(MapType.of(LINUX, 77), on("linux:6.1")) is None
    assert support.map_rules(MapType.named(LINUX, "UNSPEC"), on("linux:6.1")) is None


def test_flags_have_names() -> None:
    assert support.flag_names(0) == ()
    assert support.flag_names(1 | 1 << 10) == ("BPF_F_NO_PREALLOC", "BPF_F_MMAPABLE")
    assert support.flag_names(1 << 30) == ("bit 30",)


def test_every_map_flag_named_by_a_type_has_a_bit() -> None:
    table = read_table(LINUX, "map_types")
    named = {flag for row in table.rows for flag, _ in row.get("flags", ())}
    named |= {flag for row in table.rows for flag in row.get("flags_required", ())}
    assert named <= set(table.header["flags"])


def program_rules(name: str, where: str) -> support.ProgramRules:
    found = support.program_rules(ProgramType.named(LINUX, name), on(where))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("CGROUP_SOCK_ADDR", "required"),
        ("TRACING", "required"),
        ("XDP", "optional"),
        ("SOCKET_FILTER", "unused"),
        ("SYSCALL", "zero"),
        ("STRUCT_OPS", "member_index"),
    ],
)
def test_what_the_attach_type_must_be(name: str, rule: str) -> None:
    assert program_rules(name, "linux:6.12").attach_type == rule


def test_every_program_type_has_an_attach_rule() -> None:
    for program_type in ProgramType.members(LINUX):
        if program_type.number:
            assert program_rules(program_type.name, "linux:7.3").attach_type, program_type


def test_who_may_sleep() -> None:
    fentry = AttachType.named(LINUX, "TRACE_FENTRY")
    raw = AttachType.named(LINUX, "TRACE_RAW_TP")
    assert not program_rules("TRACING", "linux:5.9").may_sleep(fentry)
    assert program_rules("TRACING", "linux:5.10").may_sleep(fentry)
    assert not program_rules("TRACING", "linux:6.12").may_sleep(raw)
    assert program_rules("TRACING", "linux:7.1").may_sleep(raw)
    assert not program_rules("KPROBE", "linux:5.15").may_sleep(None)
    assert program_rules("KPROBE", "linux:6.1").may_sleep(None)
    assert not program_rules("XDP", "linux:7.3").may_sleep(None)


def test_licence_packet_loads_and_capabilities_of_programs() -> None:
    assert program_rules("LSM", "linux:6.1").gpl_required
    assert not program_rules("XDP", "linux:6.1").gpl_required
    assert program_rules("SCHED_CLS", "linux:6.1").legacy_packet_loads
    assert not program_rules("XDP", "linux:6.1").legacy_packet_loads
    assert program_rules("KPROBE", "linux:6.1").capabilities == ("CAP_BPF", "CAP_PERFMON")
    assert program_rules("KPROBE", "linux:5.4").capabilities == ("CAP_SYS_ADMIN",)
    assert program_rules("SOCKET_FILTER", "linux:6.1").capabilities == ()
    assert support.program_rules(ProgramType.named(WINDOWS, "XDP"), on("windows:1.1")) is None


@pytest.mark.parametrize(
    ("name", "where", "value"),
    [
        ("program_insns", "linux:5.0", 4096),
        ("program_insns", "linux:5.2", 1_000_000),
        ("call_frames", "linux:7.1", 8),
        ("call_frames", "linux:7.2", 16),
        ("stack_bytes", "linux:6.1", 512),
        ("subprograms", "linux:4.15", None),
        ("hash_key_bytes", "linux:5.10", 512),
        ("hash_key_bytes", "linux:5.15", None),
        ("object_name_bytes", "linux:6.1", 15),
        ("stack_bytes", "windows:1.1", 512),
        ("jit_insns", "windows:1.1", 65535),
        ("btf_vlen", "linux", 16777215),
    ],
)
def test_limits(name: str, where: str, value: int | None) -> None:
    found = support.limit(name, on(where))
    assert found.value == value
    assert found.source


def test_limits_have_names() -> None:
    for platform in (LINUX, WINDOWS):
        for name in support.limit_names(platform):
            assert support.limit(name, on(platform.value)).name == name
    with pytest.raises(UsageError, match="no limit called 'patience'"):
        support.limit("patience", on("linux:6.1"))


def test_program_flags() -> None:
    assert "BPF_F_SLEEPABLE" not in support.program_flags(on("linux:5.9"))
    assert support.program_flags(on("linux:5.10"))["BPF_F_SLEEPABLE"] == 16
    assert support.program_flags(on("windows:1.1")) == {}


def test_libbpf_substitutes_what_a_kernel_lacks() -> None:
    old = {it.name: it for it in support.substitutions(on("linux:5.4"))}
    assert old["probe_read_kernel"].by == "probe_read"
    assert {"btf_float", "btf_enum64", "array_mmap", "map_btf_ids"} <= set(old)
    new = {it.name for it in support.substitutions(on("linux:6.12"))}
    assert new == {"map_btf_ids", "perf_event_array_entries", "ringbuf_entries"}
    assert support.substitutions(on("windows:1.1")) == ()


def test_an_older_libbpf_substitutes_less() -> None:
    names = {it.name for it in support.substitutions(on("linux:5.4"), Version(0, 1))}
    assert "probe_read_kernel" not in names
    assert "btf_func_global" in names
    assert "ringbuf_entries" not in names


def test_substitutions_name_things_that_exist() -> None:
    features = read_table(LINUX, "features").by_name
    kinds = read_table(LINUX, "btf_kinds").by_name
    helpers = read_table(LINUX, "helpers").by_name
    tables = {"feature": features, "btf_kind": kinds, "helper": helpers}
    for row in read_table(LINUX, "libbpf").rows:
        kind, _, name = row["when"].partition(" ")
        assert kind == "always" or name in tables[kind], row["name"]
