"""Functions the kernel keeps lists of for attaching: LSM hooks, and what may not be traced.

``data/attach_lists.json`` is made by ``scripts/make_context_tables.py`` from
``kernel/bpf/bpf_lsm.c`` and ``kernel/bpf/verifier.c`` of four releases. Between two releases that
disagree, and before a list began, the answer is that nobody can tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from ebpf_static.btf import Btf, Kind
from ebpf_static.package_data import read_data
from ebpf_static.target import Version


class AttachList(StrEnum):
    """A list the kernel keeps."""

    SLEEPABLE = "sleepable"
    """LSM hooks that may sleep (``sleepable_lsm_hooks``)."""
    DISABLED = "disabled"
    """LSM hooks no program may attach to (``bpf_lsm_disabled_hooks``)."""
    NO_HOOK = "no_hook"
    """Functions called ``bpf_lsm_NAME`` that are no hook."""
    DENIED = "denied"
    """Functions no tracing program may attach to (``btf_id_deny``)."""
    NO_RETURN = "no_return"
    """Functions that do not return: no fexit, no fmod_ret (``noreturn_deny``)."""


class _Lists(NamedTuple):
    read: tuple[tuple[str, Version], ...]
    begins: Mapping[AttachList, Version]
    entries: Mapping[tuple[AttachList, str], frozenset[str]]


def is_listed(which: AttachList, name: str, version: Version | None) -> bool | None:
    """Tell whether a kernel's list has a function.

    Args:
        which: the list.
        name: the function; of LSM hooks without ``bpf_lsm_``.
        version: the kernel's; None for one not known.

    Returns:
        None where the releases that were read do not say.
    """
    lists = _lists()
    entry = lists.entries.get((which, name), frozenset())
    if version is None:
        return None if entry else False
    for line, read in lists.read:
        if (version.major, version.minor) == (read.major, read.minor) and not version < read:
            return line in entry
    if version < lists.begins[which]:
        return None if entry else False
    older = [line in entry for line, read in lists.read if not version < read]
    newer = [line in entry for line, read in lists.read if version < read]
    around = {*older[-1:], *newer[:1]}
    return around.pop() if len(around) == 1 else None


def injects_errors(targets: Sequence[Btf], config: Mapping[str, str] | None) -> bool | None:
    """Tell whether a kernel has a list of functions whose result may be changed.

    It does with ``CONFIG_FUNCTION_ERROR_INJECTION``; only such functions, besides a few others,
    may be slept in by fentry and fexit programs or changed by fmod_ret programs. In BTF the
    function that searches the list tells.

    Returns:
        None with neither BTF nor configuration.
    """
    if config is not None:
        return config.get("CONFIG_FUNCTION_ERROR_INJECTION") == "y"
    if not targets:
        return None
    return targets[0].find("within_error_injection_list", Kind.FUNC) is not None


@cache
def _lists() -> _Lists:
    text = read_data("ebpf_static.kernel", "data", "attach_lists.json")
    given = json.loads(text)
    return _Lists(
        tuple((line, Version.parse(read)) for line, read in given["read"].items()),
        {AttachList(name): Version.parse(since) for name, since in given["begins"].items()},
        {(AttachList(r["list"]), r["name"]): frozenset(r["in"]) for r in given["rows"]},
    )


_MARKED: Final = (
    "bpf_modify_return_test",
    "bpf_fentry_test",
    "bpf_testmod",
    "bpf_rstat_flush",
    "update_socket_protocol",
    "hid_bpf_",
    "__hid_bpf_",
)
"""Functions of kernels read that are marked with ``register_btf_fmodret_id_set``."""


def is_marked(name: str) -> bool:
    """Tell whether a function may be marked by its own subsystem as one to modify or sleep in."""
    return name.startswith(_MARKED)
