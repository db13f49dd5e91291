"""What helpers return and do with memory: the table's laws, and that it is current."""

from __future__ import annotations

from ebpf_static.analysis.helpers import (
    Memory,
    addresses_of,
    argument_count,
    gives_number,
    may_give_null,
    memory_of,
)
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from tests.build.scripts import assert_fresh

_HELPERS = HelperId.members(Platform.LINUX)


def test_table_is_what_the_snapshot_gives() -> None:
    assert_fresh("make_helper_prototypes")


def test_numbers_and_addresses() -> None:
    numbers = {helper.name for helper in _HELPERS if gives_number(helper.number)}
    assert {"get_current_task", "probe_read_kernel", "map_update_elem"} <= numbers
    addresses = {"map_lookup_elem", "get_current_task_btf", "task_pt_regs", "ringbuf_reserve"}
    assert not addresses & numbers
    assert len(numbers) > 150


def test_memory() -> None:
    assert memory_of(1) == (Memory(1, None, written=False),)
    assert memory_of(113) == (Memory(0, 1, written=True),)
    assert memory_of(-1) == ()
    for helper in _HELPERS:
        for memory in memory_of(helper.number):
            assert 0 <= memory.argument < 5
            assert memory.size in (None, memory.argument + 1)


def test_null_or_not() -> None:
    assert may_give_null(1)
    assert may_give_null(131)
    assert not may_give_null(158)
    assert not any(gives_number(h.number) and may_give_null(h.number) for h in _HELPERS)


def test_arguments() -> None:
    assert [argument_count(helper) for helper in (1, 5, 113, 999)] == [2, 0, 3, 0]


def test_addresses() -> None:
    assert addresses_of(2) == (0, 1, 2)
    assert addresses_of(28) == ()  # csum_diff takes NULL
    assert addresses_of(113) == (0,)
    assert addresses_of(-1) == ()
    for helper in _HELPERS:
        assert all(it < argument_count(helper.number) for it in addresses_of(helper.number))
