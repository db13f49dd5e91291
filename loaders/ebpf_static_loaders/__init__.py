"""The loaders ebpf-static ships: first-party plugins that use only the public contracts.

The registry finds this package by the dotted name ``ebpf_static_loaders:builtin``; other people's
loaders come through the entry-point group ``ebpf_static.loaders`` and have the same rights.
"""

from __future__ import annotations

from ebpf_static.loading import Loader


def builtin() -> tuple[type[Loader], ...]:
    """Return the loader classes of this package, in the order tried."""
    from ebpf_static_loaders.dry_run.loader import DryRunLoader
    from ebpf_static_loaders.linux.loader import LinuxLoader
    from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
    from ebpf_static_loaders.windows.loader_native import WindowsNativeLoader

    return (LinuxLoader, WindowsDllLoader, WindowsNativeLoader, DryRunLoader)
