"""Keys and values of maps as bytes, whatever the platform."""

from __future__ import annotations

import sys

import pytest

from ebpf_static.errors import UsageError
from ebpf_static.loading import Handle
from ebpf_static_loaders.elements import Elements


class _Ours(Handle):
    fd = 7

    @property
    def closed(self) -> bool:
        return False

    def close(self) -> None: ...


class _Theirs(Handle):
    fd = 7

    @property
    def closed(self) -> bool:
        return False

    def close(self) -> None: ...


def _elements(*, value_size: int = 4, cpus: int = 0, has_ids: bool = False) -> Elements:
    return Elements(
        name="m", key_size=4, value_size=value_size, key_type_id=0, value_type_id=0, btf=None,
        cpus=cpus, has_ids=has_ids, handle=_Ours,
    )  # fmt: skip


@pytest.mark.parametrize("cpus", [1, 3])
@pytest.mark.parametrize("value_size", [4, 8, 12])
def test_a_value_of_every_cpu_is_a_list_even_of_one(cpus: int, value_size: int) -> None:
    elements = _elements(value_size=value_size, cpus=cpus)
    raw = elements.encode_value([number + 1 for number in range(cpus)])
    assert len(raw) == elements.value_bytes == -(-value_size // 8) * 8 * cpus
    parts = elements.decode_value(raw, raw=True)
    assert [int.from_bytes(part, sys.byteorder) for part in parts] == list(range(1, cpus + 1))
    assert {len(part) for part in parts} == {value_size}


def test_one_value_is_every_cpus() -> None:
    elements = _elements(cpus=2)
    assert elements.encode_value(5) == elements.encode_value([5, 5])


def test_values_for_too_few_cpus_are_refused() -> None:
    with pytest.raises(UsageError, match="each of 2 CPUs, not 1"):
        _elements(cpus=2).encode_value([1])


def test_handles_of_the_same_loader_only() -> None:
    elements = _elements(has_ids=True)
    raw = elements.encode_value(_Ours())
    assert elements.decode_value(raw, raw=False) == 7
    with pytest.raises(UsageError, match="same loader"):
        elements.encode_value(_Theirs())


@pytest.mark.parametrize("value", [1 << 32, -(1 << 31) - 1, b"123", "text"])
def test_what_does_not_fit_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="map `m`"):
        _elements().encode_value(value)


def test_batches_stay_within_their_memory() -> None:
    assert _elements(value_size=1 << 20).batch_size(256) == 16
    assert _elements(value_size=1 << 25).batch_size(256) == 1
    assert _elements().batch_size(256) == 256
