"""Opens what a target names: BTF files and the configuration of its kernel."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from ebpf_static.btf import Btf
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import ObjectError, UsageError
from ebpf_static.kernel.config import read_config
from ebpf_static.kernel.view import Kernel
from ebpf_static.support import feature, kfunc
from ebpf_static.support.profile import read_profile
from ebpf_static.support.targets import Release, resolve
from ebpf_static.target import Platform, Target

_WHOLE = 500
"""Options a whole kernel configuration has at least; bpftool lists some forty."""

_EM_BPF = (247).to_bytes(2, "little")


def open_release(target: Target) -> Release:
    """Return the release a target means, with its profile where it names one.

    Raises:
        UnknownTargetError: it is no release.
        UsageError: its profile cannot be read, or neither target nor profile says the release.
    """
    if target.profile is None:
        return resolve(target)
    if target.platform is not Platform.LINUX:
        raise UsageError(f"target '{target}': profiles are of Linux machines")
    profile = read_profile(target.profile)
    if target.version is None:
        if profile.version is None:
            raise UsageError(
                f"{target.profile}: does not say the kernel's release; name it as --target linux:…"
            )
        target = replace(target, version=profile.version)
    return replace(resolve(target), profile=profile)


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
    if config is None and release.profile is not None and len(release.profile.config) > _WHOLE:
        config = release.profile.config
    clobbers = release.version is not None and (
        feature("helpers_clobber_spilled_pointers", release).available
    )
    return Kernel(
        release.version, open_btf(target.btf), config, clobbers, partial(_knows_kfunc, release)
    )


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
    with Path(path).open("rb") as file:
        head = file.read(20)
    # Its BTF would answer as a kernel's that has next to nothing.
    if head[:4] == b"\x7fELF" and _EM_BPF in (head[18:20], head[:17:-1]):
        raise UsageError(
            f"{path}: is an eBPF object; a kernel's BTF is `/sys/kernel/btf/vmlinux` or in a "
            "vmlinux image"
        )
    return read_btf(path, base=base)


def _knows_kfunc(release: Release, name: str) -> bool | None:
    answer = kfunc(name, None, release).status
    return None if answer == "unknown" else answer == "available"
