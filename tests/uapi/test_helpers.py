"""Licence and platform facts of helpers."""

from __future__ import annotations

import pytest

from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import HelperId, ProgramType
from ebpf_static.uapi.helpers import (
    gpl_only,
    has_default_implementation,
    is_provided_to,
    linux_equivalent,
    overriding_program_types,
    windows_equivalents,
)
from ebpf_static.uapi.licenses import (
    gpl_compatible_licenses,
    is_gpl_compatible,
    suggest_license,
)

LINUX, WINDOWS = Platform.LINUX, Platform.WINDOWS


def linux(name: str) -> HelperId:
    return HelperId.named(LINUX, name)


def windows(name: str) -> HelperId:
    return HelperId.named(WINDOWS, name)


def test_gpl_only() -> None:
    assert gpl_only(linux("probe_read_kernel")) is True
    assert gpl_only(linux("trace_printk")) is True
    assert gpl_only(linux("map_lookup_elem")) is False
    assert gpl_only(HelperId.of(LINUX, 9999)) is None
    assert all(gpl_only(helper) is False for helper in HelperId.members(WINDOWS))


def test_gpl_only_depends_on_the_program_type() -> None:
    def answer(helper: str, program_type: str) -> bool | None:
        return gpl_only(linux(helper), ProgramType.named(LINUX, program_type))

    assert gpl_only(linux("get_stackid")) is None
    assert answer("get_stackid", "PERF_EVENT") is False
    assert answer("get_stackid", "KPROBE") is True
    assert answer("get_func_ip", "TRACING") is True
    assert answer("get_func_ip", "KPROBE") is None
    assert answer("get_stackid", "XDP") is None


def test_gpl_only_depends_on_the_release() -> None:
    ktime = linux("ktime_get_ns")
    assert gpl_only(ktime) is False
    assert gpl_only(ktime, release=Version.parse("5.7")) is True
    assert gpl_only(ktime, release=Version.parse("5.8")) is False
    assert gpl_only(ktime, release=Version.parse("5.8.0")) is False
    assert gpl_only(ktime, release=Version.parse("4.1")) is True
    perf_event = ProgramType.named(LINUX, "PERF_EVENT")
    stackid = linux("get_stackid")
    assert gpl_only(stackid, perf_event, Version.parse("5.8")) is True
    assert gpl_only(stackid, perf_event, Version.parse("5.9")) is False


def test_equivalents() -> None:
    assert linux_equivalent(windows("tail_call")) is HelperId.of(LINUX, 12)
    assert linux_equivalent(windows("memset")) is None
    assert linux_equivalent(windows("trace_printk3")) is linux("trace_printk")
    assert linux_equivalent(HelperId.of(WINDOWS, 65536)) is None
    assert windows_equivalents(linux("tail_call")) == (HelperId.of(WINDOWS, 5),)
    assert [it.number for it in windows_equivalents(linux("trace_printk"))] == [12, 13, 14, 15]
    assert [it.name for it in windows_equivalents(linux("xdp_adjust_head"))] == ["xdp_adjust_head"]
    assert windows_equivalents(linux("probe_read")) == ()
    assert windows_equivalents(HelperId.of(LINUX, 9999)) == ()
    assert windows_equivalents(windows("memset")) == (windows("memset"),)


def test_only_four_helpers_mean_the_same_by_number() -> None:
    same = {
        helper.number
        for helper in HelperId.members(WINDOWS)
        if helper.scope is None and linux_equivalent(helper) is HelperId.of(LINUX, helper.number)
    }
    assert same == {1, 2, 3, 8}


def test_helpers_without_default_implementation() -> None:
    bare = {
        helper.number
        for helper in HelperId.members(WINDOWS)
        if helper.scope is None and not has_default_implementation(helper)
    }
    assert bare == {26, 35}
    assert has_default_implementation(linux("map_lookup_elem")) is None


@pytest.mark.parametrize(
    ("helper", "program_type", "provided"),
    [
        ("get_socket_cookie", "CGROUP_SOCK_ADDR", True),
        ("get_socket_cookie", "XDP", False),
        ("redirect_map", "XDP", False),
        ("redirect_map", "SAMPLE", True),
        ("map_lookup_elem", "XDP", True),
        ("xdp_adjust_head", "XDP", True),
        ("xdp_adjust_head", "SOCK_OPS", False),
        ("sock_addr_get_current_pid_tgid", "CGROUP_SOCK_ADDR", False),
    ],
)
def test_what_windows_provides(helper: str, program_type: str, provided: bool) -> None:  # noqa: FBT001
    assert is_provided_to(windows(helper), ProgramType.named(WINDOWS, program_type)) is provided


def test_what_nobody_can_say() -> None:
    xdp = ProgramType.named(WINDOWS, "XDP")
    assert is_provided_to(HelperId.of(WINDOWS, 999), xdp) is None
    assert is_provided_to(HelperId.of(WINDOWS, 65536), xdp) is None
    assert is_provided_to(linux("map_lookup_elem"), ProgramType.named(LINUX, "XDP")) is None


def test_overriding_program_types() -> None:
    names = [it.name for it in overriding_program_types(windows("get_current_pid_tgid"))]
    assert names == ["CGROUP_SOCK_ADDR", "SOCK_OPS", "SAMPLE"]
    assert overriding_program_types(linux("tail_call")) == ()


@pytest.mark.parametrize("license", gpl_compatible_licenses())
def test_licenses_the_kernel_takes(license: str) -> None:
    assert is_gpl_compatible(license)
    assert suggest_license(license) is None


def test_there_are_six() -> None:
    assert len(gpl_compatible_licenses()) == 6


@pytest.mark.parametrize(
    ("license", "guess"),
    [
        ("gpl", "GPL"),
        ("GPL ", "GPL"),
        ("GPLv2", "GPL v2"),
        ("GPL-2.0-only", "GPL"),
        ("Dual BSD / GPL", "Dual BSD/GPL"),
        ("dual mit/gpl", "Dual MIT/GPL"),
        ("Proprietary", None),
        ("MIT", None),
        ("", None),
        ("GPL\n", "GPL"),
        ("G" * 100_000, None),
    ],
)
def test_licenses_the_kernel_refuses(license: str, guess: str | None) -> None:
    assert not is_gpl_compatible(license)
    assert suggest_license(license) == guess
