"""Everything that reads what strangers wrote, and the one promise all of it keeps.

:func:`holds` is that promise: whatever the bytes, a reader gives an answer or raises an
:class:`EbpfStaticError` of one printable line, and what it gave can be asked everything. The
properties, the atheris targets and the corpus of past failures all call it; time and memory are
bounded by who calls: the watchdogs of ``tests.fuzz.mutate`` and of atheris.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ebpf_static.api import check
from ebpf_static.btf import Btf, BtfExt
from ebpf_static.btf.c_dump import c_header
from ebpf_static.btf.compare import iter_all_changes
from ebpf_static.btf.core import CoreRelocator, minimal_btf, requires_types
from ebpf_static.btf.elf_sections import find_sections
from ebpf_static.btf.raw_dump import iter_raw
from ebpf_static.btf.sources import read_btf
from ebpf_static.btf.verify import find_kernel_problem
from ebpf_static.config.load import load_file
from ebpf_static.engine.baseline import read_baseline
from ebpf_static.errors import EbpfStaticError
from ebpf_static.formats.native_pe import read_native
from ebpf_static.kernel.config import read_config
from ebpf_static.support.profile import read_profile
from tests.fuzz.containers import search
from tests.fuzz.walk import check_error, walk, walk_btf, walk_spec

ROOT = Path(__file__).resolve().parents[2]
OBJECTS = ROOT / "corpus" / "objects"
NATIVE = ROOT / "corpus" / "native"
_SAMPLE = OBJECTS / "linux" / "core-clang19-el.o"
_WALKED = 500
"""Types and lines of a dump that are looked at."""


class Reader(NamedTuple):
    """Something that reads bytes.

    Attributes:
        read: reads, and asks what it read everything; raises EbpfStaticError for what it refuses.
        seeds: sound inputs to damage.
    """

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


def holds(name: str, data: bytes) -> bool:
    """Return whether the reader ``name`` took ``data``; raise whatever breaks its promise."""
    try:
        READERS[name].read(data)
    except EbpfStaticError as error:
        check_error(error)
        return False
    return True


def _object(data: bytes) -> None:
    walk(data)
    report = check(data)
    assert report.failures == (), "a rule crashed"


def _native(data: bytes) -> None:
    """Read an image; its signatures are another process's, which costs a second a time."""
    spec = read_native(data, signatures=False)
    walk_spec(spec)
    report = check(spec)
    assert report.failures == (), "a rule crashed"


def _btf(data: bytes) -> None:
    btf = Btf.parse(data)
    walk_btf(btf)
    jobs: tuple[Callable[[], object], ...] = (
        lambda: c_header(btf, range(min(len(btf), _WALKED))),
        lambda: list(islice(iter_raw(btf), _WALKED)),
        lambda: find_kernel_problem(btf),
        lambda: list(islice(iter_all_changes(btf, _sample()[0]), _WALKED)),
        lambda: list(islice(iter_all_changes(_sample()[0], btf), _WALKED)),
        lambda: _relocate(_sample()[0], _sample()[1], btf),
    )
    for job in jobs:
        _refuse(job)


def _btf_ext(data: bytes) -> None:
    btf = _sample()[0]
    ext = BtfExt.parse(data, btf)
    for section in ext.sections:
        ext.func_infos(section)
        _refuse(partial(ext.core_relocations, section))
        for at in range(0, 512, 8):
            _refuse(partial(ext.line_for, section, at))
    _relocate(btf, data, btf)


def _relocate(btf: Btf, ext: bytes, kernel: Btf) -> None:
    parsed = BtfExt.parse(ext, btf)
    for section in parsed.sections[:4]:
        relocations = parsed.core_relocations(section)[:_WALKED]
        requires_types(btf, relocations)
        minimal_btf(kernel, CoreRelocator(btf, [kernel]).iter_results(relocations))


def _container(data: bytes) -> None:
    search(data)


def _settings(data: bytes) -> None:
    """Every file beside objects: whichever takes the bytes, none may choke on them."""
    path = _scratch(data)
    _refuse(partial(load_file, path))
    _refuse(partial(read_baseline, path))
    _refuse(partial(read_profile, str(path)))
    _refuse(partial(read_config, path))


def _kernel(data: bytes) -> None:
    walk_btf(read_btf(data))


def _refuse(job: Callable[[], object]) -> None:
    try:
        job()
    except EbpfStaticError as error:
        check_error(error)


def _scratch(data: bytes) -> Path:
    path = _folder() / "file.toml"
    path.write_bytes(data)
    os.utime(path, ns=(0, next(_CLOCK)))  # read_profile() remembers files by time and size
    return path


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="ebpf-static-fuzz-"))


def _ticks() -> Iterator[int]:
    now = 0
    while True:
        now += 1
        yield now


_CLOCK = _ticks()


@cache
def _sample() -> tuple[Btf, bytes]:
    """Return the types of an object with CO-RE relocations, and its .BTF.ext."""
    btf, ext = (section_of(_SAMPLE.read_bytes(), name) for name in (".BTF", ".BTF.ext"))
    return Btf.parse(btf), ext


def section_of(data: bytes, name: str) -> bytes:
    """Return the bytes of a section of a sound object."""
    found = find_sections(data, (name,), "seed")[name]
    return data[found.offset : found.offset + found.size]


def _files(folder: Path, pattern: str, limit: int = 1 << 16) -> Callable[[], Iterable[bytes]]:
    return lambda: [
        data for path in sorted(folder.rglob(pattern)) if len(data := path.read_bytes()) <= limit
    ]


def _sections(name: str) -> Callable[[], Iterable[bytes]]:
    def seeds() -> Iterator[bytes]:
        for path in sorted(OBJECTS.rglob("*.o")):
            with suppress(EbpfStaticError, KeyError):
                yield section_of(path.read_bytes(), name)

    return seeds


def _types() -> Iterable[bytes]:
    from tests.btf.test_reader import every_kind

    yield from (every_kind(order)[0].build() for order in ("little", "big"))
    yield every_kind("little")[0].build(layout=[(0, 0)] * 25)
    yield from _sections(".BTF")()


def _containers() -> Iterable[bytes]:
    from tests.fuzz.archives import archives

    return archives(_SAMPLE.read_bytes())


def _texts() -> Iterable[bytes]:
    yield b'targets = ["linux:6.1"]\nignore = { MAP101 = "x" }\n[rules]\nMAP104 = "warning"\n'
    yield b'[tool.ebpf-static]\nextend = "../x.toml"\n'
    yield b'{"schema_version": 1, "objects": {"a.o": {"xdp/f": [{"code": "MAP101"}]}}}'
    yield b'{"format": "ebpf-static-profile", "version": 1, "map_types": {"HASH": true}}'
    yield b'{"map_types": {"have_hash_map_type": true}, "helpers": {}}'
    yield b'CONFIG_BPF=y\n# CONFIG_X is not set\nCONFIG_HZ=250\nCONFIG_S="a b"\n'


READERS: dict[str, Reader] = {
    "object": Reader(_object, _files(OBJECTS, "*.o")),
    "native": Reader(_native, _files(NATIVE, "*.[sd]*")),
    "btf": Reader(_btf, _types),
    "btf-ext": Reader(_btf_ext, _sections(".BTF.ext")),
    "container": Reader(_container, _containers),
    "kernel": Reader(_kernel, _containers),
    "settings": Reader(_settings, _texts),
}
"""By the name of their fuzz target."""
