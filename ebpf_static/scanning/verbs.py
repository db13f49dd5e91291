"""The verbs ``scan`` and ``inventory``: what ``check`` and reading are for one object, for many."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.api import Checker
from ebpf_static.engine.inputs import Inputs, find_inputs
from ebpf_static.engine.policy import Policy
from ebpf_static.engine.select import ALL
from ebpf_static.findings import Report
from ebpf_static.registry import Registry
from ebpf_static.scanning.finding import Terms
from ebpf_static.scanning.inventory import Inventory, Surveyor
from ebpf_static.scanning.judging import Judge
from ebpf_static.scanning.runners import make_runner
from ebpf_static.target import ObjectLoader, PathLike, Platform, Target

if TYPE_CHECKING:
    from concurrent.futures import Executor


def scan(
    paths: PathLike | Iterable[PathLike],
    *,
    platform: str | Platform | None = None,
    targets: str | Target | Iterable[str | Target] = (),
    btf: PathLike | Iterable[PathLike] = (),
    kconfig: PathLike | None = None,
    profile: PathLike | None = None,
    select: str | Iterable[str] = (ALL,),
    ignore: str | Iterable[str] = (),
    loader: str | ObjectLoader | None = None,
    policy: Policy | None = None,
    registry: Registry | None = None,
    exclude: Iterable[str] = (),
    strict: bool = False,
    jobs: int = 1,
    timeout: float | None = None,
    executor: Executor | None = None,
    cache_dir: PathLike | None = None,
) -> Report:
    """Return what is wrong with every object in files, directories and all that they contain.

    Args:
        paths: files, directories and glob patterns.
        platform: as for :func:`ebpf_static.check`, like the arguments up to ``registry``.
        targets: as above.
        btf: as above.
        kconfig: as above.
        profile: as above.
        select: as above.
        ignore: as above.
        loader: as above.
        policy: as above.
        registry: as above.
        exclude: glob patterns of paths or names to pass over in directories.
        strict: what cannot be looked into is a failure, not only skipped.
        jobs: how many processes judge; 0 for as many as there are processors, 1 for none but this.
        timeout: seconds one object may take to be judged, or one file to be looked into.
        executor: judges instead: threads, processes, or a cluster's. Objects are sent to it as
            bytes and reports come back; what it loses is judged once more in a process of ours.
        cache_dir: directory to keep reports in; None keeps none. A cache that cannot be used is
            an entry of ``skipped``.

    Returns:
        A report in the order of the paths, whatever finished first. What is byte for byte the same
        is judged once: ``copies`` says where else it is. Objects of which a process died, and
        files that cannot be read, are entries of ``failures``; finding nothing is none.

    Raises:
        UsageError: a platform, target or rule does not exist, or arguments contradict each other.
    """
    checker = Checker.prepare(
        platform=platform, targets=targets, btf=btf, kconfig=kconfig, profile=profile,
        select=select, ignore=ignore, loader=loader, policy=policy, registry=registry,
    )  # fmt: skip
    terms = Terms(lenient=True, strict=strict)
    with ExitStack() as stack:
        kept = None
        if cache_dir is not None:
            from ebpf_static.scanning.cache import Cache

            kept = stack.enter_context(Cache(Path(cache_dir)))
        runner = stack.enter_context(make_runner(jobs, timeout, executor))
        report = Judge(lambda _: checker, runner, terms=terms, kept=kept).run(
            _inputs(paths, exclude)
        )
    notes = tuple(kept.notes) if kept is not None else ()
    return Report.merge((checker.preamble, report, Report.model_construct(skipped=notes)))


def inventory(
    paths: PathLike | Iterable[PathLike],
    *,
    exclude: Iterable[str] = (),
    strict: bool = False,
    jobs: int = 1,
    timeout: float | None = None,
    executor: Executor | None = None,
) -> Inventory:
    """Return which objects are in files, directories and all that they contain; judge none.

    Args:
        paths: as for :func:`scan`, like all other arguments.
        exclude: as above.
        strict: as above.
        jobs: as above.
        timeout: as above.
        executor: as above.

    Raises:
        UsageError: arguments contradict each other.
    """
    with make_runner(jobs, timeout, executor) as runner:
        work = Surveyor(runner, Terms(lenient=True, strict=strict))
        return work.run(_inputs(paths, exclude))


def _inputs(paths: PathLike | Iterable[PathLike], exclude: Iterable[str]) -> Inputs:
    listed = [paths] if isinstance(paths, str | os.PathLike) else paths
    texts = [str(Path(path)) for path in listed]
    return find_inputs(texts, exclude=tuple(exclude), everywhere=True)
