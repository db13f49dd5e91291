"""What a section's name says: the program type and attach type of SEC(), or the kind of data.

Linux loaders differ. libbpf from 1.0 on walks its table in order and takes a name exactly, or
with ``/target`` where the table says so (``sec_def_matches`` in ``src/libbpf.c``); before 1.0, and
in cilium/ebpf still, many names also match as plain prefixes. eBPF for Windows has no table of its
own: the installed extensions register prefixes, and the longest one that fits wins, with no
separator needed (``libs/api_common/windows_platform_common.cpp``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import AttachType, ProgramType
from ebpf_static.uapi.tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Row = Mapping[str, Any]

DataKind = Literal[
    "data",
    "rodata",
    "bss",
    "percpu",
    "kconfig",
    "ksyms",
    "struct_ops",
    "struct_ops_link",
    "maps",
    "legacy_maps",
    "license",
    "version",
    "arena",
    "jumptables",
]

LIBBPF = "libbpf"
OLD_LIBBPF = "libbpf before 1.0"
CILIUM = "cilium/ebpf"
AYA = "aya"
EFW = "eBPF for Windows"

_STRICT_LIBBPF = Version(1, 0)


@dataclass(frozen=True, slots=True)
class SectionMatch:
    """What a loader makes of a program section's name.

    Attributes:
        section: the name matched, without the ``?`` that turns autoload off.
        pattern: the table's entry; ``kprobe+`` is ``kprobe`` or ``kprobe/`` and anything.
        program_type: the type programs in the section get.
        attach_type: the expected attach type the entry sets; None when it sets none. Number 0 is
            a real one.
        attach_to: the text after the first ``/`` of a ``+`` entry (``do_unlinkat``,
            ``/bin/sh:main+4``, ``syscalls/sys_enter_openat``), empty in ``kprobe/``; None when
            the section names no target.
        autoload: whether the program is loaded without being asked for.
        sleepable: the load carries BPF_F_SLEEPABLE.
        multi: attaches through a multi link.
        xdp_frags: the load carries BPF_F_XDP_HAS_FRAGS.
        usdt: a USDT probe.
        attach_type_optional: libbpf sends 0 to kernels without ``expected_attach_type``.
        attach_btf: the target is looked up in kernel or program BTF.
        exact: whether the name fits the entry as libbpf 1.0 and newer, or the extension's author,
            meant it; False for a match by mere prefix.
        accepted_by: who takes the name.
        since: first libbpf or efW release with the entry.
        since_note: ``or earlier`` or ``unreleased``, or None when ``since`` is exact.
        windows_only: no Linux loader has the entry, so it speaks for an efW object; a shared name
            proves nothing.
    """

    section: str
    pattern: str
    program_type: ProgramType
    attach_type: AttachType | None
    attach_to: str | None
    since: str
    autoload: bool = True
    sleepable: bool = False
    multi: bool = False
    xdp_frags: bool = False
    usdt: bool = False
    attach_type_optional: bool = False
    attach_btf: bool = False
    exact: bool = True
    accepted_by: tuple[str, ...] = ()
    since_note: str | None = None
    windows_only: bool = False

    @property
    def platform(self) -> Platform:
        """Whose table this is an entry of."""
        return self.program_type.platform


def match_linux(section: str) -> SectionMatch | None:
    """Return what libbpf 1.0 and newer make of ``section``, None when they know no such name.

    Entries newer than the libbpf in use are included; :attr:`SectionMatch.since` tells.
    """
    name = section.removeprefix("?")
    head, slash, target = name.partition("/")
    standing_alone, with_target = _linux_index()
    row, attach_to = standing_alone.get(name), None
    if row is None:
        row, attach_to = with_target.get(head), target if slash else None
    if row is None:
        return None
    takers = (LIBBPF, CILIUM) if row["cilium"] else (LIBBPF,)
    return _linux_match(row, section, attach_to, accepted_by=takers)


@cache
def _linux_index() -> tuple[Mapping[str, Row], Mapping[str, Row]]:
    """Return the entries without and with ``+``, by name; no name is in both, so order is moot."""
    rows = read_rows(Platform.LINUX, "sections")
    standing_alone = {row["pattern"]: row for row in rows if row["pattern"][-1] != "+"}
    with_target = {row["pattern"][:-1]: row for row in rows if row["pattern"][-1] == "+"}
    return standing_alone, with_target


def match_libbpf(section: str, release: Version) -> SectionMatch | None:
    """Return what one release of libbpf, 0.6 or newer, makes of ``section``.

    It takes the entries it has; before 1.0 many of them match as plain prefixes, too.
    """
    name = section.removeprefix("?")
    head, slash, target = name.partition("/")
    rows = [
        row
        for row in read_rows(Platform.LINUX, "sections")
        if not release < Version.parse(row["since"])
    ]
    takers = (LIBBPF,)
    for row in rows:
        pattern = row["pattern"]
        if name == pattern or (pattern[-1] == "+" and head == pattern[:-1]):
            attach_to = target if slash and pattern[-1] == "+" else None
            return _linux_match(row, section, attach_to, accepted_by=takers)
    if not release < _STRICT_LIBBPF:
        return None
    for row in rows:
        if row["sloppy"] and name.startswith(row["pattern"]):
            return _linux_match(row, section, None, accepted_by=(OLD_LIBBPF,), exact=False)
    return None


def match_cilium(section: str) -> SectionMatch | None:
    """Return what cilium/ebpf 0.22 makes of ``section``.

    The first entry that fits wins: one with ``+`` takes what stands before the first slash, any
    other is a plain prefix (``matchSectionName`` in its ``elf_reader.go``).
    """
    name = section.removeprefix("?")
    head, slash, target = name.partition("/")
    for row in read_rows(Platform.LINUX, "sections"):
        pattern = row["pattern"]
        if not row["cilium"]:
            continue
        if pattern[-1] == "+" and head == pattern[:-1]:
            return _linux_match(row, section, target if slash else None, accepted_by=(CILIUM,))
        if pattern[-1] != "+" and name.startswith(pattern):
            return _linux_match(row, section, None, accepted_by=(CILIUM,), exact=name == pattern)
    return None


def is_old_cilium_agreed(section: str) -> bool:
    """Whether cilium/ebpf 0.11 and 0.22 make the same of ``section``; nothing between was read."""
    new = match_cilium(section)
    old = next(
        (
            row["pattern"]
            for row in read_rows(Platform.LINUX, "sections")
            if "cilium_0_11" in row and section.startswith(row["cilium_0_11"])
        ),
        None,
    )
    return old == (None if new is None else new.pattern)


def match_aya(section: str) -> SectionMatch | None:
    """Return what aya 0.13 makes of ``section``: its first piece, or its first two, say the type.

    What follows is passed over, except that a second piece of its own stands behind some first
    ones and no other is taken there. To aya a leading ``?`` is a part of the name.
    """
    rows = {
        row["pattern"].rstrip("+"): row
        for row in read_rows(Platform.LINUX, "sections")
        if row["aya"]
    }
    head, slash, target = section.partition("/")
    row = rows.get("/".join(section.split("/")[:2])) if slash else rows.get(head)
    if row is None and not any(name.startswith(f"{head}/") for name in rows):
        row = rows.get(head)
    if row is None:
        return None
    attach_to = target if slash and row["pattern"][-1] == "+" else None
    return _linux_match(row, section, attach_to, accepted_by=(AYA,))


def match_linux_loose(section: str) -> SectionMatch | None:
    """Return what the most tolerant Linux loader makes of ``section``, None when nobody takes it.

    A name libbpf takes gives the match of :func:`match_linux`; otherwise entries without ``+``
    count as prefixes, and :attr:`SectionMatch.accepted_by` says for whom.
    """
    strict = match_linux(section)
    if strict is not None:
        return strict
    name = section.removeprefix("?")
    for pattern, row in _linux_index()[0].items():
        if name.startswith(pattern):
            by = {OLD_LIBBPF: row["sloppy"], CILIUM: row["cilium"]}
            takers = tuple(loader for loader, takes in by.items() if takes)
            return _linux_match(row, section, None, accepted_by=takers, exact=False)
    return None


def _linux_match(row: Row, section: str, attach_to: str | None, **more: Any) -> SectionMatch:
    attach_type = row.get("attach_type")
    flags: dict[str, Any] = dict.fromkeys(row.get("flags", ()), True)
    return SectionMatch(
        section=section.removeprefix("?"),
        pattern=row["pattern"],
        program_type=ProgramType.named(Platform.LINUX, row["program_type"]),
        attach_type=attach_type and AttachType.named(Platform.LINUX, attach_type),
        attach_to=attach_to,
        since=row["since"],
        since_note=row.get("since_note"),
        autoload=not section.startswith("?"),
        **flags,
        **more,
    )


def match_windows(section: str, release: Version | None = None) -> SectionMatch | None:
    """Return what eBPF for Windows makes of ``section``, None for program type UNSPEC.

    Args:
        section: the whole name; ``?`` has no meaning to efW.
        release: the efW release whose extensions are installed; without one, the newest. Third
            parties may install more.
    """
    rows = [row for row in _windows_rows(release) if section.startswith(row["pattern"])]
    if not rows:
        return None
    row = max(rows, key=lambda row: len(row["pattern"]))
    return SectionMatch(
        section=section,
        pattern=row["pattern"],
        program_type=ProgramType.named(Platform.WINDOWS, row["program_type"]),
        attach_type=AttachType.named(Platform.WINDOWS, row["attach_type"]),
        attach_to=None,
        since=row["since"],
        exact=section == row["pattern"],
        accepted_by=(EFW,),
        windows_only=not row["shared_with_linux"],
    )


def _windows_rows(release: Version | None) -> Iterator[Row]:
    """Yield the prefixes registered in ``release``."""
    for row in read_rows(Platform.WINDOWS, "sections"):
        until = row.get("until")
        if release is None:
            if until is None:
                yield row
            continue
        # 1.3 and 1.3.0 are unequal versions of which neither is older: only ask which is older.
        too_old = release < Version.parse(row["since"])
        too_new = until is not None and Version.parse(until) < release
        if not too_old and not too_new:
            yield row


def data_section_kind(name: str, platform: Platform = Platform.LINUX) -> DataKind | None:
    """Return what a section that holds no code is for, None when its name says nothing.

    The rules are those of libbpf 1.7 (``bpf_object__elf_collect``), with ``maps`` and ``maps/…``
    as cilium/ebpf and aya still read them, and of the efW verifier. A leading ``?`` is taken where
    libbpf takes it, before ``.struct_ops``.
    """
    for row in read_rows(platform.numbering, "data_sections"):
        base, family = row["name"], row.get("family")
        text = name.removeprefix("?") if row.get("optional_mark") else name
        if text == base or (family is not None and text.startswith(base + family)):
            return cast("DataKind", row["kind"])
    return None


def suggest(section: str, platform: Platform = Platform.LINUX) -> str | None:
    """Return the section name ``section`` was probably meant to be, None without a good guess.

    A name the platform's loaders take has no better one, except that a Linux name only tolerant
    loaders take is led back to the entry it starts with.
    """
    if len(section) > _LONGEST_GUESS:
        return None
    if platform.numbering is Platform.WINDOWS:
        names = tuple(row["pattern"] for row in _windows_rows(None))
        return None if match_windows(section) else _closest(section, names, 0.75)
    if match_linux(section):
        return None
    bare = section.lstrip("?")
    guess = bare if match_linux(bare) else _guess_linux(bare)
    return None if guess is None else section[: bare != section] + guess


_LONGEST_GUESS = 256
"""Comparing takes time quadratic in the length; nobody misspells a name this long."""


def _guess_linux(name: str) -> str | None:
    exact, heads = _released_names()
    head, slash, target = name.partition("/")
    close = _closest(name, exact, 0.85)
    if close is not None:
        return close
    loose = match_linux_loose(name)
    if loose is not None:
        return loose.pattern
    near_head = _closest(head, heads, 0.85)
    if near_head is not None:
        return near_head + slash + target
    for known in sorted(heads, key=len, reverse=True):
        if head.startswith(known) and head[len(known)] in "_:-.":
            return f"{known}/{name[len(known) + 1 :]}"
    near_head = _closest(head, heads, 0.75)
    return _closest(name, exact, 0.75) if near_head is None else near_head + slash + target


@cache
def _released_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names worth suggesting: in a libbpf release, without and with a target."""
    exact, heads = (
        tuple(name for name, row in index.items() if row.get("since_note") != "unreleased")
        for index in _linux_index()
    )
    return exact, heads


def _closest(text: str, choices: tuple[str, ...], cutoff: float) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(text, choices, n=1, cutoff=cutoff)), None)
