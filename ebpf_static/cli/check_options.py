"""The options of ``check``, by heading of its help."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace, _ArgumentGroup

from ebpf_static.cli.exitcodes import SEVERITIES
from ebpf_static.cli.options import add_output_file
from ebpf_static.output import FORMATS

FORMAT_VARIABLE = "EBPF_STATIC_OUTPUT_FORMAT"
FILE_VARIABLE = "EBPF_STATIC_OUTPUT_FILE"
CONFIG_VARIABLE = "EBPF_STATIC_CONFIG"

CONFIDENCES = ("low", "medium", "high")

_MAX_JOBS = 1_024
_MAX_SECONDS = 1e6

UNASKED: dict[str, object] = {
    "exclude": [],
    "force_exclude": False,
    "respect_gitignore": False,
    "fail_on": None,
    "cache_dir": None,
    "no_cache": True,
}
"""What settings take from a command line that has no such options."""


def split(values: list[str]) -> list[str]:
    """Return the parts of comma lists."""
    return [part for value in values for part in value.split(",") if part]


def add_paths(parser: ArgumentParser, *, nargs: str = "*") -> _ArgumentGroup:
    """Add what to read; ``+`` asks for a path at least."""
    default = " (default: .)" if nargs == "*" else ""
    parser.add_argument(
        "paths", nargs=nargs, metavar="PATH",
        help=f"files, directories, glob patterns, or - for standard input{default}",
    )  # fmt: skip
    group = parser.add_argument_group("file selection")
    group.add_argument(
        "--exclude", action="append", default=[], metavar="GLOBS",
        help="pass over matching paths or names in directories",
    )  # fmt: skip
    group.add_argument(
        "--force-exclude", action="store_true", help="exclude even files that are named"
    )
    group.add_argument(
        "--respect-gitignore", action="store_true",
        help="pass over what git ignores in directories; build output usually is",
    )  # fmt: skip
    group.add_argument("--stdin-filename", metavar="NAME", help="call the object read from - NAME")
    group.add_argument("--show-files", action="store_true", help="list what would be read and stop")
    return group


def add_work(parser: ArgumentParser) -> _ArgumentGroup:
    """Add how the work is shared out, and what bounds it."""
    group = parser.add_argument_group("speed and bounds")
    group.add_argument(
        "-j", "--jobs", type=_jobs, default=1, metavar="N",
        help="judge in N processes, in as many as there are processors for 0 or auto (default: "
        "1, this process alone); what kills one of them is reported, and the others go on",
    )  # fmt: skip
    group.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS",
        help="give an object up that takes longer to judge, or a file to look into",
    )  # fmt: skip
    return group


def add_cache(group: _ArgumentGroup) -> None:
    """Add where reports are kept."""
    group.add_argument(
        "--cache-dir", metavar="DIR",
        help="keep reports in DIR, and judge nothing again of which nothing changed",
    )  # fmt: skip
    group.add_argument("--no-cache", action="store_true", help="keep and use none")


def _jobs(text: str) -> int:
    number = 0 if text == "auto" else int(text)
    if not 0 <= number <= _MAX_JOBS:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < _MAX_SECONDS:
        raise ValueError(text)
    return seconds


_jobs.__name__ = "number of jobs"  # what argparse calls a wrong value of it
_seconds.__name__ = "number of seconds"


def add_judgement(parser: ArgumentParser) -> None:
    """Add what to judge for."""
    group = parser.add_argument_group("judged for")
    group.add_argument(
        "--platform", choices=("linux", "windows"),
        help="judge for any release of this platform (default: the one each object is made for)",
    )  # fmt: skip
    group.add_argument(
        "--target", action="append", default=[], metavar="TARGET",
        help="judge for a release (linux:5.15, windows:1.1), a distribution (debian:12), or a "
        "target the configuration names; may be repeated",
    )  # fmt: skip
    add_kernel_files(group)
    add_loader(group)


def add_kernel_files(group: _ArgumentGroup) -> None:
    """Add the files that say more of a kernel than its release."""
    group.add_argument(
        "--btf", action="append", default=[], metavar="FILE",
        help="types of the kernel of the Linux target: /sys/kernel/btf/vmlinux, a kernel image "
        "or package; repeat for its modules",
    )  # fmt: skip
    group.add_argument(
        "--kconfig", metavar="FILE",
        help="its build configuration: /boot/config-*, /proc/config.gz, a .config",
    )  # fmt: skip
    group.add_argument(
        "--profile", metavar="FILE",
        help="what a machine with it has, as 'ebpf-static probe' or 'bpftool -j feature probe' "
        "wrote it",
    )  # fmt: skip
    group.add_argument(
        "--arch", metavar="ARCH",
        help="its processor: x86_64 (the default), arm64, s390, riscv, powerpc or loongarch",
    )  # fmt: skip
    group.add_argument(
        "--page-size", metavar="BYTES", type=int,
        help="bytes of its pages (default: what is usual on that processor)",
    )  # fmt: skip


def add_loader(group: _ArgumentGroup) -> None:
    """Add the library that loads the objects where they run."""
    group.add_argument(
        "--loader", metavar="LIBRARY",
        help="the library that loads the objects on Linux: libbpf, cilium or aya, with a release "
        "where it matters (libbpf:0.8, cilium:0.22; default: libbpf 1.0 or newer)",
    )  # fmt: skip


def add_selection(parser: ArgumentParser) -> None:
    """Add which rules run, and which findings count."""
    group = parser.add_argument_group("rule selection")
    group.add_argument(
        "--select", action="append", default=[], metavar="RULES",
        help="apply these rules: codes, prefixes or names, separated by commas (default: ALL)",
    )  # fmt: skip
    group.add_argument(
        "--extend-select", action="append", default=[], metavar="RULES",
        help="apply these, too, beside those selected elsewhere",
    )  # fmt: skip
    group.add_argument(
        "--ignore", action="append", default=[], metavar="RULES",
        help="leave these out; of selected and ignored the more specific wins",
    )  # fmt: skip
    group.add_argument("--extend-ignore", action="append", dest="ignore", help=SUPPRESS)
    group.add_argument(
        "--min-confidence", choices=CONFIDENCES,
        help="do not count findings less sure than this (default: low)",
    )  # fmt: skip
    group.add_argument(
        "--strict", action="store_true",
        help="take what cannot be decided, or read in a directory, for an error",
    )  # fmt: skip


def add_suppression(parser: ArgumentParser) -> _ArgumentGroup:
    """Add which findings do not count, and return the group."""
    group = parser.add_argument_group("suppression")
    group.add_argument(
        "--baseline", metavar="FILE", help="do not count the findings FILE lists; tell stale ones"
    )
    group.add_argument(
        "--no-ignores", action="store_true",
        help="count what the configuration, the baseline or the C source suppresses",
    )  # fmt: skip
    return group


def add_configuration(parser: ArgumentParser) -> _ArgumentGroup:
    """Add where settings come from, and return the group."""
    group = parser.add_argument_group("configuration")
    group.add_argument(
        "--config", action="append", default=[], metavar="FILE|SETTING",
        help="use this configuration file, not the closest one; or a setting: 'strict = true'",
    )  # fmt: skip
    group.add_argument(
        "--isolated", action="store_true", help="read no configuration file that is not named"
    )
    group.add_argument(
        "--remap-path", action="append", default=[], metavar="FROM=TO",
        help="replace what source paths in debug information begin with; may be repeated",
    )  # fmt: skip
    return group


def add_output(parser: ArgumentParser) -> None:
    """Add how to report."""
    group = parser.add_argument_group("output and exit status")
    group.add_argument(
        "--output-format", choices=FORMATS, default=None, metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: {FORMATS[0]}, or what {FORMAT_VARIABLE} says)",
    )  # fmt: skip
    add_output_file(group)
    group.add_argument("--statistics", action="store_true", help="count findings by rule")
    group.add_argument(
        "--no-progress", action="store_true", help="show no progress on the terminal"
    )
    group.add_argument(
        "--fail-on", choices=SEVERITIES,
        help="exit with 1 for findings of this severity or worse (default: error)",
    )  # fmt: skip
    group.add_argument(
        "--exit-zero", action="store_true", help="exit with 0 whatever is found; 2 stays 2"
    )


def remapped_prefixes(args: Namespace) -> dict[str, str]:
    """Return what ``--remap-path`` says.

    Raises:
        UsageError: a value has no ``=``.
    """
    from ebpf_static.errors import UsageError

    prefixes = {}
    for value in args.remap_path:
        before, equals, after = value.partition("=")
        if not equals or not before:
            raise UsageError(f"--remap-path {value!r}: write FROM=TO, such as /build/src/=src/")
        prefixes[before] = after
    return prefixes
