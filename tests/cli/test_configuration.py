"""Configuration, suppression and baselines as the command line sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.engine.test_api import small_object

pytestmark = pytest.mark.usefixtures("objects")


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EBPF_STATIC_CONFIG", "EBPF_STATIC_OUTPUT_FILE"):
        monkeypatch.delenv(name, raising=False)


def configure(text: str, name: str = "ebpf-static.toml") -> None:
    Path(name).write_text(text, "utf-8")


def codes(run: Run, *arguments: str) -> list[str]:
    document = json.loads(run("check", *arguments, "--output-format", "json").out)
    return [f["code"] for f in document["findings"] if f["suppressed_by"] is None]


def test_settings_of_a_file_hold_and_options_go_before_them(run: Run) -> None:
    configure('select = ["WIN"]\nfail-on = "warning"\noutput-format = "concise"\n')
    assert codes(run, "good.o") == []
    assert codes(run, "good.o", "--select", "ALL") == ["MAP102"]
    assert codes(run, "good.o", "--extend-select", "MAP") == ["MAP102"]
    assert run("check", "good.o", "--select", "ALL").status == 1
    assert run("check", "good.o", "--select", "ALL", "--fail-on", "error").status == 0
    assert run("check", "good.o", "--select", "ALL").out.startswith("good.o: MAP102")
    assert codes(run, "good.o", "--isolated") == ["MAP102"]


def test_each_input_has_the_closest_file(run: Run) -> None:
    configure('ignore = ["MAP102"]\n', "sub/ebpf-static.toml")
    document = json.loads(run("check", ".", "--output-format", "json").out)
    found = {f["locations"][0]["object"] for f in document["findings"] if f["code"] == "MAP102"}
    assert found == {"good.o"}
    result = run("check", ".", "-v")
    assert "sub/ebpf-static.toml configures 1 object\n" in result.err


def test_a_file_or_a_setting_can_be_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    configure('ignore = ["MAP102"]', "mine.toml")
    assert codes(run, "good.o", "--config", "mine.toml") == []
    assert codes(run, "good.o", "--config", 'ignore = ["MAP102"]') == []
    assert codes(run, "good.o", "--isolated", "--config", "mine.toml") == []
    monkeypatch.setenv("EBPF_STATIC_CONFIG", "mine.toml")
    assert codes(run, "good.o") == []
    configure("", "other.toml")
    assert codes(run, "good.o", "--config", "other.toml") == ["MAP102"]
    result = run("check", "good.o", "--config", "mine.toml", "--config", "other.toml")
    assert result.status == 2
    assert "names several files" in result.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "unknown key 'selct': did you mean 'select'?"),
        ('ignore = ["MAP999"]', "no rule matches 'MAP999'"),
        ('per-file-ignores = {"*" = ["NOPE"]}', "no rule matches 'NOPE'"),
        ('output-format = "yaml"', "output-format 'yaml': choose from full"),
        ('targets = ["linux:99"]', "newer than the support tables"),
        ('targets = ["5.4"]', "names no platform"),
        ('baseline = "nowhere.json"', "baseline 'nowhere.json' cannot be read"),
    ],
)
def test_a_wrong_file_is_one_line_and_status_2(run: Run, text: str, message: str) -> None:
    configure(text)
    result = run("check", ".")
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_suppressed_findings_are_counted_and_explained(run: Run) -> None:
    configure('ignore = { MAP102 = "known" }\nper-file-ignores = { "sub/*" = ["ALL"] }')
    result = run("check", "good.o", "sub/other.bin", "--fail-on", "note")
    assert result.status == 0
    assert result.out == "No problems found in 2 objects (2 suppressed)\n"
    document = json.loads(run("check", "good.o", "--output-format", "json").out)
    assert document["findings"][0]["suppressed_by"] == "configuration: known"
    assert codes(run, "good.o", "--no-ignores") == ["MAP102"]


def test_per_target_ignores_and_severities(run: Run) -> None:
    configure(
        'targets = ["linux:5.4", "windows"]\n'
        'per-target-ignores = { "linux:5.4" = { MAP102 = "backported" } }\n'
        '[rules]\nMAP102 = "note"\nWIN201 = "ignore"\n'
    )
    document = json.loads(run("check", "good.o", "--output-format", "json").out)
    assert document["targets"] == ["linux:5.4", "windows"]
    found = [(f["target"], f["severity"], f["suppressed_by"]) for f in document["findings"]]
    assert sorted(found) == [
        ("linux:5.4", "note", "configuration (linux:5.4): backported"), ("windows", "note", None),
    ]  # fmt: skip
    assert json.loads(
        run("check", "good.o", "--platform", "windows", "--output-format", "json").out
    )["targets"] == ["windows"]


def test_a_platform_in_a_file(run: Run) -> None:
    configure('platform = "windows"')
    assert "WIN201" in codes(run, "good.o")
    assert "WIN201" not in codes(run, "good.o", "--target", "linux")


def test_exclusions_of_a_file(run: Run) -> None:
    configure('exclude = ["cut.o", "sub"]')
    listed = run("check", ".", "--show-files")
    assert (listed.status, listed.out) == (0, "good.o\nlib.a\nx86.o\n")
    assert run("check", ".", "--show-files", "--exclude", "*.o").out == "lib.a\n"
    configure('exclude = ["cut.o"]\nforce-exclude = true', "x.toml")
    assert run("check", "cut.o", "--config", "x.toml").status == 0


def test_show_files_names_what_is_missing(run: Run) -> None:
    result = run("check", "good.o", "nowhere.o", "--show-files")
    assert (result.status, result.out) == (2, "good.o\n")


def test_show_settings(run: Run) -> None:
    configure('select = ["MAP"]\n[targets.prod]\ntarget = "linux:6.1"\n')
    configure("strict = true", "sub/ebpf-static.toml")
    result = run("check", "good.o", "sub/other.bin", "--show-settings", "--fail-on", "note")
    first, second = result.out.split("\n\n")
    assert first.splitlines()[0].startswith("# good.o: from ")
    assert 'select = ["MAP"]' in first
    assert '"prod" = { "target" = "linux:6.1"' in first
    assert 'fail-on = "note"' in first
    assert "strict = true" in second
    assert run("check", "--show-settings", "--isolated").out == "# .: no configuration file\n"


def test_baseline(run: Run) -> None:
    arguments = ("good.o", "--fail-on", "warning")
    assert run("check", *arguments).status == 1
    written = run("check", *arguments, "--write-baseline", "b.json")
    assert written.status == 0
    assert "wrote 1 finding to 'b.json'" in written.err
    result = run("check", *arguments, "--baseline", "b.json")
    assert (result.status, result.err) == (0, "")
    assert "(1 suppressed)" in result.out
    assert run("check", *arguments, "--baseline", "b.json", "--no-ignores").status == 1
    configure('baseline = "b.json"')
    assert run("check", *arguments).status == 0
    assert run("check", *arguments, "--target", "linux").status == 1


def test_stale_entries_of_a_baseline_are_told(run: Run) -> None:
    Path("other.o").write_bytes(small_object("tc"))
    run("check", "good.o", "other.o", "--write-baseline", "b.json")
    text = Path("b.json").read_text("utf-8").replace("judged", "judged before")
    entries = json.loads(text)["objects"]["other.o"][""]
    entries[0]["fingerprint"] = "0" * 32
    Path("b.json").write_text(
        json.dumps({"schema_version": 1, "objects": {"other.o": {"": entries}}})
    )
    result = run("check", "other.o", "--baseline", "b.json")
    assert "note: in the baseline, but gone: other.o: MAP102 judged before\n" in result.err
    assert "(1 stale in the baseline)" in result.out
    assert "gone" not in run("check", "good.o", "--baseline", "b.json").err


def test_strict_fails_for_what_cannot_be_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = ("--select", "WIN", "--exclude", "cut.o")
    assert run("check", ".", *quiet).status == 0

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    assert run("check", "sub", "--strict", *quiet).status == 2
    assert "other.bin: Permission denied" in run("check", "sub", "--strict", *quiet).err


def test_remapped_paths(run: Run) -> None:
    bad = run("check", "good.o", "--remap-path", "nonsense")
    assert bad.status == 2
    assert "write FROM=TO" in bad.err


def test_the_environment_names_the_output_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBPF_STATIC_OUTPUT_FILE", "out.txt")
    assert run("check", "good.o").out == ""
    assert "MAP102" in Path("out.txt").read_text("utf-8")


def test_config_lists_and_explains(run: Run) -> None:
    assert "fail-on" in run("config").out
    assert "fail-on = " in run("config", "fail-on").out
    assert json.loads(run("config", "strict", "--output-format", "json").out)["settings"] == [
        {
            "key": "strict",
            "description": "what cannot be decided or read is an error (default: false)",
            "default": None,
            "example": "strict = true",
        }
    ]
    wrong = run("config", "fail_on")
    assert wrong.status == 2
    assert "did you mean 'fail-on'?" in wrong.err


@pytest.mark.parametrize("name", ["config", "report"])
def test_schema_prints_what_ships(run: Run, name: str) -> None:
    assert json.loads(run("schema", name).out)["$schema"].startswith("http")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh", "powershell"])
def test_completion_knows_commands_and_options(run: Run, shell: str) -> None:
    script = run("completion", shell).out
    assert "ebpf-static" in script
    assert "inspect" in script
    assert "baseline" in script
