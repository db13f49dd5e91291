"""Opens what a target names: BTF files and the configuration of its kernel."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

from ebpf_static.btf import Btf
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import ObjectError, UsageError
from ebpf_static.kernel.config import read_config
from ebpf_static.kernel.view import Kernel
from ebpf_static.support import kfunc
from ebpf_static.support.targets import Release
from ebpf_static.target import Platform, Target


def open_kernel(target: Target, release: Release) -> Kernel:
    """Return what is known of a target's kernel.

    Args:
        target: the target; its BTF and configuration files are read.
        release: the target looked up.

    Raises:
        UsageError: a file cannot be read, or is not what it should be.
    """
    if target.platform is not Platform.LINUX:
        if target.btf or target.config:
            raise UsageError(f"target '{target}': BTF and configuration belong to Linux kernels")
        return Kernel()
    config = None if target.config is None else read_config(target.config)
    return Kernel(release.version, open_btf(target.btf), config, partial(_knows_kfunc, release))


def open_btf(paths: tuple[str, ...]) -> tuple[Btf, ...]:
    """Return the kernel's BTF and, on it, that of its modules.

    Raises:
        UsageError: a file cannot be read or holds no kernel BTF.
    """
    found: list[Btf] = []
    for path in paths:
        base = found[0] if found else None
        try:
            status = Path(path).stat()
            btf = _read(path, status.st_mtime_ns, status.st_size, base)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
        except ObjectError as error:
            raise UsageError(f"{path}: holds no usable BTF: {error.detail}") from error
        found.append(btf)
    return tuple(found)


@lru_cache(maxsize=64)
def _read(path: str, _modified: int, _size: int, base: Btf | None) -> Btf:
    """Read a BTF file once for as long as it does not change."""
    return read_btf(path, base=base)


def _knows_kfunc(release: Release, name: str) -> bool | None:
    answer = kfunc(name, None, release).status
    return None if answer == "unknown" else answer == "available"
