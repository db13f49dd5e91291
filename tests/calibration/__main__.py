"""Print the agreement table; with ``--write``, to ``docs/agreement.md`` as well.

python -m tests.calibration [--write] [--kernel LINE] [--all]
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections import Counter

from ebpf_static.verdict import Status
from tests.calibration.agreement import KERNELS, WAYS, Agreement, compare
from tests.differential.objects import ROOT

_COLUMNS = (
    "kernel", "maps", "programs and objects", "both load", "both reject", "falsely rejected",
    "falsely loads", "unknown", "reason agrees",
)  # fmt: skip
_HEAD = (f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|")
_ABOUT = """\
What `verdicts()` says of the BPF objects of seven Debian 12 packages, against what libbpf 1.7 and
four Debian kernels said when they were asked to load them: each object as a whole, and each of its
programs alone. *As they are*: nothing was set up before loading. *Given a size*: maps without a
size got one, nothing else. Each kernel is judged by its release and its BTF."""
_WORDS = {"as_is": "as they are", "sized": "given a size"}


def main() -> int:
    """Compare and print; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.calibration")
    parser.add_argument("--write", action="store_true", help="write docs/agreement.md")
    parser.add_argument("--kernel", choices=KERNELS, help="one kernel only")
    parser.add_argument("--all", action="store_true", help="list every disagreement, not one each")
    arguments = parser.parse_args()
    kernels = [arguments.kernel] if arguments.kernel else list(KERNELS)
    found = [compare(kernel, way) for kernel in kernels for way in WAYS]
    table = "\n".join((*_HEAD, *(row(item) for item in found)))
    print(table)  # noqa: T201 - a command
    open_ = disagreements(found)
    for line, count in open_.items() if not arguments.all else ():
        print(f"{count:5} {line}")  # noqa: T201
    if arguments.all:
        _print_all(found)
    if arguments.write:
        (ROOT / "docs" / "agreement.md").write_text(document(table, open_), encoding="utf-8")
    return 0


def row(item: Agreement) -> str:
    """Return a kernel's line of the table."""
    table = item.table()
    reasons = [pair.agrees for pair in item.pairs if pair.agrees is not None]
    unknown = table[Status.UNKNOWN, True] + table[Status.UNKNOWN, False]
    cells = (
        f"Linux {KERNELS[item.kernel]}",
        _WORDS[item.way],
        len(item.pairs),
        table[Status.LOADS, True],
        table[Status.REJECTED, False],
        _share(table[Status.REJECTED, True], len(item.pairs)),
        _share(table[Status.LOADS, False], len(item.pairs)),
        _share(unknown, len(item.pairs)),
        f"{sum(reasons)} of {len(reasons)}",
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f} %)" if whole else "0"


def disagreements(found: list[Agreement]) -> Counter[str]:
    """Return every disagreement in words, with the number of pairs it stands for."""
    return Counter(
        f"{'loaded' if pair.loads else pair.cause}, we say {pair.predicted}"
        f"{f' ({pair.reason})' if pair.reason else ''}: {pair.row.object}, "
        f"{pair.row.program or 'the whole object'}"
        for item in found
        for pair in item.wrong()
    )


def _print_all(found: list[Agreement]) -> None:
    for item in found:
        for pair in item.wrong():
            said = "loaded" if pair.loads else f"rejected ({pair.cause})"
            place = f"{pair.row.object}: {pair.row.program or 'object'}"
            print(  # noqa: T201
                f"{item.kernel} {item.way} {place}: kernel {said}, we {pair.predicted}: "
                f"{pair.reason} {pair.message}"
            )


def document(table: str, open_: Counter[str]) -> str:
    """Return ``docs/agreement.md``."""
    today = dt.datetime.now(tz=dt.UTC).date()
    lines = [
        "# Agreement with real kernels",
        "",
        f"Written on {today} by `python -m tests.calibration --write`.",
        "",
        _ABOUT,
        "",
        table,
        "",
        "## Where we differ",
        "",
        "Verdicts and first reasons that differ, with the number of times over all rows above.",
        "",
        *(f"* {count} × {line}" for line, count in open_.most_common()),
        "" if open_ else "Nowhere.\n",
    ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
