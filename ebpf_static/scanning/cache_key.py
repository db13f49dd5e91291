"""What an answer depends on beside the object: everything a kept one is found by.

Contents decide, never names or times: a file of types that changed under its name is another, and
a cache carried from one machine to the next is as good there. What cannot be told (a plugin that is
no file, a kernel file that cannot be read) makes answers that are not kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from hashlib import file_digest, sha256
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ebpf_static import __version__
from ebpf_static.api import Checker
from ebpf_static.registry import get_registry
from ebpf_static.target import Target

FORMAT = 1
"""Counts up when answers are written differently."""

_LIBRARIES = ("elftools", "lief", "capstone", "pydantic")
"""What reading and judging are done with."""

_FILES = ("btf", "config", "profile")
"""Fields of a target that name files."""

_MAX_FILES = 20_000


class UnkeyableError(Exception):
    """What an answer depends on cannot be told."""


def key_of(checker: Checker) -> bytes:
    """Return a digest of all that a checker's answers depend on beside the object.

    Raises:
        UnkeyableError: it cannot be told.
    """
    packages = {"ebpf_static", *(_package(rule.entry.module) for rule in checker.rules)}
    facts = {
        "format": FORMAT,
        "tool": __version__,
        "python": sys.version,
        "packages": {name: _digest(name) for name in sorted(packages)},
        "libraries": {name: _version(name) for name in _LIBRARIES},
        # A rule asks it which codes there are.
        "known": [rule.entry.code for rule in get_registry().rules],
        "choices": {field.name: _choice(checker, field.name) for field in fields(checker)},
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).digest()


def _choice(checker: Checker, name: str) -> Any:
    """Return a field of a checker as JSON; one nobody thought of here counts as it prints."""
    if name == "targets":
        return [_target(target) for target in checker.targets]
    if name == "rules":
        return [[*map(str, (r.entry.code, r.plugin, r.entry.module))] for r in checker.rules]
    if name == "policy":  # the rest of it is applied to answers, kept or not
        return checker.policy.use_tags
    return repr(getattr(checker, name))


def _target(target: Target) -> dict[str, Any]:
    found: dict[str, Any] = {field.name: getattr(target, field.name) for field in fields(target)}
    for name in _FILES:
        paths = found[name]
        listed = (paths,) if isinstance(paths, str) else paths or ()
        found[name] = [_contents(path) for path in listed]
    return {name: value if name in _FILES else repr(value) for name, value in found.items()}


def _contents(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnkeyableError(f"{path}: cannot be read") from error


@cache
def _package(module: str) -> str:
    """Return the package a module came with: the first one above it that has files of its own."""
    parts = module.split(".")
    for number in range(1, len(parts) + 1):
        name = ".".join(parts[:number])
        if _find(name).has_location:
            return name
    raise UnkeyableError(f"{module} is no file")


def _find(name: str) -> ModuleSpec:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError) as error:
        raise UnkeyableError(f"{name}: {error}") from error
    if spec is None:
        raise UnkeyableError(f"{name} is not there")
    return spec


@cache
def _digest(package: str) -> str:
    """Return a digest of a package's code and data."""
    digest = sha256()
    for name, path in sorted(_iter_files(package)):
        digest.update(f"{name}\0{_contents(str(path))}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _iter_files(package: str) -> Iterator[tuple[str, Path]]:
    spec = _find(package)
    if spec.origin is None:
        raise UnkeyableError(f"{package} is no file")
    if spec.submodule_search_locations is None:
        yield package, Path(spec.origin)
        return
    number = 0
    for folder in spec.submodule_search_locations:
        for path in Path(folder).rglob("*"):
            if "__pycache__" in path.parts or not path.is_file():
                continue
            number += 1
            if number > _MAX_FILES:
                raise UnkeyableError(f"{package} has more than {_MAX_FILES} files")
            yield path.relative_to(folder).as_posix(), path


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version({"elftools": "pyelftools"}.get(package, package))
    except PackageNotFoundError:
        return ""
