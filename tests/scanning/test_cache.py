from __future__ import annotations

import dataclasses
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from ebpf_static.api import Checker
from ebpf_static.cli.main import main
from ebpf_static.findings import Report
from ebpf_static.output import FORMATS
from ebpf_static.scanning import cache
from ebpf_static.scanning.cache import FILE, Cache
from ebpf_static.scanning.cache_key import key_of
from ebpf_static.scanning.judging import Judge
from ebpf_static.scanning.runners import InProcess
from ebpf_static.target import Target
from tests.cli.conftest import Result
from tests.scanning.conftest import Write, object_with

Run: TypeAlias = Callable[..., Result]
CORPUS = Path(__file__).parents[2] / "corpus"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that scans some of the corpus with a cache, and says what came from it."""
    monkeypatch.chdir(tmp_path)
    chosen = [*sorted((CORPUS / "objects" / "linux").glob("*.o"))[:4]]
    chosen.append(CORPUS / "native" / "gate-0.21-x64.sys")
    for path in chosen:
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / "cut.o").write_bytes(object_with("x")[:200])

    def _run(*words: str, folder: str = "kept") -> Result:
        status = main(["scan", ".", "--cache-dir", folder, "--exclude", "kept*", *words])
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return _run


def hits(result: Result) -> int:
    lines = [line for line in result.err.splitlines() if "from the cache" in line]
    return int(lines[0].split()[1])


@pytest.mark.parametrize("output_format", FORMATS)
def test_what_is_kept_is_what_was_found(run: Run, output_format: str) -> None:
    words = ("--target", "linux:5.4", "--target", "windows", "--output-format", output_format)
    fresh = run(*words, "--no-cache")
    assert not Path("kept").exists()
    first, second = run(*words), run(*words, "-v")
    assert hits(second) > 3
    assert (first.status, first.out) == (second.status, second.out) == (fresh.status, fresh.out)


def test_moved_objects_are_found_and_called_by_their_new_names(run: Run) -> None:
    words = ("--target", "linux:5.4", "--output-format", "json", "-v")
    run(*words)
    Path("moved").mkdir()
    for number, path in enumerate(sorted(Path().glob("*.o"))):
        path.rename(Path("moved", f"{number}.o"))
    moved = run(*words)
    assert hits(moved) > 3
    assert moved.out == run(*words, "--no-cache").out
    assert "moved/0.o" in moved.out


def test_an_image_with_another_ending_is_another(run: Run) -> None:
    words = ("--select", "WIN029", "-v")
    before = run(*words)
    (image,) = Path().glob("*.sys")
    image.rename("image.dll")
    after = run(*words)
    assert (hits(before), hits(after)) == (0, 4)
    assert ("WIN029" in before.out, "WIN029" in after.out) == (False, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--select", "MAP"),
        ("--ignore", "PRG101"),
        ("--target", "linux:6.1"),
        ("--platform", "windows"),
        ("--no-ignores",),
        ("--loader", "cilium"),
    ],
)
def test_other_choices_are_other_answers(run: Run, words: tuple[str, ...]) -> None:
    run("-v")
    other = run(*words, "-v")
    assert hits(other) == 0
    assert other.out == run(*words, "--no-cache").out


def test_what_is_made_of_findings_may_change(run: Run) -> None:
    Path("ebpf-static.toml").write_text('cache-dir = "kept"\n')
    run("-v")
    Path("ebpf-static.toml").write_text(
        'strict = true\nper-file-ignores = { "*" = { ALL = "known" } }\n'
    )
    other = run("-v")
    assert hits(other) > 3
    assert other.out == run("--no-cache").out
    assert "suppressed" in other.out


def test_the_contents_of_a_targets_files_count(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("CONFIG_BPF=y\n")

    def key() -> bytes:
        return key_of(Checker.prepare(targets="linux:6.1", kconfig=config))

    first = key()
    assert key() == first
    stamp = config.stat()
    config.write_text("CONFIG_BPF=n\n")
    os.utime(config, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = key()
    assert second != first
    (tmp_path / "other").write_text("CONFIG_BPF=y\n")
    config = tmp_path / "other"
    assert key() == first


def test_a_file_that_changes_meanwhile_makes_answers_that_are_not_kept(
    write: Write, checker: Checker, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("CONFIG_BPF=y\n")
    target = Target.parse("linux:6.1", config=config)
    changing = dataclasses.replace(checker, targets=(target,))
    inputs = write(a="a")
    with Cache(tmp_path / "kept") as kept, InProcess() as runner:
        Judge(lambda _: changing, runner, kept=kept).run(inputs)
        config.write_text("CONFIG_BPF=n\n")
    assert rows(tmp_path / "kept") == 0


def test_nothing_a_checker_holds_is_forgotten() -> None:
    """A new field must be thought of in cache_key: this test asks for it."""
    fields = {field.name for field in dataclasses.fields(Checker)}
    assert fields == {"targets", "rules", "failures", "policy", "loader"}


def rows(folder: Path) -> int:
    database = sqlite3.connect(folder / FILE)
    (number,) = database.execute("SELECT count(*) FROM judged").fetchone()
    database.close()
    return int(number)


def test_rules_that_fail_are_asked_again(write: Write, checker: Checker, tmp_path: Path) -> None:
    inputs = write(a="a", b="crash")
    for expected in (0, 1):
        with Cache(tmp_path / "kept") as kept, InProcess() as runner:
            report = Judge(lambda _: checker, runner, kept=kept).run(inputs)
        assert kept.hits == expected
        assert [f.object for f in report.failures] == ["b.o"]
    assert rows(tmp_path / "kept") == 1


def test_the_oldest_go_first(
    write: Write, checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_BATCH", 1)
    inputs = write(**{f"o{n}": f"p{n}" for n in range(6)})
    folder = tmp_path / "kept"
    with Cache(folder) as kept, InProcess() as runner:
        Judge(lambda _: checker, runner, kept=kept).run(inputs)
    database = sqlite3.connect(folder / FILE)
    size = database.execute("SELECT max(size) FROM judged").fetchone()[0]
    database.execute("DELETE FROM judged")
    database.commit()
    database.close()
    with Cache(folder, max_bytes=size * 2) as kept, InProcess() as runner:
        Judge(lambda _: checker, runner, kept=kept).run(inputs)
    database = sqlite3.connect(folder / FILE)
    names = database.execute("SELECT name FROM judged ORDER BY id").fetchall()
    assert names == [("o4.o",), ("o5.o",)]
    database.close()


def damage(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\0" + os.urandom(4096))


def replace_with_other(file: Path) -> None:
    file.unlink()
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE judged (x)")
    database.commit()
    database.close()


def replace_with_text(file: Path) -> None:
    file.write_text("hello" * 1000)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


@pytest.mark.parametrize("harm", [damage, replace_with_other, replace_with_text, cut])
def test_a_database_that_cannot_be_used_is_left_alone(
    run: Run, harm: Callable[[Path], None]
) -> None:
    fresh = run("-v")
    for leftover in Path("kept").glob("*-*l"):
        leftover.unlink()
    harm(Path("kept", FILE))
    for _ in range(2):
        result = run()
        assert (result.status, result.out) == (fresh.status, fresh.out)
        notes = [line for line in result.err.splitlines() if "cache" in line]
        assert len(notes) == 1
        assert notes[0].startswith("note: the cache in 'kept' is not used: ")
    if harm is replace_with_other:
        database = sqlite3.connect(Path("kept", FILE))
        assert database.execute("SELECT count(*) FROM judged").fetchone() == (0,), "not ours"
        database.close()


def test_a_damaged_report_is_judged_anew(run: Run) -> None:
    fresh = run("-v")
    database = sqlite3.connect(Path("kept", FILE))
    database.execute("UPDATE judged SET report = replace(report, 'MAP1', 'MAP9') WHERE id % 3 = 0")
    database.execute("UPDATE judged SET report = '{}' WHERE id % 3 = 1")
    database.execute("UPDATE judged SET checksum = x'00' WHERE id % 2 = 0")
    database.commit()
    database.close()
    result = run("-v")
    assert result.out == fresh.out


def test_no_damage_makes_a_wrong_answer(write: Write, checker: Checker, tmp_path: Path) -> None:
    inputs = write(a="a", b="b")

    def judged(folder: Path) -> tuple[Report, Cache]:
        with Cache(folder) as kept, InProcess() as runner:
            return Judge(lambda _: checker, runner, kept=kept).run(inputs), kept

    fresh, _ = judged(tmp_path / "kept")
    sound = (tmp_path / "kept" / FILE).read_bytes()
    dice = random.Random(0)
    for number in range(60):
        data = bytearray(sound)
        for _ in range(dice.choice([1, 8, 50])):
            # The first page holds the header and the tables, and hurts most.
            data[dice.randrange(dice.choice([200, len(data)]))] = dice.randrange(256)
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / FILE).write_bytes(data)
        report, kept = judged(folder)
        assert report.model_dump() == fresh.model_dump()
        assert len(kept.notes) < 2


def test_a_directory_that_cannot_be_made_is_a_note(run: Run) -> None:
    Path("file").write_text("x")
    result = run(folder="file")
    assert "note: the cache in 'file' is not used: File exists" in result.err
    assert run("-qq", folder="file").err == ""


def test_a_database_that_cannot_be_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = run("--no-cache")
    connect = sqlite3.connect

    def read_only(file: Path, **options: object) -> sqlite3.Connection:
        database = connect(file, **options)  # type: ignore[call-overload]
        database.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_INSERT else 0
        )
        return database  # type: ignore[no-any-return]

    run()
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", read_only)
        result = run("--select", "MAP")
    assert result.err.count("is not used") == 1
    assert fresh.status == run().status


def test_runs_at_once_share_a_cache(run: Run, repository: Path) -> None:
    fresh = run("--no-cache", "--output-format", "json")
    roots = [repository, repository / "rules", repository / "loaders"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, roots))}
    words = ["scan", ".", "--exclude", "kept*", "--cache-dir", "kept", "--output-format", "json"]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "ebpf_static", *words],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in started:
        out, err = process.communicate()
        assert (out, err) == (fresh.out, "")
    assert run("--output-format", "json", "-v").out == fresh.out
