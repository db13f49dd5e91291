"""Objects of eBPF for Windows, pretended to be loaded: what would be made, with its sizes.

The calls of ``ebpfapi.dll`` are the business of the Windows loaders; these lines say what they
have to bring about, in the words of the contract.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ebpf_static.errors import LoaderError, UsageError
from ebpf_static.loading import (
    Collection,
    Link,
    LoadOptions,
    Map,
    Program,
    TestRun,
    UpdateMode,
)
from ebpf_static.specs import CollectionSpec, MapSpec, ProgramSpec

Write = Callable[[str], None]


def load_windows(spec: CollectionSpec, options: LoadOptions, write: Write) -> Collection:
    """Pretend to load a spec of eBPF for Windows."""
    chosen = options.programs
    for name in chosen or ():
        if name not in spec.programs.keys():  # noqa: SIM118 - a tuple, not a mapping
            raise UsageError(f"the object has no program `{name}`")
    made = PretendedCollection(spec, write)
    for item in spec.maps:
        made.maps[item.name] = PretendedMap(item, options.max_entries.get(item.name), write)
    for program in spec.programs:
        if chosen is None or program.name in chosen:
            made.programs[program.name] = PretendedProgram(program, write)
    return made


class _Pretended:
    """What all pretended handles share."""

    def __init__(self, noun: str, name: str, write: Write, facts: Mapping[str, Any]) -> None:
        self._noun = noun
        self.name = name
        self._write = write
        self._facts = facts
        self._closed = False
        self._tell(f"{noun}_create", facts)

    def _tell(self, call: str, facts: Mapping[str, Any] | None = None) -> None:
        if self._closed:
            raise LoaderError(f"{self._noun} `{self.name}` has been closed")
        self._write(json.dumps({"call": call, "name": self.name, **(facts or {})}))

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    def close(self) -> None:
        """Close it."""
        if not self._closed:
            self._tell(f"{self._noun}_close")
        self._closed = True

    def pin(self, path: str) -> None:
        """Say that it would be pinned."""
        self._tell(f"{self._noun}_pin", {"path": path})

    def unpin(self) -> None:
        """Say that it would be unpinned."""
        self._tell(f"{self._noun}_unpin")

    def info(self) -> Mapping[str, Any]:
        """Return what it was made with."""
        if self._closed:
            raise LoaderError(f"{self._noun} `{self.name}` has been closed")
        return dict(self._facts)


class PretendedMap(_Pretended, Map):
    """A map that is a dictionary of bytes."""

    def __init__(self, spec: MapSpec, max_entries: int | None, write: Write) -> None:
        entries = spec.max_entries if max_entries is None else max_entries
        facts = {
            "type": spec.type.name, "key_size": spec.key_size, "value_size": spec.value_size,
            "max_entries": entries, "pinning": spec.pinning,
        }  # fmt: skip
        _Pretended.__init__(self, "map", spec.name, write, facts)
        self.spec = spec
        self._elements: dict[bytes, bytes] = {}
        self._frozen = False
        if "ARRAY" in spec.type.name and spec.type.name.find("PROG") < 0:
            count = min(entries, 1 << 16)
            zero = bytes(spec.value_size)
            self._elements = {i.to_bytes(4, "little"): zero for i in range(count)}

    def lookup(self, key: Any = None, *, raw: bool = False) -> Any | None:
        """Return the bytes of ``key``."""
        del raw
        self._tell("map_lookup")
        return self._elements.get(self._bytes(key, "key", self.spec_size("key_size")))

    def update(self, key: Any, value: Any, mode: UpdateMode = UpdateMode.ANY) -> None:
        """Set the bytes of ``key``."""
        self._tell("map_update", {"mode": mode.value})
        raw = self._bytes(key, "key", self.spec_size("key_size"))
        there = raw in self._elements
        if self._frozen or (there is (mode is UpdateMode.NEW) and mode is not UpdateMode.ANY):
            raise LoaderError(f"map `{self.name}` refuses the update")
        self._elements[raw] = self._bytes(value, "value", self.spec_size("value_size"))

    def delete(self, key: Any) -> bool:
        """Remove ``key``."""
        self._tell("map_delete")
        raw = self._bytes(key, "key", self.spec_size("key_size"))
        return self._elements.pop(raw, None) is not None

    def keys(self, *, raw: bool = False) -> Iterator[Any]:
        """Yield the keys as bytes."""
        del raw
        yield from tuple(self._elements)

    def freeze(self) -> None:
        """Refuse updates from now on."""
        self._tell("map_freeze")
        self._frozen = True

    def spec_size(self, name: str) -> int:
        """Return a size the map was made with."""
        return int(self._facts[name])

    def _bytes(self, value: Any, noun: str, size: int) -> bytes:
        if isinstance(value, int):
            value = (value % (1 << 8 * size)).to_bytes(size, "little")
        if not isinstance(value, bytes | bytearray) or len(value) != size:
            raise UsageError(f"map `{self.name}`: a {noun} has {size} bytes")
        return bytes(value)


class PretendedProgram(_Pretended, Program):
    """A program that does nothing."""

    def __init__(self, spec: ProgramSpec, write: Write) -> None:
        facts = {"type": spec.type.name, "section": spec.section, "insns": spec.insn_count}
        _Pretended.__init__(self, "program", spec.name, write, facts)
        self.spec = spec
        self.log = ""

    def attach(self, target: str | None = None, **options: Any) -> Link:
        """Say that it would be attached."""
        self._tell("program_attach", {"target": target, **options})
        return PretendedLink(self.name, self._write)

    def test_run(
        self, data: bytes = b"", *, context: bytes = b"", repeat: int = 1, flags: int = 0
    ) -> TestRun:
        """Give the data back as it came."""
        self._tell("program_test_run", {"data": data.hex(), "repeat": repeat, "flags": flags})
        return TestRun(0, data, context)


class PretendedLink(_Pretended, Link):
    """An attachment of nothing."""

    how = "pretended"

    def __init__(self, name: str, write: Write) -> None:
        _Pretended.__init__(self, "link", name, write, {})

    def detach(self) -> None:
        """End it."""
        self.close()


class PretendedCollection(Collection):
    """What one pretended load made."""

    def __init__(self, spec: CollectionSpec, write: Write) -> None:
        self.spec = spec
        self.maps: dict[str, PretendedMap] = {}
        self.programs: dict[str, PretendedProgram] = {}
        self.links: list[Link] = []
        self._write = write
        self._closed = False

    def attach(self, name: str, target: str | None = None, **options: Any) -> Link:
        """Say that a program would be attached."""
        if name not in self.programs:
            raise UsageError(f"nothing called `{name}` is loaded that could be attached")
        self.links.append(self.programs[name].attach(target, **options))
        return self.links[-1]

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    def close(self) -> None:
        """Close everything."""
        for handle in (*reversed(self.links), *self.programs.values(), *self.maps.values()):
            handle.close()
        self._closed = True
