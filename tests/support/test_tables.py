"""The generated tables keep their laws and are what the snapshots give."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from ebpf_static.isa.operations import known_operations
from ebpf_static.support.facts import Condition, ConditionKind, Span
from ebpf_static.support.tables import Table, has_table, read_table
from ebpf_static.support.versions import version_key
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType
from tests.build.scripts import assert_fresh, assert_names_stale_table, load_script

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "ebpf_static" / "support" / "data"
FILES = sorted(
    path.relative_to(DATA).with_suffix("").as_posix()
    for path in DATA.rglob("*.json")
    if path.name != "table.schema.json"
)
PLATFORMS = (Platform.LINUX, Platform.WINDOWS)


def table(name: str) -> Table:
    platform, _, file = name.partition("/")
    return read_table(Platform(platform), file)


def span_groups(name: str) -> Iterator[tuple[str, tuple[Span, ...]]]:
    """Yield every list of spans of a table with the name of what it is about."""
    found = table(name)
    for row in found.rows:
        for key in ("spans", "verifier", "jit", "native"):
            if key in row:
                yield f"{row['name']} {key}", found.spans(row, key)
        for group in row.get("program_types", ()) if name == "linux/helpers" else ():
            yield f"{row['name']} in {group[0]}", found.read_spans(group[1])


@pytest.fixture
def script() -> ModuleType:
    return load_script("make_support_tables")


def test_tables_are_what_the_snapshots_give() -> None:
    assert_fresh("make_support_tables")


def test_check_names_a_stale_table(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script, "DATA", tmp_path)
    assert_names_stale_table(script, tmp_path, capsys)


def test_every_file_belongs_to_a_table(script: ModuleType) -> None:
    assert sorted(script.TABLES) == FILES


@pytest.mark.parametrize("name", FILES)
def test_tables_follow_the_schema(name: str) -> None:
    schema = json.loads((DATA / "table.schema.json").read_text(encoding="utf-8"))
    document = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize("name", FILES)
def test_names_are_unique(name: str) -> None:
    found = table(name)
    assert len(found.by_name) == len(found.rows)


@pytest.mark.parametrize("name", FILES)
def test_spans_are_ordered_and_disjoint(name: str) -> None:
    for what, spans in span_groups(name):
        for span in spans:
            if span.until is not None:
                assert version_key(span.since) < version_key(span.until), what
            if span.seen is not None:
                assert version_key(span.since) < version_key(span.seen), what
            assert not span.bound or span.seen is not None, what
        for before, after in itertools.pairwise(spans):
            assert before.until is not None, what
            assert version_key(before.until) <= version_key(after.since), what


@pytest.mark.parametrize("name", FILES)
def test_backports_are_of_their_line(name: str) -> None:
    for row in table(name).rows:
        for it in row.get("backports", ()):
            assert version_key(it["by"])[:2] == version_key(it["line"])[:2]
            assert version_key(it["after"])[:2] == version_key(it["line"])[:2]
            assert version_key(it["after"]) < version_key(it["by"])


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (MapType, "map_types"),
        (ProgramType, "program_types"),
        (AttachType, "attach_types"),
        (HelperId, "helpers"),
    ],
)
def test_every_constant_has_a_row_and_every_row_a_constant(
    platform: Platform, cls: type[Any], name: str
) -> None:
    rows = read_table(platform, name).rows
    told = {(row["number"], row.get("scope"), row["name"]) for row in rows}
    members = {
        (it.number, it.scope.name if getattr(it, "scope", None) else None, it.name)
        for it in cls.members(platform)
        if cls is not HelperId or it.number
    }
    assert told == members


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("cls", [MapType, ProgramType, AttachType, HelperId])
def test_names_and_support_agree_on_the_first_release(platform: Platform, cls: type[Any]) -> None:
    name = {MapType: "map_types", ProgramType: "program_types", AttachType: "attach_types"}
    found = read_table(platform, name.get(cls, "helpers"))
    for it in cls.members(platform):
        scope = getattr(it, "scope", None)
        row = found.by_name.get(f"{scope.name}.{it.name}" if scope else it.name)
        if row is not None and row.get("spans") and it.since is not None:
            assert row["spans"][0]["since"] == it.since, it


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_operation_has_a_row(platform: Platform) -> None:
    told = set(read_table(platform, "instructions").by_name)
    operations = {operation.name for operation in known_operations()}
    assert told <= operations
    if platform is Platform.LINUX:
        assert told == operations


def test_program_types_named_by_helpers_exist() -> None:
    names = {row["name"] for row in read_table(Platform.LINUX, "program_types").rows}
    for row in read_table(Platform.LINUX, "helpers").rows:
        types = [name for group in row.get("program_types", ()) for name in group[0].split()]
        assert len(types) == len(set(types)), row["name"]
        assert set(types) <= names
    for row in read_table(Platform.LINUX, "kfuncs").rows:
        assert set(row["program_types"]) <= names | {"*"}


def test_attach_types_named_by_conditions_exist() -> None:
    names = {row["name"] for row in read_table(Platform.LINUX, "attach_types").rows}
    kinds = (ConditionKind.ATTACH_TYPE, ConditionKind.NOT_ATTACH_TYPE)
    for texts in read_table(Platform.LINUX, "helpers").header["conditions"].values():
        for condition in map(Condition.parse, texts):
            if condition.kind in kinds:
                assert condition.names
                assert set(condition.names) <= names


def test_a_helper_is_in_no_program_type_before_both_exist() -> None:
    types = {row["name"]: row for row in read_table(Platform.LINUX, "program_types").rows}
    found = read_table(Platform.LINUX, "helpers")
    for row in found.rows:
        for names, spans in row.get("program_types", ()):
            since = version_key(spans[0]["since"])
            assert since >= version_key(row["spans"][0]["since"]), row["name"]
            for name in names.split():
                assert since >= version_key(types[name]["spans"][0]["since"]), (row["name"], name)


def test_helpers_that_became_legal_later_are_not_rare() -> None:
    """A table of two minima would be wrong for these pairs: the reason there are spans."""
    types = {row["name"]: row for row in read_table(Platform.LINUX, "program_types").rows}
    late = pairs = 0
    for row in read_table(Platform.LINUX, "helpers").rows:
        for names, spans in row.get("program_types", ()):
            for name in names.split():
                both = max(
                    version_key(row["spans"][0]["since"]),
                    version_key(types[name]["spans"][0]["since"]),
                )
                pairs += 1
                late += version_key(spans[0]["since"]) > both
    assert pairs > 2700
    assert late / pairs > 0.25


@pytest.mark.parametrize("name", FILES)
def test_every_row_names_a_source_others_can_open(name: str) -> None:
    for row in table(name).rows:
        assert not row["source"].startswith(("/", "../")), row["name"]


def test_tables_of_one_platform_only() -> None:
    assert has_table(Platform.LINUX, "kfuncs")
    assert not has_table(Platform.WINDOWS, "kfuncs")


def test_conditions_read_back_as_words() -> None:
    for name in FILES:
        for texts in table(name).header.get("conditions", {}).values():
            for text in texts:
                condition = Condition.parse(text)
                assert str(condition).strip()
                assert "{" not in str(condition)
