"""What a target text means, and what is said of one that means nothing."""

from __future__ import annotations

import pytest

from ebpf_static import support
from ebpf_static.errors import UnknownTargetError
from ebpf_static.findings import Confidence
from ebpf_static.support.tables import read_table
from ebpf_static.support.versions import version_key
from ebpf_static.target import Platform, Target


@pytest.mark.parametrize(
    ("text", "version", "label"),
    [
        ("linux:6.1", "6.1.192", "Linux 6.1.192"),
        ("linux:6.1.0", "6.1.0", "Linux 6.1.0"),
        ("linux:v6.1.5", "6.1.5", "Linux 6.1.5"),
        ("linux:6.10", "6.10.0", "Linux 6.10.0"),
        ("linux:5.15", "5.15.220", "Linux 5.15.220"),
        ("linux:6.6", "6.6.156", "Linux 6.6.156"),
        ("windows:1.1", "1.1.0", "eBPF for Windows 1.1.0"),
        ("windows:1.2", "1.2.1", "eBPF for Windows 1.2.1"),
        ("windows:0.21.1", "0.21.1", "eBPF for Windows 0.21.1"),
        ("windows:1.0.0-rc1", "1.0.0-rc1", "eBPF for Windows 1.0.0-rc1"),
        ("windows:unreleased", "1.6.0", "eBPF for Windows 1.6.0 (unreleased)"),
        ("debian:12", "6.1.192", "debian:12 (about Linux 6.1.192)"),
        ("rhel:9", "6.12.117", "rhel:9.6 (about Linux 6.12.117)"),
        ("Rocky:8", "5.10.269", "rhel:8.10 (about Linux 5.10.269)"),
    ],
)
def test_a_target_means_one_release(text: str, version: str, label: str) -> None:
    release = support.find_release(text)
    assert str(release.version) == version
    assert str(release) == label
    assert release.source


def test_what_was_read_of_a_line_is_said() -> None:
    read = "6.6 was read up to 6.6.9: later point releases may carry backports"
    for text in ("linux:6.6", "linux:6.6.50"):
        assert support.find_release(text).notes == (read,)
    assert support.find_release("linux:6.6.9").notes == ()
    newer = support.find_release("linux:6.6.900").notes
    assert newer == ("newer than 6.6.156, the newest 6.6 release the tables know",)


def test_newest_releases_are_of_their_line_and_no_older_than_what_was_read() -> None:
    for row in read_table(Platform.LINUX, "lines").rows:
        newest = row.get("newest")
        assert newest is None or newest.rpartition(".")[0] == row["name"]
        for read in ("tree", "probed"):
            if read in row:
                assert version_key(row[read]) <= version_key(newest)
        assert ("listed" not in row) or newest not in (row.get("tree"), row.get("probed"))


def test_the_newest_point_release_and_dot_zero_are_two() -> None:
    newest = support.resolve(Target.parse("linux:6.1"))
    first = support.resolve(Target.parse("linux:6.1.0"))
    again = support.resolve(Target.parse("linux:6.1"))
    assert (str(newest.version), str(first.version)) == ("6.1.192", "6.1.0")
    assert newest == again


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("linux:7.4", "Linux 7.4 is newer than the support tables, which end at 7.3.4"),
        ("linux:9.0.1", "newer than the support tables"),
        ("linux:3.10", "older than 3.18, the first release with bpf"),
        ("linux:5.20", "there is no Linux 5.20: 5.19 was followed by 6.0"),
        ("linux:4.21", "there is no Linux 4.21: 4.20 was followed by 5.0"),
        ("windows:1.0", "1.0.0 was never tagged: 1.0.0-rc1 and 1.0.0-rc2 were followed by 1.1.0"),
        ("windows:1.0.0", "1.0.0 was never tagged"),
        ("windows:1.2.0", "1.2.0 was never tagged: 1.1.0 was followed by 1.2.1"),
        ("windows:0.19.2", "servicing release"),
        ("windows:0.8", "older than 0.9.0, where the support tables begin"),
        ("windows:1.7", "newer than the support tables, which end at 1.6.0"),
        ("windows:0.19", "there is no eBPF for Windows 0.19.0: the next release is 0.20.0"),
        ("ubuntu:21", "unknown release 'ubuntu:21': known are ubuntu:18.04"),
        ("nixos:24", "unknown target 'nixos:24'"),
        ("6.1", "names no platform"),
        ("linux:", "ends in ':'"),
        ("", "unknown target"),
        ("linux:six", "is not a version"),
    ],
)
def test_what_is_no_target_is_said_clearly(text: str, message: str) -> None:
    with pytest.raises(UnknownTargetError) as error:
        support.find_release(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_platform_has_no_releases() -> None:
    with pytest.raises(UnknownTargetError, match="platform is not known"):
        support.resolve(Target(Platform.UNKNOWN))


@pytest.mark.parametrize(
    ("text", "confidence", "note"),
    [
        ("linux:6.12", Confidence.HIGH, None),
        ("linux:6.1.300", Confidence.MEDIUM, "newer than 6.1.192"),
        ("linux:6.15", Confidence.MEDIUM, "no source tree of 6.15 was read"),
        ("linux:4.4", Confidence.LOW, "no source tree of 4.4 was read"),
        ("linux:6.6-rc3", Confidence.MEDIUM, "judged as 6.6.0"),
        ("windows:1.6", Confidence.MEDIUM, "not released"),
        ("debian:12", Confidence.MEDIUM, "vendors backport"),
        ("sles:15", Confidence.LOW, "vendors backport"),
    ],
)
def test_how_sure_a_release_is(text: str, confidence: Confidence, note: str | None) -> None:
    release = support.find_release(text)
    assert release.confidence is confidence
    assert any(note in it for it in release.notes) if note else not release.notes


def test_a_platform_alone_is_any_supported_release() -> None:
    windows, linux = support.find_release("windows"), support.find_release("linux")
    assert windows.version is None
    assert windows.supported[0] == "0.9"
    assert windows.supported[-1] == "1.5"
    assert "1.0" not in windows.supported
    assert {"5.10", "5.15", "6.1", "6.6", "6.12", "6.18", "7.3"} == set(linux.supported)


def test_lines_are_in_order_and_complete() -> None:
    lines = support.known_lines(Platform.LINUX)
    assert lines[0] == "3.18"
    assert lines[-1] == "7.3"
    assert lines.index("6.9") + 1 == lines.index("6.10")
    assert lines.index("5.19") + 1 == lines.index("6.0")
    assert support.known_lines(Platform.WINDOWS)[-3:] == ("1.4", "1.5", "1.6")


def test_every_name_that_is_offered_works() -> None:
    names = [
        *support.distribution_names(),
        *support.default_matrix(Platform.LINUX),
        *support.default_matrix(Platform.WINDOWS),
        *(f"linux:{line}" for line in support.known_lines(Platform.LINUX)),
    ]
    for name in names:
        assert support.find_release(name).version is not None
    assert len(support.distribution_names()) == len(set(support.distribution_names()))
