from __future__ import annotations

import io
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.api import resolve_targets
from ebpf_static.registry import Registry
from tests.build.asm import LE, R0
from tests.build.elf_writer import SHF_ALLOC, SHF_EXECINSTR, STB_GLOBAL, STT_FUNC, ElfWriter
from tests.engine.samples import registry, spec


def small_object(section: str = "xdp") -> bytes:
    writer = ElfWriter()
    code = LE.mov(R0, 2) + LE.exit()
    text = writer.section(section, code, SHF_ALLOC | SHF_EXECINSTR)
    writer.symbol("pass", text, size=len(code), type=STT_FUNC, bind=STB_GLOBAL)
    return writer.build()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "small.o"
    file.write_bytes(small_object())
    return file


def test_every_sort_of_source_gives_the_same_findings(path: Path) -> None:
    data = path.read_bytes()
    sources = (path, str(path), data, bytearray(data), io.BytesIO(data), es.read(data))
    reports = {es.check(s, name="a.o", targets="linux:5.4", registry=registry()) for s in sources}
    assert len(reports) == 1


def test_an_object_without_a_name_is_called_after_its_source(path: Path) -> None:
    with path.open("rb") as file:
        assert es.check(file, registry=registry()).objects == (path.as_posix(),)
    assert es.check(path, registry=registry()).objects == (path.as_posix(),)
    assert es.check(path.read_bytes(), registry=registry()).objects == ("<bytes>",)
    assert es.check(spec(), registry=registry()).objects == ("<spec>",)


def test_platform_and_targets_must_agree() -> None:
    assert [str(t) for t in resolve_targets("linux", ())] == ["linux"]
    assert [str(t) for t in resolve_targets("linux", ["linux:5.4", "linux:5.4"])] == ["linux:5.4"]
    assert [str(t) for t in resolve_targets(None, "windows:1.0")] == ["windows:1.0"]
    assert resolve_targets(None, ()) == ()
    assert resolve_targets(es.Platform.WINDOWS, ()) == (es.Target(es.Platform.WINDOWS),)
    with pytest.raises(es.UsageError, match=r"'linux:5\.4' contradicts platform 'windows'"):
        es.check(spec(), platform="windows", targets=["linux:5.4"], registry=registry())
    with pytest.raises(es.UnknownTargetError):
        es.check(spec(), platform="macos", registry=registry())
    with pytest.raises(es.UnknownTargetError):
        es.check(spec(), targets=["5.4"], registry=registry())


def test_a_malformed_object_is_a_finding(path: Path) -> None:
    report = es.check(path.read_bytes()[:200], name="cut.o", registry=registry())
    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("ELF001", es.Severity.ERROR)
    assert finding.location.offset is not None
    assert report.objects == ("cut.o",)
    assert not report.failures
    assert not report.ok


def test_malformed_objects_cannot_be_deselected(path: Path) -> None:
    cut = path.read_bytes()[:200]
    report = es.check(cut, select="MAP101", ignore="ELF001", registry=registry())
    assert [f.code for f in report.findings] == ["ELF001"]


@pytest.mark.parametrize("data", [b"", b"hello", b"!<arch>\n", b"\x7fELF\x01\x01" + bytes(60)])
def test_what_is_no_bpf_object_is_an_exception_that_names_it(data: bytes) -> None:
    with pytest.raises(es.UnsupportedObjectError) as caught:
        es.check(data, name="a\x1b.txt", registry=registry())
    assert str(caught.value).startswith("a\\x1b.txt: ")


def test_what_cannot_be_opened_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(es.UsageError):
        es.check(tmp_path / "nowhere.o", registry=registry())
    with pytest.raises(es.UsageError):
        es.check(tmp_path, registry=registry())
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(es.UsageError, match="cannot be read"):
        es.check(closed, registry=registry())


def test_numbers_of_an_object_that_says_nothing_follow_the_target() -> None:
    data = small_object("xdp")
    assert es.read(data).platform is es.Platform.UNKNOWN
    report = es.check(
        io.BytesIO(data), targets=("linux", "windows"), registry=registry("numbering")
    )
    found = {(f.target, f.message) for f in report.findings}
    assert found == {("linux", "in linux numbers"), ("windows", "in windows numbers")}


def test_an_object_that_says_what_it_is_keeps_its_numbers() -> None:
    data = small_object("socket")
    assert es.read(data).platform is es.Platform.LINUX
    report = es.check(data, platform="windows", registry=registry("numbering"))
    assert [f.message for f in report.findings] == ["in linux numbers"]


def test_plugins_that_fail_are_failures_of_the_report() -> None:
    broken = Registry(rules=("ebpf_static_nowhere:builtin",), third_parties=False)
    report = es.check(spec(), registry=broken)
    assert "ebpf_static_nowhere" in report.failures[0].message
    assert not report.ok


def test_rules_and_explain() -> None:
    assert [meta.code for meta in es.rules(registry())] == [
        "ELF001", "MAP101", "MAP102", "MAP301", "SUP001", "WIN201",
    ]  # fmt: skip
    assert es.explain("malformed-object").code == "ELF001"
    with pytest.raises(es.UnknownRuleError):
        es.explain("ELF")


def test_every_public_name_resolves_and_is_listed() -> None:
    for name in es.__all__:
        assert getattr(es, name) is not None
        assert name in dir(es)
    assert set(es._MODULES) | {"__version__"} == set(es.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        es.nonsense  # noqa: B018
