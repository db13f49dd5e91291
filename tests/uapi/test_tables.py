"""The generated tables keep their laws and are what the snapshots give."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from ebpf_static.target import Platform, Version
from ebpf_static.uapi.sections import DataKind
from ebpf_static.uapi.tables import read_rows
from tests.build.scripts import assert_fresh, assert_names_stale_table, load_script

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "ebpf_static" / "uapi" / "data"
NUMBERED = ("map_types", "program_types", "attach_types", "helpers")
SOURCE = re.compile(r"[0-9a-f]{40}|[\w.-]+/[\w.-]+:\S.*")


@pytest.fixture
def script() -> ModuleType:
    return load_script("make_uapi_tables")


def test_tables_are_what_the_snapshots_give() -> None:
    assert_fresh("make_uapi_tables")


def test_check_names_a_stale_table(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "DATA", tmp_path)
    assert_names_stale_table(script, tmp_path, capsys)


def test_every_file_belongs_to_a_table_and_names_its_sources(script: ModuleType) -> None:
    files = {path.relative_to(DATA).with_suffix("").as_posix() for path in DATA.rglob("*.json")}
    assert files == set(script.TABLES)
    for path in DATA.rglob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["source"], path
        assert all(SOURCE.fullmatch(row["source"]) for row in document["rows"]), path


@pytest.mark.parametrize("table", NUMBERED)
@pytest.mark.parametrize("platform", [Platform.LINUX, Platform.WINDOWS])
def test_numbers_are_unique_and_in_order(platform: Platform, table: str) -> None:
    rows = read_rows(platform, table)
    plain = [row["number"] for row in rows if "scope" not in row]
    assert plain == sorted(set(plain))
    scoped = [(row["scope"], row["number"]) for row in rows if "scope" in row]
    assert len(scoped) == len(set(scoped))
    names = [spelling for row in rows for spelling in (row["name"], *row.get("aliases", ()))]
    assert len(names) == len(set(names))
    assert len({row["uapi"] for row in rows}) == len(rows)


@pytest.mark.parametrize("table", NUMBERED)
def test_linux_numbers_have_no_gap(table: str) -> None:
    numbers = [row["number"] for row in read_rows(Platform.LINUX, table)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("table", NUMBERED)
@pytest.mark.parametrize("platform", [Platform.LINUX, Platform.WINDOWS])
def test_versions_can_be_compared(platform: Platform, table: str) -> None:
    for row in read_rows(platform, table):
        for key in ("since", "first_release", "last_release"):
            if key in row:
                Version.parse(row[key])


def test_references_between_tables_resolve() -> None:
    for platform in (Platform.LINUX, Platform.WINDOWS):
        types = {row["name"] for row in read_rows(platform, "program_types")}
        attach = {row["name"] for row in read_rows(platform, "attach_types")}
        for row in read_rows(platform, "attach_types"):
            assert types.issuperset(row.get("program_types", ()))
        for row in read_rows(platform, "sections"):
            assert row["program_type"] in types
            assert row.get("attach_type") in {*attach, None}
            Version.parse(row["since"])
        for row in read_rows(platform, "helpers"):
            assert types.issuperset(row.get("overridden_by", ()))
            assert types.issuperset(row.get("gpl_only_by_program_type", ()))
            assert row.get("scope", "UNSPEC") in types
    for table in NUMBERED:
        linux = {row["name"] for row in read_rows(Platform.LINUX, table)}
        for row in read_rows(Platform.WINDOWS, table):
            assert row.get("linux") in {*linux, None}


def test_section_patterns_are_unique() -> None:
    for platform in (Platform.LINUX, Platform.WINDOWS):
        patterns = [row["pattern"] for row in read_rows(platform, "sections")]
        assert len(patterns) == len(set(patterns))
    bare = [row["pattern"].removesuffix("+") for row in read_rows(Platform.LINUX, "sections")]
    assert len(bare) == len(set(bare)), "an entry with and one without target share a name"


def test_data_kinds_are_those_the_type_lists() -> None:
    kinds = {
        row["kind"]
        for platform in (Platform.LINUX, Platform.WINDOWS)
        for row in read_rows(platform, "data_sections")
    }
    assert kinds == set(DataKind.__args__)  # type: ignore[attr-defined]


def test_guids_are_unique_and_lower_case() -> None:
    for table in ("program_types", "attach_types"):
        guids = [row["guid"] for row in read_rows(Platform.WINDOWS, table)]
        assert len(guids) == len(set(guids))
        assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", it) for it in guids)
