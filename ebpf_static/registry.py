"""Finds rules and loaders: our own by dotted name, other people's by entry point.

The core never imports the packages it discovers, so a raw checkout works, a third party has the
rights of the built-in packages, and none of them can take the run down: what cannot be loaded is
recorded as a :class:`~ebpf_static.findings.Failure`.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from ebpf_static.errors import PluginError
from ebpf_static.findings import Failure
from ebpf_static.plugins import Rule, RuleEntry, RuleMeta, RuleStatus

BUILTIN_RULES = ("ebpf_static.engine.own_rules:builtin", "ebpf_static_rules:builtin")
BUILTIN_LOADERS = ("ebpf_static_loaders:builtin",)
RULE_GROUP = "ebpf_static.rules"
LOADER_GROUP = "ebpf_static.loaders"
NO_PLUGINS = "EBPF_STATIC_NO_PLUGINS"
"""Environment variable: set and not empty, other people's plugins are not even looked for."""

_METADATA_FOLDERS = (".dist-info", ".egg-info")


class RegisteredRule:
    """A rule, imported when it first runs, and the plugin it comes from.

    Attributes:
        entry: what it is selected by.
        plugin: name of the plugin.
    """

    def __init__(self, rule: RuleEntry | Rule, plugin: str) -> None:
        self.entry = rule if isinstance(rule, RuleEntry) else RuleEntry.of(type(rule))
        self.plugin = plugin
        self._rule = None if isinstance(rule, RuleEntry) else rule

    def __reduce__(self) -> tuple[type["RegisteredRule"], tuple[RuleEntry, str]]:
        """Let another process import the rule for itself."""
        return RegisteredRule, (self.entry, self.plugin)

    @property
    def rule(self) -> Rule:
        """The rule itself."""
        if self._rule is None:
            self._rule = self.entry.load()()
        return self._rule

    @property
    def meta(self) -> RuleMeta:
        """The rule's identity and page."""
        return self.rule.meta


class RegisteredLoader(NamedTuple):
    """A loader class, and the plugin it comes from."""

    name: str
    loader: type[object]
    plugin: str


class _Source(NamedTuple):
    """A plugin not imported yet: ``load`` gives the function that lists its classes."""

    plugin: str
    load: Callable[[], object]


class Registry:
    """The rules and loaders of one run; each kind is looked for when first asked for."""

    def __init__(
        self,
        *,
        rules: tuple[str, ...] = BUILTIN_RULES,
        loaders: tuple[str, ...] = BUILTIN_LOADERS,
        third_parties: bool | None = None,
    ) -> None:
        """Prepare to look for plugins.

        Args:
            rules: ``module:function`` of each function that lists built-in rule classes.
            loaders: the same for loaders.
            third_parties: whether to look for other people's; None asks the environment.
        """
        if third_parties is None:
            third_parties = not os.environ.get(NO_PLUGINS)
        self._third_parties = third_parties
        self._builtin_rules = rules
        self._builtin_loaders = loaders

    @cached_property
    def _found_rules(self) -> tuple[tuple[RegisteredRule, ...], tuple[Failure, ...]]:
        rules: list[RegisteredRule] = []
        failures: list[Failure] = []
        taken: dict[str, str] = {}
        for plugin, item in self._classes(self._builtin_rules, RULE_GROUP, failures):
            try:
                found = RegisteredRule(_make_rule(item, plugin), plugin)
                _claim(taken, plugin, found.entry.code, found.entry.name)
            except PluginError as error:
                failures.append(_failure(error))
            else:
                rules.append(found)
        rules.sort(key=lambda found: found.entry.code)
        return tuple(rules), tuple(failures)

    @cached_property
    def _found_loaders(self) -> tuple[tuple[RegisteredLoader, ...], tuple[Failure, ...]]:
        loaders: list[RegisteredLoader] = []
        failures: list[Failure] = []
        taken: dict[str, str] = {}
        for plugin, item in self._classes(self._builtin_loaders, LOADER_GROUP, failures):
            try:
                found = _check_loader(item, plugin)
                _claim(taken, plugin, found.name)
            except PluginError as error:
                failures.append(_failure(error))
            else:
                loaders.append(found)
        return tuple(loaders), tuple(failures)

    @cached_property
    def rules(self) -> tuple[RegisteredRule, ...]:
        """Every rule that is not removed, in code order."""
        return tuple(r for r in self._found_rules[0] if r.entry.status is not RuleStatus.REMOVED)

    @property
    def metas(self) -> tuple[RuleMeta, ...]:
        """The identity of every rule in code order, removed ones included."""
        return tuple(found.meta for found in self._found_rules[0])

    @property
    def rule_failures(self) -> tuple[Failure, ...]:
        """What went wrong while looking for rules, one entry per plugin or class."""
        return self._found_rules[1]

    @property
    def loaders(self) -> tuple[RegisteredLoader, ...]:
        """Every loader, built-in ones first."""
        return self._found_loaders[0]

    @property
    def loader_failures(self) -> tuple[Failure, ...]:
        """What went wrong while looking for loaders."""
        return self._found_loaders[1]

    def _classes(
        self, builtin: Iterable[str], group: str, failures: list[Failure]
    ) -> Iterator[tuple[str, object]]:
        sources = [_builtin_source(dotted) for dotted in builtin]
        if self._third_parties:
            sources += _entry_points(group)
        for source in sources:
            try:
                items = tuple(_list_classes(source))
            except PluginError as error:
                failures.append(_failure(error))
            else:
                yield from ((source.plugin, item) for item in items)


@cache
def get_registry() -> Registry:
    """Return the registry of this process, made on first use."""
    return Registry()


def _builtin_source(dotted: str) -> _Source:
    module, _, function = dotted.partition(":")
    return _Source(module.partition(".")[0], lambda: getattr(import_module(module), function))


def _entry_points(group: str) -> list[_Source]:
    if not _may_have_plugins(group):
        return []
    from importlib.metadata import entry_points

    points = sorted(entry_points(group=group), key=lambda point: (point.name, point.value))
    return [_Source(point.name, point.load) for point in points]


def _may_have_plugins(group: str) -> bool:
    """Tell whether asking importlib.metadata is worth it.

    Importing it costs more than judging a small object. Where everything is installed as plain
    directories, looking for the group's header in each ``entry_points.txt`` says the same in
    a millisecond; anything else is left to importlib.metadata.
    """
    if any(hasattr(f, "find_distributions") for f in sys.meta_path if f is not PathFinder):
        return True
    header = f"[{group}]".encode()
    for entry in sys.path:
        try:
            with os.scandir(entry or ".") as items:
                found = [it.path for it in items if it.name.endswith(_METADATA_FOLDERS)]
        except NotADirectoryError:
            return True
        except OSError:
            continue
        if any(header in _entry_points_text(folder) for folder in found):
            return True
    return False


def _entry_points_text(folder: str) -> bytes:
    try:
        return Path(folder, "entry_points.txt").read_bytes()
    except OSError:
        return b""


def _list_classes(source: _Source) -> Iterable[object]:
    try:
        function = source.load()
        items: Iterable[object] = tuple(function()) if callable(function) else ()
    except (Exception, SystemExit) as error:  # other people's code may do anything on import
        raise PluginError(source.plugin, f"cannot be loaded: {describe(error)}") from error
    if not callable(function):
        raise PluginError(source.plugin, f"{function!r} is not a function listing classes")
    return items


def _make_rule(item: object, plugin: str) -> Rule | RuleEntry:
    if isinstance(item, RuleEntry):
        return item
    if not (isinstance(item, type) and issubclass(item, Rule) and hasattr(item, "meta")):
        raise PluginError(plugin, f"{item!r} is not a rule class")
    try:
        return item()
    except Exception as error:
        raise PluginError(plugin, f"rule {item.code}: {describe(error)}") from error


def _check_loader(item: object, plugin: str) -> RegisteredLoader:
    name = getattr(item, "name", None)
    if not isinstance(item, type) or not isinstance(name, str) or not name:
        raise PluginError(plugin, f"{item!r} is not a loader class with a name")
    return RegisteredLoader(name, item, plugin)


def _claim(taken: dict[str, str], plugin: str, *names: str) -> None:
    for name in names:
        if name in taken:
            raise PluginError(plugin, f"{name} is already defined by plugin {taken[name]!r}")
    taken.update(dict.fromkeys(names, plugin))


def _failure(error: PluginError) -> Failure:
    return Failure.model_construct(object="", message=str(error))


def describe(error: BaseException) -> str:
    """Return an exception as ``Type: text``, or just its type when it has no text."""
    name, text = type(error).__name__, str(error)
    return f"{name}: {text}" if text else name
