"""An atheris target: ``python -m tests.fuzz.target_read corpus/objects -max_len=65536``.

Not run in CI: atheris is no dependency of the tests. It asks what the mutation runs ask.
"""

from __future__ import annotations

import importlib
import sys

from tests.fuzz.walk import walk


def test_one_input(data: bytes) -> None:
    """Read and walk; anything but a spec or an EbpfStaticError is a crash."""
    walk(data)


if __name__ == "__main__":
    atheris = importlib.import_module("atheris")
    atheris.instrument_all()
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
