"""A kernel to load into where there is one, and places of our own on it to attach to."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import ebpf_static as es
from ebpf_static_loaders.linux.loader import LinuxLoader
from tests.loaders.kernel import descriptors

DATA: Final = Path(__file__).resolve().parent / "data"
_CLONE_NEWNET: Final = 0x40000000


@pytest.fixture(scope="session")
def linux() -> LinuxLoader:
    """The linux loader, where it can load."""
    loader = LinuxLoader()
    problem = loader.available()
    if problem is not None:
        pytest.skip(problem)
    return loader


@pytest.fixture
def read_data() -> Callable[[str], es.CollectionSpec]:
    """Return a function that reads one of the objects made for these tests."""
    return lambda name: es.read(DATA / f"{name}.o")


@pytest.fixture
def no_leak() -> Iterator[None]:
    """Fail when the test leaves more descriptors open than it found."""
    before = descriptors()
    yield
    assert descriptors() == before


@pytest.fixture
def bpffs(tmp_path: Path) -> Iterator[Path]:
    """A BPF file system of our own."""
    folder = tmp_path / "bpffs"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "bpf", "bpf", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no BPF file system can be mounted: {done.stderr.decode().strip()}")
    own = folder / "own"  # some kernels put things of theirs into every root
    own.mkdir()
    yield own
    subprocess.run(["umount", str(folder)], check=True)


class Network(NamedTuple):
    """Two interfaces wired to each other in a namespace of their own."""

    here: str
    there: str


@pytest.fixture
def network() -> Iterator[Network]:
    """Move this thread into a network namespace with a pair of interfaces."""
    if shutil.which("ip") is None:
        pytest.skip("no ip(8)")
    if os.geteuid():
        pytest.skip("only root makes network namespaces")
    libc = ctypes.CDLL(None, use_errno=True)
    old = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_CLONE_NEWNET):
            pytest.skip("no network namespace can be made")
        for command in (
            "link set lo up",
            "link add here type veth peer name there",
            "link set here addrgenmode none up",
            "link set there addrgenmode none up",
        ):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True)
        yield Network("here", "there")
    finally:
        libc.setns(old, _CLONE_NEWNET)
        os.close(old)


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A control group of our own."""
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    root = next((Path(m.split()[1]) for m in mounts if m.split()[2] == "cgroup2"), None)
    if root is None:
        pytest.skip("no cgroup2 is mounted")
    folder = root / f"ebpf-static-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    yield folder
    folder.rmdir()
