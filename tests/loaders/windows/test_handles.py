"""Handles of loaded things: elements, rings, attachments, pins."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.loading import Collection, Map, UpdateMode
from ebpf_static.specs import MapOrigin, MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, MapType
from ebpf_static_loaders.windows.dll import MissingExportError
from ebpf_static_loaders.windows.handles import WindowsMap
from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
from tests.loaders.windows.stub import Stub, build

Read = Callable[[str], es.CollectionSpec]
BIND_GUID = "b9707e04-8127-4c72-833e-05b1fb439496"


def map_spec(kind: str, key: int = 4, value: int = 8, entries: int = 8) -> MapSpec:
    return MapSpec(
        name="m", type=MapType.named(Platform.WINDOWS, kind), key_size=key, value_size=value,
        max_entries=entries, origin=MapOrigin.BTF, section=".maps",
    )  # fmt: skip


def collection_of(item: MapSpec) -> es.CollectionSpec:
    return es.CollectionSpec(
        platform=Platform.WINDOWS,
        numbering=Platform.WINDOWS,
        byte_order="little",
        maps=es.specs.ByName((item,)),
    )


Open = Callable[..., WindowsMap]


@pytest.fixture
def open_map(loader: WindowsDllLoader) -> Iterator[Open]:
    """Return a function that makes one map, closed at the end."""
    loaded: list[Collection] = []

    def make(kind: str, **sizes: int) -> WindowsMap:
        loaded.append(loader.load(collection_of(map_spec(kind, **sizes))))
        found = loaded[-1].maps["m"]
        assert isinstance(found, WindowsMap)
        return found

    yield make
    for it in loaded:
        it.close()


@pytest.mark.parametrize("kind", ["HASH", "LRU_HASH", "LPM_TRIE"])
def test_elements_of_hashes(open_map: Open, kind: str) -> None:
    table = open_map(kind)
    assert table.lookup(1) is None
    table.update(1, 7)
    table[b"\2\0\0\0"] = b"12345678"
    assert table[1] == (7).to_bytes(8, "little")
    assert dict(table.items(raw=True)) == {
        b"\1\0\0\0": b"\7" + bytes(7),
        b"\2\0\0\0": b"12345678",
    }
    with pytest.raises(es.LoadRejectedError, match="EEXIST"):
        table.update(1, 8, UpdateMode.NEW)
    with pytest.raises(es.LoadRejectedError, match="ENOENT"):
        table.update(3, 8, UpdateMode.EXISTING)
    assert table.delete(1)
    assert not table.delete(1)
    with pytest.raises(KeyError):
        del table[1]
    with pytest.raises(es.UsageError, match="key has 4 bytes, not 2"):
        table.lookup(b"xx")
    with pytest.raises(es.UsageError, match="no value of 8 bytes"):
        table.update(1, 1 << 64)
    with pytest.raises(es.UsageError, match="give the key as bytes or number"):
        table.lookup("x")


def test_an_element_of_an_array_deleted_is_zero(open_map: Open) -> None:
    slots = open_map("ARRAY", entries=3)
    slots.update(2, 5)
    assert slots.delete(2)
    assert slots.lookup(2) == bytes(8)
    with pytest.raises(es.LoadRejectedError, match="EINVAL"):
        slots.update(3, 5)


@pytest.mark.parametrize("kind", ["PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH"])
def test_values_for_each_processor(open_map: Open, kind: str) -> None:
    table = open_map(kind, value=6)  # eight bytes for each of four processors
    table.update(1, [b"a" * 6, b"b" * 6, b"c" * 6, b"d" * 6])
    assert table.lookup(1) == [b"a" * 6, b"b" * 6, b"c" * 6, b"d" * 6]
    table.update(1, 258)
    assert table.lookup(1) == [b"\2\1\0\0\0\0"] * 4
    table.update(1, bytes(32))
    assert table.lookup(1, raw=True) == [bytes(6)] * 4
    with pytest.raises(es.UsageError, match="each of 4 CPUs, not 1"):
        table.update(1, [b"a" * 6])


def test_queues_and_stacks_give_their_next(open_map: Open) -> None:
    queue, stack = open_map("QUEUE", key=0, entries=2), open_map("STACK", key=0, entries=2)
    for number in (1, 2):
        queue.update(None, number)
        stack.update(None, number)
    with pytest.raises(es.LoadRejectedError, match="ENOSPC"):
        queue.update(None, 3)
    assert [queue.lookup() for _ in range(3)] == [b"\1" + bytes(7), b"\2" + bytes(7), None]
    assert [stack.lookup() for _ in range(3)] == [b"\2" + bytes(7), b"\1" + bytes(7), None]


def test_batches_bring_everything_once(open_map: Open, stub: Stub) -> None:
    table = open_map("HASH", entries=20)
    items = {number.to_bytes(4, "little"): number.to_bytes(8, "big") for number in range(17)}
    table.update_batch(items)
    for size in (1, 4, 17, 100):
        assert dict(table.batch(size=size, raw=True)) == items
    table.delete_batch(list(items)[:16])
    assert list(table.keys()) == [b"\x10\0\0\0"]
    assert list(table.batch()) == [(b"\x10\0\0\0", (16).to_bytes(8, "big"))]
    slots = open_map("ARRAY", entries=2)  # for which efW has no batches
    assert len(list(slots.batch())) == 2
    with (
        stub.failing("bpf_map_lookup_batch", 12),
        pytest.raises(es.LoadRejectedError, match="walk"),
    ):
        list(table.batch())


def test_values_by_type(loader: WindowsDllLoader, read_object: Read) -> None:
    with loader.load(read_object("process-clang19-el")) as loaded:
        images = loaded.maps["images"]
        images.update(77, [{}] * 4)
        (key,) = images.keys()
        values: list[object] = images[key]
        assert key == 77
        assert len(values) == 4
        assert isinstance(values[0], dict)
    with loader.load(read_object("xdp_maps-clang19-el")) as loaded:
        loaded.maps["drops"].update(0, 9)
        assert loaded.maps["drops"][0] == 9


def test_freezing_is_refused_in_words(open_map: Open) -> None:
    with pytest.raises(es.LoaderError, match="no BPF_MAP_FREEZE"):
        open_map("ARRAY").freeze()


def test_a_map_of_maps_takes_handles_of_its_own_loader(
    loader: WindowsDllLoader, open_map: Open
) -> None:
    inner = map_spec("HASH").model_copy(update={"name": "inner"})
    outer = map_spec("ARRAY_OF_MAPS", value=4).model_copy(update={"inner": inner})
    given, other = open_map("HASH"), open_map("HASH", value=4)
    with loader.load(collection_of(outer)) as loaded:
        shards = loaded.maps["m"]
        shards.update(0, given)
        assert shards.lookup(0) == given.info()["id"]
        with pytest.raises(es.LoadRejectedError, match="EINVAL"):
            shards.update(1, other)  # not like the template
        with pytest.raises(es.UsageError, match="handles of the same loader only"):
            shards.update(1, loaded)


def test_what_has_been_closed_says_so(open_map: Open) -> None:
    table = open_map("HASH")
    table.close()
    table.close()
    with pytest.raises(es.LoaderError, match="map `m` has been closed"):
        table.lookup(1)


def test_a_descriptor_that_does_not_close_is_told(open_map: Open, stub: Stub) -> None:
    table = open_map("HASH")
    with stub.failing("ebpf_close_fd", 4), pytest.raises(es.LoadRejectedError, match="close map"):
        table.close()
    assert table.closed


# -- rings -------------------------------------------------------------------------------------


def test_a_ring_is_read_record_by_record(open_map: Open, stub: Stub) -> None:
    ring = open_map("RINGBUF", key=0, value=0, entries=4096)

    def put(text: bytes, flags: int = 0) -> None:
        assert stub.dll.stub_ring_put(ring.fd, text, len(text), flags) == 0

    put(b"first")
    put(b"given up", 1 << 30)
    put(b"")
    records = ring.read_ring(timeout=0)
    assert [next(records), next(records)] == [b"first", b""]
    put(b"later")
    assert list(records) == [b"later"]
    assert stub.left[3:] == (0, 0, 0)
    assert list(ring.read_ring(timeout=0)) == []


def test_records_go_round_the_end_of_the_ring(open_map: Open, stub: Stub) -> None:
    ring = open_map("RINGBUF", key=0, value=0, entries=4096)
    for number in range(40):  # 40 times 1008 bytes through 4096
        text = bytes([number]) * 1000
        assert stub.dll.stub_ring_put(ring.fd, text, len(text), 0) == 0
        assert list(ring.read_ring(timeout=0)) == [text]


def test_an_unfinished_record_is_waited_for(open_map: Open, stub: Stub) -> None:
    ring = open_map("RINGBUF", key=0, value=0, entries=4096)
    stub.dll.stub_ring_put(ring.fd, b"unfinished", 10, 1 << 31)
    stub.dll.stub_ring_put(ring.fd, b"behind it", 9, 0)
    assert list(ring.read_ring(timeout=0)) == []


def test_a_ring_left_early_is_given_back(open_map: Open, stub: Stub) -> None:
    ring = open_map("RINGBUF", key=0, value=0, entries=4096)
    stub.dll.stub_ring_put(ring.fd, b"x", 1, 0)
    records = ring.read_ring(timeout=None)
    next(records)
    assert stub.left[3:] == (1, 0, 1)
    records.close()  # type: ignore[attr-defined]  # a generator
    assert stub.left[3:] == (0, 0, 0)
    with pytest.raises(es.UsageError, match="no ring"):
        next(open_map("HASH").read_ring())


@pytest.mark.parametrize(
    "name",
    ["ebpf_duplicate_fd", "ebpf_ring_buffer_map_map_buffer", "ebpf_map_set_wait_handle"],
)
def test_a_ring_that_cannot_be_read_leaves_nothing(open_map: Open, stub: Stub, name: str) -> None:
    ring = open_map("RINGBUF", key=0, value=0, entries=4096)
    before = stub.left
    with stub.failing(name), pytest.raises(es.LoadRejectedError, match="EBPF_NO_MEMORY"):
        next(ring.read_ring(timeout=0))
    assert stub.left == before


def test_a_perf_event_array_is_read(open_map: Open, stub: Stub) -> None:
    events = open_map("PERF_EVENT_ARRAY", key=4, value=4, entries=4096)
    for text in (b"one", b"two"):
        assert stub.library.call("ebpf_perf_event_array_map_write", events.fd, text, 3) == 0
    assert list(events.read_ring(timeout=0)) == [b"one", b"two"]
    stub.dll.stub_lose(3)
    with pytest.raises(es.LoaderError, match=r"3 records .* lost"):
        list(events.read_ring(timeout=0))
    with stub.failing("perf_buffer__new"), pytest.raises(es.LoadRejectedError, match="open"):
        list(events.read_ring(timeout=0))
    with stub.failing("perf_buffer__poll"), pytest.raises(es.LoadRejectedError, match="ENOMEM"):
        list(events.read_ring(timeout=0))


def test_older_releases_say_what_reading_needs(tmp_path: Path) -> None:
    old = Stub(build(tmp_path, "0.21.0"))
    old.reset()
    loader = WindowsDllLoader(old.library)
    ring = map_spec("RINGBUF", 0, 0, 4096)
    with loader.load(collection_of(ring)) as loaded:
        with pytest.raises(MissingExportError, match=r"efW ≥ 1\.0\.0-rc1"):
            next(loaded.maps["m"].read_ring(timeout=0))
        loaded.maps["m"].pin("/x")
        assert loader.unload("BPF:\\x") == ["BPF:\\x"]  # paths are not canonicalised there
    perf = map_spec("PERF_EVENT_ARRAY", 0, 0, 4096)
    with (
        loader.load(collection_of(perf)) as loaded,
        pytest.raises(MissingExportError, match=r"efW ≥ 1\.1\.0"),
    ):
        next(loaded.maps["m"].read_ring(timeout=0))
    assert old.left == (0, 0, 0, 0, 0, 0)


# -- programs and links ------------------------------------------------------------------------


def test_a_program_is_attached_where_its_section_says(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    with loader.load(read_object("bind-clang19-el")) as loaded:
        link = loaded.attach("quota")
        assert stub.attached == 1
        info = link.info()
        assert (info["attach_type"], info["attach_type_uuid"]) == ("BIND", BIND_GUID)
        assert info["prog_id"] == loaded.programs["quota"].info()["id"]
        assert loaded.programs["quota"].info()["link_count"] == 1
        link.detach()
        assert stub.attached == 0
        assert link.closed
        with pytest.raises(es.UsageError, match="no target"):
            loaded.attach("quota", "eth0")
        with pytest.raises(es.UsageError, match="nothing called `nobody`"):
            loaded.attach("nobody")
        with pytest.raises(es.UsageError, match="not mode"):
            loaded.attach("quota", mode="generic")
        loaded.attach("quota")
    assert stub.attached == 0
    loader.unload("/ebpf/global")


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        (None, {}, "0 NULL"),
        ("7", {}, "4 given"),
        (None, {"parameters": b"\7\0\0\0"}, "4 given"),
        (None, {"attach_type": "CGROUP_INET4_CONNECT"}, "0 NULL"),
        (None, {"attach_type": 3}, "0 NULL"),
        (None, {"attach_type": "{A82E37B1-AEE7-11EC-9A30-18602489BEEE}"}, "0 NULL"),
        (
            None,
            {"attach_type": AttachType.named(Platform.WINDOWS, "CGROUP_INET4_CONNECT")},
            "0 NULL",
        ),
    ],
)
def test_ways_to_say_where(
    loader: WindowsDllLoader,
    stub: Stub,
    read_object: Read,
    target: str | None,
    options: dict[str, object],
    said: str,
) -> None:
    with loader.load(read_object("connect-clang19-el")) as loaded:
        link = loaded.attach("only_https", target, **options)
        call = next(it for it in stub.calls if it.startswith("ebpf_program_attach_by_fds"))
        assert call.endswith(f"b137 {said}")  # the GUID starts with its bytes swapped
        data = link.info()["attach_data"]
        assert struct.unpack_from("<I", data) == (7 if said.startswith("4") else 0,)


def test_targets_that_make_no_sense(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    with loader.load(read_object("connect-clang19-el")) as loaded:
        with pytest.raises(es.UsageError, match="no compartment"):
            loaded.attach("only_https", "-1")
        with pytest.raises(es.UsageError, match="no attach type"):
            loaded.attach("only_https", attach_type="NOWHERE")
        with pytest.raises(es.LoadRejectedError, match="EBPF_OBJECT_NOT_FOUND"):
            loaded.attach("only_https", attach_type=77)
        with pytest.raises(
            es.LoadRejectedError, match=r"EBPF_EXTENSION_FAILED_TO_LOAD.*netebpfext"
        ):
            loaded.attach("only_https", attach_type="12345678-1234-1234-1234-123456789abc")
        with pytest.raises(es.LoadRejectedError, match="EBPF_INVALID_ARGUMENT"):
            loaded.attach("only_https", attach_type="BIND")
    with loader.load(read_object("xdp_maps-clang19-el")) as loaded:
        with pytest.raises(es.UsageError, match="name or index"):
            loaded.attach("filter")
        with pytest.raises(es.UsageError, match="no interface 'nowhere0'"):
            loaded.attach("filter", "nowhere0")
        assert loaded.attach("filter", "3").info()["attach_data"][:4] == b"\3\0\0\0"
    with loader.load(read_object("netevent-clang19-el")) as loaded:
        with pytest.raises(es.UsageError, match="netevent_attach_opts_t"):
            loaded.attach("on_event")
        loaded.attach("on_event", parameters=bytes(4))
    assert stub.attached == 0


def test_a_target_given_with_the_load(loader: WindowsDllLoader, read_object: Read) -> None:
    from ebpf_static.loading import LoadOptions

    options = LoadOptions(attach_to={"filter": "4"})
    with loader.load(read_object("xdp_maps-clang19-el"), options) as loaded:
        assert loaded.attach("filter").info()["attach_data"][:4] == b"\4\0\0\0"


def test_a_pinned_link_outlives_its_handle(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    with loader.load(read_object("connect-clang19-el")) as loaded:
        loaded.attach("only_https").pin("/links/a")
        loaded.programs["only_https"].pin("/programs/a")
    assert (stub.attached, stub.pins, stub.open_fds) == (1, 2, 0)
    with pytest.raises(es.LoaderError, match="it is a program, not a map"):
        loader.open_map("/programs/a")
    assert stub.open_fds == 0
    assert loader.unload("/links") == ["BPF:\\links\\a"]
    assert stub.attached == 0
    assert loader.unload("/programs/a") == ["BPF:\\programs\\a"]


def test_pins_are_removed_by_who_made_them(open_map: Open, stub: Stub) -> None:
    table = open_map("HASH")
    table.pin("/a")
    table.pin("/b")
    assert table.info()["pinned_path_count"] == 2
    with pytest.raises(es.LoadRejectedError, match="EEXIST"):
        open_map("HASH").pin("/a")
    stub.library.call("ebpf_object_unpin", b"/b")
    table.unpin()  # that one has gone is no error
    assert stub.pins == 0
    for name in ("", "x" * 256, "a\0b"):
        with pytest.raises(es.UsageError, match="no name for a pin"):
            table.pin(name)


def test_a_program_is_run_on_data_and_context(loader: WindowsDllLoader, read_object: Read) -> None:
    with loader.load(read_object("connect-clang19-el")) as loaded:
        program = loaded.programs["only_https"]
        run = program.test_run(b"data", context=b"\1\2\3", repeat=3)
        assert (run.data, run.context, run.nanoseconds) == (b"data", b"\2\2\3", 30)
        with pytest.raises(es.LoadRejectedError, match="run program `only_https`: EINVAL"):
            program.test_run()


def test_handles_are_maps(open_map: Open) -> None:
    assert isinstance(open_map("HASH"), Map)
