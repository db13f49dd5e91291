"""What efW answers, in words: result codes and error numbers by name, and what to do about them.

``ebpf_*`` functions return an ``ebpf_result_t``; ``bpf()`` and the libbpf-like functions return
a negative error number of the Windows C runtime, whose numbers are not Linux's. Source:
efW ``include/ebpf_result.h``, ``libs/api_common/api_common.hpp``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ebpf_static.errors import LoaderError, LoadRejectedError
from ebpf_static_loaders.windows.tables import errno_names, result_names

ERROR_NOT_SUPPORTED: Final = 50
ERROR_CALL_NOT_IMPLEMENTED: Final = 120

NOT_FOUND: Final = frozenset(
    {"ENOENT", "EBPF_KEY_NOT_FOUND", "EBPF_NO_MORE_KEYS", "EBPF_OBJECT_NOT_FOUND"}
)
"""Answers that mean *there is none* and not *it failed*."""

_HINTS: Final = {
    "EBPF_RPC_EXCEPTION": "the eBPF service (ebpfsvc) does not answer: is it running?",
    "EBPF_ACCESS_DENIED": "loading takes an administrator",
    "EPERM": "loading takes an administrator",
    "EBPF_BLOCKED_BY_POLICY": "this host does not trust the image's signature",
    "EBPF_EXTENSION_FAILED_TO_LOAD": "no running extension provides this type (is netebpfext?)",
    "EBPF_INVALID_FD": "the descriptor is none of this process's ebpfapi.dll",
}
_NATIVE_ONLY: Final = (
    "this build of eBPF for Windows runs native images only: turn the object into a .sys with "
    "bpf2c and load that with loader windows-native"
)


class CallError(LoaderError):
    """One call of the DLL failed.

    Attributes:
        number: the code as returned, an error number without its sign.
        last_error: what ``GetLastError`` said after ``bpf()``, 0 for nothing.
    """

    def __init__(self, name: str, number: int, last_error: int = 0) -> None:
        super().__init__(name, result=name)
        self.name = name
        self.number = number
        self.last_error = last_error


def result_name(code: int) -> str:
    """Return ``EBPF_INVALID_FD`` for 4; an unknown code is ``ebpf_result_t 999``."""
    return result_names().get(code, f"ebpf_result_t {code}")


def errno_name(number: int) -> str:
    """Return ``ENOTSUP`` for 129; what the C runtime has no known name for is ``errno 999``."""
    return errno_names().get(number, f"errno {number}")


def from_result(code: int) -> CallError:
    """Return the error for an ``ebpf_result_t``."""
    return CallError(result_name(code), code)


def from_errno(returned: int, last_error: int = 0) -> CallError:
    """Return the error for a negative return value."""
    return CallError(errno_name(-returned), -returned, last_error)


def rejected(
    what: str, name: str, log: str = "", *, rule: str | None = None, last_error: int = 0
) -> LoadRejectedError:
    """Return the error for something efW refused, with what is known to help."""
    if last_error == ERROR_NOT_SUPPORTED:
        return LoadRejectedError(f"{what}: {_NATIVE_ONLY}", log, result=name, rule="WIN030")
    hint = _HINTS.get(name)
    if last_error == ERROR_CALL_NOT_IMPLEMENTED:
        hint = "this release of eBPF for Windows does not have the command"
    text = f"{what}: {name}" if hint is None else f"{what}: {name} ({hint})"
    return LoadRejectedError(text, log, result=name, rule=rule)


@contextmanager
def doing(what: str, *, rule: str | None = None) -> Iterator[None]:
    """Turn the error of a call into one that says what it was for."""
    try:
        yield
    except CallError as error:
        raise rejected(
            f"cannot {what}", error.name, error.log, rule=rule, last_error=error.last_error
        ) from error
