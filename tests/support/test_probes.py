"""The tables say what five real kernels said when they were asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ebpf_static import support
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

DATA = Path(__file__).parents[1] / "data"
KERNELS = {
    "5.10": "linux:5.10.262",
    "6.1": "linux:6.1.192",
    "6.12": "linux:6.12.117",
    "6.18": "linux:6.18.44",
    "7.3": "linux:7.3.4",
}
PROBED_AS = {
    "CGROUP_SOCK_ADDR": "CGROUP_INET4_CONNECT",
    "CGROUP_SOCKOPT": "CGROUP_GETSOCKOPT",
    "SK_LOOKUP": "SK_LOOKUP",
    "NETFILTER": "NETFILTER",
}
"""Attach types the probes set (libbpf/libbpf:src/libbpf_probes.c probe_prog_load)."""

NO_ANSWER = {
    # The helper probe looks for messages of the verifier, and these fail before or without them.
    "LIRC_MODE2": KERNELS,
    "NETFILTER": KERNELS,
    "SYSCALL": ("5.10",),
}
"""Program types whose helper probe says yes to everything, by kernel."""

TRACING_TYPES = ("KPROBE", "TRACEPOINT", "PERF_EVENT", "RAW_TRACEPOINT", "RAW_TRACEPOINT_WRITABLE")

Answer = tuple[str, str, support.Availability, bool]
"""Kind, name, what the tables say, and whether the kernel accepted it."""

Difference = tuple[str, str, str]
"""Kernel, kind, name (of a helper: ``PROGRAM_TYPE helper``)."""

EXPLAINED: dict[Difference, str] = {
    **{
        (kernel, "program type", "LIRC_MODE2"): "CONFIG_BPF_LIRC_MODE2 is off in these kernels"
        for kernel in KERNELS
    },
    **{
        (kernel, "helper", "KPROBE override_return"): "CONFIG_BPF_KPROBE_OVERRIDE is off"
        for kernel in KERNELS
    },
    **{
        (kernel, "map type", "STRUCT_OPS"): "the probe names no type of the kernel's BTF, and "
        "these kernels look at that first (kernel/bpf/syscall.c map_create)"
        for kernel in ("5.10", "6.1")
    },
    **{
        ("5.10", "helper", f"{name} copy_from_user"): "the probe's program is not sleepable"
        for name in TRACING_TYPES
    },
    **{
        ("6.18", "helper", f"{name} probe_write_user"): "that machine runs with lockdown=integrity"
        for name in (*TRACING_TYPES, "SYSCALL", "TRACING")
    },
}
SIGNED = (
    "SCHED_CLS",
    "TRACEPOINT",
    "XDP",
    "PERF_EVENT",
    "SOCK_OPS",
    "SYSCALL",
    "CGROUP_SKB",
    "CGROUP_SOCK",
    "CGROUP_DEVICE",
    "CGROUP_SOCK_ADDR",
    "CGROUP_SYSCTL",
    "CGROUP_SOCKOPT",
)
EXPLAINED |= {
    (
        "6.18",
        "kfunc",
        f"{name} bpf_verify_pkcs7_signature",
    ): "CONFIG_SYSTEM_DATA_VERIFICATION is off in that kernel"
    for name in SIGNED
}
EXPLAINED |= {
    ("6.18", "kfunc", f"XDP bpf_xdp_metadata_rx_{what}"): "the probe's program has no device"
    for what in ("hash", "timestamp", "vlan_tag")
}
EXPLAINED |= {
    (
        "6.18",
        "helper",
        f"TRACING {name}",
    ): "the probe's iterator is none of sockets, which alone allow it"
    for name in ("getsockopt", "setsockopt")
}
CONDITIONS = {"ATTACH_TARGET", "CONFIG", "SLEEPABLE", "NOT_LOCKDOWN", "OTHER"}
"""A kernel may lack what the tables have only for one of these, which the answer must name."""


@cache
def rows(kernel: str) -> tuple[dict[str, Any], ...]:
    lines = (DATA / f"probe-{kernel}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def release(kernel: str) -> support.Release:
    return support.find_release(KERNELS[kernel])


@cache
def answers(kernel: str) -> tuple[Answer, ...]:
    return tuple(iter_answers(kernel))


def iter_answers(kernel: str) -> Iterator[Answer]:
    target = release(kernel)
    for row in rows(kernel):
        if row["event"] != "probe":
            continue
        if row["kind"] == "map_type":
            map_type = MapType.of(Platform.LINUX, row["id"])
            yield "map type", map_type.name, support.map_type(map_type, target), row["r"] == 1
        elif row["kind"] == "kfunc":
            yield from kfunc_answers(row, target)
        elif row["kind"] == "prog_type":
            program_type = ProgramType.of(Platform.LINUX, row["id"])
            found = support.program_type(program_type, target)
            yield "program type", program_type.name, found, row["r"] == 1
        elif not row["err"]:
            yield from helper_answers(kernel, row, target)


def helper_answers(kernel: str, row: dict[str, Any], target: support.Release) -> Iterator[Answer]:
    program_type = ProgramType.of(Platform.LINUX, row["prog_type"])
    if kernel in NO_ANSWER.get(program_type.name, ()):
        return
    named = PROBED_AS.get(program_type.name)
    attach_type = None if named is None else AttachType.named(Platform.LINUX, named)
    label = program_type.name
    if "attach" in row:
        attach_type = AttachType.of(Platform.LINUX, row["attach"])
        label += f"/{attach_type.name}"
    accepted = set(row["ok"])
    for helper in HelperId.members(Platform.LINUX):
        if helper.number:
            found = support.helper(helper, program_type, attach_type, target)
            yield "helper", f"{label} {helper.name}", found, helper.number in accepted


KFUNC_CALLERS = {
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    21,
    22,
    23,
    24,
    25,
    30,
    31,
    32,
}
"""Program types a call could be tried in: no LIRC driver, no attach target for four types."""


def kfunc_answers(row: dict[str, Any], target: support.Release) -> Iterator[Answer]:
    for number in KFUNC_CALLERS:
        program_type = ProgramType.of(Platform.LINUX, number)
        named = PROBED_AS.get(program_type.name)
        attach_type = None if named is None else AttachType.named(Platform.LINUX, named)
        found = support.kfunc(row["name"], program_type, target, attach_type)
        yield "kfunc", f"{program_type.name} {row['name']}", found, number in row["ok"]


def differences(kernel: str) -> dict[Difference, support.Availability]:
    return {
        (kernel, kind, name): found
        for kind, name, found, accepted in answers(kernel)
        if found.available is not accepted
    }


def explained(difference: Difference) -> Difference:
    """Return the key of its explanation, which holds for every attach type."""
    kernel, kind, name = difference
    return kernel, kind, re.sub(r"/\S+ ", " ", name)


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_difference_is_explained(kernel: str) -> None:
    found = differences(kernel)
    unexplained = {key: it for key, it in found.items() if explained(key) not in EXPLAINED}
    assert not unexplained


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_explanation_is_left_over(kernel: str) -> None:
    found = differences(kernel)
    probed = {(kernel, kind, name) for kind, name, _, _ in answers(kernel)}
    used = {explained(key) for key in found}
    assert not {key for key in EXPLAINED if key in probed and key not in used}


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_answer_itself_names_the_condition_that_explains_it(kernel: str) -> None:
    for (_, kind, name), found in differences(kernel).items():
        if (kind, name) == ("map type", "STRUCT_OPS"):
            continue
        kinds = {condition.kind.name for condition in found.conditions}
        assert kinds & CONDITIONS, (kind, name, found)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_tables_are_never_unsure_of_a_probed_kernel(kernel: str) -> None:
    unsure = [name for _, name, found, _ in answers(kernel) if found.status == "unknown"]
    assert not unsure


@pytest.mark.parametrize("kernel", KERNELS)
def test_probes_cover_what_they_claim(kernel: str) -> None:
    compared = answers(kernel)
    assert sum(kind == "map type" for kind, *_ in compared) >= 28
    assert sum(kind == "program type" for kind, *_ in compared) >= 27
    assert sum(kind == "helper" for kind, *_ in compared) > 5000
    assert any(row.get("release", "").startswith(kernel) for row in rows(kernel))


TEST_FUNCTIONS = ("bpf_kfunc_call_", "bpf_fentry_test", "bpf_modify_return_test")
"""Kernel functions for the kernel's own tests (net/bpf/test_run.c), which the tables leave out."""


@pytest.mark.parametrize("kernel", ["6.12", "6.18", "7.3"])
def test_every_function_a_kernel_tags_as_kfunc_is_known(kernel: str) -> None:
    tagged = next(row["names"] for row in rows(kernel) if row.get("kind") == "btf_kfuncs")
    names = [name for name in tagged if not name.startswith(TEST_FUNCTIONS)]
    assert len(names) > 120
    missing = [it for it in names if not support.kfunc(it, None, release(kernel)).available]
    assert not missing
