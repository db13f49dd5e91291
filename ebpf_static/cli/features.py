"""``ebpf-static features``: what the support tables say, thing by thing and release by release."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import (
    Commands,
    Suggestions,
    add_command,
    add_common,
    add_data_format,
)
from ebpf_static.cli.streams import style_for, write_document
from ebpf_static.errors import UsageError
from ebpf_static.output.style import PLAIN

if TYPE_CHECKING:
    from ebpf_static.output.features_json import Question
    from ebpf_static.support.catalogue import Entry, Group
    from ebpf_static.support.targets import Release
    from ebpf_static.uapi.constants import ProgramType

NAME = "features"

GROUPS = (
    "map-types", "map-flags", "program-types", "program-flags", "attach-types", "helpers", "kfuncs",
    "link-types", "struct-ops", "commands", "instructions", "btf-kinds", "features", "jit-hooks",
    "limits", "libbpf", "distributions",
)  # fmt: skip
"""For shells to complete: the tables themselves are read only when they are asked."""

_DESCRIPTION = """\
Browse the support tables: what each release of Linux and of eBPF for Windows has, under which
conditions, and who says so. Without GROUP, list the groups. With the exact NAME of one thing, tell
all about it. A NAME may also be what names begin with, or a pattern ('*ringbuf*')."""
_EPILOG = """\
On a terminal columns are aligned. Piped or written to a file they are separated by tabs, whole,
below a line with their names.

examples:
  ebpf-static features                                     which groups there are
  ebpf-static features map-types                           map types and their releases
  ebpf-static features helpers --target linux:5.15         what 5.15 has
  ebpf-static features helpers --program-type xdp --target linux:5.15
  ebpf-static features helpers --target linux:6.1 --profile fleet.json
  ebpf-static features helper bpf_loop                     everything about one helper
  ebpf-static features limits --target linux:5.4 --target linux:6.1 --target windows:1.1"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "browse what releases have", _DESCRIPTION,
        arguments="[GROUP [NAME ...]]", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument(
        "group", metavar="GROUP", nargs="?", choices=Suggestions(GROUPS),
        help="such as helpers or map-types",
    )  # fmt: skip
    parser.add_argument("names", metavar="NAME", nargs="*", help="such as bpf_loop or BPF_F_")
    group = parser.add_argument_group("asked about")
    group.add_argument(
        "--target", action="append", default=[], metavar="TARGET",
        help="tell what this release has: linux:5.15, windows:1.1, debian:12; may be repeated "
        "(default: tell the releases that have it)",
    )  # fmt: skip
    group.add_argument(
        "--profile", metavar="FILE",
        help="what a machine of the one Linux target has, as 'ebpf-static probe' or 'bpftool -j "
        "feature probe' wrote it; it goes before the tables",
    )  # fmt: skip
    group.add_argument(
        "--platform", choices=("linux", "windows"), help="show this platform only (default: both)"
    )
    group.add_argument(
        "--program-type", metavar="TYPE",
        help="of helpers and kfuncs: tell whether programs of this type may call them (xdp)",
    )  # fmt: skip
    group.add_argument(
        "--back-end", choices=("native", "jit", "verifier"), default="native",
        help="of instructions of eBPF for Windows: what takes them (default: native)",
    )  # fmt: skip
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    write_document(_render(args), args.output_file)
    return ExitCode.OK


def _render(args: Namespace) -> str:
    from ebpf_static.output import features_json, features_text
    from ebpf_static.support.catalogue import find_group

    is_json = args.output_format == "json"
    aligned = args.output_file is None and sys.stdout.isatty()
    style = style_for(sys.stdout, args.color) if aligned else PLAIN
    if args.group is None:
        if args.target or args.platform or args.program_type:
            raise UsageError("name a group to ask about: 'ebpf-static features' lists them")
        if is_json:
            return features_json.render_groups()
        return features_text.render_groups(style, aligned=aligned)
    group = find_group(args.group)
    question = _question(args, group)
    found = _find(args, group, question)
    if is_json:
        return features_json.render(group, found, question)
    if len(args.names) == 1 and all(it.is_called(args.names[0]) for it in found):
        width = get_terminal_size().columns if aligned else None
        return features_text.render_details(found, question, style, width)
    return features_text.render_list(found, question, style, aligned=aligned)


def _question(args: Namespace, group: Group) -> Question:
    from ebpf_static.output.features_json import Question

    if args.target and not group.judged:
        raise UsageError(f"{group.name} are not a matter of the target: leave --target out")
    if args.program_type and group.name not in ("helpers", "kfuncs"):
        raise UsageError(f"--program-type is for helpers and kfuncs, not for {group.name}")
    releases = _releases(args)
    program_type = _program_type(args, [release.platform.value for _, release in releases])
    return Question(releases, program_type, args.back_end)


def _releases(args: Namespace) -> tuple[tuple[str, Release], ...]:
    """Return the targets, the only one with what a machine said of itself when that is given."""
    from ebpf_static.kernel.opening import open_release
    from ebpf_static.support.targets import find_release, parse_target

    names = tuple(dict.fromkeys(args.target))
    if args.profile is None:
        return tuple((text, find_release(text)) for text in names)
    if len(names) != 1:
        raise UsageError("--profile is one machine's: name one Linux target with it")
    target = replace(parse_target(names[0]), profile=args.profile)
    return ((names[0], open_release(target)),)


def _program_type(args: Namespace, asked: list[str]) -> ProgramType | None:
    """Return the program type named, of the platform asked about, of Linux when it is open."""
    from ebpf_static.target import Platform
    from ebpf_static.uapi.constants import ProgramType

    if args.program_type is None:
        return None
    platforms = {*asked, *([args.platform] if args.platform else [])} or {Platform.LINUX.value}
    if len(platforms) > 1:
        raise UsageError("--program-type is one platform's: ask about one platform at a time")
    return ProgramType.named(Platform(platforms.pop()), args.program_type)


def _find(args: Namespace, group: Group, question: Question) -> tuple[Entry, ...]:
    """Return the entries named, of the platforms asked about."""
    from ebpf_static.support.catalogue import find_entries
    from ebpf_static.support.catalogue.groups import PLATFORMS
    from ebpf_static.target import Platform

    asked = [release.platform for _, release in question.releases]
    if question.program_type is not None:
        asked.append(question.program_type.platform)
    if args.platform:
        asked.append(Platform(args.platform))
    platforms = [it for it in PLATFORMS if not asked or it in asked]
    found = find_entries(group, args.names, platforms)
    if not found:
        names = " or ".join(it.label for it in platforms)
        raise UsageError(f"the tables have no {group.name} of {names}")
    return found
