"""The steps of the composite action, run as GitHub runs them, from a clean copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.objects import Objects
from tests.packaging.test_hooks import OFFLINE, command

ACTION = Path(".github") / "actions" / "check" / "action.yml"
_EXPRESSION = re.compile(r"\$\{\{ *([a-z_.]+) *\}\}")


class Runner:
    """What GitHub gives a composite action: contexts, files to write to, a path that grows."""

    def __init__(self, source: Path, work: Path) -> None:
        self.action: dict[str, Any] = yaml.safe_load((source / ACTION).read_text("utf-8"))
        self.source = source
        self.work = work
        self.output = work / "output"
        self.summary = work / "summary"
        self.path = work / "path"
        self.temp = work / "temp"
        self.temp.mkdir()

    def run(self, step: int, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run one step with these inputs, the others at their defaults."""
        for file in (self.output, self.summary):
            file.write_text("")
        self.path.touch()
        defaults = {name: spec.get("default", "") for name, spec in self.action["inputs"].items()}
        contexts = {f"inputs.{name}": value for name, value in (defaults | inputs).items()}
        contexts["github.action_path"] = str((self.source / ACTION).parent)
        body = self.action["runs"]["steps"][step]
        assert body["shell"] == "bash"
        assert "${{" not in body["run"], "an input would become part of the script"
        given = {
            key: _EXPRESSION.sub(lambda match: contexts[match[1]], value)
            for key, value in body["env"].items()
        }
        path = [*reversed(self.path.read_text("utf-8").split()), os.environ["PATH"]]
        environment = given | {
            "PATH": os.pathsep.join(path),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_PATH": str(self.path),
        }
        return command(self.work, "bash", "-c", body["run"], **environment)


@pytest.fixture(scope="module")
def runner(repository: Path, objects: Objects, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    if shutil.which("bash") is None:
        pytest.skip("the action's steps are bash, which is not installed")
    words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = command(repository, *words)
    if listed.returncode:
        pytest.skip("not a git checkout: cannot tell the project's files from others")
    source = tmp_path_factory.mktemp("checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (repository / name).is_file() and not name.startswith(("corpus/", "tests/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, source / name)
    made = Runner(source, tmp_path_factory.mktemp("work"))
    shutil.copy(objects.linux, made.work / "good.o")
    shutil.copy(objects.linux_no_license, made.work / "bad.o")
    installed = made.run(0, python=sys.executable)
    if installed.returncode and any(word in installed.stdout for word in OFFLINE):
        pytest.skip("the action cannot install the runtime dependencies: no package index")
    assert installed.returncode == 0, installed.stdout
    return made


def test_every_input_and_output_is_described(repository: Path) -> None:
    action = yaml.safe_load((repository / ACTION).read_text("utf-8"))
    for described in (*action["inputs"].values(), *action["outputs"].values()):
        assert described["description"].endswith(".")


def test_a_sound_object_passes(runner: Runner) -> None:
    done = runner.run(1, paths="good.o", targets="linux:6.1 linux:6.12")
    assert done.returncode == 0, done.stdout
    assert runner.output.read_text("utf-8") == "status=0\n"
    assert "linux\\:6.12" in runner.summary.read_text("utf-8")
    assert not (runner.work / "report.sarif").exists()


def test_findings_fail_annotate_and_are_written_as_sarif(runner: Runner) -> None:
    done = runner.run(1, paths="good.o bad.o", targets="linux", sarif="report.sarif")
    assert done.returncode == 1
    assert "\n::error title=ebpf-static (LIC001),file=" in f"\n{done.stdout}"
    assert "error[LIC001]" in done.stdout
    assert "sarif=report.sarif\nstatus=1\n" in runner.output.read_text("utf-8")
    assert '"version": "2.1.0"' in (runner.work / "report.sarif").read_text("utf-8")
    assert "LIC001" in runner.summary.read_text("utf-8")


def test_arguments_are_passed_on_and_reports_can_be_turned_off(runner: Runner) -> None:
    done = runner.run(
        1, paths="bad.o", args="--exit-zero --ignore LIC001", annotations="false", summary="false"
    )
    assert done.returncode == 0, done.stdout
    assert "::error" not in done.stdout
    assert runner.summary.read_text("utf-8") == ""


def test_what_cannot_be_done_fails_the_step(runner: Runner) -> None:
    done = runner.run(1, paths="nowhere.o")
    assert done.returncode == 2
    assert "no such file or directory" in done.stdout
    assert runner.output.read_text("utf-8").endswith("status=2\n")


def test_inputs_run_no_commands(runner: Runner) -> None:
    runner.run(1, paths="$(touch pwned) `touch pwned`", args="; touch pwned", targets="&& x")
    assert not (runner.work / "pwned").exists()
