"""What helpers return and do with memory: the table's laws, and that it is current."""

from __future__ import annotations

from ebpf_static.analysis.helpers import Memory, gives_number, memory_of
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from tests.build.scripts import assert_fresh


def test_table_is_what_the_snapshot_gives() -> None:
    assert_fresh("make_helper_prototypes")


def test_numbers_and_addresses() -> None:
    numbers = {
        helper.name for helper in HelperId.members(Platform.LINUX) if gives_number(helper.number)
    }
    assert {"get_current_task", "probe_read_kernel", "map_update_elem"} <= numbers
    addresses = {"map_lookup_elem", "get_current_task_btf", "task_pt_regs", "ringbuf_reserve"}
    assert not addresses & numbers
    assert len(numbers) > 150


def test_memory() -> None:
    assert memory_of(1) == (Memory(1, None, written=False),)
    assert memory_of(113) == (Memory(0, 1, written=True),)
    assert memory_of(-1) == ()
    for helper in HelperId.members(Platform.LINUX):
        for memory in memory_of(helper.number):
            assert 0 <= memory.argument < 5
            assert memory.size in (None, memory.argument + 1)
