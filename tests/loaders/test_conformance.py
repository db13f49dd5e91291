"""Our loaders, and one somebody else wrote, keep the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.loading import Loader, LoadOptions
from ebpf_static.registry import NO_PLUGINS, Registry
from ebpf_static_loaders.dry_run.loader import DryRunLoader
from ebpf_static_loaders.linux.loader import LinuxLoader
from tests.loaders.conformance import Conformance

Read = Callable[[str], es.CollectionSpec]
OBJECTS = Path(__file__).resolve().parents[2] / "corpus" / "objects"
LINUX, WINDOWS = OBJECTS / "linux", OBJECTS / "windows"
DATA = Path(__file__).resolve().parent / "data"


@pytest.fixture
def spec(read_data: Read) -> es.CollectionSpec:
    return read_data("basic")


@pytest.fixture
def foreign() -> es.CollectionSpec | None:
    found = (es.read(path) for path in sorted(WINDOWS.glob("*.o")))
    return next(spec for spec in found if spec.platform is es.Platform.WINDOWS)


class TestLinux(Conformance):
    @pytest.fixture
    def loader(self, linux: LinuxLoader) -> Loader:
        return linux


class TestDryRun(Conformance):
    @pytest.fixture
    def loader(self) -> Loader:
        return DryRunLoader()

    @pytest.fixture
    def foreign(self) -> es.CollectionSpec | None:
        return None


class TestDryRunOfWindows(TestDryRun):
    @pytest.fixture
    def spec(self) -> es.CollectionSpec:
        spec = es.read(DATA / "basic.o", platform="windows")
        return spec.model_copy(update={"platform": es.Platform.WINDOWS})

    def test_a_frozen_map_refuses(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec) as loaded, pytest.raises(es.LoaderError, match="no BPF_MAP_FREEZE"):
            loaded.maps["slots"].freeze()


PLUGIN = """
from ebpf_static.loading import Loader, LoadOptions
from ebpf_static.target import Platform
from ebpf_static_loaders.dry_run.loader import DryRunLoader

class Remote(Loader):
    \"\"\"Sends what it is given to another machine, which here is this one.\"\"\"

    name = "acme-remote"
    platform = Platform.LINUX

    def __init__(self):
        self.other = DryRunLoader()

    def available(self):
        return None

    def load(self, spec, options=None):
        self.refuse_platform(spec)
        return self.other.load(spec, options)

class Broken:
    name = "acme-broken"

def loaders():
    return (Remote, Broken)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry of a process with somebody's package installed."""
    monkeypatch.delenv(NO_PLUGINS, raising=False)
    (tmp_path / "acme_loader.py").write_text(PLUGIN)
    info = tmp_path / "acme_loader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-loader\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ebpf_static.loaders]\nacme = acme_loader:loaders\n")
    monkeypatch.syspath_prepend(tmp_path)
    return Registry()


class TestThirdParty(Conformance):
    @pytest.fixture
    def loader(self, installed: Registry) -> Loader:
        found = next(f.loader for f in installed.loaders if f.name == "acme-remote")
        assert issubclass(found, Loader)
        return found()


def test_a_third_partys_loader_is_found_by_name(
    installed: Registry, spec: es.CollectionSpec
) -> None:
    assert {"linux", "dry-run", "acme-remote"} <= {found.name for found in installed.loaders}
    with es.load(spec, loader="acme-remote", registry=installed) as loaded:
        assert set(loaded.programs) == {"one", "two"}
    with pytest.raises(es.PluginError, match="does not keep the contract"):
        es.load(spec, loader="acme-broken", registry=installed)
    with pytest.raises(es.UsageError, match=r"no loader 'nobody'; there are: linux, .*dry-run"):
        es.load(spec, loader="nobody", registry=installed)


def test_errors_keep_an_object_from_being_loaded() -> None:
    broken = es.read(LINUX / "legacy_iproute2-clang19-el.o")
    report = es.check(broken, platform="linux")
    with pytest.raises(es.CheckFailedError, match="not loaded: PRG001") as caught:
        es.load(broken, loader="dry-run")
    assert [f.code for f in caught.value.report.findings] == [f.code for f in report.findings]
    with pytest.raises(es.LoadRejectedError, match="the legacy way"):
        es.load(broken, loader="dry-run", checked=False)
    options = LoadOptions(legacy_maps=True, programs=())
    with es.load(broken, loader="dry-run", checked=False, options=options) as loaded:
        assert set(loaded.maps) == set(broken.maps.keys())


def test_the_platform_decides_the_loader(spec: es.CollectionSpec, linux: LinuxLoader) -> None:
    del linux
    with es.load(spec) as loaded:
        assert loaded.maps["table"].info()["id"]
