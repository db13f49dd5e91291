"""A Dask cluster as the place where objects are judged.

Files are read and containers opened here; workers get the bytes of single objects and give back
reports, so they need no access to our disk, only ebpf-static in the same version (and the plugins).
Files of targets (types, configuration, profile of a kernel) are read where objects are judged, so
their contents go along: once to each worker, not with every object.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, TypeVar

from ebpf_static import __version__
from ebpf_static.errors import UsageError
from ebpf_static.scanning.runners import InExecutor

if TYPE_CHECKING:
    from distributed import Client

_T = TypeVar("_T")

_CONNECT_SECONDS = 10
_WORKER_SECONDS = 60
"""How long a cluster may be without any worker before objects are judged here."""
_LARGE = 1 << 20
"""Bytes from which on a value is sent to each worker once, not with every call."""


class InCluster(InExecutor):
    """Runs calls on a Dask cluster, and what that loses in a process of our own."""

    sees_files = False

    def __init__(self, address: str) -> None:
        """Connect.

        Args:
            address: of the scheduler, ``tcp://host:port``.

        Raises:
            UsageError: Dask is not installed, nobody answers, there are no workers, or they have
                no ebpf-static or one of another version.
        """
        self._client = _connect(address)
        self._last_seen = time.monotonic()
        super().__init__(_Scattering(self._client))

    def __exit__(self, *details: object) -> None:
        """Disconnect; the cluster goes on."""
        try:
            super().__exit__(*details)
        finally:
            self._client.close()

    def is_lost(self) -> bool:
        """Tell whether there has been no worker for some time."""
        if self._client.status == "running" and self._client.scheduler_info()["workers"]:
            self._last_seen = time.monotonic()
        return time.monotonic() - self._last_seen > _WORKER_SECONDS


class _Scattering(Executor):
    """Dask's own executor, which sends a large value that many calls share only once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._sent: dict[bytes, Any] = {}

    def submit(  # type: ignore[override] # calls of ours have no keyword arguments
        self, fn: Callable[..., _T], first: Any, *args: Any
    ) -> Future[_T]:
        """Schedule a call; the first value is what calls share."""
        if isinstance(first, bytes) and len(first) > _LARGE:
            if first not in self._sent:
                self._sent[first] = self._client.scatter(first, broadcast=True)
            first = self._sent[first]
        future: Future[_T] = self._executor.submit(fn, first, *args)
        return future


def tool_version() -> str:
    """Return the version of ebpf-static where this runs."""
    return __version__


def _connect(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            "a Dask cluster needs its library: pip install 'ebpf-static[dask]'"
        ) from error
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"no Dask scheduler at '{address}': {reason}") from error
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        versions = set(client.run(tool_version).values())
    except TimeoutError as error:
        client.close()
        raise UsageError(f"the Dask cluster at '{address}' has no workers") from error
    except Exception as error:
        client.close()
        raise UsageError(
            f"the workers at '{address}' cannot run ebpf-static {__version__}: {error}"
        ) from error
    if versions != {__version__}:
        client.close()
        listed = ", ".join(sorted(map(str, versions)))
        raise UsageError(f"the workers at '{address}' have ebpf-static {listed}, not {__version__}")
    return client
