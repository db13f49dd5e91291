"""Tracepoints, kernel and user probes, and plain perf events: programs run by perf.

Sources: Linux ``include/uapi/linux/perf_event.h``, ``Documentation/trace``; libbpf
``src/libbpf.c`` ``perf_event_open_probe``, ``elf_find_func_offset``.
"""

from __future__ import annotations

import errno
import platform
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ebpf_static.errors import UsageError
from ebpf_static_loaders.linux.errors import rejected
from ebpf_static_loaders.linux.syscall import PerfEvent

_TRACEFS: Final = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_DEVICES: Final = "/sys/bus/event_source/devices"
_SOFTWARE, _TRACEPOINT = 1, 2
_CPU_CLOCK: Final = 0
_FREQ: Final = 1 << 10
_PLACE: Final = re.compile(r"(?P<name>[A-Za-z0-9_.$@]+)(?:\+(?P<offset>0x[0-9a-fA-F]+|\d+))?\Z")
_WRAPPERS: Final = {
    "x86_64": "__x64_sys_", "aarch64": "__arm64_sys_", "riscv64": "__riscv_sys_",
    "s390x": "__s390x_sys_", "i686": "__ia32_sys_",
}  # fmt: skip
_DEFAULT_FREQUENCY: Final = 99


class Probe(NamedTuple):
    """A perf event to open: what, for which process, on which CPU (-1 for all)."""

    event: PerfEvent
    pid: int = -1
    cpu: int = 0


def tracepoint(target: str) -> Probe:
    """Return the event of a tracepoint written ``category/name``.

    Raises:
        UsageError: it is not written so.
        LoadRejectedError: this kernel has no such tracepoint, or shows none.
    """
    category, slash, name = target.replace(":", "/").partition("/")
    if not slash or not re.fullmatch(r"[\w-]+", category) or not re.fullmatch(r"[\w-]+", name):
        raise UsageError(f"a tracepoint is written category/name, not {target!r}")
    for root in _TRACEFS:
        try:
            number = int(Path(root, "events", category, name, "id").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        return Probe(PerfEvent(_TRACEPOINT, number))
    raise rejected(f"this kernel shows no tracepoint {category}/{name}", errno.ENOENT)


def kernel_probe(target: str, *, on_return: bool, offset: int = 0) -> Probe:
    """Return the event of a kernel function, written ``name`` or ``name+offset``.

    Raises:
        UsageError: it is not written so.
        LoadRejectedError: this kernel has no kprobes.
    """
    name, inside = _parse_place(target)
    config = _return_bit("kprobe") if on_return else 0
    event = PerfEvent(
        _device("kprobe"), config, text=name.encode() + b"\0", config2=inside + offset
    )
    return Probe(event)


def system_call_function(name: str) -> str:
    """Return the kernel function behind a system call."""
    return _WRAPPERS.get(platform.machine(), "__se_sys_") + name


def user_probe(target: str, *, on_return: bool, options: Mapping[str, Any]) -> Probe:
    """Return the event of a place in a program, written ``path:function+offset`` or ``path:0x…``.

    Raises:
        UsageError: it is not written so, or the file has no such function.
        LoadRejectedError: this kernel has no uprobes.
    """
    path, offset = find_user_place(target)
    config = _return_bit("uprobe") if on_return else 0
    event = PerfEvent(_device("uprobe"), config, text=path.encode() + b"\0", config2=offset)
    pid = int(options.get("pid", -1))
    return Probe(event, pid=pid, cpu=-1 if pid >= 0 else 0)


def find_user_place(target: str) -> tuple[str, int]:
    """Return the file and the offset in it of a place in a program.

    Raises:
        UsageError: there is no such place.
    """
    path, colon, place = target.rpartition(":")
    if not colon or not place:
        raise UsageError(f"a user probe is written path:function, not {target!r}")
    if place[0].isdigit():
        return path, int(place, 0)
    name, inside = _parse_place(place)
    return path, _symbol_offset(path, name) + inside


def sampling(options: Mapping[str, Any]) -> PerfEvent:
    """Return a perf event by its numbers, the CPU clock when none are given."""
    frequency = options.get("frequency")
    period = options.get("period")
    if period is None and frequency is None:
        frequency = _DEFAULT_FREQUENCY
    return PerfEvent(
        int(options.get("type", _SOFTWARE)),
        int(options.get("config", _CPU_CLOCK)),
        period=int(period if period is not None else frequency or 0),
        flags=0 if period is not None else _FREQ,
    )


def _parse_place(text: str) -> tuple[str, int]:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UsageError(f"a function is written name or name+offset, not {text!r}")
    return found["name"], int(found["offset"] or "0", 0)


def _device(name: str) -> int:
    try:
        return int(Path(_DEVICES, name, "type").read_text(encoding="ascii"))
    except (OSError, ValueError):
        what = f"this kernel has no {name}s ({_DEVICES}/{name})"
        raise rejected(what, errno.EOPNOTSUPP) from None


def _return_bit(name: str) -> int:
    try:
        text = Path(_DEVICES, name, "format", "retprobe").read_text(encoding="ascii")
    except OSError:
        text = "config:0"
    return 1 << int(text.strip().partition(":")[2] or 0)


def _symbol_offset(path: str, name: str) -> int:
    """Return where in an ELF file a function's code is."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with Path(path).open("rb") as file:
            found = _find_symbol(ELFFile(file), name)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (ELFError, struct.error, KeyError, IndexError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as ELF") from error
    if found is None:
        raise UsageError(f"{path} has no function `{name}`")
    return found


def _find_symbol(elf: Any, name: str) -> int | None:
    for section_name in (".dynsym", ".symtab"):
        section = elf.get_section_by_name(section_name)
        for symbol in section.get_symbol_by_name(name) or () if section is not None else ():
            if symbol["st_shndx"] == "SHN_UNDEF":
                continue
            address = symbol["st_value"]
            for segment in elf.iter_segments("PT_LOAD"):
                start = segment["p_vaddr"]
                if start <= address < start + segment["p_memsz"]:
                    return int(address - start + segment["p_offset"])
    return None
