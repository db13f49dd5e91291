"""Both pre-commit hooks, run by pre-commit itself in a throw-away repository.

pre-commit installs the hook from a git repository, so the working tree is committed to one of its
own first; the environment pre-commit makes needs the runtime dependencies from a package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.build.elf_writer import ElfWriter
from tests.packaging.objects import Objects

X86_64 = 62
OFFLINE = (
    "Could not find a version",
    "No matching distribution",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Network is unreachable",
)
TAG_LINE = 'const bool __ebpf_for_windows_tag __attribute__((section(".ebpf_for_windows"))) = true;'
CONFIG = """\
repos:
  - repo: {source}
    rev: {rev}
    hooks:
      - id: ebpf-static
      - id: ebpf-windows-tag
      - id: ebpf-static-config
"""


def command(folder: Path, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command without the variables git sets for hooks, nor the user's git settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PRE_COMMIT_COLOR": "never",
    }
    return subprocess.run(
        words,
        cwd=folder,
        env=environment | extra,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def commit_all(folder: Path) -> str:
    """Make a repository of everything in ``folder`` and return its commit."""
    author = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "all"]):
        done = command(folder, "git", *author, *words)
        assert done.returncode == 0, done.stdout
    return command(folder, "git", "rev-parse", "HEAD").stdout.strip()


@pytest.fixture(scope="module")
def source(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The working tree as a repository of its own, and its commit."""
    listed = command(
        repository, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    )
    if listed.returncode:
        pytest.skip("not a git checkout: cannot tell the project's files from others")
    folder = tmp_path_factory.mktemp("source")
    for name in filter(None, listed.stdout.split("\0")):
        if (repository / name).is_file() and not name.startswith(("corpus/", "tests/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, folder / name)
    return folder, commit_all(folder)


class Consumer:
    """Somebody's repository that uses our hooks."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home

    def pre_commit(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run pre-commit here."""
        python = (sys.executable, "-m", "pre_commit")
        return command(self.folder, *python, *words, PRE_COMMIT_HOME=str(self.home))

    def run(self, hook: str, *files: str) -> subprocess.CompletedProcess[str]:
        """Run one hook on the files named, or on all."""
        return self.pre_commit("run", hook, *(("--files", *files) if files else ("--all-files",)))


@pytest.fixture(scope="module")
def consumer(
    source: tuple[Path, str], objects: Objects, tmp_path_factory: pytest.TempPathFactory
) -> Consumer:
    folder = tmp_path_factory.mktemp("consumer")
    for name in ("windows_tagged", "windows_untagged", "linux", "linux_no_license"):
        shutil.copy(getattr(objects, name), folder / f"{name}.bpf.o")
    (folder / "foreign.o").write_bytes(ElfWriter(machine=X86_64).build())
    (folder / "text.o").write_text("not an object at all\n")
    (folder / "notes.txt").write_text("pre-commit hands this to nobody\n")
    config = CONFIG.format(source=source[0].as_posix(), rev=source[1])
    (folder / ".pre-commit-config.yaml").write_text(config)
    commit_all(folder)
    made = Consumer(folder, tmp_path_factory.mktemp("home"))
    installed = made.pre_commit("install-hooks")
    if installed.returncode and any(word in installed.stdout for word in OFFLINE):
        pytest.skip("pre-commit cannot install the runtime dependencies: no package index")
    assert installed.returncode == 0, installed.stdout
    return made


def test_manifest_is_valid(repository: Path) -> None:
    words = (sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml")
    done = command(repository, *words)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("hook", ["ebpf-static", "ebpf-windows-tag"])
@pytest.mark.parametrize("file", ["windows_tagged.bpf.o", "linux.bpf.o", "foreign.o", "text.o"])
def test_sound_and_foreign_objects_pass(consumer: Consumer, hook: str, file: str) -> None:
    done = consumer.run(hook, file)
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout


@pytest.mark.parametrize("hook", ["ebpf-static", "ebpf-windows-tag"])
def test_untagged_windows_object_is_rejected_with_the_line_to_add(
    consumer: Consumer, hook: str
) -> None:
    done = consumer.run(hook, "windows_untagged.bpf.o")
    assert done.returncode == 1
    assert "PLT001" in done.stdout
    assert "exit code: 1" in done.stdout
    assert TAG_LINE in done.stdout


def test_other_problems_are_for_the_other_hook(consumer: Consumer) -> None:
    file = "linux_no_license.bpf.o"
    assert consumer.run("ebpf-windows-tag", file).returncode == 0
    done = consumer.run("ebpf-static", file)
    assert done.returncode == 1
    assert "exit code: 1" in done.stdout


def test_whole_repository_names_only_the_culprit(consumer: Consumer) -> None:
    done = consumer.run("ebpf-windows-tag")
    assert done.returncode == 1
    assert "windows_untagged.bpf.o" in done.stdout
    for innocent in ("windows_tagged", "linux", "foreign", "text.o", "notes"):
        assert innocent not in done.stdout


def test_a_wrong_configuration_is_rejected_with_the_key_to_write(consumer: Consumer) -> None:
    file = consumer.folder / "ebpf-static.toml"
    try:
        file.write_text('select = ["ALL"]\n')
        assert consumer.run("ebpf-static-config", file.name).returncode == 0
        file.write_text("selct = []\n")
        done = consumer.run("ebpf-static-config", file.name)
        assert done.returncode == 1
        assert "unknown key 'selct': did you mean 'select'?" in done.stdout
    finally:
        file.unlink()
