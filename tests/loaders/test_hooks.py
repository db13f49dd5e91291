"""Programs loaded, attached and run on the kernel underneath: what they count is read back."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.errors import LoadRejectedError, UsageError
from ebpf_static.loading import LoadOptions, UpdateMode
from ebpf_static_loaders.linux.loader import LinuxLoader
from ebpf_static_loaders.linux.pins import iter_pins
from tests.loaders.conftest import Network

Read = Callable[[str], es.CollectionSpec]
FRAME = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x88\xb5" + bytes(50)

pytestmark = pytest.mark.usefixtures("no_leak")


def send(interface: str, count: int) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        for _ in range(count):
            wire.send(FRAME)


def test_xdp_counts_the_packets_of_an_interface(
    linux: LinuxLoader, read_data: Read, network: Network
) -> None:
    with linux.load(read_data("hooks"), LoadOptions(programs=("count", "last"))) as loaded:
        counts = loaded.maps["counts"]
        assert counts[0] == {"packets": 0, "bytes": 0}
        link = loaded.programs["count"].attach(network.here)
        send(network.there, 3)
        assert counts[0] == {"packets": 3, "bytes": 3 * len(FRAME)}
        assert loaded.maps[".bss"][0] == {"seen": 3}
        assert sum(cpu["packets"] for cpu in loaded.maps["per_cpu"][0]) == 3
        assert link.info()["how"] == "bpf_link"
        link.close()
        send(network.there, 2)
        assert counts[0]["packets"] == 3


def test_xdp_by_netlink_where_there_are_no_links(
    linux: LinuxLoader, read_data: Read, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ebpf_static_loaders.linux.layouts import Command

    system = linux.system()
    real = system.bpf

    def without_links(command: Command, fields: object) -> object:
        if command is Command.LINK_CREATE:
            raise OSError(22, "as kernels before 5.9 say")
        return real(command, fields)  # type: ignore[arg-type]

    with linux.load(read_data("hooks"), LoadOptions(programs=("count", "last"))) as loaded:
        monkeypatch.setattr(system, "bpf", without_links)
        with loaded.programs["count"].attach(network.here, mode="generic") as link:
            assert link.info() == {"how": "netlink"}
            send(network.there, 2)
            with pytest.raises(es.LoaderError, match="old way"):
                link.pin("/sys/fs/bpf/none")
        monkeypatch.undo()
        send(network.there, 2)
        assert loaded.maps["counts"][0]["packets"] == 2


def test_an_interface_that_is_not_there(linux: LinuxLoader, read_data: Read) -> None:
    with linux.load(read_data("hooks"), LoadOptions(programs=("count", "last"))) as loaded:
        with pytest.raises(es.UsageError, match="no interface 'nowhere0'"):
            loaded.attach("count", "nowhere0")
        with pytest.raises(es.UsageError, match="needs an interface"):
            loaded.attach("count")
        with pytest.raises(es.UsageError, match="takes no 'speed'"):
            loaded.attach("count", "lo", speed=3)


def test_a_cgroup_program_blocks_a_connection(
    linux: LinuxLoader, read_data: Read, cgroup: Path
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
        options = LoadOptions(programs=("guard", "last"), variables={"blocked_port": port})
        with linux.load(read_data("hooks"), options) as loaded:
            link = loaded.attach("guard", str(cgroup))
            assert "PermissionError" in run_in(cgroup, connect)
            link.detach()
            assert run_in(cgroup, connect) == ""


def run_in(cgroup: Path, code: str) -> str:
    """Run Python in a control group and return what it complained of."""
    enter = f"open({str(cgroup / 'cgroup.procs')!r}, 'w').write('0'); "
    command = [sys.executable, "-c", enter + code]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_a_raw_tracepoint_feeds_a_ring_buffer(linux: LinuxLoader, read_data: Read) -> None:
    options = LoadOptions(programs=("notice", "last"), variables={"watched_pid": os.getpid()})
    with linux.load(read_data("hooks"), options) as loaded:
        with loaded.programs["notice"].attach():
            os.getppid()
        records = list(loaded.maps["events"].read_ring(timeout=0.1))
        assert records
        pid, kind, comm = struct.unpack("=IH6s", records[0])
        name = Path("/proc/self/comm").read_bytes().strip()
        assert (pid, kind) == (os.getpid(), 7)
        assert comm.rstrip(b"\0") == name[:5]
        assert list(loaded.maps["events"].read_ring(timeout=0)) == []


def test_a_raw_tracepoint_feeds_perf_buffers(linux: LinuxLoader, read_data: Read) -> None:
    options = LoadOptions(programs=("notice", "last"), variables={"watched_pid": os.getpid()})
    with linux.load(read_data("hooks"), options) as loaded:
        reader = loaded.maps["samples"].read_ring(timeout=0.2)
        loaded.attach("notice")
        first = next(reader)
        assert struct.unpack_from("=IH", first) == (os.getpid(), 7)
        reader.close()  # type: ignore[attr-defined]


def test_a_tail_call_reaches_the_program_the_object_names(
    linux: LinuxLoader, read_data: Read
) -> None:
    with linux.load(read_data("hooks"), LoadOptions(programs=("first", "last"))) as loaded:
        assert loaded.programs["first"].test_run(FRAME).result == 4
        assert loaded.maps["stages"].delete(1)
        assert loaded.programs["first"].test_run(FRAME).result == 0
        loaded.maps["stages"].update(1, loaded.programs["last"])
        assert loaded.programs["first"].test_run(FRAME).result == 4


def test_a_program_alone_whose_array_names_another(linux: LinuxLoader, read_data: Read) -> None:
    with pytest.raises(es.LoadRejectedError, match=r"slot 1 is for program `last`.*not loaded"):
        linux.load(read_data("hooks"), LoadOptions(programs=("first",)))


def test_a_run_gives_the_packet_back(linux: LinuxLoader, read_data: Read) -> None:
    with linux.load(read_data("hooks"), LoadOptions(programs=("count", "last"))) as loaded:
        done = loaded.programs["count"].test_run(FRAME, repeat=5)
        assert (done.result, done.data) == (2, FRAME)
        assert loaded.maps["counts"][0]["packets"] == 5


def test_struct_ops_becomes_a_congestion_control(linux: LinuxLoader, read_data: Read) -> None:
    known = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
    try:
        loaded = linux.load(read_data("cong"))
    except es.LoadRejectedError as error:
        pytest.skip(f"this kernel takes no struct_ops: {error}")
    with loaded:
        plain = loaded.attach("lazy")
        linked = loaded.attach("lazy_link")
        assert {"ebpf_lazy", "ebpf_lazy_link"} <= set(known.read_text("ascii").split())
        assert (plain.info()["how"], linked.info()["how"]) == ("struct_ops map", "bpf_link")
        with socket.socket() as chosen:
            chosen.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"ebpf_lazy_link")
    left = set(known.read_text("ascii").split())
    assert not {"ebpf_lazy", "ebpf_lazy_link"} & left


def test_maps_are_pinned_found_again_and_unloaded(
    linux: LinuxLoader, read_data: Read, bpffs: Path
) -> None:
    with linux.load(read_data("hooks")) as loaded:
        loaded.maps["counts"].update(0, {"packets": 7, "bytes": 70})
        loaded.maps["counts"].pin(str(bpffs / "counts"))
        link = loaded.attach("notice")
        link.pin(str(bpffs / "link"))
    with linux.open_map(str(bpffs / "counts")) as found:
        assert found[0] == {"packets": 7, "bytes": 70}
        assert found.name == "counts"
    options = LoadOptions(maps={"counts": str(bpffs / "counts")})
    with linux.load(read_data("hooks"), options) as again:
        assert again.maps["counts"][0]["packets"] == 7
    assert sorted(linux.unload(str(bpffs))) == [str(bpffs / "counts"), str(bpffs / "link")]
    assert list(bpffs.iterdir()) == []


def test_a_pinned_map_of_another_shape_is_refused(
    linux: LinuxLoader, read_data: Read, bpffs: Path
) -> None:
    with linux.load(read_data("hooks")) as loaded:
        loaded.maps["per_cpu"].pin(str(bpffs / "other"))
    options = LoadOptions(maps={"counts": str(bpffs / "other")})
    with pytest.raises(es.LoadRejectedError, match="its type is 5, not 2"):
        linux.load(read_data("hooks"), options)
    linux.unload(str(bpffs))


def test_elements_one_by_one_in_batches_and_frozen(linux: LinuxLoader, read_data: Read) -> None:
    with linux.load(read_data("hooks")) as loaded:
        item = loaded.maps["per_cpu"]
        item.update(1, {"packets": 2})
        item.update(2, {"packets": 3}, UpdateMode.NEW)
        with pytest.raises(es.LoaderError, match="EEXIST") as caught:
            item.update(2, {"packets": 4}, UpdateMode.NEW)
        assert caught.value.result == "EEXIST"
        with pytest.raises(es.LoaderError, match="ENOENT"):
            item.update(3, {"packets": 4}, UpdateMode.EXISTING)
        assert sorted(item) == [1, 2]
        one_by_one = dict(item.items())
        assert dict(item.batch(size=1)) == one_by_one
        assert dict(item.batch()) == one_by_one
        assert one_by_one[2][0] == {"packets": 3, "bytes": 0}
        assert item.delete(1)
        assert not item.delete(1)
        assert item.lookup(1) is None
        with pytest.raises(KeyError):
            item[1]
        loaded.maps["counts"].freeze()
        with pytest.raises(es.LoaderError, match="EPERM"):
            loaded.maps["counts"].update(0, {"packets": 1})
        with pytest.raises(es.UsageError, match="no member `pockets`"):
            item.update(1, {"pockets": 1})


def test_read_only_data_is_frozen(linux: LinuxLoader, read_data: Read) -> None:
    with linux.load(read_data("hooks"), LoadOptions(variables={"watched_pid": 5})) as loaded:
        assert loaded.maps[".rodata"][0] == {"blocked_port": 1, "watched_pid": 5}
        with pytest.raises(es.LoaderError, match="EPERM"):
            loaded.maps[".rodata"].update(0, {"watched_pid": 6})


def test_the_verifiers_words_come_with_the_line_of_c(linux: LinuxLoader) -> None:
    corpus = Path(__file__).resolve().parents[2] / "corpus" / "objects" / "linux"
    with pytest.raises(es.LoadRejectedError) as caught:
        linux.load(es.read(corpus / "globals-clang19-el.o"))
    assert caught.value.result in ("EACCES", "EINVAL")
    assert "globals.c:31" in caught.value.log
    assert len(caught.value.log.splitlines()) <= 20


def test_what_is_closed_says_so(linux: LinuxLoader, read_data: Read) -> None:
    loaded = linux.load(read_data("hooks"))
    loaded.close()
    loaded.close()
    assert loaded.closed
    with pytest.raises(es.LoaderError, match="has been closed"):
        loaded.maps["counts"].lookup(0)


def test_what_the_kernel_knows_and_maps_that_stay(
    linux: LinuxLoader, read_data: Read, bpffs: Path
) -> None:
    options = LoadOptions(pin_dir=str(bpffs))
    with linux.load(read_data("pinned"), options) as loaded:
        assert loaded.programs["learn"].test_run(FRAME).result == 2
        release = [int(part) for part in re.findall(r"\d+", os.uname().release)[:3]]
        learned = loaded.maps[".bss"][0] | loaded.maps[".data"][0]
        assert learned["version"] >> 8 == release[0] << 8 | release[1]
        assert learned["option"] == 1
        assert (learned["absent"], learned["missing"]) == (0, 0)
        assert loaded.maps["one"][0] == 1
        assert loaded.maps["outer"][2] == loaded.maps["one"].info()["id"]
        loaded.maps["kept"].update(0, 5)
    assert sorted(pin.name for pin in bpffs.iterdir()) == ["kept", "kept_too"]
    with linux.load(read_data("pinned"), options) as again:
        assert again.maps["kept"][0] == 5
        assert again.programs["learn"].test_run(FRAME).result == 1
    options = LoadOptions(pin_dir=str(bpffs), max_entries={"kept_too": 3})
    with pytest.raises(es.LoadRejectedError, match="number of entries is 2, not 3"):
        linux.load(read_data("pinned"), options)
    assert sorted(pin.name for pin in bpffs.iterdir()) == ["kept", "kept_too"]
    linux.unload(str(bpffs))


def test_an_arena_starts_with_its_variables(linux: LinuxLoader, read_data: Read) -> None:
    try:
        loaded = linux.load(read_data("arena"))
    except es.LoadRejectedError as error:
        if "cannot create map" not in str(error):
            raise
        pytest.skip(f"this kernel has no arenas: {error}")
    with loaded:
        assert loaded.programs["sum"].test_run().result == 42
        assert loaded.programs["sum"].test_run().result == 49


@pytest.mark.skipif(sys.platform != "linux", reason="pins of Linux")
def test_files_that_are_no_pins_are_never_removed(tmp_path: Path) -> None:
    file = tmp_path / "links" / "precious"
    file.parent.mkdir()
    file.write_text("not a pin")
    for path in (file, tmp_path, tmp_path / "links"):
        with pytest.raises(UsageError, match="not in a BPF file system"):
            iter_pins(str(path))
    with pytest.raises(LoadRejectedError, match="cannot read"):
        iter_pins(str(tmp_path / "gone"))
    assert file.exists()
