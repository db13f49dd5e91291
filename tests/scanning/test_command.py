"""The command line on many files, in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scanning.conftest import object_with


def environment(repository: Path, plugin: Path, **more: str) -> dict[str, str]:
    roots = [repository, repository / "rules", repository / "loaders", plugin]
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, roots)), **more}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ebpf_static", *arguments]


def test_a_killer_is_reported_and_the_others_are_judged(
    repository: Path, plugin: Path, tmp_path: Path
) -> None:
    for name in ("a", "kill", "z"):
        (tmp_path / f"{name}.o").write_bytes(object_with(name))
    done = subprocess.run(
        command("check", "--jobs", "2", "--select", "ZZZ901", "--output-format", "concise"),
        cwd=tmp_path, env=environment(repository, plugin), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "a.o: ZZZ901 program `a`",
        "z.o: ZZZ901 program `z`",
        "Found 2 warnings in 2 objects; 1 failure",
    ]
    assert done.stderr.replace("noise that must not get between the answers\n", "") == (
        "error: kill.o: 3 processes working on it were lost, the last was killed by SIGKILL\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to one process")
def test_interrupted_it_ends_and_its_processes_with_it(
    repository: Path, plugin: Path, tmp_path: Path
) -> None:
    for name in ("hang", "hang_too", "z"):
        (tmp_path / f"{name}.o").write_bytes(object_with(name))
    pids = tmp_path / "pids"
    with subprocess.Popen(
        command("check", "--jobs", "2", "--select", "ZZZ901"),
        cwd=tmp_path, env=environment(repository, plugin, HANG_FILE=str(pids)),
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while not pids.exists() or len(pids.read_text().split()) < 2:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
