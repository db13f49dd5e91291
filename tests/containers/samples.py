"""Objects, and programs that have them inside."""

from __future__ import annotations

from pathlib import Path

from ebpf_static.containers import Contained, Unopened, iter_objects

CORPUS = Path(__file__).parents[2] / "corpus"
OBJECT = (CORPUS / "objects/linux/bare-clang19-el.o").read_bytes()
OTHER = (CORPUS / "objects/linux/globals-clang19-eb.o").read_bytes()
NATIVE = (CORPUS / "native/gate-0.21-x64.sys").read_bytes()
HOST = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\0" + bytes(180)
"""Starts like an x86-64 program, 200 bytes."""
PE = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(300)


def found(data: bytes, name: str = "f") -> list[tuple[str, bytes]]:
    """Paths and bytes of the objects in ``data``; nothing may be unopened."""
    results = list(iter_objects(data, name))
    assert not [item for item in results if isinstance(item, Unopened)]
    return [(item.path, item.data) for item in results if isinstance(item, Contained)]


def unopened(data: bytes) -> list[tuple[str, str]]:
    """Paths and reasons of what could not be looked at."""
    results = iter_objects(data, "f")
    return [(item.path, item.reason) for item in results if isinstance(item, Unopened)]
