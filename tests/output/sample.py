"""One fixed report with everything a renderer has to cope with."""

from __future__ import annotations

from ebpf_static.findings import (
    Confidence,
    Copies,
    Failure,
    Finding,
    Location,
    Ran,
    Report,
    Severity,
)
from ebpf_static.output.rule_page import DOCS, RulePage
from ebpf_static.plugins import RuleMeta

HOSTILE = "ev\x1b[31mil\u202e\n::error::x\ud800%,:"

SOURCE = Location(
    object="build/a.bpf.o",
    section="xdp",
    program="drop",
    insn=3,
    file="src/a.bpf.c",
    line=24,
    column=9,
    source="\treturn\tbpf_ringbuf_output(&events, 0, 0, 0);",
)

FINDINGS = (
    Finding(
        code="HLP101",
        name="helper-unavailable",
        severity=Severity.ERROR,
        confidence=Confidence.MEDIUM,
        message="program `drop` calls ringbuf_output, which Linux gained in 5.8",
        target="linux:5.4",
        locations=(SOURCE, Location(object="build/a.bpf.o", section=".maps", map="events")),
        help="use a perf event array\nor raise the target",
        related=("commit 457f44363a88",),
    ),
    Finding(
        code="MAP101",
        name="map-type-unknown",
        severity=Severity.WARNING,
        message=f"map `{HOSTILE}` is odd",
        locations=(Location(object=f"b{HOSTILE}.o", section=HOSTILE, map=HOSTILE),),
        help=f"rename {HOSTILE}",
    ),
    Finding(
        code="MAP101",
        name="map-type-unknown",
        severity=Severity.ERROR,
        message="suppressed",
        locations=(Location(object="build/a.bpf.o", offset=0x40),),
        suppressed_by="a reason",
    ),
    Finding(
        code="TGT001",
        name="target-release-not-judged",
        severity=Severity.NOTE,
        message="judged for Linux only",
        target="linux:5.4",
        locations=(Location(object="build/a.bpf.o"),),
    ),
)

REPORT = Report(
    findings=tuple(sorted(FINDINGS, key=lambda finding: finding.sort_key)),
    failures=(
        Failure(object="notes.txt", message="not a BPF object"),
        Failure(object="", message=f"plugin {HOSTILE}: boom"),
    ),
    objects=("build/a.bpf.o", f"b{HOSTILE}.o"),
    targets=("linux:5.4",),
    skipped=("lib.a: an archive",),
    ran=(
        Ran("build/a.bpf.o", "linux:5.4", ("HLP101", "MAP101", "TGT001")),
        Ran(f"b{HOSTILE}.o", "linux:5.4", ("MAP101",)),
    ),
    copies=(Copies("build/a.bpf.o", (f"b{HOSTILE}.o!c.o", *(f"{n}.o" for n in range(9)))),),
)
PAGES = (
    RulePage(
        RuleMeta(
            "MAP101",
            "map-type-unknown",
            Severity.ERROR,
            "A map has a type nobody knows.",
            "A map has a type nobody knows.\n\nWhat it does\n------------\nReports ``type``::\n\n"
            "    struct {};\n\nHow to fix\n----------\nUse another.",
            "0.1.0",
        ),
        f"{DOCS}/MAP101.md",
    ),
)
EMPTY = Report(objects=("a.o",))
