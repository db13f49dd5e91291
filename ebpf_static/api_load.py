"""The verb ``load``: check an object, then hand the very spec that was checked to a loader.

A module of its own, so that checking does not pay for the contract of loaders.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ebpf_static.api import Source, check, name_of
from ebpf_static.errors import LoaderUnavailableError, PluginError, UsageError
from ebpf_static.loading import CheckFailedError, Collection, Loader, LoadOptions
from ebpf_static.reading import read
from ebpf_static.registry import Registry, get_registry
from ebpf_static.specs import CollectionSpec


def load(
    source: Source,
    *,
    loader: str | Loader | None = None,
    options: LoadOptions | None = None,
    name: str | None = None,
    ignore: str | Iterable[str] = (),
    checked: bool = True,
    registry: Registry | None = None,
) -> Collection:
    """Put an object into the running platform, all of it or nothing.

    Args:
        source: a spec, or whatever :func:`ebpf_static.read` takes.
        loader: a loader or its name; by default the first one for the object's platform.
        options: what to load, where to pin, which values to start with.
        name: what the object is called; by default the path as given.
        ignore: rules whose errors do not keep the object from being loaded.
        checked: whether to check first; False hands the object over whatever is wrong with it.
        registry: where loaders and rules come from; by default everything installed.

    Returns:
        What was loaded: a context manager that closes all of it.

    Raises:
        CheckFailedError: the object has errors for the loader's platform.
        UsageError: no such loader, or the object is of the other platform.
        LoaderError: the loader does not work here, or the platform refuses.
    """
    registry = registry or get_registry()
    object_name = name if name is not None else name_of(source)
    spec = source if isinstance(source, CollectionSpec) else read(source)
    chosen = get_loader(loader, spec, registry)
    chosen.refuse_platform(spec)
    delegated = options is not None and options.token_dir is not None
    problem = None if delegated else chosen.available()
    if problem is not None:
        raise LoaderUnavailableError(f"loader {chosen.name}: {problem}")
    if checked:
        platform = chosen.platform or spec.platform.numbering
        report = check(spec, platform=platform, ignore=ignore, name=object_name, registry=registry)
        if not report.ok:
            raise CheckFailedError(report)
    options = options or LoadOptions()
    if options.object_name == LoadOptions().object_name:
        options = replace(options, object_name=object_name)
    return chosen.load(spec, options)


def get_loader(
    wanted: str | Loader | None, spec: CollectionSpec | None, registry: Registry
) -> Loader:
    """Return the loader meant: itself, by its name, or the first one for a spec's platform.

    Raises:
        UsageError: there is none; the message lists those there are.
        PluginError: what a plugin offers under that name is no loader.
    """
    if isinstance(wanted, Loader):
        return wanted
    platform = spec.platform.numbering if spec is not None else None
    for found in registry.loaders:
        if wanted is None:
            takes = getattr(found.loader, "takes", None)
            if spec is None or takes is None or not takes(spec):
                continue
            if not getattr(found.loader, "loads", True):
                continue
        elif found.name != wanted:
            continue
        if not issubclass(found.loader, Loader):
            raise PluginError(found.plugin, f"loader {found.name} does not keep the contract")
        return found.loader()
    names = ", ".join(found.name for found in registry.loaders)
    what = f"there is no loader {wanted!r}" if wanted else f"no loader takes {platform} objects"
    raise UsageError(f"{what}; there are: {names or 'none'}")
