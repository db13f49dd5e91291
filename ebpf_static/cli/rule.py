"""``ebpf-static rule``: what a rule means, and which rules there are."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import complain, write_document
from ebpf_static.errors import UsageError

if TYPE_CHECKING:
    from ebpf_static.plugins import RuleMeta

NAME = "rule"
SCHEMA_VERSION = 1

_DESCRIPTION = """\
Explain a rule: what it reports, why that matters and how to fix it.
With --all, list every rule; with --all --output-format json, everything about every rule."""
_EPILOG = """\
examples:
  ebpf-static rule PLT001
  ebpf-static rule map-type-unknown               by name
  ebpf-static rule --all                          every rule, one line each"""
_FORMATS = ("text", "json", "markdown")


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "explain a rule",
        _DESCRIPTION,
        arguments="CODE|NAME|--all",
        epilog=_EPILOG,
    )
    parser.add_argument("rule", nargs="?", metavar="CODE|NAME", help="such as PLT001")
    parser.add_argument("--all", action="store_true", help="list every rule")
    add_data_format(parser, _FORMATS)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.api import explain, rules
    from ebpf_static.registry import get_registry

    if args.all == (args.rule is not None):
        raise UsageError("name one rule, or list all of them with --all")
    metas = rules() if args.all else (explain(args.rule),)
    if args.output_format == "json":
        text = _json_document([_to_dict(meta) for meta in metas])
    elif args.output_format == "markdown":
        from ebpf_static.output.rule_page import to_markdown

        text = "\n".join(f"# {meta.code} {meta.name}\n\n{to_markdown(meta)}" for meta in metas)
    else:
        text = _table(metas) if args.all else _page(metas[0])
    write_document(text, args.output_file)
    failures = get_registry().rule_failures
    for failure in failures:
        complain(args, failure.message)
    return ExitCode.FAILURE if failures else ExitCode.OK


def _page(meta: RuleMeta) -> str:
    platforms = ", ".join(platform.value for platform in meta.platforms)
    facts = (
        f"severity: {meta.severity} · status: {meta.status} · since: {meta.since} · "
        f"platforms: {platforms}"
    )
    return f"{meta.code} {meta.name}\n\n{facts}\n\n{meta.explanation}\n"


def _table(metas: tuple[RuleMeta, ...]) -> str:
    name_width = max((len(meta.name) for meta in metas), default=0)
    return "".join(
        f"{meta.code}  {meta.name:<{name_width}}  {meta.severity.value:<7}  {meta.summary}\n"
        for meta in metas
    )


def _json_document(rules: list[dict[str, Any]]) -> str:
    from ebpf_static.output.json_text import dumps

    return dumps({"schema_version": SCHEMA_VERSION, "rules": rules})


def _to_dict(meta: RuleMeta) -> dict[str, Any]:
    from ebpf_static.output.rule_page import pages_of
    from ebpf_static.registry import get_registry

    pages = pages_of(get_registry().rules, {meta.code})
    return {
        "code": meta.code,
        "name": meta.name,
        "family": meta.code.rstrip("0123456789"),
        "severity": meta.severity.value,
        "status": meta.status.value,
        "since": meta.since,
        "platforms": [platform.value for platform in meta.platforms],
        "summary": meta.summary,
        "url": pages[0].url if pages else "",
        "explanation": meta.explanation,
    }
