"""Which settings hold: the command line, then the configuration closest to an input, then defaults.

Without a configuration file nothing of :mod:`ebpf_static.config` but the search is imported.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ebpf_static.cli.check_options import CONFIG_VARIABLE, remapped_prefixes, split
from ebpf_static.config.discover import Known, find_config
from ebpf_static.errors import ConfigError, UnknownRuleError, UsageError

if TYPE_CHECKING:
    from ebpf_static.api import Checker
    from ebpf_static.config.model import Settings
    from ebpf_static.engine.policy import Policy
    from ebpf_static.findings import Report
    from ebpf_static.target import Target


class Configuration:
    """The settings of each input, as files and ``--config`` state them."""

    def __init__(self, args: Namespace) -> None:
        """Sort out what was named.

        Raises:
            UsageError: several configuration files were named.
        """
        named = list(args.config)
        variable = os.environ.get(CONFIG_VARIABLE)
        if variable and not any(not _is_inline(text) for text in named):
            named.insert(0, variable)
        files = [text for text in named if not _is_inline(text)]
        if len(files) > 1:
            raise UsageError("--config names several files: one may extend the others")
        self._file = Path(files[0]) if files else None
        self._inline = tuple(text for text in named if _is_inline(text))
        self._isolated = args.isolated
        self._settings: dict[Path | None, Settings] = {}
        self._closest: Known = {}

    def file_for(self, path: Path) -> Path | None:
        """Return the configuration file that holds for an input, None without one."""
        if self._file is not None or self._isolated:
            return self._file
        return find_config(path, self._closest)

    def settings_for(self, path: Path) -> Settings | None:
        """Return the settings that hold for an input; None when nothing is configured.

        Raises:
            ConfigError: the configuration is wrong.
        """
        file = self.file_for(path)
        if file is None and not self._inline:
            return None
        if file not in self._settings:
            self._settings[file] = self._load(file)
        return self._settings[file]

    def _load(self, file: Path | None) -> Settings:
        from ebpf_static.config.load import load_file, load_inline
        from ebpf_static.config.model import Settings

        settings = Settings() if file is None else load_file(file)
        for text in self._inline:
            settings = load_inline(text, settings)
        return settings


def open_files(targets: Iterable[Target]) -> None:
    """Open the files targets name, so that a wrong one is told once and not for every object.

    They are kept for the objects to come.

    Raises:
        UsageError: one cannot be read, or is not what it should be.
    """
    from ebpf_static.engine.run import make_context

    for target in targets:
        if target.btf or target.config is not None or target.profile is not None:
            make_context("", target)


def _is_inline(text: str) -> bool:
    return "=" in text and not Path(text).is_file()


class Choices:
    """What the command line and the configuration choose together.

    Attributes:
        configuration: where settings come from.
        output_format: format the configuration names, None without one.
        fail_on: the mildest severity that fails.
        strict: what cannot be decided or read is an error.
        force_exclude: exclude even files that are named.
        respect_gitignore: pass over what git ignores in directories.
        baseline: file with accepted findings, None without one.
        cache_dir: directory reports are kept in, None for none.
    """

    def __init__(self, args: Namespace) -> None:
        """Settle what holds for the whole run: the configuration closest to where it runs.

        Raises:
            UsageError: an option or the configuration is wrong.
        """
        self._args = args
        self._prefixes = remapped_prefixes(args)
        self._checkers: dict[Path | None, Checker] = {}
        self.configuration = Configuration(args)
        settings = self.configuration.settings_for(Path.cwd())
        self.output_format = self._format(settings)
        self.fail_on: str = args.fail_on or (settings and settings.fail_on) or "error"
        self.strict: bool = args.strict or bool(settings and settings.strict)
        self.force_exclude: bool = args.force_exclude or bool(settings and settings.force_exclude)
        self.respect_gitignore: bool = args.respect_gitignore or bool(
            settings and settings.respect_gitignore
        )
        self.baseline: str | None = args.baseline or (settings and settings.baseline) or None
        if args.no_ignores:
            self.baseline = None
        self.cache_dir: str | None = args.cache_dir or (settings and settings.cache_dir) or None
        if args.no_cache:
            self.cache_dir = None

    @staticmethod
    def _format(settings: Settings | None) -> str | None:
        from ebpf_static.output import FORMATS

        name = settings.output_format if settings else None
        if name is not None and name not in FORMATS:
            raise ConfigError(f"output-format {name!r}: choose from {', '.join(FORMATS)}")
        return name

    def excluded_for(self, path: Path) -> list[str]:
        """Return the patterns to pass over in a directory."""
        settings = self.configuration.settings_for(path)
        return [*split(self._args.exclude), *(settings.exclude if settings else ())]

    def checker_for(self, path: Path) -> Checker:
        """Return what judges an input.

        Raises:
            UsageError: a rule or target does not exist, or the configuration is wrong.
        """
        file = self.configuration.file_for(path)
        if file not in self._checkers:
            self._checkers[file] = self._prepare(self.configuration.settings_for(path), file)
        return self._checkers[file]

    def without_accepted(self, report: Report) -> Report:
        """Return the report with what the baseline lists suppressed.

        Raises:
            UsageError: the baseline cannot be read.
        """
        if self.baseline is None:
            return report
        from ebpf_static.engine.baseline import apply_baseline, read_baseline

        return apply_baseline(report, read_baseline(Path(self.baseline)), self.baseline)

    def checkers(self) -> Iterator[Checker]:
        """Yield every checker that was asked for, the one of the working directory if none was."""
        if not self._checkers:
            self.checker_for(Path.cwd())
        yield from self._checkers.values()

    def _prepare(self, settings: Settings | None, file: Path | None) -> Checker:
        from ebpf_static.api import Checker

        args = self._args
        select = args.select or (settings and settings.select) or ["ALL"]
        extend = [*args.extend_select, *(settings.extend_select if settings else ())]
        options: dict[str, Any] = {
            "platform": args.platform,
            "targets": args.target,
            "btf": args.btf,
            "kconfig": args.kconfig,
            "profile": args.profile,
            "arch": args.arch,
            "page_size": args.page_size,
            "select": [*select, *extend],
            "ignore": args.ignore,
            "loader": args.loader or (settings and settings.loader),
            "policy": self._policy(settings),
        }
        if settings is not None:
            options |= self._configured(settings, file)
        checker = Checker.prepare(**options)
        open_files(checker.targets)
        return checker

    def _configured(self, settings: Settings, file: Path | None) -> dict[str, Any]:
        """Return the arguments of the checker that the configuration has a say in."""
        from ebpf_static.config.resolve import deselected, iter_selectors, resolve_targets
        from ebpf_static.engine.select import parse_selectors
        from ebpf_static.registry import get_registry

        args = self._args
        try:
            entries = [rule.entry for rule in get_registry().rules]
            parse_selectors(iter_selectors(settings), entries)
        except UnknownRuleError as error:
            raise ConfigError(f"{file or '--config'}: {error}") from error
        found: dict[str, Any] = {}
        if not args.no_ignores:
            found["ignore"] = [*args.ignore, *deselected(settings)]
        if args.target or not args.platform:
            targets = resolve_targets(settings, args.target)
            if args.loader:  # the command line goes before what is configured for a target
                targets = tuple(replace(target, loader=None) for target in targets)
            found["targets"] = targets
        if not args.target and not found.get("targets"):
            found["platform"] = args.platform or settings.platform
        return found

    def _policy(self, settings: Settings | None) -> Policy:
        from ebpf_static.engine.policy import Policy
        from ebpf_static.engine.remap import SourceMap

        args = self._args
        common: dict[str, Any] = {
            "strict": self.strict,
            "min_confidence": args.min_confidence or "low",
            "use_tags": not args.no_ignores,
        }
        if settings is None:
            return Policy(sources=SourceMap(self._prefixes, Path()), **common)
        from ebpf_static.config.resolve import iter_ignores, severities

        common["strict"] = args.strict or bool(settings.strict)
        common["min_confidence"] = args.min_confidence or settings.min_confidence or "low"
        return Policy(
            severities=severities(settings),
            ignores=() if args.no_ignores else tuple(iter_ignores(settings)),
            sources=SourceMap({**settings.remap_path, **self._prefixes}, Path()),
            **common,
        )
