"""The tables about contexts are those their script makes, and keep their laws."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ebpf_static.kernel.contexts import (
    find_rules,
    modified_pointer_refusal,
    store_immediate_since,
)
from ebpf_static.target import Platform, Version
from ebpf_static.uapi.constants import ProgramType

ROOT = Path(__file__).parent.parent.parent
OF_OTHERS = {"UNSPEC", "TRACING", "LSM", "STRUCT_OPS", "EXT"}
"""Types whose context is the arguments of a kernel function, or another program's."""


def test_tables_are_current() -> None:
    script = ROOT / "scripts" / "make_context_tables.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False, cwd=ROOT)
    assert done.returncode == 0


@pytest.mark.parametrize("type_", ProgramType.members(Platform.LINUX), ids=lambda it: str(it.name))
def test_every_type_has_a_row(type_: ProgramType) -> None:
    rules = find_rules(type_)
    assert (rules is None) == (type_.name in OF_OTHERS)
    for row in rules.rows if rules else ():
        assert row.size > 0
        assert row.read
        assert set(row.read) | set(row.write) <= {1, 2, 4, 8}
        for size in (*row.read, *row.write):
            assert size <= row.size
        assert not row.write_attach or row.write


def test_modified_pointers() -> None:
    """Types whose accesses are rewritten never take one, others since 7.3 or a little before."""
    xdp, kprobe = (ProgramType.named(Platform.LINUX, name) for name in ("XDP", "KPROBE"))
    assert modified_pointer_refusal(xdp, Version(7, 3)) is True
    assert modified_pointer_refusal(kprobe, Version(6, 18)) is True
    assert modified_pointer_refusal(kprobe, Version(7, 1)) is None
    assert modified_pointer_refusal(kprobe, Version(7, 3)) is False
    assert modified_pointer_refusal(kprobe, None) is False


def test_constants() -> None:
    assert store_immediate_since() == Version(6, 3)
