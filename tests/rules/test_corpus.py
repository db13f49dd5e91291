"""What the rules say of real objects: those of the corpus, and those kernels were seen to load.

``loaded-bookworm.jsonl`` says of the BPF objects of seven Debian 12 packages which programs some
kernel among 5.10, 6.1, 6.12 and 7.3 loaded through libbpf 1.7, and why libbpf refused the others
where a reader can know: ``legacy-maps``, ``map-relocation``, ``section``, ``license``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ebpf_static.api import check
from ebpf_static.findings import Finding, Severity
from tests.differential.objects import OURS, ROOT, get_debian_object

ROWS = [
    json.loads(line)
    for line in (ROOT / "tests/rules/loaded-bookworm.jsonl").read_text("utf-8").splitlines()
]
CODES = {
    "legacy-maps": "MAP104",
    "map-relocation": "MAP104",
    "section": "PRG001",
    "license": "LIC001",
}

# The rules of other people's families judge these objects, too; here ours are meant.
OURS_ONLY = ["PLT", "ELF", "BTF", "MAP", "PRG", "HLP", "LIC", "INS", "REL"]

# Objects of corpus/objects that are wrong on purpose, and the errors meant for them.
WRONG = {
    "bind-winpath": {"PLT001"},
    "closed_license": {"LIC001"},
    "contradictory": {"PLT002"},
    "legacy_iproute2": {"MAP104", "PRG001"},
    "legacy_map_sections": {"MAP104"},
    "legacy_maps": {"MAP104", "PRG001"},
    "legacy_maps-nobtf": {"MAP104", "PRG001"},
    "no_debug": {"BTF003"},
    "no_license": {"LIC001"},
    "unknown_section": {"PRG001"},
}


def _errors(findings: tuple[Finding, ...]) -> list[Finding]:
    return [f for f in findings if f.severity is Severity.ERROR]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["object"]))
def test_what_a_kernel_loads_is_no_error(row: dict[str, Any]) -> None:
    path = get_debian_object(row["object"], row["sha256_16"])
    report = check(path, platform="linux", select=OURS_ONLY)
    assert not report.failures
    for finding in _errors(report.findings):
        program = finding.location.program
        concerns_loaded = program in row["loaded"] or (program is None and row["loaded"])
        assert not concerns_loaded, f"{finding.code} {finding.location}: {finding.message}"


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "refused" in row], ids=lambda row: str(row["object"])
)
def test_what_libbpf_refuses_is_an_error(row: dict[str, Any]) -> None:
    path = get_debian_object(row["object"], row["sha256_16"])
    found = {f.code for f in _errors(check(path, platform="linux").findings)}
    assert {CODES[cause] for cause in row["refused"]} <= found


def _objects() -> list[Any]:
    paths = sorted(OURS.glob("*/*.o"))
    return [pytest.param(path, id=path.relative_to(OURS).as_posix()) for path in paths]


@pytest.mark.parametrize("path", _objects())
def test_our_objects_have_the_errors_meant(path: Any) -> None:
    name = path.name.rpartition("-clang")[0]
    wanted = {"PLT001"} if "-untagged" in name else WRONG.get(name, set())
    if path.parent.name == "windows" and path.stem.endswith("-eb"):
        wanted = wanted | {"WIN019"}
    report = check(path, select=[*OURS_ONLY, "WIN019"])
    assert not report.failures
    assert {f.code for f in _errors(report.findings)} == wanted


@pytest.mark.parametrize("path", _objects())
def test_the_other_platform_is_refused(path: Any) -> None:
    from ebpf_static.reading import read

    spec = read(path)
    if spec.platform.value == "unknown":
        pytest.skip("nothing in the object says which platform it is for")
    other = "windows" if spec.platform.value == "linux" else "linux"
    found = {f.code for f in _errors(check(path, platform=other).findings)}
    assert "PLT003" in found
