"""Run the benchmarks named on the command line, or all of them."""

from __future__ import annotations

import argparse
import importlib
import os
import platform

NAMES = ("objects", "releases", "corpus", "scaling", "btf", "loading")


def main() -> None:
    """Print every measurement asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark called {', '.join(unknown)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs; medians, machines are noisy")
    for name in names:
        importlib.import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    main()
