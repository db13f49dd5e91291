from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ebpf_static.errors import UsageError
from ebpf_static.scanning.pool import TimedOutError, WorkerLostError, WorkerPool
from ebpf_static.target import Platform
from tests.scanning import calls


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_calls_are_answered_and_processes_end(tmp_path: Path) -> None:
    pool = WorkerPool(1)
    try:
        pid = pool.submit(os.getpid).result()
        assert pid != os.getpid()
        with pytest.raises(UsageError, match="unknown platform 'x'"):
            pool.submit(Platform.parse, "x").result()
        with pytest.raises(RuntimeError, match="ValueError: boom"):
            pool.submit(calls.fail, "boom").result()
        assert pool.submit(os.getpid).result() == pid, "none of that costs a process"
        assert pool.submit(calls.kill_unless, 2, str(tmp_path)).result() == 2, "bad luck"
        with pytest.raises(WorkerLostError, match=r"3 processes .*SIGKILL"):
            pool.submit(calls.kill_unless, 9, str(tmp_path)).result()
    finally:
        pool.shutdown()
    assert not is_running(pid)


def test_what_takes_too_long_is_ended_once(tmp_path: Path) -> None:
    pool = WorkerPool(1, timeout=0.5)
    try:
        with pytest.raises(TimedOutError, match=r"took longer than 0\.5 s"):
            pool.submit(calls.hang, str(tmp_path / "pid")).result()
        assert not is_running(int((tmp_path / "pid").read_text()))
    finally:
        pool.shutdown()


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_a_process_ends_when_nobody_is_left_to_work_for(repository: Path, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = (
        "from ebpf_static.scanning.pool import WorkerPool; from tests.scanning import calls; "
        f"WorkerPool(1).submit(calls.hang, {str(file)!r}).result()"
    )
    roots = [repository, repository / "rules", repository / "loaders"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, roots))}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as process:
        while not (file.exists() and file.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    pid = int(file.read_text())
    for _ in range(500):
        if not is_running(pid):
            return
        time.sleep(0.02)
    pytest.fail("it hangs on")
