"""Where calls run: in this process, in processes of ours, or in an executor somebody gave us."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from ebpf_static.errors import EbpfStaticError, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from ebpf_static.scanning.pool import WorkerPool

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

_CALLS_PER_JOB = 4
"""Calls on their way for each process: enough that none waits, few enough to hold in memory."""
_CALLS_OF_EXECUTOR = 64
"""The same for an executor that does not say how many workers it has."""
_MAX_HELD = 256 << 20
"""Bytes on their way at most, but for a single larger object."""
_PATIENCE = 5
"""Seconds between looks at whether an executor is still there."""


class Handle(Protocol[_T_co]):
    """What a call will give."""

    def result(self) -> _T_co:
        """Return it, once it is there, or raise what the call raised."""


class Done:
    """What is known already, or what a call in this process gave."""

    def __init__(self, value: Any = None, error: Exception | None = None) -> None:
        self._value = value
        self._error = error

    def result(self) -> Any:
        """Return the value, or raise the error."""
        if self._error is not None:
            raise self._error
        return self._value


class Runner(Protocol):
    """Runs calls.

    Attributes:
        ahead: how many calls may be on their way before the first is asked for.
        is_local: calls run in this process, so values are not sent anywhere.
        sees_files: calls see the files of this machine.
        lost: how many calls an executor lost, so that they were made again here.
    """

    ahead: int
    is_local: bool
    sees_files: bool
    lost: int

    def submit(self, function: Callable[..., _T], *values: object) -> Handle[_T]:
        """Start a call; functions and values must be picklable."""

    def submit_here(self, function: Callable[..., _T], *values: object) -> Handle[_T]:
        """Start a call on this machine: it reads files."""

    def __enter__(self) -> Self:
        """Start using it."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; an exception, Ctrl-C for one, gives up what still runs."""


class InProcess:
    """Runs each call at once, in this process."""

    ahead = 0
    is_local = True
    sees_files = True
    lost = 0

    def submit(self, function: Callable[..., _T], *values: object) -> Handle[_T]:
        """Run a call."""
        return Done(function(*values))

    submit_here = submit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class InProcesses:
    """Runs calls in processes of our own."""

    is_local = False
    sees_files = True
    lost = 0

    def __init__(self, jobs: int, timeout: float | None = None) -> None:
        from ebpf_static.scanning.pool import WorkerPool

        self.ahead = _CALLS_PER_JOB * jobs
        self._pool = WorkerPool(jobs, timeout)

    def submit(self, function: Callable[..., _T], *values: object) -> Handle[_T]:
        """Start a call; one whose process dies raises WorkerLostError."""
        return self._pool.submit(function, *values)

    submit_here = submit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


class InExecutor:
    """Runs calls in an executor, and what that loses in a process of our own.

    Our calls raise nothing but errors of this package, so any other exception is about the
    executor: a broken pool, a worker that died. Each such call is made once more, alone in a
    process, which tells the object that kills from those that only died with it.
    """

    ahead = _CALLS_OF_EXECUTOR
    is_local = False
    sees_files = True
    lost = 0

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._futures: set[Future[Any]] = set()
        self._alone: WorkerPool | None = None

    def submit(self, function: Callable[..., _T], *values: object) -> Handle[_T]:
        """Start a call."""
        try:
            future = self._executor.submit(function, *values)
        except Exception:  # noqa: BLE001 - a broken executor takes no more
            self.lost += 1
            return self.submit_here(function, *values)
        self._futures.add(future)
        return _Guarded(self, future, function, values)

    def wait(self, future: Future[_T], function: Callable[..., _T], values: tuple[Any, ...]) -> _T:
        """Return what a call gives, here or elsewhere."""
        try:
            while not self.is_lost():
                with suppress(TimeoutError):
                    return future.result(_PATIENCE)
                if future.done():
                    break
        except EbpfStaticError:
            raise
        except Exception:  # noqa: BLE001, S110 - as the class says
            pass
        finally:
            self._futures.discard(future)
        self.lost += 1
        return self.submit_here(function, *values).result()

    def is_lost(self) -> bool:
        """Tell whether nothing will ever come of the calls that are on their way."""
        return False

    def submit_here(self, function: Callable[..., _T], *values: object) -> Handle[_T]:
        """Start a call in a process of our own."""
        from ebpf_static.scanning.pool import WorkerPool, cpus

        if self._alone is None:
            self._alone = WorkerPool(cpus())
        return self._alone.submit(function, *values)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for future in self._futures:
            future.cancel()
        if self._alone is not None:
            self._alone.shutdown(cancel_futures=True)


class _Guarded:
    """A call in somebody's executor."""

    def __init__(
        self,
        runner: InExecutor,
        future: Future[Any],
        function: Callable[..., Any],
        values: tuple[Any, ...],
    ) -> None:
        self._runner = runner
        self._call = (future, function, values)

    def result(self) -> Any:
        return self._runner.wait(*self._call)


def make_runner(
    jobs: int = 1, timeout: float | None = None, executor: Executor | None = None
) -> Runner:
    """Return where to work.

    Args:
        jobs: processes of our own; 0 for as many as there are processors, 1 for none.
        timeout: seconds a call may take.
        executor: an executor to use instead.

    Raises:
        UsageError: ``timeout`` is for an executor, whose calls nobody can end.
    """
    if executor is not None:
        if timeout is not None:
            raise UsageError("what an executor runs cannot be ended: it takes no time limit")
        return InExecutor(executor)
    if jobs == 0:
        from ebpf_static.scanning.pool import cpus

        jobs = cpus()
    # Only a process of its own can be ended when it takes too long.
    return InProcess() if jobs == 1 and timeout is None else InProcesses(jobs, timeout)


def in_order(
    items: Iterable[_T], ahead: int, size_of: Callable[[_T], int] | None = None
) -> Iterator[_T]:
    """Yield items in their order, each after ``ahead`` more have been taken (and so started).

    Args:
        items: the items.
        ahead: how many to take before the first is yielded; fewer while they are large.
        size_of: how many bytes an item holds.
    """
    waiting: deque[tuple[_T, int]] = deque()
    held = 0
    for item in items:
        size = 0 if size_of is None else size_of(item)
        waiting.append((item, size))
        held += size
        while len(waiting) > ahead or (held > _MAX_HELD and waiting):
            first, size = waiting.popleft()
            held -= size
            yield first
    yield from (item for item, _ in waiting)
