"""Damaged images give errors of ours or specs, never anything else; memory and time stay bounded.

More by hand: ``python tests/native/test_mutations.py 5000`` reads that many and says how it went.
"""

from __future__ import annotations

import collections
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT)]

from ebpf_static.errors import EbpfStaticError  # noqa: E402 -- runs as a script too
from ebpf_static.formats.native_pe import read_native  # noqa: E402
from ebpf_static.formats.pe_header import is_native_image  # noqa: E402
from tests.build.pe_writer import NativeWriter  # noqa: E402
from tests.native.mutate import mutate  # noqa: E402

IMAGES = sorted(path for path in (ROOT / "corpus" / "native").glob("*-*.[sd]*"))
COUNT = 500


def read(data: bytes, *, signatures: bool) -> str:
    """Return what became of an image, in one word."""
    is_native_image(data)
    try:
        spec = read_native(data, signatures=signatures)
    except EbpfStaticError as error:
        return type(error).__name__ if str(error).isprintable() else "unprintable"
    spec.model_dump_json()
    assert len(spec.functions) == len(spec.programs)
    for program in spec.programs:
        spec.find_referenced_maps(program)
    return "problems" if spec.problems else "read"


@pytest.mark.parametrize("part", range(10))
def test_mutated_images(part: int) -> None:
    for seed in range(part * COUNT // 10, (part + 1) * COUNT // 10):
        path = IMAGES[seed % len(IMAGES)]
        assert read(mutate(path.read_bytes(), seed), signatures=False) != "unprintable"


@pytest.mark.parametrize("seed", range(4))
def test_mutated_signatures(seed: int) -> None:
    signed = next(path for path in IMAGES if path.name.startswith("signed-0")).read_bytes()
    start = len(signed) - 2300
    read(signed[:start] + mutate(signed[start:], seed), signatures=True)


def test_images_made_to_cost() -> None:
    """The most of everything that fits the bounds; what goes beyond is refused."""
    writer = NativeWriter("0.11")
    for index in range(2000):
        writer.map(f"map{index}", type=1)
    helpers = writer.helpers(list(range(1, 200)))
    for index in range(300):
        writer.program(f"program{index}", info_hash=None)
        data = writer.sections["programs"].data
        start = index * 120
        data[start + 64 : start + 66] = (199).to_bytes(2, "little")
        writer.pointers[type(helpers)("programs", start + 56)] = helpers
    writer.metadata()
    assert read(writer.build(), signatures=False) == "read"
    zeros = NativeWriter("0.11")
    zeros.program("one")
    zeros.put("programs", (bytes(8) + b"\x01" * 8) * 60_000)
    assert read(zeros.build(), signatures=False) == "FormatError"


def main() -> None:
    """Read many damaged images and print what became of them."""
    total = int(sys.argv[1])
    seen: collections.Counter[str] = collections.Counter()
    slowest = (0.0, 0)
    for seed in range(total):
        path = IMAGES[seed % len(IMAGES)]
        start = time.perf_counter()
        seen[read(mutate(path.read_bytes(), seed), signatures="signed" in sys.argv)] += 1
        slowest = max(slowest, (time.perf_counter() - start, seed))
    print(dict(seen), f"slowest {slowest[0]:.3f} s (seed {slowest[1]})")  # noqa: T201


if __name__ == "__main__":
    main()
