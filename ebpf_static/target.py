"""What a user ships to: a platform and, optionally, a release of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering
from typing import TypeAlias

from ebpf_static.errors import UnknownTargetError

PathLike: TypeAlias = str | os.PathLike[str]

_VERSION = re.compile(r"v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?:-(rc\d{1,3}))?\Z")


class Platform(StrEnum):
    """The runtime an object is made for."""

    LINUX = "linux"
    WINDOWS = "windows"
    UNKNOWN = "unknown"
    """Nothing in the object says; its numbers are read as Linux numbers unless told otherwise."""

    @property
    def numbering(self) -> Platform:
        """The platform whose enumerations give the object's raw numbers their meaning."""
        return Platform.WINDOWS if self is Platform.WINDOWS else Platform.LINUX

    @property
    def label(self) -> str:
        """The name people use."""
        return {"linux": "Linux", "windows": "eBPF for Windows"}.get(self.value, "unknown platform")

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Return the platform called ``text``.

        Raises:
            UnknownTargetError: for anything but ``linux`` and ``windows``.
        """
        if text in ("linux", "windows"):
            return cls(text)
        raise UnknownTargetError(f"unknown platform {text!r}: use 'linux' or 'windows'")


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A release number; ``6.10`` is newer than ``6.9``, ``1.0.0-rc1`` older than ``1.0.0``."""

    major: int
    minor: int
    patch: int | None = None
    pre: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version written as ``6``, ``6.1``, ``v6.1.5`` or ``1.0.0-rc1``.

        Raises:
            UnknownTargetError: for any other text.
        """
        match = _VERSION.match(text)
        if match is None:
            raise UnknownTargetError(f"{text!r} is not a version: write it like '6.1' or '6.1.5'")
        major, minor, patch, pre = match.groups()
        return cls(int(major), int(minor or 0), None if patch is None else int(patch), pre or "")

    @property
    def _key(self) -> tuple[int, int, int, int, int]:
        release = 0 if self.pre else 1
        return (self.major, self.minor, self.patch or 0, release, int(self.pre[2:] or 0))

    def __eq__(self, other: object) -> bool:
        """Compare releases: ``6.1`` and ``6.1.0`` are one."""
        return isinstance(other, Version) and self._key == other._key

    def __hash__(self) -> int:
        """Hash by release, as equality goes."""
        return hash(self._key)

    def __lt__(self, other: Version) -> bool:
        """Order by release, a pre-release before its release."""
        return self._key < other._key

    def __str__(self) -> str:
        """Return the shortest spelling that names this release."""
        text = f"{self.major}.{self.minor}"
        if self.patch is not None:
            text += f".{self.patch}"
        return f"{text}-{self.pre}" if self.pre else text


class Library(StrEnum):
    """A library that puts objects into a Linux kernel for other programs."""

    LIBBPF = "libbpf"
    CILIUM = "cilium"
    AYA = "aya"

    @property
    def label(self) -> str:
        """The name people use."""
        return "cilium/ebpf" if self is Library.CILIUM else self.value


@dataclass(frozen=True, slots=True)
class ObjectLoader:
    """The library an object is loaded with on its target, as far as the user says.

    It is part of the question, as the target is: libraries differ in the sections, maps and
    relocations they take. It has nothing to do with what ``ebpf-static load`` loads with.

    Attributes:
        library: the library.
        version: its release; None for the newest the tables know.
    """

    library: Library = Library.LIBBPF
    version: Version | None = None

    @classmethod
    def parse(cls, text: str) -> ObjectLoader:
        """Return the loader written ``libbpf``, ``libbpf:0.8``, ``cilium`` or ``aya:0.13``.

        Raises:
            UnknownTargetError: the library is unknown, or the version is none.
        """
        name, colon, version = text.strip().partition(":")
        if name not in tuple(Library):
            known = ", ".join(f"'{library}'" for library in Library)
            raise UnknownTargetError(f"unknown loader {name!r}: choose from {known}")
        if colon and not version:
            raise UnknownTargetError(
                f"loader {text!r} ends in ':': write '{name}' or add a version"
            )
        return cls(Library(name), Version.parse(version) if colon else None)

    @property
    def label(self) -> str:
        """What messages call it: ``libbpf``, ``libbpf 0.8``, ``cilium/ebpf``."""
        return f"{self.library.label} {self.version}" if self.version else self.library.label

    def __str__(self) -> str:
        """Return the text :meth:`parse` reads."""
        return f"{self.library}:{self.version}" if self.version else str(self.library)


@dataclass(frozen=True, slots=True)
class Target:
    """A platform and an optional release; without one, *any supported release*.

    Attributes:
        platform: the runtime.
        version: its release; a line such as ``5.15`` means its newest point release known.
        btf: files with the types of that kernel and of its loaded modules, the kernel's first.
        config: file with that kernel's build configuration.
        profile: file with what one machine said of itself (``ebpf-static probe``).
        name: what to call the target, where that is neither platform and version nor distribution.
        distribution: the distribution meant (``debian:12``); ``version`` is close to its kernel.
        loader: the library objects are loaded with there; None for the one of the run.
        arch: the processor (``arm64``, ``s390x``); empty for x86-64.
        page_size: bytes of a page; None for what is usual on that processor.
    """

    platform: Platform
    version: Version | None = None
    btf: tuple[str, ...] = ()
    config: str | None = None
    name: str = ""
    profile: str | None = None
    distribution: str = ""
    loader: ObjectLoader | None = None
    arch: str = ""
    page_size: int | None = None

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        btf: PathLike | tuple[PathLike, ...] = (),
        config: PathLike | None = None,
        profile: PathLike | None = None,
        loader: str | ObjectLoader | None = None,
        arch: str = "",
        page_size: int | None = None,
    ) -> Target:
        """Return the target written ``linux``, ``linux:6.1`` or ``windows:1.1``.

        Args:
            text: platform and, after a colon, the release.
            btf: as :attr:`btf`; one path or several.
            config: as :attr:`config`.
            profile: as :attr:`profile`.
            loader: as :attr:`loader`; text as for :meth:`ObjectLoader.parse`.
            arch: as :attr:`arch`.
            page_size: as :attr:`page_size`.

        Raises:
            UnknownTargetError: when the platform is missing or unknown, or the version is none.
        """
        paths = btf if isinstance(btf, tuple) else (btf,)
        platform, colon, version = text.partition(":")
        if not colon and platform[:1].isdigit():
            raise UnknownTargetError(
                f"target {text!r} names no platform: write 'linux:{text}' or 'windows:{text}'"
            )
        if colon and not version:
            raise UnknownTargetError(
                f"target {text!r} ends in ':': write '{platform}' or add a version"
            )
        return cls(
            Platform.parse(platform),
            Version.parse(version) if colon else None,
            tuple(os.fspath(path) for path in paths),
            None if config is None else os.fspath(config),
            profile=None if profile is None else os.fspath(profile),
            loader=ObjectLoader.parse(loader) if isinstance(loader, str) else loader,
            arch=arch,
            page_size=page_size,
        )

    @property
    def is_any(self) -> bool:
        """Whether any supported release is meant: nothing narrows the platform down."""
        said = (*self.btf, self.config, self.profile, self.arch, self.page_size)
        return self.version is None and not any(said)

    def __str__(self) -> str:
        """Return the name, or the text :meth:`parse` reads."""
        if self.name or self.distribution:
            return self.name or self.distribution
        return f"{self.platform}:{self.version}" if self.version else str(self.platform)
