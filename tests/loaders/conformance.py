"""What every loader must do, whoever wrote it: subclass, name a loader and a spec, and run.

A loader in a package of its own can use this file as it is: it needs the public contract only.
"""

from __future__ import annotations

import pytest

import ebpf_static as es
from ebpf_static.loading import Collection, Loader, LoadOptions, Map, Program, UpdateMode


class Conformance:
    """The suite; a subclass gives fixtures ``loader``, ``spec`` and ``foreign``.

    ``spec`` declares a hash map ``table`` with keys of 4 and values of 8 bytes and room for two,
    an array ``slots`` of 4 such values, and the programs ``one`` and ``two``; ``foreign`` is a
    spec of the other platform, or None where there is no other.
    """

    def test_it_has_a_name_and_a_platform(self, loader: Loader) -> None:
        assert loader.name
        assert loader.platform in (None, es.Platform.LINUX, es.Platform.WINDOWS)
        assert isinstance(loader.loads, bool)

    def test_it_works_here(self, loader: Loader) -> None:
        assert loader.available() is None

    def test_it_loads_what_is_declared(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec) as loaded:
            assert isinstance(loaded, Collection)
            assert loaded.spec is spec
            assert {"table", "slots"} <= set(loaded.maps)
            assert set(loaded.programs) == {"one", "two"}
            handles: list[Map | Program] = [*loaded.maps.values(), *loaded.programs.values()]
            for handle in handles:
                assert handle.spec is not None
                assert handle.spec.name == handle.name
                assert handle.info()["type"]
                assert not handle.closed

    def test_leaving_closes_everything(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec) as loaded:
            handles: list[Map | Program] = [*loaded.maps.values(), *loaded.programs.values()]
        assert loaded.closed
        assert all(handle.closed for handle in handles)
        loaded.close()
        with pytest.raises(es.LoaderError):
            handles[0].info()

    def test_only_the_programs_asked_for(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec, LoadOptions(programs=("two",))) as loaded:
            assert set(loaded.programs) == {"two"}

    def test_a_program_that_is_not_there(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with pytest.raises(es.UsageError, match="three"):
            loader.load(spec, LoadOptions(programs=("three",)))

    def test_elements(self, loader: Loader, spec: es.CollectionSpec) -> None:
        first, second = b"\1\0\0\0", b"\2\0\0\0"
        with loader.load(spec) as loaded:
            table = loaded.maps["table"]
            assert table.lookup(first, raw=True) is None
            table.update(first, bytes(8))
            table.update(second, b"\7" * 8, UpdateMode.NEW)
            assert table.lookup(second, raw=True) == b"\7" * 8
            assert sorted(table.keys(raw=True)) == [first, second]
            assert dict(table.items(raw=True)) == {first: bytes(8), second: b"\7" * 8}
            assert dict(table.batch(raw=True)) == dict(table.items(raw=True))
            with pytest.raises(es.LoaderError):
                table.update(second, bytes(8), UpdateMode.NEW)
            with pytest.raises(es.LoaderError):
                table.update(b"\3\0\0\0", bytes(8), UpdateMode.EXISTING)
            assert table.delete(first)
            assert not table.delete(first)
            with pytest.raises(es.UsageError):
                table.update(b"\1", bytes(8))

    def test_an_array_is_full_from_the_start(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec) as loaded:
            slots = loaded.maps["slots"]
            assert slots.lookup(b"\3\0\0\0", raw=True) == bytes(8)
            slots.update(b"\3\0\0\0", b"\1" * 8)
            assert len(list(slots.keys(raw=True))) == 4
            assert dict(slots.items(raw=True))[b"\3\0\0\0"] == b"\1" * 8

    def test_a_frozen_map_refuses(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec) as loaded:
            loaded.maps["slots"].freeze()
            with pytest.raises(es.LoaderError):
                loaded.maps["slots"].update(bytes(4), bytes(8))

    def test_a_size_of_the_users(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec, LoadOptions(max_entries={"table": 7})) as loaded:
            assert loaded.maps["table"].info()["max_entries"] == 7

    def test_what_is_no_ring_cannot_be_read_as_one(
        self, loader: Loader, spec: es.CollectionSpec
    ) -> None:
        with loader.load(spec) as loaded, pytest.raises(es.UsageError, match="ring"):
            next(iter(loaded.maps["table"].read_ring(timeout=0)))

    def test_attaching_what_is_not_there(self, loader: Loader, spec: es.CollectionSpec) -> None:
        with loader.load(spec) as loaded, pytest.raises(es.UsageError, match="three"):
            loaded.attach("three")

    def test_the_other_platform_is_refused_in_words(
        self, loader: Loader, foreign: es.CollectionSpec | None
    ) -> None:
        if foreign is None:
            assert loader.platform is None
            return
        with pytest.raises(es.UsageError, match=f"loader {loader.name} is for"):
            loader.load(foreign)
