"""Context structures: laws of the table, and what its questions answer."""

from __future__ import annotations

import pytest

from ebpf_static.analysis.context import Context, find_context
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import ProgramType

ALL = [
    context
    for platform in (Platform.LINUX, Platform.WINDOWS)
    for type_ in ProgramType.members(platform)
    if (context := find_context(type_)) is not None
]


def _windows(name: str) -> Context:
    context = find_context(ProgramType.named(Platform.WINDOWS, name))
    assert context is not None
    return context


@pytest.mark.parametrize("context", ALL, ids=lambda it: repr(it.program_type))
def test_fields_lie_inside_and_in_order(context: Context) -> None:
    assert context.fields
    starts = [field.offset for field in context.fields]
    assert starts == sorted(starts)
    assert all(field.size > 0 and field.end <= context.size for field in context.fields)
    assert all(field.size == 8 for field in context.fields if field.pointer)


@pytest.mark.parametrize("context", ALL, ids=lambda it: repr(it.program_type))
def test_verdicts_are_unique(context: Context) -> None:
    assert len({it.value for it in context.verdicts}) == len(context.verdicts)


@pytest.mark.parametrize(
    "context", [it for it in ALL if it.program_type.platform is Platform.LINUX]
    , ids=lambda it: repr(it.program_type),
)  # fmt: skip
def test_twins_exist_on_windows(context: Context) -> None:
    twin = context.program_type.on(Platform.WINDOWS)
    there = None if twin is None else find_context(twin)
    assert there is not None
    for field in context.fields:
        assert field.twin is None or there.find_named(field.twin)
    names = {it.name for it in there.verdicts}
    assert all(it.twin is None or it.twin in names for it in context.verdicts)


def test_every_windows_type_but_unspec_has_a_context() -> None:
    without = [it.name for it in ProgramType.members(Platform.WINDOWS) if find_context(it) is None]
    assert without == ["UNSPEC"]


def test_questions() -> None:
    xdp, sock_addr = _windows("XDP"), _windows("CGROUP_SOCK_ADDR")
    assert xdp.size == 32
    assert xdp.find_pointer(4, 8) is not None
    assert xdp.find_pointer(24, 4) is None
    assert sock_addr.find_field(24, 4) == sock_addr.find_named("user_ip4")
    assert sock_addr.find_field(28, 4) == sock_addr.find_named("user_ip6")
    assert sock_addr.find_field(22, 2) is None
    verdict = xdp.find_verdict(2)
    assert verdict is not None
    assert verdict.name == "XDP_DROP"
