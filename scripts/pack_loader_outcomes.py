"""Pack what cilium/ebpf and aya made of the corpus into ``tests/data/loaders``.

python scripts/pack_loader_outcomes.py LOADER AS_IS.tsv SIZED.tsv

``LOADER`` is the library and release (``cilium-0.22``); the files are what
``tests/loaders/cilium/outcomes.go`` and ``tests/loaders/aya`` print without and with ``-size``, run
in the repository's root as root. Kept are: the object and its hash, the phase, the program, and
for both ways of loading the words of the refusal or null. What the machine's kernel refused because
it is locked down (``EPERM``) says nothing of the loader and is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "data" / "loaders"
NOT_PERMITTED = "peration not permitted"
WORDS = 160


def main() -> int:
    """Read both files and write the packed one."""
    parser = argparse.ArgumentParser(description="Pack what a loader made of the corpus.")
    parser.add_argument("loader")
    parser.add_argument("as_is", type=Path)
    parser.add_argument("sized", type=Path)
    arguments = parser.parse_args()
    rows = [json.dumps(row) for row in _pack(arguments.as_is, arguments.sized)]
    OUT.mkdir(parents=True, exist_ok=True)
    text = "\n".join(rows) + "\n"
    path = OUT / f"{arguments.loader}.jsonl.xz"
    path.write_bytes(lzma.compress(text.encode(), preset=9))
    return 0


def _pack(as_is: Path, sized: Path) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for way, file in (("as_is", as_is), ("sized", sized)):
        for line in file.read_text("utf-8", "replace").splitlines():
            path, phase, program, verdict, words = line.split("\t")
            if (phase == "open" and verdict == "loads") or NOT_PERMITTED in words:
                continue
            row = found.setdefault(
                (path, phase, program),
                {
                    "object": path.removeprefix("corpus/"),
                    "sha256_16": hashlib.sha256((ROOT / path).read_bytes()).hexdigest()[:16],
                    "phase": phase,
                    "program": program or None,
                },
            )
            row[way] = None if verdict == "loads" else _words(words, path)
    yield from (found[key] for key in sorted(found))


def _words(words: str, path: str) -> str:
    text = words.removeprefix(f"file {path}: ")
    return text if len(text) <= WORDS else f"{text[: WORDS // 2]} … {text[-WORDS // 2 :]}"


if __name__ == "__main__":
    raise SystemExit(main())
