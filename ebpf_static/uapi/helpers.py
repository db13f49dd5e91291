"""Facts about helpers that rules need beyond name and number.

Whether a helper exists is :attr:`HelperId.known <ebpf_static.uapi.base.UapiConstant.known>`; from
which release, and in which program types, is for ``ebpf_static.support``.
"""

from __future__ import annotations

from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import HelperId, ProgramType


def gpl_only(
    helper: HelperId, program_type: ProgramType | None = None, release: Version | None = None
) -> bool | None:
    """Return whether only programs under a GPL-compatible licence may call ``helper``.

    eBPF for Windows looks at no licence, so nothing is there.

    Args:
        helper: the helper called.
        program_type: the caller's type; two helpers are GPL-only in some types.
        release: the kernel; three helpers were GPL-only in old ones. Without one, the newest.

    Returns:
        None for unknown helpers and where it depends on more than was given
        (``get_func_ip`` in a kprobe depends on the attach type).
    """
    if helper.platform is Platform.WINDOWS:
        return False
    row = helper.row
    rule: bool | None = row.get("gpl_only")
    if release is not None and "gpl_only_history" in row:
        steps = row["gpl_only_history"]
        reached = [step for step in steps if not release < Version.parse(step["since"])]
        rule = (reached or steps[:1])[-1]["gpl_only"]
    if rule is None and program_type is not None:
        by_type: dict[str, bool | None] = row.get("gpl_only_by_program_type", {})
        return by_type.get(program_type.name)
    return rule


def linux_equivalent(helper: HelperId) -> HelperId | None:
    """Return the Linux helper that does what ``helper`` does, None when there is none.

    The four Windows ``trace_printk2`` … ``trace_printk5`` are Linux ``trace_printk``.
    """
    return helper.on(Platform.LINUX)


def windows_equivalents(helper: HelperId) -> tuple[HelperId, ...]:
    """Return the Windows helpers that do what ``helper`` does.

    Mostly one or none; ``trace_printk`` has one for each number of arguments, and
    ``xdp_adjust_head`` one with XDP as its scope.
    """
    if helper.platform is Platform.WINDOWS:
        return (helper,)
    if not helper.known:
        return ()
    members = HelperId.members(Platform.WINDOWS)
    return tuple(it for it in members if it.row.get("linux") == helper.name)


def has_default_implementation(helper: HelperId) -> bool | None:
    """Return whether a Windows helper works in program types that do not bring their own.

    None on Linux, where every helper is the kernel's, and for unknown helpers.
    """
    found: bool | None = helper.row.get("default_implementation")
    return found


def overriding_program_types(helper: HelperId) -> tuple[ProgramType, ...]:
    """Return the Windows program types that put their own function in place of a general one."""
    names = helper.row.get("overridden_by", ())
    return tuple(ProgramType.named(helper.platform, name) for name in names)


def is_provided_to(helper: HelperId, program_type: ProgramType) -> bool | None:
    """Return whether Windows programs of ``program_type`` find a function behind ``helper``.

    The newest release is meant: a retired helper is provided to nobody. None on Linux, and for
    helpers no table knows.
    """
    if helper.platform is not Platform.WINDOWS or not helper.known:
        return None
    if helper.scope is not None:
        return helper.scope == program_type and helper.last_release is None
    return has_default_implementation(helper) or program_type in overriding_program_types(helper)
