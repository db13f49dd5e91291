"""The running kernel as loading needs to know it: types, modules, release, options, addresses.

Everything is read when first asked for; a load that needs none of it reads nothing. Sources:
libbpf ``src/libbpf.c`` ``load_module_btfs``, ``bpf_object__read_kconfig_file``,
``bpf_object__read_kallsyms_file``; ``src/libbpf_probes.c`` ``get_kernel_version``.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Final, NamedTuple

from ebpf_static.btf import Btf
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import EbpfStaticError
from ebpf_static.kernel import read_config
from ebpf_static.target import Version
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.syscall import System

_VMLINUX: Final = "/sys/kernel/btf/vmlinux"
_MODULES: Final = "/sys/kernel/btf"
_KALLSYMS: Final = "/proc/kallsyms"
_CPUS: Final = "/sys/devices/system/cpu/possible"
_RELEASE: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_DEBIAN: Final = re.compile(r"Debian (\d+)\.(\d+)\.(\d+)")
_MAX_NAME: Final = 128


class ModuleBtf(NamedTuple):
    """The types of a loaded module."""

    name: str
    btf: Btf


@cache
def _running_kernel() -> Btf | None:
    """Return the running kernel's types, which are read once per process: they never change."""
    try:
        return read_btf(_VMLINUX)
    except EbpfStaticError:
        return None


@cache
def _possible_cpus() -> int:
    try:
        text = Path(_CPUS).read_text(encoding="ascii")
    except OSError:
        return os.cpu_count() or 1
    return 1 + max(int(part.rpartition("-")[2]) for part in text.strip().split(","))


class Host:
    """One kernel; files name another's when a user wants that.

    Attributes:
        pretends: whether there is no kernel, so that what is not known is no error.
    """

    pretends = False

    def __init__(
        self,
        system: System,
        *,
        btf_file: str | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self._system = system
        self._btf_file = btf_file
        self._config = config
        self._module_fds: dict[str, int] = {}

    @cached_property
    def btf(self) -> Btf | None:
        """The kernel's types, None when it shows none.

        Raises:
            EbpfStaticError: the file named by the user cannot be read as types.
        """
        if self._btf_file is not None:
            return read_btf(self._btf_file)
        return _running_kernel()

    @cached_property
    def modules(self) -> tuple[ModuleBtf, ...]:
        """The types of every loaded module that has any."""
        if self.btf is None or self._btf_file is not None:
            return ()
        found = []
        with suppress(OSError):
            for path in sorted(Path(_MODULES).iterdir()):
                if path.name == "vmlinux":
                    continue
                with suppress(EbpfStaticError):
                    found.append(ModuleBtf(path.name, read_btf(path, base=self.btf)))
        return tuple(found)

    @property
    def all_btf(self) -> tuple[Btf, ...]:
        """The kernel's types, then each module's."""
        return () if self.btf is None else (self.btf, *(module.btf for module in self.modules))

    @cached_property
    def version(self) -> Version | None:
        """The kernel's release, the distribution's point release where it says so."""
        name = os.uname() if hasattr(os, "uname") else None
        if name is None:
            return None
        found = _DEBIAN.search(name.version) or _RELEASE.match(name.release)
        if found is None:
            return None
        return Version(int(found[1]), int(found[2]), int(found[3] or 0))

    @property
    def version_code(self) -> int:
        """``LINUX_VERSION_CODE``, which kprobe programs of old kernels must carry."""
        version = self.version
        if version is None:
            return 0
        return version.major << 16 | version.minor << 8 | min(version.patch or 0, 255)

    @cached_property
    def config(self) -> Mapping[str, str] | None:
        """The kernel's build configuration, None when it is not to be found."""
        if self._config is not None:
            return self._config
        release = os.uname().release if hasattr(os, "uname") else ""
        for path in (f"/boot/config-{release}", "/proc/config.gz"):
            with suppress(EbpfStaticError):
                return read_config(path)
        return None

    @property
    def possible_cpus(self) -> int:
        """How many CPUs there may ever be, which is what per-CPU values are sized by."""
        return _possible_cpus()

    def addresses(self, names: Collection[str]) -> dict[str, int]:
        """Return the addresses of kernel symbols, 0 where the kernel does not tell.

        A name with several addresses keeps the first, as libbpf's search does not but its users
        expect; ``__per_cpu`` and alike are ordinary symbols here.
        """
        wanted = {name.encode() for name in names}
        found: dict[str, int] = {}
        if not wanted:
            return found
        with suppress(OSError), Path(_KALLSYMS).open("rb") as file:
            for line in file:
                parts = line.split(None, 3)
                if len(parts) >= 3 and parts[2] in wanted:
                    found.setdefault(parts[2].decode(), int(parts[0], 16))
        return found

    def module_fd(self, name: str) -> int:
        """Return a descriptor of a module's types in the kernel; it belongs to this object.

        Raises:
            OSError: the kernel has no such types, or tells nobody.
        """
        known = self._module_fds.get(name)
        if known is None:
            known = self._module_fds[name] = self._find_module_fd(name)
        return known

    def close(self) -> None:
        """Close the descriptors handed out."""
        while self._module_fds:
            self._system.close(self._module_fds.popitem()[1])

    def _find_module_fd(self, name: str) -> int:
        wanted = name.encode()
        current = 0
        while True:
            answer = self._system.bpf(Command.BTF_GET_NEXT_ID, {"id": current})
            current = answer["next_id"]
            fd = self._system.bpf(Command.BTF_GET_FD_BY_ID, {"id": current}).value
            if self._name_of(fd) == wanted:
                return fd
            self._system.close(fd)

    def _name_of(self, fd: int) -> bytes:
        # struct bpf_btf_info: btf, btf_size, id, name, name_len, kernel_btf.
        name = bytearray(_MAX_NAME)
        import ctypes

        view = (ctypes.c_char * len(name)).from_buffer(name)
        info = bytearray(struct.pack("=QIIQII", 0, 0, 0, ctypes.addressof(view), len(name), 0))
        try:
            self._system.bpf(
                Command.OBJ_GET_INFO_BY_FD, {"bpf_fd": fd, "info_len": len(info), "info": info}
            )
        except OSError:
            return b""
        (is_kernel,) = struct.unpack_from("=I", info, 28)
        return bytes(name).partition(b"\0")[0] if is_kernel else b""


class PretendedHost(Host):
    """A kernel that is not there: what no file of the user says is not known, and no error."""

    pretends = True

    @cached_property
    def btf(self) -> Btf | None:
        """The types the user names, or none."""
        return None if self._btf_file is None else read_btf(self._btf_file)

    @cached_property
    def modules(self) -> tuple[ModuleBtf, ...]:
        """No module is loaded."""
        return ()

    @cached_property
    def version(self) -> Version | None:
        """No release is known."""
        return None

    @cached_property
    def config(self) -> Mapping[str, str] | None:
        """The options the user names, or none."""
        return self._config

    @property
    def possible_cpus(self) -> int:
        """One CPU, wherever this runs."""
        return 1

    def addresses(self, names: Collection[str]) -> dict[str, int]:
        """Return 0 for every name."""
        return dict.fromkeys(names, 0)
