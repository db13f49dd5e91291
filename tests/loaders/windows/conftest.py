"""The stub as newest efW, and objects made for Windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
from tests.loaders.windows.stub import Stub, build

OBJECTS = Path(__file__).resolve().parents[3] / "corpus" / "objects" / "windows"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Stub:
    """The stub with all exports of newest efW."""
    return Stub(build(tmp_path_factory.mktemp("ebpfapi")))


@pytest.fixture
def stub(built: Stub) -> Iterator[Stub]:
    """The stub, empty; and it must be empty again at the end."""
    built.reset()
    yield built
    assert built.left == (0, 0, 0, 0, 0, 0)
    built.reset()


@pytest.fixture
def loader(stub: Stub) -> WindowsDllLoader:
    """The loader for bytecode, on the stub."""
    return WindowsDllLoader(stub.library)


@pytest.fixture
def read_object() -> Callable[[str], es.CollectionSpec]:
    """Return a function that reads an object of the corpus."""
    return lambda name: es.read(OBJECTS / f"{name}.o")
