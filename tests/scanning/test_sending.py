from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from ebpf_static.api import Checker
from ebpf_static.engine.policy import Policy
from ebpf_static.errors import UsageError
from ebpf_static.scanning import sending
from ebpf_static.scanning.sending import pack, unpack


@pytest.fixture
def checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checker:
    """A checker whose target names a file by a relative path."""
    monkeypatch.chdir(tmp_path)
    Path("config").write_text("CONFIG_BPF=y\n")
    return Checker.prepare(
        targets=["linux:6.1", "windows"], kconfig="config", select=["PRG2"],
        policy=Policy(strict=True, use_tags=False),
    )  # fmt: skip


def test_rules_and_targets_arrive_and_the_policy_stays(checker: Checker) -> None:
    arrived = unpack(pack(checker, with_files=False))
    assert [r.entry for r in arrived.rules] == [r.entry for r in checker.rules]
    assert arrived.targets == checker.targets
    assert arrived.policy == Policy(use_tags=False)


def test_files_come_along_to_where_they_are_not(
    checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = pack(checker, with_files=True)
    assert unpack(state).targets == checker.targets, "they are here"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Path("config").write_text("CONFIG_BPF=n\n")
    unpack.cache_clear()
    linux, windows = unpack(state).targets
    assert linux.config is not None
    assert Path(linux.config).read_text() == "CONFIG_BPF=y\n"
    assert Path(linux.config).name == "0-config"
    assert (linux.version, windows) == (checker.targets[0].version, checker.targets[1])


def test_files_that_cannot_be_sent(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_FILE_BYTES", 4)
    with pytest.raises(UsageError, match="config: larger than 0 MiB, too large for a cluster"):
        pack(checker, with_files=True)
    Path("config").unlink()
    with pytest.raises(UsageError, match="config: cannot be read: No such file or directory"):
        pack(checker, with_files=True)
