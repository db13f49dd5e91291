"""What the steps of one load share."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ebpf_static.btf import Btf
from ebpf_static.loading import LoadOptions
from ebpf_static.specs import CollectionSpec, MapSpec, ProgramSpec
from ebpf_static_loaders.linux.features import Features
from ebpf_static_loaders.linux.host import Host
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.syscall import System
from ebpf_static_loaders.owned import Undo

NAME_BYTES = 15
"""Bytes of a name the kernel keeps (``BPF_OBJ_NAME_LEN`` with its NUL)."""


@dataclass(slots=True)
class Session:
    """One load under way.

    Attributes:
        spec: what is loaded.
        options: what the user decided.
        system: the calls.
        features: what the kernel can do.
        host: what the kernel says of itself.
        undo: how to take back everything done so far.
        btf: the object's types in the kernel, None when it takes none.
        types: the object's types with what only the ELF knows, None without any.
        token: descriptor that delegates privileges, None without one.
        maps: each map of the spec by position, None for one that is not created.
        struct_ops: how struct_ops maps are laid out in this kernel, by position.
    """

    spec: CollectionSpec
    options: LoadOptions
    system: System
    features: Features
    host: Host
    undo: Undo = field(default_factory=Undo)
    btf: Fd | None = None
    types: Btf | None = None
    token: Fd | None = None
    maps: list[Fd | None] = field(default_factory=list)
    struct_ops: dict[int, object] = field(default_factory=dict)

    def is_selected(self, program: ProgramSpec) -> bool:
        """Tell whether a program is to be loaded."""
        if self.options.programs is None:
            return program.autoload
        return program.name in self.options.programs

    def kernel_name(self, item: MapSpec) -> str:
        """Return the name of a map in the kernel."""
        return item.libbpf_name(self.options.object_name)


def encode_name(name: str) -> bytes:
    """Return a name as the kernel takes it: letters, digits, ``_`` and ``.``, 15 bytes."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_.") else "_" for c in name)
    return kept[:NAME_BYTES].encode()


def default_object_name(path: str) -> str:
    """Return the name libbpf gives an object from its path."""
    return os.path.basename(path)  # noqa: PTH119 - may be a Windows path or no path at all
