"""What loading a program of a type wants, beside that the type exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ebpf_static.support.facts import Condition, ConditionKind
from ebpf_static.support.tables import read_table
from ebpf_static.support.targets import release_of
from ebpf_static.support.versions import NEWEST, key_of, version_key
from ebpf_static.target import Platform, Target

if TYPE_CHECKING:
    from ebpf_static.support.targets import Release
    from ebpf_static.uapi.constants import AttachType, ProgramType


@dataclass(frozen=True, slots=True)
class ProgramRules:
    """What the kernel wants of programs of one type on one release.

    Attributes:
        program_type: the type.
        attach_type: what the expected attach type must be at load: ``required`` (one of the
            type's own), ``optional``, ``unused`` (any value passes), ``zero`` or
            ``member_index`` (struct_ops); None where the tables do not say.
        attach_type_since: first release that looks at it.
        zero_attach_type: what 0 is read as, where the kernel reads it as something.
        attach_btf: whether a BTF id of the target must be given.
        gpl_required: whether the program itself must have a GPL-compatible licence.
        sleepable: attach types (without ``BPF_``) that may be sleepable; empty means none, and
            ``("*",)`` every one.
        legacy_packet_loads: whether ``ld_abs`` and ``ld_ind`` are allowed.
        capabilities: what the loading process needs; empty for types that need none unless
            ``kernel.unprivileged_bpf_disabled`` is set, and ``CAP_BPF`` then.
        source: where the rules were read.
    """

    program_type: ProgramType
    attach_type: str | None
    attach_type_since: str | None
    zero_attach_type: str | None
    attach_btf: bool
    gpl_required: bool
    sleepable: tuple[str, ...]
    legacy_packet_loads: bool
    capabilities: tuple[str, ...]
    source: str

    def may_sleep(self, attach_type: AttachType | None) -> bool:
        """Whether a program with ``attach_type`` may be loaded as sleepable.

        Whether its target may be slept in is another question, which BTF and the kernel decide.
        """
        if "*" in self.sleepable:
            return True
        return attach_type is not None and attach_type.name in self.sleepable


def program_rules(program_type: ProgramType, where: Target | Release) -> ProgramRules | None:
    """Return what ``where`` wants of programs of ``program_type``.

    For a target without a version the newest release is meant.

    Returns:
        None for unknown types and on Windows, where the extension that provides a type decides.

    Raises:
        UnknownTargetError: when the target is no release.
    """
    release = release_of(where)
    if program_type.platform is not Platform.LINUX:
        return None
    table = read_table(Platform.LINUX, "program_types")
    row = table.by_name.get(program_type.name)
    if row is None or "spans" not in row:
        return None
    key = NEWEST if release.version is None else key_of(release.version)
    sleepable: list[str] = []
    for step in row.get("sleepable", ()):
        ended = "until" in step and version_key(step["until"]) <= key
        if version_key(step["since"]) <= key and not ended:
            sleepable += step.get("attach_types", ["*"])
    return ProgramRules(
        program_type=program_type,
        attach_type=row.get("attach_type"),
        attach_type_since=row.get("attach_type_since"),
        zero_attach_type=row.get("zero_attach_type"),
        attach_btf=row["attach_btf"],
        gpl_required=row["gpl_required"],
        sleepable=tuple(sleepable),
        legacy_packet_loads=row.get("legacy_packet_loads", False),
        capabilities=capabilities_at(table.spans(row)[0].when, key),
        source=row["source"],
    )


CAPABILITIES_SPLIT = "5.8"
"""First release with ``CAP_BPF`` and ``CAP_PERFMON``; before it ``CAP_SYS_ADMIN`` is needed."""


def capabilities_at(
    conditions: tuple[Condition, ...], key: tuple[int, int, int, int]
) -> tuple[str, ...]:
    """Return the capabilities ``conditions`` ask for in the release with ``key``."""
    names = [name for it in conditions if it.kind is ConditionKind.CAPABILITY for name in it.names]
    if version_key(CAPABILITIES_SPLIT) <= key:
        return tuple(names)
    old = ["CAP_SYS_ADMIN" if name in ("CAP_BPF", "CAP_PERFMON") else name for name in names]
    return tuple(dict.fromkeys(old))
