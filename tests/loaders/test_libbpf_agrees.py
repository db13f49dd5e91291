"""Every object of the Debian corpus: our loader and libbpf reach the same outcome.

For each object as a whole, and for each program alone where the whole is refused: whether it
loads, the errno where not; where it does, the program's tag (so the kernel got the same code) and
what a test run returns. Maps without a size get one on both sides. ``EXPLAINED`` lists every
difference and why it is one.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import ebpf_static as es
from ebpf_static.loading import LoadOptions, Program
from ebpf_static_loaders.linux.loader import LinuxLoader

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "corpus" / "debian"
SOURCE = Path(__file__).with_name("libbpf_outcomes.c")
WHOLE = ""
ENDIAN, RELOC = 4003, 4005  # libbpf's own errors, LIBBPF_ERRNO__*

# (libbpf's errno, ours, words of our error): why. Both sides refuse; they only say it otherwise.
EXPLAINED: Final = (
    (ENDIAN, errno.ENOEXEC, "-endian", "libbpf has an error of its own for a byte order"),
    (RELOC, errno.EOPNOTSUPP, "legacy way", "libbpf passes over `NAME/maps`, then misses the map"),
    (errno.ENOENT, errno.EINVAL, "refers to a symbol", "libbpf looks for a type of the symbol"),
)


class Outcome(NamedTuple):
    """How a load ended: errno (0 for none); the tag or the error's words; what a run returned."""

    code: int
    detail: str
    run: int = 0


Outcomes = dict[tuple[str, str], Outcome]


@pytest.fixture(scope="module")
def libbpf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that asks libbpf."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    program = tmp_path_factory.mktemp("libbpf") / "outcomes"
    command = ["gcc", "-w", "-o", str(program), str(SOURCE), "-lbpf"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no libbpf to compile against: {done.stderr.splitlines()[0]}")
    return program


@pytest.fixture
def objects() -> list[Path]:
    """The objects of the Debian corpus."""
    found = sorted(p for p in DEBIAN.rglob("*") if p.is_file() and p.suffix != ".json")
    if not found:
        pytest.skip("the Debian corpus is not fetched: corpus/fetch_debian.py")
    return found


def of_libbpf(program: Path, pins: Path, objects: list[Path]) -> Outcomes:
    command = [str(program), str(pins), *map(str, objects)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: Outcomes = {}
    for line in done.stdout.splitlines():
        path, phase, name, code, tag, run = line.split("\t")
        key = (path, name if phase == "program" else WHOLE)
        found[key] = Outcome(int(code), tag.strip("-"), int(run))
    return found


def of_ours(loader: LinuxLoader, pins: Path, objects: list[Path]) -> Outcomes:
    found: Outcomes = {}
    for path in objects:
        try:
            spec = es.read(path)
        except es.ObjectError as error:
            found[str(path), WHOLE] = Outcome(errno.EINVAL, str(error))
            continue
        loaded = dict(try_load(loader, pins, spec, str(path), None))
        found |= loaded
        if found[str(path), WHOLE].code:
            for program in spec.programs:
                alone = dict(try_load(loader, pins, spec, str(path), program.name))
                whole = alone.pop((str(path), WHOLE))
                found |= alone or {(str(path), program.name): whole}
    return found


def try_load(
    loader: LinuxLoader, pins: Path, spec: es.CollectionSpec, path: str, only: str | None
) -> Iterator[tuple[tuple[str, str], Outcome]]:
    options = LoadOptions(
        object_name=path,
        default_max_entries=1024,
        pin_dir=str(pins),
        programs=None if only is None else (only,),
    )
    try:
        with loader.load(spec, options) as loaded:
            yield (path, WHOLE), Outcome(0, "")
            for name, program in loaded.programs.items():
                yield (path, name), Outcome(0, program.info()["tag"], try_run(program))
        loader.unload(str(pins))
    except es.LoaderError as error:
        code = getattr(errno, error.result or "", 524)
        yield (path, WHOLE), Outcome(code, str(error))


def try_run(program: Program) -> int:
    """Return what a run on zeros returns, or minus its errno."""
    try:
        return program.test_run(bytes(64)).result
    except es.LoaderError as error:
        return -getattr(errno, error.result or "", 524)


def is_explained(theirs: Outcome, ours: Outcome) -> bool:
    return any(
        (theirs.code, ours.code) == (one, other) and words in ours.detail
        for one, other, words, _ in EXPLAINED
    )


def test_outcomes_are_libbpfs(
    linux: LinuxLoader, libbpf: Path, bpffs: Path, objects: list[Path]
) -> None:
    theirs = of_libbpf(libbpf, bpffs, objects)
    ours = of_ours(linux, bpffs, objects)
    different = []
    for key in sorted(theirs):
        one, other = theirs[key], ours.get(key, Outcome(-1, "nothing"))
        same = one == other if not one.code else one.code == other.code
        if not same and not is_explained(one, other):
            different.append((key, one, other))
    assert len(different) <= len(theirs) // 100, different
    loaded = {key for key, outcome in theirs.items() if not outcome.code}
    assert loaded == {key for key, outcome in ours.items() if not outcome.code}
    assert len(loaded) > 100
