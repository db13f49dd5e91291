"""Every call in turn fails: nothing stays open, nothing half-loaded, and the error has a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.loading import LoadOptions
from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
from ebpf_static_loaders.windows.loader_native import WindowsNativeLoader
from tests.loaders.windows.stub import Stub
from tests.loaders.windows.test_native_loader import NATIVE, describe_gate

Read = Callable[[str], es.CollectionSpec]
NOTHING = (0, 0, 0, 0, 0, 0)
CLOSES = "ebpf_close_fd"
CODES = (4, 12, 22, 131)
"""Results and error numbers alike: what each means differs, that it is an error does not."""


def fail_each_call(stub: Stub, scenario: Callable[[], None], code: int) -> list[str]:
    """Run a scenario again and again, each time with the next call failing.

    Returns the exports that failed; the run in which nothing failed ends it.
    """
    failed: list[str] = []
    while True:
        stub.reset()
        with stub.failing_at(len(failed), code):
            try:
                scenario()
            except es.LoaderError as error:
                problem: es.LoaderError | None = error
            else:
                problem = None
            called = stub.called
        assert stub.left[:2] == NOTHING[:2], (failed, called)
        assert stub.left[3:] == NOTHING[3:], (failed, called)
        if len(called) <= len(failed):
            assert problem is None
            return failed
        name = called[len(failed)]
        failed.append(name)
        if problem is not None and problem.result is not None:
            assert problem.result.startswith(("E", "errno", "ebpf_result_t"))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", ["tail_call-clang19-el", "bind_legacy-clang19-el"])
def test_loading_bytecode(stub: Stub, read_object: Read, name: str, code: int) -> None:
    spec = read_object(name)
    loader = WindowsDllLoader(stub.library)
    plain = spec.model_copy(
        update={
            "maps": type(spec.maps)(item.model_copy(update={"pinning": 0}) for item in spec.maps)
        }
    )

    def scenario() -> None:
        with loader.load(plain):
            pass

    failed = fail_each_call(stub, scenario, code)
    assert {"bpf", "libbpf_num_possible_cpus", "ebpf_object_get_info_by_fd", CLOSES} <= set(failed)
    assert len(failed) > 15


@pytest.mark.parametrize("code", CODES)
def test_loading_with_pins_and_long_names(stub: Stub, read_object: Read, code: int) -> None:
    """A pin made by a load that fails is gone again; that of one that works stays."""
    spec = read_object("bind-clang19-el")
    maps = type(spec.maps)(
        item.model_copy(update={"name": item.name + "_" * 20}) for item in spec.maps
    )
    references = {item.name: item.name + "_" * 20 for item in spec.maps}
    assert references
    loader = WindowsDllLoader(stub.library)

    def scenario() -> None:
        try:
            with loader.load(spec.model_copy(update={"maps": maps})):
                assert stub.pins == 1
        except es.LoaderError:
            # Nothing but taking it back can have failed where a pin is left.
            assert not stub.pins or stub.called[-1] == CLOSES or "ebpf_object_unpin" in stub.called
            raise
        finally:
            unpin(stub, b"/ebpf/global/processes" + b"_" * 20)

    failed = fail_each_call(stub, scenario, code)
    assert {"bpf_map_create", "bpf", CLOSES} <= set(failed)


def unpin(stub: Stub, path: bytes) -> None:
    """Remove what a load that worked has pinned, even when it is this call that fails."""
    for _ in range(2):
        if stub.pins:
            stub.library.call("ebpf_object_unpin", path)


@pytest.mark.parametrize("code", CODES)
def test_loading_an_image(stub: Stub, code: int) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    spec = es.read(path)
    loader = WindowsNativeLoader(stub.library, machine=lambda: "x64")
    describe_gate(stub, path)

    def scenario() -> None:
        with loader.load(spec, LoadOptions(object_name=str(path))) as loaded:
            loaded.attach("gate_bind")

    failed = fail_each_call(stub, scenario, code)
    assert set(failed) == {
        "bpf", "libbpf_num_possible_cpus", "ebpf_object_load_native_by_fds",
        "ebpf_object_get_info_by_fd", "ebpf_program_attach_by_fds", CLOSES,
    }  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_using_what_was_loaded(stub: Stub, read_object: Read, code: int) -> None:
    spec = read_object("sockops-clang19-el")
    loader = WindowsDllLoader(stub.library)

    def scenario() -> None:
        with loader.load(spec) as loaded:
            ring = loaded.maps["connections"]
            stub.library.call("ebpf_ring_buffer_map_write", 1, b"x", 1)
            list(ring.read_ring(timeout=0))
            link = loaded.attach("monitor")
            link.pin("/a")
            try:
                link.unpin()
            except es.LoaderError:
                link.unpin()  # a second try finds it still there
                raise
            link.info()
            loaded.programs["monitor"].test_run(b"x", context=b"y")
            link.detach()

    failed = fail_each_call(stub, scenario, code)
    assert {
        "ebpf_duplicate_fd", "ebpf_ring_buffer_map_map_buffer", "ebpf_map_set_wait_handle",
        "ebpf_ring_buffer_map_unmap_buffer", "ebpf_program_attach_by_fds", "ebpf_object_unpin",
    } <= set(failed)  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_pins_opened_and_removed(stub: Stub, read_object: Read, code: int) -> None:
    loader = WindowsDllLoader(stub.library)
    spec = read_object("sockops-clang19-el")

    def scenario() -> None:
        with loader.load(spec) as loaded:
            loaded.maps["connections"].pin("/mine/a")
        try:
            with loader.open_map("/mine/a"):
                pass
            loader.unload("/mine")
        finally:
            unpin(stub, b"/mine/a")

    failed = fail_each_call(stub, scenario, code)
    assert {"ebpf_canonicalize_pin_path", "ebpf_get_next_pinned_object_path"} <= set(failed)


def test_an_interrupted_load_leaves_nothing(
    stub: Stub, read_object: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ebpf_static_loaders.windows import loader_dll

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loader_dll, "load_program", interrupted)
    with pytest.raises(KeyboardInterrupt):
        WindowsDllLoader(stub.library).load(read_object("bind-clang19-el"))
    assert stub.left == NOTHING


def test_handles_nobody_closed_are_closed_when_they_go(stub: Stub, read_object: Read) -> None:
    import gc

    loaded = WindowsDllLoader(stub.library).load(read_object("connect-clang19-el"))
    loaded.attach("only_https")
    assert stub.open_fds == 2
    del loaded
    gc.collect()
    assert stub.open_fds == 0


def test_closing_twice_is_nothing_new(stub: Stub, read_object: Read, tmp_path: Path) -> None:
    del tmp_path
    loaded = WindowsDllLoader(stub.library).load(read_object("connect-clang19-el"))
    loaded.close()
    count = len(stub.calls)
    loaded.close()
    assert loaded.closed
    assert len(stub.calls) == count
