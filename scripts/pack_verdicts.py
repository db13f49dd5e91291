"""Pack what real kernels said of the Debian objects into ``tests/data/verdicts``.

python scripts/pack_verdicts.py DIRECTORY

``DIRECTORY`` holds ``verdicts-<kernel>.jsonl`` and ``verdicts-<kernel>-sized-maps.jsonl`` as
libbpf 1.7 wrote them on each kernel; the objects' hashes are those of the inventory in
``tests/data``. Kept are: the object's name and hash, the program, and for both ways of loading
the error number and the cause. A cause was labelled by pattern; where the log proves a label
wrong, :data:`RELABELLED` says so.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KERNELS = ("5.10", "6.1", "6.12", "7.3")
DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
OUT = DATA / "verdicts"
INVENTORY = DATA / "libbpf-inventory-bookworm.jsonl"

# (text in the log, label it got, label it should have): the log is the proof.
RELABELLED = (
    ("failed to find BTF for extern", "other", "ksym"),
    ("dereference of modified ctx ptr", "other", "context-access"),
)


def main() -> int:
    """Read the verdicts and write one packed file per kernel."""
    parser = argparse.ArgumentParser(description="Pack verdicts of real kernels for the tests.")
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    hashes = {row["object"]: row["sha256_16"] for row in _rows(INVENTORY)}
    OUT.mkdir(parents=True, exist_ok=True)
    for kernel in KERNELS:
        lines = [json.dumps(row) for row in _pack(directory, kernel, hashes)]
        text = "\n".join(lines) + "\n"
        (OUT / f"{kernel}.jsonl.xz").write_bytes(lzma.compress(text.encode(), preset=9))
    return 0


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        if line:
            yield json.loads(line)


def _pack(directory: Path, kernel: str, hashes: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each object and program, with both answers."""
    found: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    for way, suffix in (("as_is", ""), ("sized", "-sized-maps")):
        for row in _rows(directory / f"verdicts-{kernel}{suffix}.jsonl"):
            if row.get("event") != "result":
                continue
            name = row["object"].removeprefix("bookworm/")
            kept = found.setdefault(
                (name, row["phase"], row["program"]),
                {
                    "object": name,
                    "sha256_16": hashes[name],
                    "phase": row["phase"],
                    "program": row["program"],
                },
            )
            kept[way] = None if row["ok"] else [row["errno"], _cause(row)]
    yield from (found[key] for key in sorted(found, key=lambda key: (key[0], key[1], str(key[2]))))


def _cause(row: dict[str, Any]) -> str:
    log = f"{row.get('libbpf', '')}{row.get('verifier', '')}"
    label: str = row["cause"]
    for text, given, right in RELABELLED:
        if label == given and text in log:
            return right
    return label


if __name__ == "__main__":
    raise SystemExit(main())
