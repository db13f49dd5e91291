"""What the kernel refused, in words: errno names, and the verifier log cut to what matters."""

from __future__ import annotations

import errno as errnos
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ebpf_static.errors import LoaderUnavailableError, LoadRejectedError

_LOG_LINES: Final = 12
_STATE: Final = re.compile(r"^(?:(?:from )?\d+(?: to \d+)?: ?)?(?:\d+: )?R\d+(?:_w)?=|^R\d+=")
_TAIL: Final = (
    "processed ",
    "verification time",
    "stack depth",
    "peak_states",
    "max_states_per_insn",
    "mark_read",
)
_SOURCE: Final = re.compile(r"^; (.*)$")
_INSN: Final = re.compile(r"^(\d+): \(")

# Words of the verifier, or of the loader itself, and the rule whose finding says so beforehand.
_PREDICTED: Final = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"unknown#195896080", "REL101"),  # what a CO-RE relocation without a match is made of
        (r"unknown func|invalid func ", "HLP201"),
        (r"program of this type cannot use helper", "HLP202"),
        (r"calling kernel function .* is not allowed", "HLP204"),
        (r"cannot call GPL.restricted function from non-GPL", "LIC001"),
        (r"GPL compatible|must have a GPL", "LIC004"),
        (r"BPF program is too large|too many instructions", "INS009"),
        (r"unreachable insn", "INS006"),
        (r"back-edge from insn", "INS202"),
        (r"unknown opcode|invalid BPF_LD_IMM", "INS001"),
        (r"jump out of range", "INS004"),
        (r"last insn is not an exit or jmp", "INS005"),
        (r"frame pointer is read only", "INS007"),
        (r"R\d+ !read_ok", "INS205"),
        (r"R\d+ invalid mem access '(?:scalar|inv)'", "INS211"),
        (r"R\d+ invalid mem access '\w*_or_null\w*'", "INS212"),
        (r"combined stack size", "INS203"),
        (r"call stack of \d+ frames is too deep", "INS204"),
        (r"tail_calls are not allowed", "INS206"),
        (r"invalid (?:indirect )?(?:read|write|access) (?:from|to) stack", "INS011"),
        (r"invalid bpf_context access", "CTX201"),
        (r"At program exit the register R0", "CTX203"),
        (r"has no valid bpf_(?:timer|spin_lock|wq)|has to have BTF", "VAL203"),
        (r"is not sleepable", "ATT202"),
        (r"bpf_lsm_\w+ (?:is not supported|points to disabled hook)", "ATT201"),
    )
)


def errno_name(number: int | None) -> str:
    """Return ``EINVAL`` for 22; what Python does not know is ``errno 524``."""
    if number == _ENOTSUPP:
        return "ENOTSUPP"
    return errnos.errorcode.get(number or 0, f"errno {number}")


_ENOTSUPP: Final = 524  # include/linux/errno.h; leaks to user space from some BPF paths


def rejected(what: str, code: int, log: str = "", *, rule: str | None = None) -> LoadRejectedError:
    """Return the error for something refused with ``code``, with the rule that predicts it."""
    text = f"{what}: {errno_name(code)}"
    return LoadRejectedError(
        text, log, result=errno_name(code), rule=rule or predicted_rule(f"{log}\n{what}")
    )


@contextmanager
def doing(what: str, *, rule: str | None = None) -> Iterator[None]:
    """Turn the error of a call into one that says what it was for."""
    try:
        yield
    except OSError as error:
        raise rejected(f"cannot {what}", error.errno or 0, rule=rule) from error


def predicted_rule(log: str) -> str | None:
    """Return the code of the rule that predicts a refusal, None for an unknown cause."""
    return next((rule for pattern, rule in _PREDICTED if pattern.search(log)), None)


def unavailable(error: OSError) -> LoaderUnavailableError:
    """Return why ``bpf(2)`` does not work for this process."""
    return LoaderUnavailableError(explain_refusal(error.errno or 0), result=errno_name(error.errno))


def explain_refusal(code: int) -> str:
    """Return in words why a kernel refuses even the smallest program."""
    if code == errnos.ENOSYS:
        return "this kernel is built without bpf(2) (CONFIG_BPF_SYSCALL)"
    if code in (errnos.EPERM, errnos.EACCES):
        return (
            "bpf(2) is refused to this process: loading takes root, or CAP_BPF with "
            "CAP_PERFMON or CAP_NET_ADMIN (and a container must allow the call)"
        )
    return f"bpf(2) does not work here: {errno_name(code)}"


def trim_log(log: str) -> str:
    """Return the end of a verifier log: the verdict, the instruction, and its line of C.

    States of registers and statistics go; what stays is the last few lines in front of the
    verdict, with the line of C the instruction belongs to however far above it stands.
    """
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith(_TAIL)]
    kept: list[str] = []
    has_source = False
    for line in reversed(lines):
        if _STATE.match(line):
            continue
        is_source = bool(_SOURCE.match(line))
        if len(kept) < _LOG_LINES:
            kept.append(line)
            has_source = has_source or is_source
        elif is_source and not has_source:
            kept.append(line)
            break
        elif has_source:
            break
    return "\n".join(reversed(kept))


def last_insn(log: str) -> int | None:
    """Return the number of the last insn a verifier log names."""
    numbers = [int(found[1]) for line in log.splitlines() if (found := _INSN.match(line))]
    return numbers[-1] if numbers else None
