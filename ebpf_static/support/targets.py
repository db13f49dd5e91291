"""What a target means: which release exactly, how sure that is, and what there is to choose from.

``linux:5.15`` is the newest point release of that line the tables know, ``linux:5.15.0`` exactly
that one. A distribution (``debian:12``, ``rhel:9``) is the mainline release its BPF is closest to,
with less confidence, because vendors backport.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

from ebpf_static.errors import UnknownTargetError
from ebpf_static.findings import Confidence
from ebpf_static.support.profile import Profile
from ebpf_static.support.tables import Row, read_table
from ebpf_static.support.versions import key_of, version_key
from ebpf_static.target import PathLike, Platform, Target, Version


@dataclass(frozen=True, slots=True)
class Release:
    """A target that has been looked up.

    Attributes:
        text: the target as it was asked for (``linux:6.1``, ``debian:12``).
        platform: ``LINUX`` or ``WINDOWS``.
        version: the release meant; None for *any supported release* of the platform.
        line: the line it belongs to (``6.1``); empty without a version.
        label: what people read (``Linux 6.1.192``).
        confidence: how well this release is known.
        notes: what a report should say beside the label.
        source: where the release was read or probed.
        supported: without a version, the releases "any supported" means.
        every: without a version, all lines the tables know, each with its newest release.
        profile: what one machine of that release said of itself; it goes before the tables.
    """

    text: str
    platform: Platform
    version: Version | None
    line: str
    label: str
    confidence: Confidence = Confidence.HIGH
    notes: tuple[str, ...] = ()
    source: str | None = None
    supported: tuple[str, ...] = ()
    every: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    profile: Profile | None = field(default=None, repr=False)

    @property
    def target(self) -> Target:
        """The plain target: platform and exact version."""
        return Target(self.platform, self.version)

    def __str__(self) -> str:
        """Return :attr:`label`."""
        return self.label


def find_release(text: str) -> Release:
    """Return the release a target text names.

    Args:
        text: ``linux``, ``linux:6.1``, ``linux:6.1.5``, ``windows:1.1``, ``windows:unreleased``,
            or a distribution (``ubuntu:22.04``, ``rhel:9``; see :func:`distribution_names`).

    Raises:
        UnknownTargetError: for a text that is none, a release that does not exist, and one newer
            or older than the tables.
    """
    family, _, version = text.strip().partition(":")
    if family == Platform.WINDOWS and version == "unreleased":
        return resolve(Target(Platform.WINDOWS, Version.parse(_unreleased())))
    if family in (Platform.LINUX, Platform.WINDOWS) or text.strip()[:1].isdigit():
        return resolve(Target.parse(text.strip()))
    return _find_distribution(family, version, text)


def resolve(target: Target) -> Release:
    """Return the release ``target`` means.

    Raises:
        UnknownTargetError: as :func:`find_release`.
    """
    if target.distribution:
        return find_release(target.distribution)
    # By text: 6.1 (the newest 6.1.y) and 6.1.0 are equal versions, and two releases.
    return _resolve(str(Target(target.platform, target.version)), target.platform)


def parse_target(
    text: str,
    *,
    btf: tuple[PathLike, ...] = (),
    config: PathLike | None = None,
    name: str = "",
) -> Target:
    """Return the target a text names, distributions included.

    Args:
        text: as for :func:`find_release`.
        btf: files with the types of that kernel, the kernel's own first.
        config: file with that kernel's build configuration.
        name: what to call the target; empty for ``text``.

    Raises:
        UnknownTargetError: as :func:`find_release`; a release is looked up only when it is needed.
    """
    family, _, version = text.strip().partition(":")
    if family not in (Platform.LINUX, Platform.WINDOWS) and not text.strip()[:1].isdigit():
        found = find_release(text).target
        return replace(
            found, btf=tuple(os.fspath(path) for path in btf), name=name, distribution=text.strip(),
            config=None if config is None else os.fspath(config),
        )  # fmt: skip
    if (family, version) == (Platform.WINDOWS, "unreleased"):
        text = f"{family}:{_unreleased()}"
    return replace(Target.parse(text.strip(), btf=btf, config=config), name=name)


@lru_cache(maxsize=256)
def _resolve(text: str, platform: Platform) -> Release:
    target = Target(platform) if ":" not in text else Target.parse(text)
    if target.platform is Platform.UNKNOWN:
        raise UnknownTargetError("the platform is not known: use 'linux' or 'windows'")
    if target.version is None:
        return _any(target.platform)
    if target.platform is Platform.WINDOWS:
        return _windows(target, target.version)
    return _linux(target, target.version)


def release_of(where: Target | Release) -> Release:
    """Return ``where`` looked up, a release as it is."""
    return where if isinstance(where, Release) else resolve(where)


def known_lines(platform: Platform) -> tuple[str, ...]:
    """Return every line the tables know, oldest first (``3.18`` … ``7.3``, ``0.9`` … ``1.6``)."""
    return tuple(line for line, _ in _every(platform))


def default_matrix(platform: Platform) -> tuple[str, ...]:
    """Return the targets a matrix has when none are named: the lines people run."""
    if platform is Platform.WINDOWS:
        return tuple(f"windows:{line}" for line in known_lines(platform)[-6:])
    return tuple(f"linux:{line}" for line in read_table(Platform.LINUX, "lines").header["matrix"])


def distribution_names() -> tuple[str, ...]:
    """Return the distributions that can be named as targets, aliases included."""
    rows = read_table(Platform.LINUX, "distributions").rows
    return tuple(name for row in rows for name in (row["name"], *row.get("aliases", ())))


# --- Linux ---------------------------------------------------------------------------------------


def _linux(target: Target, version: Version) -> Release:
    table = read_table(Platform.LINUX, "lines")
    line = f"{version.major}.{version.minor}"
    row = table.by_name.get(line)
    if row is None:
        raise UnknownTargetError(_no_line(version, table.rows))
    newest = row.get("newest")
    exact = version
    notes = []
    if version.patch is None and not version.pre:
        exact = Version.parse(newest or f"{line}.0")
    elif newest is not None and key_of(version) > version_key(newest):
        notes.append(f"newer than {newest}, the newest {line} release the tables know")
    if version.pre:
        notes.append(f"judged as {line}.0: the tables know no release candidates")
        exact = Version(version.major, version.minor, 0)
    confidence = _line_confidence(row, notes)
    read = max((row[it] for it in ("tree", "probed") if it in row), key=version_key, default=None)
    if read is not None and version_key(read) < key_of(exact) <= version_key(row["newest"]):
        notes.append(f"{line} was read up to {read}: later point releases may carry backports")
    return Release(
        text=str(target),
        platform=Platform.LINUX,
        version=exact,
        line=line,
        label=f"Linux {exact}",
        confidence=confidence,
        notes=tuple(notes),
        source=row["source"],
    )


def _line_confidence(row: Row, notes: list[str]) -> Confidence:
    if "tree" not in row:
        notes.append(f"no source tree of {row['name']} was read")
        older = version_key(row["name"]) < version_key("4.14")
        return Confidence.LOW if older else Confidence.MEDIUM
    return Confidence.MEDIUM if notes else Confidence.HIGH


def _no_line(version: Version, rows: tuple[Row, ...]) -> str:
    oldest, newest = rows[0]["name"], rows[-1]
    key = key_of(version)
    if key[:2] > version_key(newest["name"])[:2]:
        return (
            f"Linux {version} is newer than the support tables, which end at {newest['newest']}: "
            "use that, or a profile of the machine"
        )
    if key[:2] < version_key(oldest)[:2]:
        return f"Linux {version} is older than {oldest}, the first release with bpf(2)"
    last = [row["name"] for row in rows if version_key(row["name"])[0] == version.major][-1]
    following = f"{version.major + 1}.0"
    return f"there is no Linux {version}: {last} was followed by {following}"


# --- eBPF for Windows ----------------------------------------------------------------------------


def _windows(target: Target, version: Version) -> Release:
    table = read_table(Platform.WINDOWS, "releases")
    if version.patch is None and not version.pre:
        line = f"{version.major}.{version.minor}"
        rows = [row for row in table.rows if _line(row["name"]) == line]
        finals = [row for row in rows if "-" not in row["name"]]
        row = finals[-1] if finals else None
        wanted = f"{line}.0"
    else:
        wanted = str(version)
        row = table.by_name.get(wanted)
    if row is None:
        raise UnknownTargetError(_no_windows_release(wanted, table.header["absent"], table.rows))
    notes = ("not released: what the main branch had when it was read",)
    return Release(
        text=str(target),
        platform=Platform.WINDOWS,
        version=Version.parse(row["name"]),
        line=_line(row["name"]),
        label=f"eBPF for Windows {row['name']}" + (" (unreleased)" if "unreleased" in row else ""),
        confidence=Confidence.MEDIUM if "unreleased" in row else Confidence.HIGH,
        notes=notes if "unreleased" in row else (),
        source=row["source"],
    )


def _line(version: str) -> str:
    major, minor = version.split(".")[:2]
    return f"{major}.{minor}"


def _no_windows_release(wanted: str, absent: dict[str, str], rows: tuple[Row, ...]) -> str:
    if wanted in absent:
        return f"eBPF for Windows {wanted} {absent[wanted]}"
    oldest, newest = rows[0]["name"], rows[-1]["name"]
    if version_key(wanted) < version_key(oldest):
        return f"eBPF for Windows {wanted} is older than {oldest}, where the support tables begin"
    if version_key(wanted) > version_key(newest):
        return f"eBPF for Windows {wanted} is newer than the support tables, which end at {newest}"
    near = [row["name"] for row in rows if version_key(row["name"]) > version_key(wanted)]
    return f"there is no eBPF for Windows {wanted}: the next release is {near[0]}"


def _unreleased() -> str:
    rows = read_table(Platform.WINDOWS, "releases").rows
    return next(str(row["name"]) for row in rows if "unreleased" in row)


# --- any release, distributions ------------------------------------------------------------------


@cache
def _every(platform: Platform) -> tuple[tuple[str, str], ...]:
    """Return every line with the newest release of it."""
    if platform is Platform.WINDOWS:
        rows = read_table(platform, "releases").rows
        return tuple({_line(row["name"]): str(row["name"]) for row in rows}.items())
    rows = read_table(Platform.LINUX, "lines").rows
    return tuple((str(row["name"]), str(row.get("newest", row["name"]))) for row in rows)


@cache
def _any(platform: Platform) -> Release:
    every = _every(platform)
    if platform is Platform.WINDOWS:
        unreleased = _line(_unreleased())
        supported = tuple(
            line for line, newest in every if line != unreleased and "-" not in newest
        )
        label = "any supported release of eBPF for Windows"
    else:
        rows = read_table(Platform.LINUX, "lines").rows
        supported = tuple(row["name"] for row in rows if row.get("maintained"))
        label = "any supported release of Linux"
    return Release(
        text=platform.value,
        platform=platform,
        version=None,
        line="",
        label=label,
        supported=supported,
        every=every,
    )


def _find_distribution(family: str, version: str, text: str) -> Release:
    table = read_table(Platform.LINUX, "distributions")
    families: dict[str, str] = table.header["families"]
    family = families.get(family.casefold(), family.casefold())
    wanted = f"{family}:{version.casefold()}"
    found = [row for row in table.rows if wanted in (row["name"], *row.get("aliases", ()))]
    known = [name for name in distribution_names() if name.startswith(f"{family}:")]
    if not found:
        if known:
            raise UnknownTargetError(f"unknown release {text!r}: known are {', '.join(known)}")
        raise UnknownTargetError(
            f"unknown target {text!r}: write 'linux:6.1', 'windows:1.1' or a distribution "
            "such as 'debian:12' or 'rhel:9'"
        )
    row = found[0]
    level = resolve(Target(Platform.LINUX, Version.parse(row["level"])))
    note = f"kernel {row['kernel']}, judged as Linux {level.version}: vendors backport"
    return Release(
        text=text,
        platform=Platform.LINUX,
        version=level.version,
        line=level.line,
        label=f"{row['name']} (about Linux {level.version})",
        confidence=Confidence(row["confidence"]),
        notes=tuple(it for it in (note, row.get("note"), *level.notes) if it),
        source=row["source"],
    )
