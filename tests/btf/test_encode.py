from __future__ import annotations

from pathlib import Path

import pytest

from ebpf_static.btf import Btf
from ebpf_static.btf.encode import encode_btf
from ebpf_static.btf.header import ByteOrder
from ebpf_static.btf.sources import read_btf
from ebpf_static.btf.types import Func, Unknown
from ebpf_static.errors import UsageError
from tests.btf.test_reader import every_kind

VMLINUX = Path("/sys/kernel/btf/vmlinux")


@pytest.mark.parametrize("order", ["little", "big"])
def test_every_kind_survives(order: ByteOrder) -> None:
    types = list(Btf.parse(every_kind(order)[0].build()).iter_types())
    again = Btf.parse(encode_btf(types, order))
    assert again.byte_order == order
    assert list(again.iter_types()) == types


@pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel offers no BTF")
def test_running_kernel_survives() -> None:
    btf = read_btf(VMLINUX)
    again = Btf.parse(encode_btf(btf.iter_types(), btf.byte_order))
    assert all(
        one == other for one, other in zip(btf.iter_types(), again.iter_types(), strict=True)
    )


def test_what_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="kind 40"):
        encode_btf([Unknown(1, "x", 40, 0, 0)], "little")
    func = Func(1, "x", 0, linkage=1 << 24)
    with pytest.raises(UsageError, match="too many"):
        encode_btf([func], "little")
