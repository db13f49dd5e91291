from __future__ import annotations

from pathlib import Path

import pytest

from ebpf_static.config import discover
from ebpf_static.config.discover import find_config
from ebpf_static.config.load import MAX_EXTENDS, load_file, load_inline
from ebpf_static.config.model import Settings
from ebpf_static.config.resolve import deselected, iter_ignores, resolve_targets, severities
from ebpf_static.errors import ConfigError, UnknownTargetError
from ebpf_static.findings import Severity


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def found(start: str) -> str | None:
    path = find_config(Path(start), {})
    return None if path is None else path.relative_to(Path.cwd()).as_posix()


def test_the_closest_file_wins() -> None:
    write("ebpf-static.toml", "")
    write("a/b/ebpf-static.toml", "")
    write("a/b/c/x.o", "")
    assert found("a/b/c/x.o") == "a/b/ebpf-static.toml"
    assert found("a/b/c") == "a/b/ebpf-static.toml"
    assert found("a/x.o") == "ebpf-static.toml"
    assert found("nowhere/x.o") == "ebpf-static.toml"


def test_what_was_found_is_remembered() -> None:
    file = write("ebpf-static.toml", "").absolute()
    known: discover.Known = {}
    for start in ("a/b/x.o", "a/c", "."):
        assert find_config(Path(start), known) == file
    file.unlink()
    assert find_config(Path("a/b/y.o"), known) == file
    assert find_config(Path("a/b/y.o"), {}) is None


def test_in_one_directory_the_hidden_file_goes_first_and_pyproject_last() -> None:
    write("pyproject.toml", "[tool.ebpf-static]\n")
    assert found(".") == "pyproject.toml"
    write("ebpf-static.toml", "")
    assert found(".") == "ebpf-static.toml"
    write(".ebpf-static.toml", "")
    assert found(".") == ".ebpf-static.toml"


@pytest.mark.parametrize(
    "text", ["", "[tool.ruff]\n", "tool = 1\n", '[project]\nname = "ebpf-static"\n']
)
def test_a_pyproject_without_our_table_is_passed_over(text: str) -> None:
    write("ebpf-static.toml", "")
    write("a/pyproject.toml", text)
    assert found("a") == "ebpf-static.toml"


def test_settings_of_a_pyproject() -> None:
    file = write("pyproject.toml", '[tool.ebpf-static]\nselect = ["MAP"]\n')
    assert load_file(file).select == ["MAP"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "unknown key 'selct': did you mean 'select'?"),
        ("per_file_ignores = {}", "did you mean 'per-file-ignores'?"),
        ("colour = 1", "unknown key 'colour': 'ebpf-static config' lists the keys"),
        ("[targets.a]\nkconfi = 'x'", "unknown key 'targets.a.kconfi': did you mean 'kconfig'?"),
        ("strict = 1.5", "strict: input should be a valid boolean"),
        ("select = 'MAP'", "select: input should be a valid list"),
        ("fail-on = 'never'", "fail-on: input should be 'error', 'warning' or 'note'"),
        ("ignore = [1]", "ignore: input should be a valid dict"),
        ("ignore = {MAP101 = 1}", "ignore.MAP101: input should be a valid string"),
        ("rules = {MAP101 = 'loud'}", "rules.MAP101"),
        ("btf = {a = 1}", "btf.a: input should be a valid list"),
        ("x = ", "Invalid value"),
        ("x = " + "[" * 100_000, "is nested too deeply"),
        ("extend = 1", "extend: input should be a valid string"),
        ("extend = 'nowhere.toml'", "cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_file(write("ebpf-static.toml", text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_file(Path("a.toml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_file(Path())
    monkeypatch.setattr(discover, "MAX_BYTES", 1)
    with pytest.raises(ConfigError, match="larger than"):
        load_file(write("b.toml", "strict = true"))


def test_a_file_takes_from_another_what_it_does_not_state() -> None:
    write("base.toml", 'select = ["MAP"]\nstrict = true\nbtf = {"linux:6.1" = "b.btf"}\n')
    write("sub/middle.toml", 'extend = "../base.toml"\nselect = ["HLP"]\n')
    settings = load_file(write("sub/x/top.toml", 'extend = "../middle.toml"\nfail-on = "note"\n'))
    assert (settings.select, settings.strict, settings.fail_on) == (["HLP"], True, "note")
    assert settings.btf == {"linux:6.1": ["b.btf"]}
    assert settings.extend is None


def test_extending_ends() -> None:
    write("a.toml", 'extend = "b.toml"')
    with pytest.raises(ConfigError, match="extends itself"):
        load_file(write("b.toml", 'extend = "a.toml"'))
    for number in range(MAX_EXTENDS + 1):
        write(f"{number}.toml", f'extend = "{number + 1}.toml"')
    with pytest.raises(ConfigError, match=f"more than {MAX_EXTENDS}"):
        load_file(Path("0.toml"))


def test_paths_are_those_of_the_file_that_states_them() -> None:
    settings = load_file(
        write(
            "sub/ebpf-static.toml",
            'baseline = "b.json"\nkconfig = {a = "/boot/config"}\n'
            'per-file-ignores = {"build/*.o" = ["MAP101"]}\n'
            '[targets.t]\ntarget = "linux:6.1"\nbtf = ["v.btf", "m.btf"]\nkconfig = "c"\n',
        )
    )
    assert settings.baseline == "sub/b.json"
    assert settings.kconfig == {"a": "/boot/config"}
    assert list(settings.per_file_ignores) == ["sub/build/*.o"]
    assert settings.targets["t"].btf == ["sub/v.btf", "sub/m.btf"]
    assert settings.targets["t"].kconfig == "sub/c"


def test_settings_on_the_command_line() -> None:
    base = Settings.model_validate({"select": ["MAP"], "strict": True})
    settings = load_inline('select = ["HLP"]', base)
    assert (settings.select, settings.strict) == (["HLP"], True)
    with pytest.raises(ConfigError, match="unknown key"):
        load_inline("x = 1", base)
    with pytest.raises(ConfigError, match="extend belongs into a file"):
        load_inline("extend = 'x'", base)
    with pytest.raises(ConfigError, match="Invalid value"):
        load_inline("select = ", base)


def test_targets_are_names_or_described() -> None:
    listed = Settings.model_validate({"targets": ["linux:5.15", "debian:12", "windows:1.1"]})
    assert list(map(str, resolve_targets(listed))) == ["linux:5.15", "debian:12", "windows:1.1"]
    table = {
        "prod": {"target": "linux:6.1", "btf": "v.btf", "kconfig": "c"},
        "windows:1.1": {},
        "lab": {"target": "debian:12", "default": False},
    }
    settings = Settings.model_validate({"targets": table, "btf": {"linux:5.4": ["x"]}})
    prod, windows = resolve_targets(settings)
    assert (str(prod), prod.btf, prod.config) == ("prod", ("v.btf",), "c")
    assert str(windows) == "windows:1.1"
    lab, other = resolve_targets(settings, ["lab", "linux:5.4"])
    assert (str(lab), lab.distribution) == ("lab", "debian:12")
    assert other.btf == ("x",)
    with pytest.raises(UnknownTargetError, match=r"configured are 'prod', 'windows:1.1', 'lab'"):
        resolve_targets(settings, ["pord"])


def test_ignores_with_and_without_reasons() -> None:
    settings = Settings.model_validate(
        {
            "ignore": {"MAP101": "known", "HLP": ""},
            "per-file-ignores": {"*.o": ["LIC"]},
            "per-target-ignores": {"rhel:9": {"HLP101": "backported"}},
            "rules": {"MAP104": "ignore", "MAP105": "warning"},
        }
    )
    assert deselected(settings) == ("HLP", "MAP104")
    assert severities(settings) == {"MAP105": Severity.WARNING}
    assert [(i.selector, i.reason, i.objects, i.target) for i in iter_ignores(settings)] == [
        ("MAP101", "known", "", ""), ("LIC", "", "*.o", ""), ("HLP101", "backported", "", "rhel:9")
    ]  # fmt: skip
