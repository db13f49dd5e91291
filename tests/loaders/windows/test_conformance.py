"""The suite every loader passes, on the pretended efW."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.loading import Collection, Loader, LoadOptions
from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
from ebpf_static_loaders.windows.loader_native import WindowsNativeLoader
from tests.build.pe_writer import BIND, BIND_ATTACH, NativeWriter
from tests.loaders.conformance import Conformance
from tests.loaders.windows.stub import Stub

DATA = Path(__file__).resolve().parents[1] / "data"


class OnWindows(Conformance):
    """What is particular about Windows: maps cannot be frozen, and say so."""

    @pytest.fixture
    def foreign(self) -> es.CollectionSpec | None:
        return es.read(DATA / "hooks.o")

    def test_a_frozen_map_refuses(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec) as loaded, pytest.raises(es.LoaderError, match="no BPF_MAP_FREEZE"):
            loaded.maps["slots"].freeze()


class TestWindowsDll(OnWindows):
    @pytest.fixture
    def loader(self, stub: Stub) -> Loader:
        return WindowsDllLoader(stub.library)

    @pytest.fixture
    def spec(self) -> es.CollectionSpec:
        found = es.read(DATA / "basic.o", platform="windows")
        return found.model_copy(update={"platform": es.Platform.WINDOWS})


class WithPath(WindowsNativeLoader):
    """The loader for native images, told the image's path as ``load()`` tells it."""

    path = ""

    def load(self, spec: es.CollectionSpec, options: LoadOptions | None = None) -> Collection:
        return super().load(spec, replace(options or LoadOptions(), object_name=self.path))


class TestWindowsNative(OnWindows):
    @pytest.fixture
    def image(self, stub: Stub, tmp_path: Path) -> Path:
        writer = NativeWriter("1.5")
        writer.map("table", type=1, key_size=4, value_size=8, max_entries=2)
        writer.map("slots", type=2, key_size=4, value_size=8, max_entries=4)
        writer.program("one", maps=[0])
        writer.program("two", maps=[0, 1])
        writer.metadata(version=(1, 5, 0))
        path = tmp_path / "basic.sys"
        path.write_bytes(writer.build())
        stub.image(path)
        stub.image_map("table", 1, 4, 8, 2)
        stub.image_map("slots", 2, 4, 8, 4)
        stub.image_program("one", BIND, BIND_ATTACH, (0,))
        stub.image_program("two", BIND, BIND_ATTACH, (0, 1))
        return path

    @pytest.fixture
    def loader(self, stub: Stub, image: Path) -> Loader:
        loader = WithPath(stub.library, machine=lambda: "x64")
        loader.path = str(image)
        return loader

    @pytest.fixture
    def spec(self, image: Path) -> es.CollectionSpec:
        return es.read(image)

    def test_a_size_of_the_users(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with pytest.raises(es.UsageError, match="a native image says so itself"):
            loader.load(spec, LoadOptions(max_entries={"table": 7}))
