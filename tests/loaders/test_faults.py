"""Each call of a load fails in turn: nothing stays open or pinned, the error is ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.loading import LoadOptions
from ebpf_static_loaders.dry_run.memory import MemorySystem
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.loader import LinuxLoader
from ebpf_static_loaders.linux.syscall import Answer, Value
from tests.loaders.kernel import FaultySystem, descriptors

Read = Callable[[str], es.CollectionSpec]


def load_and_close(system: FaultySystem, spec: es.CollectionSpec, options: LoadOptions) -> None:
    with LinuxLoader(system).load(spec, options) as loaded:
        for program in loaded.programs.values():
            program.info()
        loaded.attach("notice")


@pytest.mark.parametrize("code", [1, 22, 28], ids=["EPERM", "EINVAL", "ENOSPC"])
def test_on_the_kernel(linux: LinuxLoader, read_data: Read, bpffs: Path, code: int) -> None:
    spec, options = read_data("hooks"), LoadOptions(pin_dir=str(bpffs))
    pinned = read_data("pinned")
    clean = FaultySystem(linux.system())
    load_and_close(clean, spec, options)
    failures = 0
    for number in range(len(clean.calls)):
        before = descriptors()
        try:
            load_and_close(FaultySystem(linux.system(), number, code), spec, options)
        except es.LoaderError as error:
            failures += bool(str(error))
        assert descriptors() == before, f"call {number} ({clean.calls[number]})"
    assert failures > 10
    # With pins: the object's own, taken back when a later map or program is refused.
    clean = FaultySystem(linux.system())
    with LinuxLoader(clean).load(pinned, options):
        linux.unload(str(bpffs))
    for number in range(len(clean.calls)):
        before = descriptors()
        try:
            with LinuxLoader(FaultySystem(linux.system(), number, code)).load(pinned, options):
                linux.unload(str(bpffs))
        except es.LoaderError:
            assert list(bpffs.iterdir()) == [], f"call {number} ({clean.calls[number]})"
        assert descriptors() == before, f"call {number} ({clean.calls[number]})"


@pytest.mark.parametrize("name", ["hooks", "cong", "replace", "trace", "pinned", "arena"])
def test_on_a_pretended_kernel(read_data: Read, name: str) -> None:
    """The same without privileges, on a kernel that takes every program."""
    from ebpf_static_loaders.dry_run.loader import _PretendingLoader

    spec = read_data(name)
    memory = MemorySystem()
    clean = FaultySystem(memory)
    _PretendingLoader(clean).load(spec).close()
    assert not memory.open
    assert clean.calls
    for number in range(len(clean.calls)):
        memory = MemorySystem()
        loader = _PretendingLoader(FaultySystem(memory, number))
        try:
            loader.load(spec).close()
        except es.LoaderError:
            assert not memory.pins, f"call {number} ({clean.calls[number]})"
        assert not memory.open, f"call {number} ({clean.calls[number]})"


class Forbidding(FaultySystem):
    """A kernel that lets this process do nothing."""

    def bpf(self, command: Command, fields: Mapping[str, Value]) -> Answer:
        del command, fields
        raise OSError(1, "Operation not permitted")


def test_without_privileges_it_says_what_is_missing(read_data: Read) -> None:
    loader = LinuxLoader(Forbidding(MemorySystem()))
    assert "CAP_BPF" in (loader.available() or "")
    with pytest.raises(es.LoaderUnavailableError, match="root, or CAP_BPF with CAP_PERFMON"):
        loader.load(read_data("basic"))
    with pytest.raises(es.LoaderUnavailableError, match="loader linux: bpf"):
        es.load(read_data("basic"), loader=loader)


@pytest.mark.parametrize("ring", ["events", "samples"])
def test_readers_close_what_they_open(linux: LinuxLoader, read_data: Read, ring: str) -> None:
    options = LoadOptions(programs=("notice", "last"), variables={"watched_pid": os.getpid()})
    before = descriptors()
    for number in range(8):
        with LinuxLoader(linux.system()).load(read_data("hooks"), options) as loaded:
            item = loaded.maps[ring]
            inside = descriptors()
            item._fd.system = FaultySystem(linux.system(), number, 12)  # type: ignore[attr-defined]
            with suppress(es.LoaderError):
                list(item.read_ring(timeout=0))
            assert descriptors() == inside
    assert descriptors() == before
