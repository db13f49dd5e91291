"""From checked settings to what the engine takes: targets, rules and a policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ebpf_static.config.model import Settings
from ebpf_static.engine.policy import Ignore
from ebpf_static.errors import UnknownTargetError
from ebpf_static.findings import Severity
from ebpf_static.target import Target


def resolve_targets(settings: Settings, named: Sequence[str] = ()) -> tuple[Target, ...]:
    """Return the targets to judge for.

    Args:
        settings: which targets there are, and their BTF and configuration files.
        named: targets named on the command line; none means those of the settings.

    Raises:
        UnknownTargetError: a target is no release.
    """
    wanted = list(named) or [n for n, target in settings.targets.items() if target.default]
    return tuple(dict.fromkeys(_target(settings, name) for name in wanted))


def _target(settings: Settings, name: str) -> Target:
    from ebpf_static.support.architectures import find_architecture
    from ebpf_static.support.loaders import resolve_loader
    from ebpf_static.support.targets import parse_target

    known = settings.targets.get(name)
    text = (known.target if known else None) or name
    btf = (known.btf if known else None) or settings.btf.get(name, [])
    kconfig = (known.kconfig if known else None) or settings.kconfig.get(name)
    try:
        target = parse_target(
            text, btf=tuple(btf), config=kconfig, name=name if text != name else ""
        )
        loader = known.loader if known else None
        arch = known.arch if known else None
        return replace(
            target,
            arch=find_architecture(arch).name if arch else "",
            page_size=known.page_size if known else None,
            profile=known.profile if known else None,
            loader=resolve_loader(loader) if loader else None,
        )
    except UnknownTargetError as error:
        if text == name and settings.targets:
            listed = ", ".join(f"'{each}'" for each in settings.targets)
            raise UnknownTargetError(f"{error} (configured are {listed})") from error
        raise


def deselected(settings: Settings) -> tuple[str, ...]:
    """Return the rules the settings leave out: ignored without a reason, or by severity."""
    listed = [selector for selector, reason in settings.ignore.items() if not reason]
    listed += [selector for selector, level in settings.rules.items() if level == "ignore"]
    return tuple(listed)


def severities(settings: Settings) -> dict[str, Severity]:
    """Return the severities the settings give to rules."""
    return {
        selector: Severity(level) for selector, level in settings.rules.items() if level != "ignore"
    }


def iter_ignores(settings: Settings) -> Iterator[Ignore]:
    """Yield what the settings do not count."""
    for selector, reason in settings.ignore.items():
        if reason:
            yield Ignore(selector, reason)
    for pattern, reasons in settings.per_file_ignores.items():
        for selector, reason in reasons.items():
            yield Ignore(selector, reason, objects=pattern)
    for target, reasons in settings.per_target_ignores.items():
        for selector, reason in reasons.items():
            yield Ignore(selector, reason, target=target)


def iter_selectors(settings: Settings) -> Iterator[str]:
    """Yield every code, prefix and name the settings mention, to be checked against the rules."""
    yield from settings.select or ()
    yield from settings.extend_select
    yield from settings.ignore
    yield from settings.rules
    for ignores in (settings.per_file_ignores, settings.per_target_ignores):
        for reasons in ignores.values():
            yield from reasons
