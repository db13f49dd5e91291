"""Programs run by perf: opened as events, tied by a link or, before 5.15, by ioctl."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ebpf_static.errors import UsageError
from ebpf_static.loading import Link
from ebpf_static_loaders.linux import probes
from ebpf_static_loaders.linux.errors import doing, rejected
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.links import BpfLink, OldLink, end_perf_events
from ebpf_static_loaders.linux.probes import Probe
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.syscall import Value

if TYPE_CHECKING:
    from ebpf_static_loaders.linux.program import LinuxProgram

_IOC_ENABLE: Final = 0x2400
_IOC_SET_BPF: Final = 0x40042408
_BPF_PERF_EVENT: Final = 41
_RETURN: Final = 1
_OLD_KERNEL: Final = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, 524)


def attach_probe(program: LinuxProgram, target: str | None, options: Mapping[str, Any]) -> Link:
    """Attach a tracepoint, kprobe, uprobe or multi program.

    Raises:
        UsageError: the target is missing or makes no sense.
        LoadRejectedError: the kernel refuses, or has no such place.
    """
    pattern = (program.spec.section_pattern if program.spec is not None else None) or ""
    head = pattern.partition("/")[0].rstrip("+")
    place = target or (program.spec.attach_to if program.spec is not None else None)
    if program.spec is not None and program.spec.multi:
        return _attach_multi(program, head, place, options)
    if not place:
        raise UsageError(f"program `{program.name}` needs a target to be attached to")
    what = f"program `{program.name}` to {place}"
    return _attach_events(program, [_probe(program, head, place, options)], what, options)


def attach_perf_event(
    program: LinuxProgram, target: str | None, options: Mapping[str, Any]
) -> Link:
    """Attach a program to a perf event on each CPU.

    Raises:
        LoadRejectedError: the kernel refuses.
    """
    del target
    event = probes.sampling(options)
    pid = int(options.get("pid", -1))
    cpus = options.get("cpus", range(os.cpu_count() or 1) if pid < 0 else (-1,))
    found = [Probe(event, pid=pid, cpu=cpu) for cpu in cpus]
    return _attach_events(program, found, f"program `{program.name}` to perf events", options)


def _probe(program: LinuxProgram, head: str, place: str, options: Mapping[str, Any]) -> Probe:
    head = head.removesuffix(".s")
    if head in ("tp", "tracepoint"):
        return probes.tracepoint(place)
    if head == "usdt":
        raise UsageError(f"program `{program.name}`: USDT probes are not attached by this loader")
    if head in ("uprobe", "uretprobe"):
        return probes.user_probe(place, on_return=head == "uretprobe", options=options)
    if head in ("ksyscall", "kretsyscall"):
        name = probes.system_call_function(place)
        return probes.kernel_probe(name, on_return=head == "kretsyscall")
    offset = int(options.get("offset", 0))
    return probes.kernel_probe(place, on_return=head == "kretprobe", offset=offset)


def _attach_events(
    program: LinuxProgram, found: list[Probe], what: str, options: Mapping[str, Any]
) -> Link:
    """Open each event and tie the program to it, all of them or none."""
    system = program.system
    opened: list[int] = []
    links: list[Fd] = []
    cookie = options.get("cookie", 0)
    try:
        for probe in found:
            with doing(f"attach {what}"):
                opened.append(system.perf_event_open(probe.event, probe.pid, probe.cpu))
                link = _tie(program, opened[-1], cookie)
                if link is not None:
                    links.append(Fd(system, link))
                system.ioctl(opened[-1], _IOC_ENABLE, 0)
    except BaseException:
        for fd in links:
            fd.close()
        end_perf_events(system, opened)()
        raise
    if len(links) == 1 and len(opened) == 1:
        return BpfLink(links[0], what, also=(Fd(system, opened[0]),))
    stop = end_perf_events(system, opened)

    def end() -> None:
        for fd in links:
            with suppress(OSError):
                fd.close()
        stop()

    return OldLink(what, "perf_event", end)


def _tie(program: LinuxProgram, event: int, cookie: int) -> int | None:
    """Let an event run the program; return the link, None when it took the older way."""
    fields: dict[str, Value] = {
        "prog_fd": program.fd,
        "target_fd": event,
        "attach_type": _BPF_PERF_EVENT,
        "bpf_cookie": cookie,
    }
    try:
        return program.system.bpf(Command.LINK_CREATE, fields).value
    except OSError as error:
        if error.errno not in _OLD_KERNEL or cookie:
            raise
    program.system.ioctl(event, _IOC_SET_BPF, program.fd)
    return None


def _attach_multi(
    program: LinuxProgram, head: str, place: str | None, options: Mapping[str, Any]
) -> Link:
    """Attach to many functions with one link."""
    names = list(options.get("targets") or ([place] if place else []))
    if not names:
        raise UsageError(f"program `{program.name}` needs a target, or a list of targets")
    what = f"program `{program.name}` to {len(names)} functions"
    on_return = _RETURN if "ret" in head.partition(".")[0] else 0
    attach_type = 0
    if program.spec is not None and program.spec.attach_type is not None:
        attach_type = program.spec.attach_type.number
    if head.startswith("u"):
        fields = _user_fields(names, on_return, int(options.get("pid", 0)))
    else:
        if any("*" in name or "?" in name for name in names):
            names = _matching_functions(names)
        fields = _kernel_fields(names, on_return)
    base: dict[str, Value] = {"prog_fd": program.fd, "attach_type": attach_type}
    with doing(f"attach {what}"):
        fd = program.system.bpf(Command.LINK_CREATE, {**base, **fields}).value
    return BpfLink(Fd(program.system, fd), what)


def _kernel_fields(names: list[str], flags: int) -> dict[str, Value]:
    import ctypes

    texts = [ctypes.create_string_buffer(name.encode()) for name in names]
    table = struct.pack(f"={len(texts)}Q", *(ctypes.addressof(text) for text in texts))
    holder = _Keeping(table)
    holder.kept = texts
    return {
        "kprobe_multi_flags": flags,
        "kprobe_multi_cnt": len(names),
        "kprobe_multi_syms": holder,
    }


class _Keeping(bytes):
    """Bytes that hold addresses, and what stands at those."""

    kept: object = None


def _user_fields(names: list[str], flags: int, pid: int) -> dict[str, Value]:
    places = [probes.find_user_place(name) for name in names]
    if len({path for path, _ in places}) != 1:
        raise UsageError("the functions of a user multi probe are all in one file")
    return {
        "uprobe_multi_path": places[0][0].encode() + b"\0",
        "uprobe_multi_offsets": struct.pack(f"={len(places)}Q", *(at for _, at in places)),
        "uprobe_multi_cnt": len(places),
        "uprobe_multi_flags": flags,
        "uprobe_multi_pid": pid,
    }


def _matching_functions(patterns: list[str]) -> list[str]:
    """Return the functions of the kernel that can be traced and match a pattern."""
    from fnmatch import fnmatchcase
    from pathlib import Path

    found: dict[str, None] = {}
    for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        with suppress(OSError):
            text = Path(root, "available_filter_functions").read_text(encoding="ascii")
            names = (line.split()[0] for line in text.splitlines() if line)
            found |= {n: None for n in names if any(fnmatchcase(n, p) for p in patterns)}
            break
    if not found:
        raise rejected(f"this kernel has no function like {patterns[0]}", errno.ENOENT)
    return list(found)
