"""``ebpf-static btfgen``: the part of a kernel's BTF that some objects need."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common
from ebpf_static.cli.streams import complain
from ebpf_static.errors import UsageError

NAME = "btfgen"

_DESCRIPTION = """\
Write the BTF of a kernel cut down to the types and fields that objects reach by CO-RE. Shipped
with them, it lets them run on kernels that have no BTF of their own: libbpf takes it as
btf_custom_path. What 'bpftool gen min_core_btf' makes."""
_EPILOG = """\
examples:
  ebpf-static btfgen probe.o --btf vmlinux-5.4 -o 5.4.btf"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "cut a kernel's BTF down to what objects need", _DESCRIPTION,
        arguments="OBJECT ... --btf FILE -o FILE", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("objects", nargs="+", metavar="OBJECT", help="objects that share the BTF")
    parser.add_argument(
        "--btf", required=True, metavar="FILE",
        help="the kernel's types: /sys/kernel/btf/vmlinux, a kernel image or package",
    )  # fmt: skip
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output-file", required=True, metavar="FILE", help="where to write the BTF"
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.kernel.btf_verbs import btfgen
    from ebpf_static.reading import read

    written = btfgen([read(path) for path in args.objects], args.btf)
    try:
        Path(args.output_file).write_bytes(written)
    except OSError as error:
        raise UsageError(f"cannot write '{args.output_file}': {error.strerror}") from error
    if args.verbose:
        complain(args, f"wrote {len(written)} bytes to '{args.output_file}'", "note")
    return ExitCode.OK
