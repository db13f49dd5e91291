"""What ``check --show-settings`` and ``-v`` say about the choices of a run."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ebpf_static.cli.check_options import remapped_prefixes, split
from ebpf_static.cli.settings import Choices

if TYPE_CHECKING:
    from ebpf_static.config.model import Settings
    from ebpf_static.findings import Report


def describe_settings(args: Namespace, choices: Choices) -> str:
    """Return the settings that hold for each path, as a configuration file would state them."""
    shown: dict[Path | None, list[str]] = {}
    for path in args.paths or ["."]:
        choices.checker_for(Path(path))  # rules and targets must exist, too
        shown.setdefault(choices.configuration.file_for(Path(path)), []).append(path)
    blocks = []
    for file, paths in shown.items():
        source = f"from {file}" if file else "no configuration file"
        lines = [f"# {', '.join(paths)}: {source}"]
        lines += _lines(_overlaid(choices.configuration.settings_for(Path(paths[0])), args))
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def iter_remarks(choices: Choices, report: Report) -> Iterator[str]:
    """Yield what ``-v`` adds: the configuration of each object and how far the tables go."""
    used: dict[Path, int] = {}
    for name in report.objects:
        file = choices.configuration.file_for(Path(name))
        if file is not None:
            used[file] = used.get(file, 0) + 1
    for file, number in sorted(used.items()):
        objects = "1 object" if number == 1 else f"{number} objects"
        yield f"{file} configures {objects}"
    for each in dict.fromkeys(checker.loader for checker in choices.checkers()):
        if each is not None:
            yield f"objects are loaded with {each.label}"
    if report.targets:
        from ebpf_static.support.targets import known_lines, resolve
        from ebpf_static.target import Platform

        for target in dict.fromkeys(it for each in choices.checkers() for it in each.targets):
            if target.version is not None and target.platform is Platform.LINUX:
                release = resolve(target)
                yield f"{target}: {'; '.join((release.label, *release.notes))}"
        linux, windows = (known_lines(p)[-1] for p in (Platform.LINUX, Platform.WINDOWS))
        yield f"support tables: Linux up to {linux}, eBPF for Windows up to {windows}"


def _overlaid(settings: Settings | None, args: Namespace) -> Settings:
    """Return the settings with what the command line says in their place."""
    from ebpf_static.config.model import Settings, TargetSettings

    base = settings or Settings()
    known = base.targets
    files = {"btf": args.btf, "kconfig": args.kconfig}
    files = {key: value for key, value in files.items() if value}
    targets = {name: known.get(name, TargetSettings()) for name in args.target} or known
    given: dict[str, Any] = {
        "platform": args.platform,
        "loader": args.loader,
        "targets": {name: it.model_copy(update=files) for name, it in targets.items()},
        "select": args.select,
        "extend_select": [*base.extend_select, *args.extend_select] if args.extend_select else None,
        "ignore": {**base.ignore, **dict.fromkeys(args.ignore, "")} if args.ignore else None,
        "min_confidence": args.min_confidence,
        "strict": args.strict,
        "fail_on": args.fail_on,
        "output_format": args.output_format,
        "baseline": args.baseline,
        "cache_dir": args.cache_dir,
        "exclude": [*base.exclude, *split(args.exclude)] if args.exclude else None,
        "force_exclude": args.force_exclude,
        "respect_gitignore": args.respect_gitignore,
        "remap_path": remapped_prefixes(args),
    }
    return base.model_copy(update={key: value for key, value in given.items() if value})


def _lines(settings: Settings) -> Iterator[str]:
    values = settings.model_dump(by_alias=True, exclude_none=True)
    for key, value in values.items():
        if value not in ({}, []):
            yield f"{key} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        items = (f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items() if v is not None)
        return f"{{ {', '.join(items)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)
