from __future__ import annotations

from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.btf import Btf
from ebpf_static.engine.policy import Ignore, Policy
from ebpf_static.engine.remap import SourceMap
from ebpf_static.engine.tags import parse_tag
from ebpf_static.findings import Confidence, Finding, Location, Report, Severity
from tests.build.btf_writer import BtfWriter
from tests.engine.samples import registry, spec

TAGGED = Path(__file__).parents[1] / "data" / "tagged" / "tagged.bpf.o"


def finding(**more: object) -> Finding:
    values: dict[str, object] = {
        "code": "MAP101",
        "name": "map-type-unknown",
        "severity": Severity.ERROR,
        "message": "m",
        "locations": (Location(object="build/a.o"),),
    }
    return Finding.model_validate(values | more)


def applied(policy: Policy, *findings: Finding, targets: tuple[str, ...] = ()) -> list[Finding]:
    return list(policy.apply(Report(findings=findings, targets=targets)).findings)


@pytest.mark.parametrize(
    ("ignore", "text"),
    [
        (Ignore("MAP101"), "configuration"),
        (Ignore("MAP", "known"), "configuration: known"),
        (Ignore("map-type-unknown", "r", objects="build/*"), "configuration (build/*): r"),
        (Ignore("ALL", objects="*.o"), "configuration (*.o)"),
        (Ignore("MAP101", "r", target="rhel:9"), "configuration (rhel:9): r"),
        (Ignore("MAP101", objects=str(Path("build/*").absolute())), None),
        (Ignore("HLP"), ""),
        (Ignore("MAP101", objects="other/*"), ""),
        (Ignore("MAP101", target="rhel:8"), ""),
    ],
)
def test_ignores(ignore: Ignore, text: str | None) -> None:
    (found,) = applied(Policy(ignores=(ignore,)), finding(target="rhel:9"))
    if text is None:
        assert found.suppressed_by
    else:
        assert found.suppressed_by == (text or None)


def test_a_finding_for_all_targets_is_ignored_for_all_or_not_at_all() -> None:
    policy = Policy(ignores=(Ignore("MAP101", target="linux"),))
    (both,) = applied(policy, finding(), targets=("linux:5.4", "linux:6.1"))
    (mixed,) = applied(policy, finding(), targets=("linux:5.4", "windows"))
    (none,) = applied(policy, finding())
    assert [f.suppressed_by is None for f in (both, mixed, none)] == [False, True, True]


def test_the_first_reason_stays() -> None:
    policy = Policy(ignores=(Ignore("MAP101"),))
    assert applied(policy, finding(suppressed_by="first"))[0].suppressed_by == "first"


def test_severities_are_remapped_by_code_or_name() -> None:
    by_code = Policy(severities={"MAP101": Severity.NOTE})
    by_name = Policy(severities={"map-type-unknown": Severity.WARNING})
    assert applied(by_code, finding())[0].severity is Severity.NOTE
    assert applied(by_name, finding())[0].severity is Severity.WARNING


def test_strict_makes_what_nobody_can_tell_an_error() -> None:
    unsure = finding(severity=Severity.NOTE, undecided=True)
    mild = finding(severity=Severity.NOTE)
    assert [f.severity for f in applied(Policy(strict=True), unsure, mild)] == ["error", "note"]


def test_confidence() -> None:
    findings = [finding(confidence=each) for each in Confidence]
    counted = [f.suppressed_by for f in applied(Policy(min_confidence="medium"), *findings)]
    assert counted == [None, None, "confidence below medium"]


def test_a_changed_finding_has_a_fingerprint_of_its_own() -> None:
    original = finding()
    assert original.fingerprint
    moved = applied(Policy(sources=SourceMap()), original)[0]
    assert moved.fingerprint == original.fingerprint


def test_fingerprints_survive_code_that_moves() -> None:
    first = finding(message="refers to insn 12 of `f` (byte offset 0x40)")
    second = finding(message="refers to insn 13 of `f` (byte offset 0x48)")
    other = finding(message="refers to insn 13 of `g` (byte offset 0x48)")
    assert first.fingerprint == second.fingerprint != other.fingerprint


def test_tags_in_the_source_suppress() -> None:
    report = es.check(TAGGED, select=["MAP101", "HLP101"])
    found = {f.location.map or f.location.program: f.suppressed_by for f in report.findings}
    assert found == {
        "events": "btf_decl_tag: a map type of our own kernel",
        "other": None,
        "tagged": "btf_decl_tag: runs on our own kernel only",
        "untagged": None,
    }
    everything = es.check(TAGGED, select=["MAP101"], policy=Policy(use_tags=False))
    assert len(everything.active) == 2


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("ebpf-static:ignore=MAP101", (("MAP101",), "")),
        ("ebpf-static:ignore=MAP101,HLP why not", (("MAP101", "HLP"), "why not")),
        ("ebpf-static:ignore=", ((), "")),
        ("ebpf-static:other", None),
        ("user", None),
    ],
)
def test_tags_are_parsed(text: str, parsed: object) -> None:
    assert parse_tag(text) == parsed


def test_an_endless_tag_is_cut() -> None:
    parsed = parse_tag("ebpf-static:ignore=" + "A," * 100_000)
    assert parsed is not None
    assert len(parsed[0]) <= 64


@pytest.mark.parametrize(
    ("tag", "message", "help_"),
    [
        ("ebpf-static:ignore=MAP101 why", None, ""),
        ("ebpf-static:ignore=MAP,map-type-unknown,ALL", None, ""),
        ("user", None, ""),
        (
            "ebpf-static:ignore=map-type-unknow",
            "names no rule with `map-type-unknow`",
            "did you mean `map-type-unknown`?",
        ),
        ("ebpf-static:ignore=MAP101,QQQQ", "names no rule with `QQQQ`", "see `ebpf-static rule"),
        ("ebpf-static:ignroe=MAP101", "is no suppression", "write `ebpf-static:ignore=CODE"),
        ("ebpf-static:ignore=", "is no suppression", "write"),
    ],
)
def test_misspelt_tags_are_told(tag: str, message: str | None, help_: str) -> None:
    writer = BtfWriter()
    writer.decl_tag(tag, writer.var("v", writer.integer("int", 4)), -1)
    tagged = spec().model_copy(update={"btf": Btf.parse(writer.build())})
    found = es.check(tagged, select=["SUP001"]).findings
    assert [message in f.message for f in found if message] == [True] * (message is not None)
    assert len(found) == (message is not None)
    assert all(f.help.startswith(help_) for f in found)


def test_an_object_without_types_has_no_tags() -> None:
    assert es.check(spec(), registry=registry()).findings


@pytest.mark.parametrize(
    ("file", "mapped"),
    [
        ("/build/src/a.c", "lib/a.c"),
        ("/build/b.c", "x/b.c"),
        ("/elsewhere/src/a.c", "src/a.c"),
        ("/elsewhere/a.c", "/elsewhere/a.c"),
        ("/elsewhere/../src/a.c", "/elsewhere/../src/a.c"),
        ("/src/nul\0.c", "/src/nul\0.c"),
        ("relative.c", "relative.c"),
        ("/" + "x/" * 4096 + "src/a.c", "/" + "x/" * 4096 + "src/a.c"),
    ],
)
def test_source_paths_are_mapped(tmp_path: Path, file: str, mapped: str) -> None:
    (tmp_path / "src").mkdir()
    for name in ("a.c", "src/a.c"):
        (tmp_path / name).touch()
    sources = SourceMap({"/build/src/": "lib/", "/build/": "x/"}, tmp_path)
    place = Location(object="a.o", file=file, line=1)
    assert sources.apply(place).file == mapped


def test_a_source_below_the_root_is_seen_from_it(tmp_path: Path) -> None:
    assert SourceMap(root=tmp_path).map(f"{tmp_path.as_posix()}/a.c") == "a.c"
    assert SourceMap().map("/x/a.c") == "/x/a.c"
