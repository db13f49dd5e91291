from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebpf_static.engine import baseline as module
from ebpf_static.engine.baseline import apply_baseline, read_baseline, write_baseline
from ebpf_static.errors import ConfigError
from ebpf_static.findings import Finding, Location, Ran, Report, Severity


def finding(name: str, **more: object) -> Finding:
    values: dict[str, object] = {
        "code": "MAP101",
        "name": "map-type-unknown",
        "severity": Severity.ERROR,
        "message": f"map `{name}` is odd",
        "locations": (Location(object="b/a.o", section=".maps", map=name),),
    }
    return Finding.model_validate(values | more)


def report(*findings: Finding, target: str | None = None) -> Report:
    ran = (Ran("b/a.o", target, ("MAP101",)),)
    return Report(findings=findings, objects=("b/a.o",), ran=ran)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "baseline.json"


def test_what_is_known_does_not_count(file: Path) -> None:
    known = report(finding("b"), finding("a"), finding("c", suppressed_by="before"))
    assert write_baseline(file, known) == 2
    after = apply_baseline(report(finding("a"), finding("d")), read_baseline(file), "x.json")
    assert [f.suppressed_by for f in after.findings] == ["baseline x.json", None]
    assert after.stale == ("b/a.o: MAP101 map `b` is odd",)


def test_the_file_is_the_same_whatever_the_order(file: Path) -> None:
    write_baseline(file, report(finding("a"), finding("b")))
    first = file.read_bytes()
    write_baseline(file, report(finding("b"), finding("a")))
    assert file.read_bytes() == first
    document = json.loads(first)
    assert list(document["objects"]["b/a.o"]) == [".maps/a", ".maps/b"]
    assert document["objects"]["b/a.o"][".maps/a"][0]["code"] == "MAP101"


def test_the_same_thing_is_accepted_as_often_as_it_was_there(file: Path) -> None:
    twice = report(finding("a"), finding("a", severity=Severity.NOTE))
    write_baseline(file, twice)
    entries = read_baseline(file)
    assert [entry.count for entry in entries] == [2]
    thrice = report(*twice.findings, finding("a", severity=Severity.WARNING))
    assert len(apply_baseline(thrice, entries, "x").active) == 1
    assert apply_baseline(report(finding("a")), entries, "x").stale


def test_what_was_not_judged_is_not_stale(file: Path) -> None:
    write_baseline(file, report(finding("a", target="linux:5.4")))
    entries = read_baseline(file)
    assert not apply_baseline(Report(), entries, "x").stale
    assert not apply_baseline(report(target="linux:6.1"), entries, "x").stale
    assert apply_baseline(report(target="linux:5.4"), entries, "x").stale


def test_what_is_suppressed_otherwise_keeps_its_reason_and_its_entry(file: Path) -> None:
    write_baseline(file, report(finding("a")))
    after = apply_baseline(report(finding("a", suppressed_by="r")), read_baseline(file), "x")
    assert after.findings[0].suppressed_by == "r"
    assert not after.stale


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not of version 1"),
        ('{"schema_version": 2, "objects": {}}', "is not of version 1"),
        ('{"schema_version": 1}', "is damaged"),
        ('{"schema_version": 1, "objects": []}', "is damaged"),
        ('{"schema_version": 1, "objects": {"a": {"b": [{"code": "X"}]}}}', "is damaged"),
    ],
)
def test_a_bad_file_is_refused(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_baseline(file)


def test_files_that_cannot_be_read_or_written(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_baseline(file)
    with pytest.raises(ConfigError, match="cannot write"):
        write_baseline(tmp_path, report())
    write_baseline(file, report())
    monkeypatch.setattr(module, "MAX_BYTES", 1)
    with pytest.raises(ConfigError, match="larger than"):
        read_baseline(file)


def test_hostile_names_stay_in_their_strings(file: Path) -> None:
    name = 'x"\n\x1b[31m\ud800'
    write_baseline(file, report(finding(name)))
    assert file.read_bytes().isascii()
    after = apply_baseline(report(finding(name)), read_baseline(file), "x")
    assert not after.active
    stale = apply_baseline(report(), read_baseline(file), "x").stale[0]
    assert stale.isprintable()


def test_objects_inside_a_program_are_known_again_wherever_it_puts_them(file: Path) -> None:
    def inside(offset: int) -> Finding:
        place = Location(object=f"agent!obj@{offset:#x}", section=".maps", map="a")
        return finding("a", locations=(place,))

    write_baseline(file, report(inside(0x40), inside(0x80)))
    entries = read_baseline(file)
    assert [(entry.object, entry.count) for entry in entries] == [
        ("agent!obj@0x40", 1),
        ("agent!obj@0x80", 1),
    ]
    rebuilt = report(inside(0x44), inside(0x90), inside(0xA0))
    assert len(apply_baseline(rebuilt, entries, "x").active) == 1
