"""Programs in the other places they attach to, each counting what passes."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.loading import Collection, LoadOptions
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.loader import LinuxLoader
from tests.loaders.conftest import Network
from tests.loaders.test_hooks import send

Read = Callable[[str], es.CollectionSpec]
Load = Callable[[str], Collection]

pytestmark = pytest.mark.usefixtures("no_leak")


@pytest.fixture
def load(linux: LinuxLoader, read_data: Read) -> Load:
    """Return a function that loads one program, or skips where the kernel has not its type."""

    def _load(name: str) -> Collection:
        options = LoadOptions(programs=(name,), variables={"watched_pid": os.getpid()})
        try:
            return linux.load(read_data("places"), options)
        except es.LoadRejectedError as error:
            pytest.skip(f"not on this kernel: {error}")

    return _load


def count(loaded: Collection, name: str) -> int:
    value: int = loaded.maps[".bss"][0][name]
    return value


@pytest.mark.parametrize("links", [True, False], ids=["tcx", "netlink"])
def test_tc(
    linux: LinuxLoader,
    load: Load,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
    links: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    real = linux.system().bpf

    def bpf(command: Command, fields: object) -> object:
        if command is Command.LINK_CREATE and not links:
            raise OSError(22, "as kernels before 6.6 say")
        return real(command, fields)  # type: ignore[arg-type]

    with load("on_tc") as loaded:
        with pytest.raises(es.UsageError, match="say the direction"):
            loaded.attach("on_tc", network.here)
        monkeypatch.setattr(linux.system(), "bpf", bpf)
        try:
            link = loaded.attach("on_tc", network.here, direction="ingress")
        except es.LoadRejectedError as error:
            pytest.skip(f"not on this kernel: {error}")
        if links and link.info()["how"] != "bpf_link":
            pytest.skip("this kernel has no tcx")
        send(network.there, 3)
        assert count(loaded, "filtered") == 3
        link.detach()
        send(network.there, 3)
        assert count(loaded, "filtered") == 3


def test_a_socket_filter(load: Load) -> None:
    with (
        load("on_socket") as loaded,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.2)
        loaded.attach("on_socket", socket=receiver)
        sender.sendto(b"hello", receiver.getsockname())
        with pytest.raises(TimeoutError):
            receiver.recv(10)
        assert count(loaded, "filter_runs") == 1
        loaded.links[0].close()
        sender.sendto(b"hello", receiver.getsockname())
        assert receiver.recv(10) == b"hello"


def test_a_network_namespaces_lookup(load: Load, network: Network) -> None:
    del network
    with load("on_lookup") as loaded:
        link = loaded.attach("on_lookup")
        with socket.socket() as nobody, suppress(OSError):
            nobody.connect(("127.0.0.1", 9))
        assert count(loaded, "looked_up") >= 1
        assert link.info()["how"] == "bpf_link"


def test_netfilter(load: Load, network: Network) -> None:
    del network
    with load("on_netfilter") as loaded:
        try:
            loaded.attach("on_netfilter", hook="local_out", priority=5)
        except es.LoadRejectedError as error:
            pytest.skip(f"not on this kernel: {error}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("127.0.0.1", 9))
        assert count(loaded, "filtered") >= 1
        with pytest.raises(es.UsageError, match="a family is one of"):
            loaded.attach("on_netfilter", family="appletalk")


def test_a_perf_event(load: Load) -> None:
    with load("on_sample") as loaded:
        try:
            link = loaded.attach("on_sample", period=10_000)
        except es.LoadRejectedError as error:
            pytest.skip(f"not on this kernel: {error}")
        total = sum(range(3_000_000))
        assert total
        assert count(loaded, "sampled") > 0
        link.close()


@pytest.mark.parametrize("name", ["on_user", "on_many_users"])
def test_a_user_probe(load: Load, name: str) -> None:
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    libc = next((line.split()[-1] for line in mapped if "/libc.so" in line), None)
    with load(name) as loaded:
        try:
            if name == "on_user":
                loaded.attach(name, f"{libc}:getppid", pid=os.getpid())
            else:
                loaded.attach(name, targets=[f"{libc}:getppid", f"{libc}:getpgrp"])
        except es.LoadRejectedError as error:
            pytest.skip(f"not on this kernel: {error}")
        os.getppid()
        assert count(loaded, "user") >= 1
        with pytest.raises(es.UsageError, match="has no function `no_such_function`"):
            loaded.attach(name, f"{libc}:no_such_function")


@pytest.mark.parametrize("name", ["on_many", "on_tracepoint"])
def test_kernel_functions_and_tracepoints(load: Load, name: str) -> None:
    with load(name) as loaded:
        try:
            loaded.attach(name)
        except es.LoadRejectedError as error:
            pytest.skip(f"not on this kernel: {error}")
        os.getppid()
        os.close(os.open("/proc/version", os.O_RDONLY))
        assert count(loaded, "many") >= 1
