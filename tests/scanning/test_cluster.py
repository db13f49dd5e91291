"""A scan on a Dask cluster of this machine's processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebpf_static.errors import UsageError
from tests.scanning.conftest import object_with
from tests.scanning.test_command import command, environment
from tests.scanning.test_judging import KILLED

pytest.importorskip("distributed", reason="Dask is not installed")

CLUSTER = """
import dask, sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs="CRITICAL",
    )
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
    cluster.close()
"""


@pytest.fixture(scope="module")
def scheduler(
    repository: Path, plugin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a cluster that sees neither our directory nor our files by their names."""
    folder = tmp_path_factory.mktemp("elsewhere")
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, script], cwd=folder, env=environment(repository, plugin), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "the cluster did not start"
        yield address
        process.kill()


def scan(repository: Path, plugin: Path, folder: Path, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        command("scan", ".", "--output-format", "json", *words),
        cwd=folder, env=environment(repository, plugin), capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    noise = "noise that must not get between the answers\n"
    return done.returncode, done.stdout.replace(noise, ""), done.stderr.replace(noise, "")


def test_a_cluster_changes_nothing_and_may_lose_workers(
    scheduler: str, repository: Path, plugin: Path, tmp_path: Path
) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.o").write_bytes(object_with(f"p{number % 9}"))
    x86 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\x3e\x00" + bytes(44)
    (tmp_path / "agent").write_bytes(x86 + object_with("inside"))
    (tmp_path / "config").write_text("CONFIG_BPF=y\n")
    words = ["-v", "--target", "linux:6.1", "--kconfig", "config", "--select", "ZZZ,PRG2"]
    alone = scan(repository, plugin, tmp_path, *words)
    assert alone[0] == 1
    words += ["--scheduler", scheduler]
    # The same remarks, too: none of calls that were made again here.
    assert scan(repository, plugin, tmp_path, *words) == alone
    (tmp_path / "05k.o").write_bytes(object_with("kill"))
    status, out, err = scan(repository, plugin, tmp_path, *words)
    document, expected = json.loads(out), json.loads(alone[1])
    assert status == 2
    assert document["findings"] == expected["findings"]
    assert document["objects"] == expected["objects"]
    assert document["failures"] == [
        {
            "object": "05k.o",
            "message": KILLED,
            "rule": None,
        }
    ]
    assert "made again here" in err
    assert (
        "error: 05k.o: 3 processes working on it were lost, the last was killed by SIGKILL\n" in err
    )


def test_what_is_no_cluster_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from ebpf_static.scanning import cluster

    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    with pytest.raises(UsageError, match=r"no Dask scheduler at 'tcp://127\.0\.0\.1:9'"):
        cluster.InCluster("tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match="no Dask scheduler at 'nonsense://x'"):
        cluster.InCluster("nonsense://x")
