"""What loaders put in place of what a kernel lacks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ebpf_static.support import lookups
from ebpf_static.support.tables import read_table
from ebpf_static.support.targets import release_of
from ebpf_static.support.versions import key_of, version_key
from ebpf_static.target import Platform, Target, Version

if TYPE_CHECKING:
    from ebpf_static.support.targets import Release

NEWEST_LIBBPF = Version(1, 7)
"""The release the substitutions were compared with."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """One thing libbpf does to an object so that a kernel takes it.

    Attributes:
        name: its name (``probe_read_kernel``).
        since: first libbpf release that does it.
        when: what the kernel must lack: ``helper NAME``, ``feature NAME``, ``btf_kind NAME``; or
            ``always``.
        replaces: what the object asks for.
        by: what the kernel gets instead; None when it is left out.
        what: what happens, in words.
        source: function of libbpf that does it.
    """

    name: str
    since: str
    when: str
    replaces: tuple[str, ...]
    by: str | None
    what: str
    source: str


def substitutions(
    where: Target | Release, libbpf: Version = NEWEST_LIBBPF
) -> tuple[Substitution, ...]:
    """Return what ``libbpf`` does to objects it loads on ``where``.

    Args:
        where: the target; on Windows nothing is substituted.
        libbpf: the release of libbpf.
    """
    release = release_of(where)
    return () if release.platform is Platform.WINDOWS else _substitutions(release, libbpf)


@lru_cache(maxsize=256)
def _substitutions(release: Release, libbpf: Version) -> tuple[Substitution, ...]:
    rows = read_table(Platform.LINUX, "libbpf").rows
    found = [
        Substitution(
            name=row["name"],
            since=row["since"],
            when=row["when"],
            replaces=tuple(row["replaces"]),
            by=row["by"],
            what=row["what"],
            source=row["source"],
        )
        for row in rows
        if version_key(row["since"]) <= key_of(libbpf)
    ]
    return tuple(it for it in found if _applies(it.when, release))


def _applies(when: str, release: Release) -> bool:
    kind, _, name = when.partition(" ")
    if kind == "always":
        return True
    if kind == "feature":
        return not lookups.feature(name, release).available
    if kind == "btf_kind":
        return not lookups.btf_kind(name, release).available
    from ebpf_static.uapi.constants import HelperId

    helper = HelperId.named(Platform.LINUX, name)
    return not lookups.helper(helper, None, None, release).available
