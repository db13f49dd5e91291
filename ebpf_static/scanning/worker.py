"""What runs in a process of its own: calls, one after another, until nobody sends any.

Each message is a length and a pickle: the call there, its outcome back. The processes belong to
one another and start from the same interpreter and path; nothing is read from a file.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import threading
from importlib import import_module
from queue import SimpleQueue
from typing import Any, BinaryIO

LENGTH = struct.Struct("<Q")


READY = b"ready"
"""Sent before the first answer: what a call takes is not what starting takes."""


def main() -> None:
    """Answer calls from standard input on standard output until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a rule prints must not get between the answers
    import_module("ebpf_static.scanning.judging")
    send(answers, READY)
    calls: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        send(answers, _answer(calls.get()))


def _receive(stream: BinaryIO, calls: SimpleQueue[bytes]) -> None:
    """Hand on calls; nobody is left to work for once they end, however busy a call keeps us."""
    while (message := receive(stream)) is not None:
        calls.put(message)
    os._exit(0)


def _answer(message: bytes) -> bytes:
    try:
        function, values = pickle.loads(message)  # noqa: S301 - from the process that started us
        outcome: tuple[bool, Any] = (True, function(*values))
    except Exception as error:  # noqa: BLE001 - it is the caller's, and is raised there
        outcome = (False, error)
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # noqa: BLE001 - an exception that holds what cannot be sent
        text = f"{type(outcome[1]).__name__}: {outcome[1]}"
        return pickle.dumps((False, RuntimeError(f"{text} (cannot be sent: {error})")))


def send(stream: BinaryIO, message: bytes) -> None:
    """Write one message."""
    stream.write(LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Return one message, None when there are no more."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length: int = LENGTH.unpack(head)[0]
    message = stream.read(length)
    return message if len(message) == length else None
