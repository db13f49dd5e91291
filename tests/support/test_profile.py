"""Profiles go before the tables, say only what they say, and are refused when they are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ebpf_static import check
from ebpf_static.cli.main import main
from ebpf_static.errors import UsageError
from ebpf_static.kernel.opening import open_release
from ebpf_static.support import helper, map_type, program_type
from ebpf_static.support.profile import read_profile
from ebpf_static.target import Platform, Target
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

LINUX = Platform.LINUX
ROOT = Path(__file__).resolve().parents[2]
RINGBUF = MapType.named(LINUX, "RINGBUF")
XDP = ProgramType.named(LINUX, "XDP")
LOOKUP = HelperId.named(LINUX, "map_lookup_elem")
OURS = {
    "format": "ebpf-static-profile",
    "version": 1,
    "kernel": "4.18.0-553.el8",
    "kernel_version": "4.18.0",
    "map_types": {"RINGBUF": True, "HASH": False},
    "program_types": {"XDP": False},
    "helpers": {"KPROBE": ["map_lookup_elem", "ringbuf_output"]},
}
BPFTOOL = {
    "program_types": {"have_xdp_prog_type": False, "have_kprobe_prog_type": True},
    "map_types": {"have_ringbuf_map_type": True, "have_hash_map_type": False},
    "helpers": {"xdp_available_helpers": ["bpf_map_update_elem"], "lsm_available_helpers": []},
}


def _write(folder: Path, document: Any) -> str:
    path = folder / "profile.json"
    path.write_text(json.dumps(document), "utf-8")
    return str(path)


def _release(path: str, text: str = "linux:4.18") -> Any:
    return open_release(Target.parse(text, profile=path))


def test_profile_goes_before_the_tables(tmp_path: Path) -> None:
    release = _release(_write(tmp_path, OURS))
    assert map_type(RINGBUF, release).available, "a backport the tables do not know"
    assert not map_type(MapType.named(LINUX, "HASH"), release).available
    assert not program_type(XDP, release).available
    kprobe = ProgramType.named(LINUX, "KPROBE")
    assert helper(HelperId.named(LINUX, "ringbuf_output"), kprobe, None, release).available
    assert not helper(HelperId.named(LINUX, "loop"), kprobe, None, release).available


def test_what_it_does_not_say_is_asked_of_the_tables(tmp_path: Path) -> None:
    release = _release(_write(tmp_path, OURS))
    plain = open_release(Target.parse("linux:4.18"))
    for found in (MapType.named(LINUX, "ARRAY"), MapType.named(LINUX, "ARENA")):
        assert map_type(found, release) == map_type(found, plain)
    assert helper(LOOKUP, XDP, None, release) == helper(LOOKUP, XDP, None, plain)


def test_only_the_noes_of_bpftool_are_believed(tmp_path: Path) -> None:
    release = _release(_write(tmp_path, BPFTOOL))
    assert not map_type(RINGBUF, release).available, "the tables' answer"
    assert not map_type(MapType.named(LINUX, "HASH"), release).available
    assert not program_type(XDP, release).available
    assert not helper(LOOKUP, XDP, None, release).available
    lsm = ProgramType.named(LINUX, "LSM")
    newer = _release(_write(tmp_path, BPFTOOL), "linux:6.1")
    assert helper(LOOKUP, lsm, None, newer).available, "an empty list is no answer"


def test_release_comes_from_the_profile_when_nobody_names_one(tmp_path: Path) -> None:
    assert str(_release(_write(tmp_path, OURS), "linux").version) == "4.18.0"
    with pytest.raises(UsageError, match="does not say the kernel's release"):
        _release(_write(tmp_path, BPFTOOL), "linux")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense", '{"format": "ebpf-static-profile", "version": 9}',
     '{"format": "ebpf-static-profile", "version": 1, "helpers": 5}',
     '{"format": "ebpf-static-profile", "version": 1, "kernel_version": "x"}',
     '{"program_types": 1, "map_types": []}', "[" * 100_000],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_profile_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profile.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"profile\.json") as caught:
        read_profile(str(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="cannot be read"):
        read_profile(str(tmp_path / "absent"))


def test_check_judges_by_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _write(tmp_path, OURS)
    source = ROOT / "corpus" / "objects" / "linux" / "btf_maps-clang19-el.o"
    codes = {f.code for f in check(source, targets="linux:5.10", profile=path).findings}
    assert "MAP201" in codes, "its hash map"
    assert "MAP201" not in {f.code for f in check(source, targets="linux:6.1").findings}
    assert main(["check", str(source), "--target", "linux:6.1", "--profile", path]) == 1
    assert main(["check", str(source), "--target", "windows:1.1", "--profile", path]) == 2
    capsys.readouterr()


def test_helpers_that_hang_on_the_attach_type_are_left_to_the_tables(tmp_path: Path) -> None:
    said = OURS | {"kernel_version": "6.1.0", "helpers": {"CGROUP_SOCK_ADDR": []}}
    release = _release(_write(tmp_path, said), "linux:6.1")
    sock_addr = ProgramType.named(LINUX, "CGROUP_SOCK_ADDR")
    connect = AttachType.named(LINUX, "CGROUP_INET4_CONNECT")
    assert helper(HelperId.named(LINUX, "bind"), sock_addr, connect, release).available
    assert not helper(LOOKUP, sock_addr, connect, release).available


def test_this_machine_describes_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "profile.json"
    if main(["probe", "--loader", "linux", "-o", str(path)]):
        pytest.skip(f"nothing can be loaded here: {capsys.readouterr().err.strip()}")
    profile = read_profile(str(path))
    assert profile.map_types["HASH"]
    assert profile.program_types["SOCKET_FILTER"]
    assert "map_lookup_elem" in profile.helpers["SOCKET_FILTER"]
    assert "skb_store_bytes" not in profile.helpers["XDP"], "a refusal is told from a complaint"
    source = ROOT / "corpus" / "objects" / "linux" / "subprograms-clang19-el.o"
    assert check(source, targets="linux", profile=path).ok
