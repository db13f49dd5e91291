"""The baseline: findings known and accepted, so that a run tells of new ones only.

One JSON file, sorted, with code and message beside each fingerprint, so that a change of it can be
reviewed. Version 1::

    {
      "schema_version": 1,
      "objects": {
        "build/a.bpf.o": {                       as reports call it
          "xdp/drop": [                          section and symbol, "" for the object itself
            {"fingerprint": "32 hex digits", "code": "MAP101", "target": "linux:5.4" or null,
             "message": "...", "count": 1}
          ]
        }
      }
    }
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ebpf_static.engine.policy import changed, replaced
from ebpf_static.errors import ConfigError, escape
from ebpf_static.findings import Report

SCHEMA_VERSION = 1
MAX_BYTES = 64 << 20
MARK = "baseline"
"""What the reason of a finding suppressed by a baseline begins with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding.

    Attributes:
        object: the object's name.
        fingerprint: of the finding.
        code: rule code.
        target: what it was judged for, None when it holds anywhere.
        message: what it said.
        count: how many findings share the fingerprint.
    """

    object: str
    fingerprint: str
    code: str
    target: str | None
    message: str
    count: int = 1

    def __str__(self) -> str:
        """Return the entry on one line."""
        return escape(f"{self.object}: {self.code} {self.message}")


def write_baseline(path: Path, report: Report) -> int:
    """Write every finding that counts, and return how many there are.

    Raises:
        ConfigError: the file cannot be written.
    """
    counts = Counter((f.location.object, f.fingerprint) for f in report.active)
    objects: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for finding in report.active:
        place = finding.location
        symbol = "/".join(
            p for p in (place.section, place.program or place.map or place.symbol) if p
        )
        entries = objects.setdefault(place.object, {}).setdefault(symbol, {})
        entries[finding.fingerprint] = {
            "fingerprint": finding.fingerprint,
            "code": finding.code,
            "target": finding.target,
            "message": finding.message,
            "count": counts[place.object, finding.fingerprint],
        }
    document = {
        "schema_version": SCHEMA_VERSION,
        "objects": {
            name: {
                symbol: sorted(found.values(), key=_order) for symbol, found in sorted(s.items())
            }
            for name, s in sorted(objects.items())
        },
    }
    try:
        text = json.dumps(document, indent=2) + "\n"
        path.write_text(text, encoding="ascii", newline="\n")
    except OSError as error:
        raise ConfigError(f"cannot write '{path}': {error.strerror}") from error
    return len(report.active)


def read_baseline(path: Path) -> tuple[Entry, ...]:
    """Return the entries of a baseline.

    Raises:
        ConfigError: it cannot be read, is no baseline, or is of a version this release does not
            know.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"baseline '{path}' cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"baseline '{path}' is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"baseline '{path}' is not JSON") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"baseline '{path}' is not of version {SCHEMA_VERSION}: write it anew with "
            "--write-baseline"
        )
    try:
        return tuple(_iter_entries(document["objects"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(f"baseline '{path}' is damaged: write it anew") from error


def _iter_entries(objects: dict[str, dict[str, list[dict[str, Any]]]]) -> Iterator[Entry]:
    for name, symbols in objects.items():
        for entries in symbols.values():
            for entry in entries:
                target = entry["target"]
                yield Entry(
                    name, str(entry["fingerprint"]), str(entry["code"]),
                    None if target is None else str(target), str(entry["message"]),
                    int(entry["count"]),
                )  # fmt: skip


def apply_baseline(report: Report, entries: tuple[Entry, ...], name: str) -> Report:
    """Return the report with accepted findings suppressed and stale entries named.

    An entry is stale only when its object was judged by its rule for its target in this run and
    the finding is gone.

    Args:
        report: what was found.
        entries: what was accepted.
        name: what the reason calls the baseline.
    """
    left = Counter[str]()
    for entry in entries:
        left[entry.fingerprint] += entry.count
    findings = []
    for finding in report.findings:
        accepted = finding.suppressed_by is None and left[finding.fingerprint] > 0
        if left[finding.fingerprint] > 0:
            left[finding.fingerprint] -= 1
        findings.append(changed(finding, suppressed_by=f"{MARK} {name}") if accepted else finding)
    judged = {
        (ran.object, target, code)
        for ran in report.ran
        for code in ran.rules
        for target in (ran.target, None)
    }
    stale = tuple(
        str(entry)
        for entry in entries
        if left[entry.fingerprint] > 0 and (entry.object, entry.target, entry.code) in judged
    )
    return replaced(report, findings=tuple(findings), stale=stale)


def _order(entry: dict[str, Any]) -> tuple[str, str, str]:
    return (entry["code"], entry["message"], entry["target"] or "")
