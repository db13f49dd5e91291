"""A checker on its way to another process, with the files its targets name where those are not."""

from __future__ import annotations

import atexit
import pickle
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ebpf_static.api import Checker
from ebpf_static.engine.policy import Policy
from ebpf_static.errors import UsageError
from ebpf_static.target import Target

MAX_FILE_BYTES = 256 << 20
"""Size of a file that is sent along."""


def pack(checker: Checker, *, with_files: bool) -> bytes:
    """Return a checker as bytes.

    Args:
        checker: what judges; its policy stays here, where the names of all places are known.
        with_files: send the contents of the files its targets name, too.

    Raises:
        UsageError: a file cannot be read, or is too large.
    """
    paths = {p for target in checker.targets for p in _paths(target)} if with_files else set()
    files = {path: _contents(path) for path in sorted(paths)}
    judging = replace(checker, policy=Policy(use_tags=checker.policy.use_tags))
    return pickle.dumps((judging, files))


@lru_cache(maxsize=16)
def unpack(state: bytes) -> Checker:
    """Return the checker, made once in each process: rules keep what they looked up.

    Files that came along are written to a temporary directory, unless they are here as well.
    """
    checker: Checker
    files: dict[str, bytes]
    checker, files = pickle.loads(state)  # noqa: S301 - from the process that asks
    missing = {path: data for path, data in files.items() if not _is_here(path, data)}
    if not missing:
        return checker
    here = {path: path for path in files}
    folder = _make_folder()
    for number, (path, data) in enumerate(missing.items()):
        file = folder / f"{number}-{Path(path).name}"
        file.write_bytes(data)
        here[path] = str(file)
    return replace(checker, targets=tuple(_moved(target, here) for target in checker.targets))


def _is_here(path: str, data: bytes) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(len(data) + 1) == data
    except OSError:
        return False


def _make_folder() -> Path:
    """Return a directory that goes when this process does: a Dask worker has one of its own."""
    parent = None
    if "distributed" in sys.modules:
        with suppress(ValueError):  # not in a worker
            parent = sys.modules["distributed"].get_worker().local_directory
    folder = Path(tempfile.mkdtemp(prefix="ebpf-static-", dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _paths(target: Target) -> tuple[str, ...]:
    return (*target.btf, *(path for path in (target.config, target.profile) if path))


def _moved(target: Target, here: dict[str, str]) -> Target:
    return replace(
        target,
        btf=tuple(here[path] for path in target.btf),
        config=here[target.config] if target.config else None,
        profile=here[target.profile] if target.profile else None,
    )


def _contents(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(
            f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB, too large for a cluster: write its "
            "types alone to a file (bpftool btf dump, or pahole)"
        )
    return data
