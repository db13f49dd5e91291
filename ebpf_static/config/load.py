"""Reads configuration files into checked settings, and says in one line what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ebpf_static.config.discover import parse_inline, read_table
from ebpf_static.config.model import Settings, TargetSettings
from ebpf_static.errors import ConfigError, escape

MAX_EXTENDS = 16
"""Files that may extend one another."""

_PATHS = ("baseline", "cache-dir")
_PATHS_BY_TARGET = ("btf", "kconfig")


def load_file(path: Path) -> Settings:
    """Return the settings of a file and of those it extends.

    Paths in a file are relative to it. A key of the file replaces the same key of a file it
    extends; nothing is merged.

    Raises:
        ConfigError: a file cannot be read, is not TOML, or states an unknown key or a wrong value.
    """
    merged: dict[str, Any] = {}
    for file in _chain(path):
        table = read_table(file)
        _validate(table, str(file))
        located = _located(table, file.parent)
        merged = {**located, **merged}
    merged.pop("extend", None)
    return Settings.model_validate(merged)


def load_inline(text: str, base: Settings) -> Settings:
    """Return ``base`` with the settings written on the command line in place of its own.

    Raises:
        ConfigError: the text is not TOML, or states an unknown key or a wrong value.
    """
    table = parse_inline(text)
    if "extend" in table:
        raise ConfigError(f"--config {text!r}: extend belongs into a file: use --config FILE")
    given = _validate(table, f"--config {text!r}")
    update = {name: getattr(given, name) for name in given.model_fields_set}
    return base.model_copy(update=update)


def _chain(path: Path) -> Iterator[Path]:
    """Yield a file and those it extends, one after another."""
    seen: list[Path] = []
    file: Path | None = path
    while file is not None:
        if file.resolve() in seen:
            raise ConfigError(f"{path}: extends itself through {file}")
        if len(seen) == MAX_EXTENDS:
            raise ConfigError(f"{path}: extends more than {MAX_EXTENDS} files")
        seen.append(file.resolve())
        yield file
        other = read_table(file).get("extend")
        file = file.parent / other if isinstance(other, str) else None


def _located(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return settings with the paths they hold seen from the working directory."""
    found = dict(table)
    for key in _PATHS:
        if key in found:
            found[key] = _path(folder, found[key])
    for key in _PATHS_BY_TARGET:
        if key in found:
            found[key] = {name: _path(folder, value) for name, value in found[key].items()}
    if isinstance(found.get("targets"), dict):
        found["targets"] = {
            name: {
                key: _path(folder, value) if key in (*_PATHS_BY_TARGET, "profile") else value
                for key, value in settings.items()
            }
            for name, settings in found["targets"].items()
        }
    if "per-file-ignores" in found:
        ignores = found["per-file-ignores"]
        found["per-file-ignores"] = {_path(folder, glob): why for glob, why in ignores.items()}
    return found


def _path(folder: Path, value: Any) -> Any:
    if isinstance(value, list):
        return [_path(folder, item) for item in value]
    # Lexically, as one reads it: following links would give other paths than were stated.
    path = Path(os.path.normpath(folder / value))
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def _validate(table: Mapping[str, Any], where: str) -> Settings:
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise ConfigError(escape(f"{where}: {_explain(error)}")) from error


def _explain(error: ValidationError) -> str:
    """Return the first thing wrong, in one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{key}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    last = str(first["loc"][-1])
    model = TargetSettings if first["loc"][0] == "targets" else Settings
    near = get_close_matches(last.replace("_", "-"), list(known_keys(model)), n=1)
    hint = f"did you mean '{near[0]}'?" if near else "'ebpf-static config' lists the keys"
    return f"unknown key '{key}': {hint}"


def known_keys(model: type[Settings | TargetSettings] = Settings) -> dict[str, str]:
    """Return every key with what it means."""
    return {str(field.alias): field.description or "" for field in model.model_fields.values()}
