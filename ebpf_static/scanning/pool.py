"""Processes that work for us, each of which may die without taking anything else with it.

The standard library's pool of processes breaks as a whole when one of them dies, and cannot end
one that hangs. Here each thread of an ordinary thread pool has a process of its own, so it is
known which call a process died of; the next call gets a new process. Processes are started afresh
(never forked, so threads do not matter) and import nothing of the program that starts them.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, BinaryIO, ParamSpec, TypeVar

from ebpf_static.errors import EbpfStaticError, UsageError
from ebpf_static.scanning.worker import READY, receive, send

_T = TypeVar("_T")
_P = ParamSpec("_P")

_ATTEMPTS = 3
"""Processes a call may take with it. Who runs out of memory is not always who took it."""
_DYING = 1
"""Seconds a process may take from closing its files to its end, to say how it ended."""


class WorkerLostError(EbpfStaticError):
    """A process ended, or had to be ended, before it answered."""


class TimedOutError(WorkerLostError):
    """A call took too long, and its process was ended."""


class WorkerPool(Executor):
    """An executor whose calls run in processes of their own.

    Functions and values must be picklable. A call whose process dies is made again in another;
    one that takes some with it raises :class:`WorkerLostError`. All others are answered.
    """

    def __init__(self, jobs: int, timeout: float | None = None) -> None:
        """Prepare to start processes when there is work for them.

        Args:
            jobs: how many processes may work at once.
            timeout: seconds a call may take; None for any time.

        Raises:
            UsageError: this Python cannot start another.
        """
        if not sys.executable:
            raise UsageError("this Python does not know how to start another: use one job")
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="ebpf-static")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._closed = False

    def submit(  # type: ignore[override] # typeshed has positional-only names
        self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        """Schedule a call."""
        if kwargs:
            raise TypeError("keyword arguments are not sent to other processes")
        return self._threads.submit(self._call, fn, args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the standard library's signature
        """End: with ``cancel_futures``, calls that run are given up, too."""
        if not cancel_futures:
            self._threads.shutdown(wait=wait)
        with self._lock:
            self._closed = True
            workers = tuple(self._workers)
        for worker in workers:
            worker.end()
        self._threads.shutdown(wait=wait, cancel_futures=True)

    def _call(self, function: Callable[..., _T], values: tuple[Any, ...]) -> _T:
        """Return what a call gives; who kills a process by chance does so once or twice."""
        for _ in range(_ATTEMPTS):
            try:
                return self._try(function, values)
            except TimedOutError:
                raise
            except WorkerLostError as error:
                if self._closed:
                    raise
                last = error
        raise WorkerLostError(f"{_ATTEMPTS} processes working on it were lost, the last {last}")

    def _try(self, function: Callable[..., _T], values: tuple[Any, ...]) -> _T:
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = self._start()
        try:
            succeeded, value = worker.call(function, values, self._timeout)
        except WorkerLostError:
            self._own.worker = None
            with self._lock:
                self._workers.discard(worker)
            raise
        if not succeeded:
            raise value
        return value  # type: ignore[no-any-return]

    def _start(self) -> _Worker:
        with self._lock:
            if self._closed:
                raise WorkerLostError("the run has ended")
            try:
                worker = _Worker()
            except OSError as error:
                raise WorkerLostError(f"no process can be started: {error.strerror}") from error
            self._workers.add(worker)
        return worker


class _Worker:
    """One process and what connects it."""

    def __init__(self) -> None:
        script = (
            f"import sys; sys.path[:] = {[str(entry) for entry in sys.path]!r}; "
            "from ebpf_static.scanning.worker import main; main()"
        )
        # A group of its own: Ctrl-C at the terminal is for the process that ends this one.
        group: dict[str, Any] = {"process_group": 0}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        # -I: nothing of where we run is imported. What the user set for this process holds there.
        flags = ["-B"] if sys.dont_write_bytecode else []
        flags += ["-X", "utf8"] if sys.flags.utf8_mode else []
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-I", *flags, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **group,
        )
        assert self._process.stdin is not None  # noqa: S101 - both were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._calls: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._answers: BinaryIO = self._process.stdout  # type: ignore[assignment]
        self._is_ready = False

    def call(
        self, function: Callable[..., Any], values: tuple[Any, ...], timeout: float | None
    ) -> tuple[bool, Any]:
        """Return whether a call succeeded, and its value or exception.

        Raises:
            WorkerLostError: the process ended or took longer than ``timeout`` seconds.
        """
        late = threading.Event()
        if not self._is_ready:
            self._is_ready = self._receive() == READY
        timer = None
        if timeout is not None:
            timer = threading.Timer(timeout, self._give_up, [late])
            timer.start()
        try:
            send(self._calls, pickle.dumps((function, values)))
        except (OSError, ValueError):
            message = None  # it is gone, and says why below
        else:
            message = self._receive()
        finally:
            if timer is not None:
                timer.cancel()
        if message is None or late.is_set():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_DYING)
            self.end()
            if late.is_set():
                raise TimedOutError(f"took longer than {timeout:g} s")
            raise WorkerLostError(self._last_words())
        outcome: tuple[bool, Any] = pickle.loads(message)  # noqa: S301 - our own process
        return outcome

    def _receive(self) -> bytes | None:
        try:
            return receive(self._answers)
        except (OSError, ValueError):  # ValueError: closed by whoever ends the run
            return None

    def end(self) -> None:
        """End the process, whatever it does, and let go of what connects it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._calls, self._answers):
            with suppress(OSError, ValueError):
                stream.close()

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _last_words(self) -> str:
        status = self._process.returncode
        if status >= 0:
            return f"ended with status {status}"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"was killed by {name}"


def cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
