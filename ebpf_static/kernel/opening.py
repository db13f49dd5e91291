"""Opens what a target names: BTF files and the configuration of its kernel."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.header import NO_EMPTY_STRING
from ebpf_static.btf.sources import read_btf
from ebpf_static.btf.types import Struct
from ebpf_static.errors import ObjectError, UsageError
from ebpf_static.kernel.config import read_config
from ebpf_static.kernel.view import Kernel
from ebpf_static.support import feature, kfunc
from ebpf_static.support.architectures import (
    Architecture,
    architecture_of,
    known_architectures,
    page_size_of,
)
from ebpf_static.support.profile import read_profile
from ebpf_static.support.targets import Release, resolve
from ebpf_static.target import Platform, Target

_WHOLE = 500
"""Options a whole kernel configuration has at least; bpftool lists some forty."""

_MAX_NESTED = 64
"""Nameless members looked into; `struct pt_regs` has some five."""

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
    btf = open_btf(target.btf)
    machine = architecture_of(target)
    for path, types in zip(target.btf, btf, strict=True):
        _check_machine(path, types, target, machine)
    return Kernel(
        release.version, btf, config, clobbers, partial(_knows_kfunc, release), machine,
        page_size_of(target),
    )  # fmt: skip


def _check_machine(path: str, btf: Btf, target: Target, machine: Architecture) -> None:
    """Refuse BTF of another machine than the target's: BTF itself names none.

    Raises:
        UsageError: its byte order is another, or structures of it belong to another processor.
    """
    found = find_machine(btf)
    if found is not None and found != machine:
        raise UsageError(
            f"{path}: holds the types of a kernel for {found.name}, and target '{target}' is "
            f"{machine.name}: say so with '--arch {found.name}', or give its own BTF"
        )
    if btf.byte_order != machine.byte_order:
        raise UsageError(
            f"{path}: is {btf.byte_order}-endian, and target '{target}' ({machine.name}) is "
            f"{machine.byte_order}-endian: name its processor with '--arch', or give its own BTF"
        )


def find_machine(btf: Btf) -> Architecture | None:
    """Return the processor whose own structures are in a kernel's BTF, None without evidence."""
    return _machine_of(btf)


@lru_cache(maxsize=64)
def _machine_of(btf: Btf) -> Architecture | None:
    return next(
        (it for it in known_architectures() if all(_has(btf, *clue) for clue in it.evidence)), None
    )


def _has(btf: Btf, structure: str, member: str) -> bool:
    """Tell whether a structure has a member, those of nameless members included."""
    type_id = btf.find(structure, Kind.STRUCT)
    pending = [] if type_id is None else [type_id]
    for _ in range(_MAX_NESTED):
        if not pending:
            break
        record = btf.type(pending.pop())
        for it in record.members if isinstance(record, Struct) else ():
            if it.name == member:
                return True
            if not it.name:
                pending.append(it.type_id)
    return False


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
            if base is None and NO_EMPTY_STRING in error.what:
                raise UsageError(
                    f"{path}: holds the types of a module, which count on from the kernel's: name "
                    "the kernel's BTF before it"
                ) from error
            reason = error.what if error.where == path else error.detail
            raise UsageError(f"{path}: holds no usable BTF: {reason}") from error
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
