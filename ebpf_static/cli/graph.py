"""``ebpf-static graph``: control flow, calls and uses of maps, as pictures."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli import check_options
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import STDIN, Commands, add_command, add_common, add_output_file
from ebpf_static.cli.streams import complain, write_document
from ebpf_static.errors import ObjectError, UsageError, escape

if TYPE_CHECKING:
    from ebpf_static.api import Checker
    from ebpf_static.graph.flows import TargetFlows
    from ebpf_static.output.code_facts import CodeIndex
    from ebpf_static.output.pictures.drawing import Drawing
    from ebpf_static.output.pictures.marks import Marks
    from ebpf_static.specs import CollectionSpec, FunctionSpec

NAME = "graph"

_KINDS = ("flow", "calls", "maps")
_FORMATS = ("dot", "svg", "mermaid")
_SUFFIXES = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid"}
_SHOWN = 12
_DESCRIPTION = """\
Draw what an object does: the control flow of a program with its code and source lines, who calls
what, or which program does what to which map. Findings are marked where they point to, and code
that never runs on the targets is shown as such."""
_EPILOG = """\
examples:
  ebpf-static graph probe.o --program trace -o trace.svg   control flow, for a browser
  ebpf-static graph probe.o --kind maps                    which program uses which map, as DOT
  ebpf-static graph probe.o --target linux:5.4 --kind calls --output-format mermaid

exit status:
  0  the picture was drawn, whatever it shows
  2  the object could not be read, is too large to draw, or an option is wrong"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "draw control flow, calls and uses of maps", _DESCRIPTION,
        arguments="FILE", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="an object, or - for standard input")
    group = parser.add_argument_group("what to draw")
    group.add_argument(
        "--program", metavar="NAME",
        help="a program or function; without it calls and maps are those of the whole object",
    )  # fmt: skip
    group.add_argument(
        "--kind", choices=_KINDS,
        help="control flow, calls or use of maps (default: flow with --program, else calls)",
    )  # fmt: skip
    check_options.add_judgement(parser)
    check_options.add_selection(parser)
    check_options.add_suppression(parser)
    check_options.add_configuration(parser)
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output-format", choices=_FORMATS,
        help="what to write (default: what the name of --output-file ends with, else dot)",
    )  # fmt: skip
    add_output_file(group)
    add_common(parser)
    parser.set_defaults(run=run, **check_options.UNASKED)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.cli.settings import Choices
    from ebpf_static.engine.inputs import display_name
    from ebpf_static.graph.flows import TargetFlows
    from ebpf_static.output.code_facts import CodeIndex
    from ebpf_static.output.pictures.marks import Marks

    choices = Choices(args)
    checker = choices.checker_for(Path.cwd() if args.file == STDIN else Path(args.file))
    name = "<stdin>" if args.file == STDIN else display_name(Path(args.file))
    spec = _read(args, name, checker)
    function = _find(spec, args.program)
    report = choices.without_accepted(checker.check(spec, name))
    for failure in report.failures:
        complain(args, f"{failure.object}: {failure.message}")
    flows = TargetFlows(spec, checker.views(spec, name))
    sources = checker.policy.sources
    index = CodeIndex(spec, str if sources is None else sources.map)
    drawing = _draw(args, index, function, flows, Marks(report.active))
    write_document(_render(args, drawing), args.output_file)
    return ExitCode.FAILURE if report.failures else ExitCode.OK


def _read(args: Namespace, name: str, checker: Checker) -> CollectionSpec:
    """Return the object; one that does not say what it is for is what its targets are.

    Raises:
        ObjectError: it cannot be read.
    """
    from ebpf_static.limits import MAX_OBJECT_BYTES

    source: str | bytes = args.file
    if args.file == STDIN:
        source = sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1)
    try:
        return checker.read(source)
    except ObjectError as error:
        error.object_name = name
        raise


def _find(spec: CollectionSpec, name: str | None) -> FunctionSpec | None:
    """Return the program or function called ``name``.

    Raises:
        UsageError: there is none.
    """
    if name is None:
        return None
    found = spec.programs.get(name) or spec.functions.get(name)
    if found is None:
        raise UsageError(f"there is no program '{escape(name)}': {_choices_of(spec)}")
    return found


def _choices_of(spec: CollectionSpec) -> str:
    names = [escape(program.name) for program in spec.programs if program.name]
    if not names:
        return "the object has none with a name"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"there are {', '.join(names[:_SHOWN])}{more}"


def _draw(
    args: Namespace,
    index: CodeIndex,
    function: FunctionSpec | None,
    flows: TargetFlows,
    marks: Marks,
) -> Drawing:
    from ebpf_static.output.pictures.calls import draw_calls
    from ebpf_static.output.pictures.flow import draw_flow
    from ebpf_static.output.pictures.maps import draw_maps
    from ebpf_static.specs import ProgramSpec

    kind = args.kind or ("calls" if function is None else "flow")
    if kind == "calls":
        return draw_calls(index, function, flows, marks)
    if kind == "maps":
        if function is not None and not isinstance(function, ProgramSpec):
            raise UsageError(f"'{escape(function.name)}' is no program: {_choices_of(index.spec)}")
        return draw_maps(index, function, flows, marks)
    if function is None:
        programs = index.spec.programs
        if len(programs) != 1:
            raise UsageError(f"say whose control flow with --program: {_choices_of(index.spec)}")
        function = programs[0]
    return draw_flow(index, function, flows, marks)


def _format(args: Namespace) -> str:
    """Return what to write: what is asked for, or what the file's name says.

    Raises:
        UsageError: the name says something else, such as ``.png``.
    """
    suffix = Path(args.output_file).suffix.lower() if args.output_file else ""
    if args.output_format or not suffix:
        return args.output_format or _FORMATS[0]
    if suffix not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise UsageError(f"{args.output_file}: no picture for {suffix} files: {known} are known")
    return _SUFFIXES[suffix]


def _render(args: Namespace, drawing: Drawing) -> str:
    output_format = _format(args)
    if output_format == "svg":
        from ebpf_static.output.pictures import svg

        return svg.render(drawing)
    if output_format == "dot":
        from ebpf_static.output.pictures import dot

        return dot.render(drawing)
    from ebpf_static.output.pictures import mermaid

    text = mermaid.render(drawing)
    for line in mermaid.warnings(drawing, text):
        complain(args, line, "warning")
    return text
