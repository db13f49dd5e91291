"""The atheris targets, one for each reader.

    pip install --group fuzz
    python -m tests.fuzz.target btf                          until Ctrl-C or a failure
    python -m tests.fuzz.target object -max_total_time=60    any option of libFuzzer
    python -m tests.fuzz.target btf -runs=1 crash-1234       one again

What fails is written to the working directory; once it is mended, keep it in ``tests/fuzz/past``.
Not run in CI: the properties damage the same inputs and hold the readers to the same promise.
"""
# ruff: noqa: T201 - it talks to a terminal

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

_BOUNDS = ("-timeout=10", "-rss_limit_mb=1500", "-max_len=65536")
"""Seconds and memory one input may cost."""


def main(arguments: list[str]) -> int:
    """Fuzz one reader, from its sound inputs on."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("needs atheris: pip install --group fuzz", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["ebpf_static", "ebpf_static_rules"]):
        readers = importlib.import_module("tests.fuzz.readers")
    if not arguments or arguments[0] not in readers.READERS:
        print(f"{__doc__}\ntargets: {', '.join(readers.READERS)}", file=sys.stderr)
        return 2
    name, *options = arguments
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(readers.READERS[name].seeds()):
            (Path(corpus) / str(number)).write_bytes(seed)
        inputs = [] if any(not option.startswith("-") for option in options) else [corpus]
        words = [sys.argv[0], *_BOUNDS, *options, *inputs]
        atheris.Setup(words, lambda data: readers.holds(name, data))
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
