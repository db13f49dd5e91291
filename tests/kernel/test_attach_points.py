"""Whether what programs attach to exists, from BTF, from tables and from a kernel's own lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ebpf_static.kernel.attach_points import AttachPoint, Existence, Symbols, attach_points
from ebpf_static.target import Target
from tests.rules.spec_builder import build_spec, build_types

KERNEL = [
    "integer int 4",
    "func_proto 0",
    "func vfs_read 2",
    "func __x64_sys_open 2",
    "ptr 2",
    "typedef btf_trace_sched_switch 5",
    "func bpf_lsm_file_open 2",
    "func bpf_iter_task 2",
    "func bpf_lsm_vm_enough_memory 2",
]


def _point(
    section: str,
    folder: Path | None,
    version: str = "6.12",
    symbols: Symbols | None = None,
    **more: Any,
) -> AttachPoint:
    spec = build_spec({"programs": [{"name": "f", "section": section}], **more})
    btf: tuple[Path, ...] = ()
    if folder is not None:
        btf = (folder / "vmlinux.btf",)
        btf[0].write_bytes(build_types(KERNEL).build())
    (found,) = attach_points(spec, Target.parse(f"linux:{version}", btf=btf), symbols)
    return found


@pytest.mark.parametrize(
    ("section", "kind", "exists"),
    [
        ("kprobe/vfs_read", "kernel function", "yes"),
        ("kretprobe/vfs_read", "kernel function", "yes"),
        ("kprobe/vfs_read+0x10", "kernel function", "yes"),
        ("kprobe/not_listed", "kernel function", "unknown"),
        ("ksyscall/open", "system call", "yes"),
        ("ksyscall/close", "system call", "unknown"),
        ("kprobe.multi/vfs_*", "kernel functions", "yes"),
        ("kprobe.multi/ext4_*", "kernel functions", "unknown"),
        ("tp/sched/sched_switch", "tracepoint", "yes"),
        ("tracepoint/sched/sched_stop", "tracepoint", "no"),
        ("tp/syscalls/sys_enter_open", "system call", "yes"),
        ("tp/ftrace/print", "tracepoint", "unknown"),
        ("raw_tp/sched_switch", "tracepoint", "yes"),
        ("raw_tp.w/sched_stop", "tracepoint", "no"),
        ("tp_btf/sched_switch", "tracepoint", "yes"),
        ("tp_btf/sched_stop", "tracepoint", "no"),
        ("fentry/vfs_read", "kernel function", "yes"),
        ("fexit/vfs_write", "kernel function", "no"),
        ("fentry", "kernel function", "unknown"),
        ("lsm/file_open", "LSM hook", "yes"),
        ("lsm/file_close", "LSM hook", "no"),
        ("lsm/vm_enough_memory", "LSM hook", "no"),
        ("iter/task", "iterator", "yes"),
        ("iter/tasks", "iterator", "no"),
        ("freplace/main", "program", "unknown"),
        ("uprobe//bin/sh:main", "user-space function", "unknown"),
        ("usdt//bin/sh:a:b", "user-space function", "unknown"),
        ("xdp", "hook", "yes"),
        ("cgroup/connect4", "hook", "yes"),
        ("netfilter", "hook", "yes"),
        ("struct_ops/init", "structure of callbacks", "no"),
        ("nonsense", "unknown", "unknown"),
    ],
)
def test_exists(section: str, kind: str, exists: str, tmp_path: Path) -> None:
    found = _point(section, tmp_path)
    assert (found.kind, found.exists.value) == (kind, exists), found.reason
    assert found.program == "f"


@pytest.mark.parametrize("section", ["kprobe/vfs_read", "tp/a/b", "tp_btf/a", "fentry/f", "lsm/a"])
def test_without_btf(section: str) -> None:
    """Without the kernel's BTF nothing is said to be missing."""
    assert _point(section, None).exists is Existence.UNKNOWN


def test_release_decides_hooks() -> None:
    found = _point("netfilter", None, "6.1")
    assert found.exists is Existence.NO
    assert "since 6.4" in found.reason


def test_lists_decide(tmp_path: Path) -> None:
    """What a running kernel lists is final, either way."""
    symbols = Symbols(frozenset({"ext4_read", "__x64_sys_close"}), frozenset({"block/done"}))
    expected = {
        "kprobe/vfs_read": "no",
        "kprobe/ext4_read": "yes",
        "ksyscall/close": "yes",
        "kprobe.multi/ext4_*": "yes",
        "kprobe.multi/vfs_*": "no",
        "tp/block/done": "yes",
        "tp/sched/sched_switch": "no",
    }
    for section, exists in expected.items():
        assert _point(section, tmp_path, symbols=symbols).exists.value == exists, section


def test_structures(tmp_path: Path) -> None:
    types = ["func_proto 0", "ptr 1", "struct my_ops 8 f:2:0"]
    maps = [
        {
            "name": "ops",
            "type": "STRUCT_OPS",
            "origin": "struct_ops",
            "section": ".struct_ops",
            "value_type_id": 3,
            "values": [{"index": 0, "kind": "program", "name": "f"}],
        }
    ]
    found = _point("struct_ops/f", tmp_path, types=types, maps=maps)
    assert found.exists is Existence.NO
    assert "struct my_ops" in found.reason
    found = _point("struct_ops/f", None, types=types, maps=maps)
    assert found.exists is Existence.UNKNOWN


def test_capabilities_split() -> None:
    """CAP_BPF and CAP_PERFMON came with 5.8; before, there is one for all."""
    assert _point("kprobe/x", None, "5.4").capabilities == ("CAP_SYS_ADMIN",)
    assert _point("kprobe/x", None, "5.10").capabilities == ("CAP_BPF", "CAP_PERFMON")
    assert "CAP_NET_ADMIN" in _point("xdp", None, "6.1").capabilities
