"""The kernel's lists about attaching, between the releases that were read."""

from __future__ import annotations

import pytest

from ebpf_static.kernel.hooks import AttachList, injects_errors, is_listed, is_marked
from ebpf_static.target import Version


@pytest.mark.parametrize(
    ("which", "name", "version", "expected"),
    [
        ("sleepable", "bprm_committed_creds", "5.10.262", True),
        ("sleepable", "file_open", "5.10.262", False),
        ("sleepable", "file_open", "5.15", None),
        ("sleepable", "file_open", "6.6", True),
        ("sleepable", "file_open", "99.0", True),
        ("sleepable", "task_free", "6.6", False),
        ("disabled", "vm_enough_memory", "6.12", True),
        ("disabled", "vm_enough_memory", "6.1.192", True),
        ("disabled", "vm_enough_memory", "6.1", None),
        ("disabled", "vm_enough_memory", "6.6", None),
        ("disabled", "vm_enough_memory", "5.10.262", False),
        ("disabled", "file_open", "6.12", False),
        ("no_return", "do_exit", "6.12.117", True),
        ("no_return", "do_exit", "6.12", None),
        ("no_return", "do_exit", "6.1.192", False),
        ("denied", "migrate_disable", "6.6", True),
        ("no_hook", "verify_prog", "6.6", True),
    ],
)
def test_listed(which: str, name: str, version: str, *, expected: bool | None) -> None:
    assert is_listed(AttachList(which), name, Version.parse(version)) is expected


def test_unknown_release() -> None:
    assert is_listed(AttachList.DISABLED, "file_open", None) is False
    assert is_listed(AttachList.DISABLED, "vm_enough_memory", None) is None


def test_error_injection() -> None:
    assert injects_errors((), None) is None
    assert injects_errors((), {}) is False
    assert injects_errors((), {"CONFIG_FUNCTION_ERROR_INJECTION": "y"}) is True
    assert is_marked("bpf_modify_return_test2")
    assert not is_marked("vfs_read")
