"""What one machine said of itself: the honest answer where vendors backport.

A profile is captured once on a machine (``ebpf-static probe``) and judged against anywhere. What
``bpftool -j feature probe`` prints is read, too, but only its noes are believed: versions of it
that do not know a kernel's messages take every refusal of a helper for a yes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from ebpf_static.errors import UnknownTargetError, UsageError
from ebpf_static.findings import Confidence
from ebpf_static.support.facts import Availability
from ebpf_static.target import Version

FORMAT: Final = "ebpf-static-profile"
FORMAT_VERSION: Final = 1
_MAX_BYTES: Final = 8 << 20

Kind = Literal["map_types", "program_types", "attach_types", "instructions"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a machine has, by the names of its enumerations without prefix.

    Attributes:
        digest: SHA-256 of the file, which is what makes two profiles one.
        name: what the machine calls its kernel, empty when the file does not say.
        version: the kernel's release, None when the file does not say.
        map_types: whether each map type can be created.
        program_types: whether each program type can be loaded.
        attach_types: whether each attach type is known.
        instructions: whether each instruction is taken.
        helpers: helpers of each program type; a type that is missing was not asked about.
        config: the build configuration, empty when the file does not say.
        only_noes: whether only what it says is missing is believed.
    """

    digest: str
    name: str = field(default="", compare=False)
    version: Version | None = field(default=None, compare=False)
    map_types: Mapping[str, bool] = field(default_factory=dict, compare=False)
    program_types: Mapping[str, bool] = field(default_factory=dict, compare=False)
    attach_types: Mapping[str, bool] = field(default_factory=dict, compare=False)
    instructions: Mapping[str, bool] = field(default_factory=dict, compare=False)
    helpers: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False)
    config: Mapping[str, str] = field(default_factory=dict, compare=False)
    only_noes: bool = field(default=False, compare=False)

    def has(self, kind: Kind, name: str) -> Availability | None:
        """Return whether the machine has something, None when the profile does not say."""
        table: Mapping[str, bool] = getattr(self, kind)
        return self._answer(table.get(name))

    def has_helper(self, name: str, program_type: str | None) -> Availability | None:
        """Return whether programs of a type may call a helper, None when the profile is silent."""
        if program_type is None:
            if not self.helpers or self.only_noes:
                return None
            return self._answer(any(name in found for found in self.helpers.values()) or None)
        found = self.helpers.get(program_type)
        return None if found is None else self._answer(name in found)

    def _answer(self, value: bool | None, /) -> Availability | None:  # noqa: FBT001
        if value is None or (value and self.only_noes):
            return None
        source = f"profile of {self.name}" if self.name else "profile"
        status: Literal["available", "unavailable"] = "available" if value else "unavailable"
        return Availability(status, confidence=Confidence.HIGH, source=source)


def read_profile(path: str) -> Profile:
    """Return the profile in a file, ours or ``bpftool -j feature probe``'s.

    Raises:
        UsageError: the file cannot be read or is neither.
    """
    try:
        status = Path(path).stat()
        return _read(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


@lru_cache(maxsize=16)
def _read(path: str, _modified: int, _size: int) -> Profile:
    with Path(path).open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path}: is larger than {_MAX_BYTES} bytes")
    digest = hashlib.sha256(data).hexdigest()
    try:
        document = json.loads(data)
        if isinstance(document, dict) and document.get("format") == FORMAT:
            return _own(document, digest)
        if isinstance(document, dict) and "program_types" in document and "map_types" in document:
            return _bpftool(document, digest)
    except (ValueError, TypeError, AttributeError, RecursionError, UnknownTargetError) as error:
        raise UsageError(f"{path}: is no profile: {error}") from error
    raise UsageError(f"{path}: is neither a profile nor the output of bpftool -j feature probe")


def _own(document: Mapping[str, Any], digest: str) -> Profile:
    if document.get("version") != FORMAT_VERSION:
        raise ValueError(f"version {document.get('version')} of the format is not known")
    release = document.get("kernel_version")
    return Profile(
        digest=digest,
        name=str(document.get("kernel", "")),
        version=None if release is None else Version.parse(release),
        map_types=_flags(document.get("map_types")),
        program_types=_flags(document.get("program_types")),
        attach_types=_flags(document.get("attach_types")),
        instructions=_flags(document.get("instructions")),
        helpers={
            str(name): frozenset(map(str, found))
            for name, found in dict(document.get("helpers") or {}).items()
        },
        config={str(k): str(v) for k, v in dict(document.get("config") or {}).items()},
    )


def _flags(table: Any) -> dict[str, bool]:
    return {str(name): bool(value) for name, value in dict(table or {}).items()}


def _bpftool(document: Mapping[str, Any], digest: str) -> Profile:
    """Read ``have_xdp_prog_type``, ``have_hash_map_type`` and ``xdp_available_helpers``."""
    helpers = {
        name.removesuffix("_available_helpers").upper(): frozenset(
            str(helper).removeprefix("bpf_") for helper in found
        )
        for name, found in dict(document.get("helpers") or {}).items()
        if name.endswith("_available_helpers") and isinstance(found, list) and found
    }
    system = dict(document.get("system_config") or {})
    return Profile(
        digest=digest,
        map_types=_named(document["map_types"], "have_", "_map_type"),
        program_types=_named(document["program_types"], "have_", "_prog_type"),
        helpers=helpers,
        config={k: str(v) for k, v in system.items() if k.startswith("CONFIG_") and v is not None},
        only_noes=True,
    )


def _named(table: Mapping[str, Any], prefix: str, suffix: str) -> dict[str, bool]:
    return {
        name.removeprefix(prefix).removesuffix(suffix).upper(): bool(value)
        for name, value in dict(table).items()
    }
