"""``ebpf-static completion``: a script that completes commands, options and files in a shell.

shtab writes it from the parser when it is asked for; nothing runs at completion time but the
shell itself.
"""

from __future__ import annotations

from argparse import Namespace

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_output_file
from ebpf_static.cli.streams import write_document

NAME = "completion"

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")
_DESCRIPTION = """\
Print a script that teaches a shell to complete ebpf-static's commands, options and their values."""
_EPILOG = """\
examples:
  ebpf-static completion bash > ~/.local/share/bash-completion/completions/ebpf-static
  ebpf-static completion zsh > ~/.zfunc/_ebpf-static          (with ~/.zfunc in $fpath)
  ebpf-static completion fish > ~/.config/fish/completions/ebpf-static.fish
  ebpf-static completion powershell >> $PROFILE"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "print a shell completion script", _DESCRIPTION,
        arguments="SHELL", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    add_output_file(parser.add_argument_group("output"))
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    import shtab

    from ebpf_static.cli.main import build_parser

    script = shtab.complete(build_parser(), shell=args.shell)
    write_document(script.rstrip("\n") + "\n", args.output_file)
    return ExitCode.OK
