"""Finds the configuration that is closest to an input.

Imports nothing but the standard library's cheapest parts: this runs for every check.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

from ebpf_static.errors import ConfigError

DOT_FILE = ".ebpf-static.toml"
FILE = "ebpf-static.toml"
PYPROJECT = "pyproject.toml"
TABLE = "ebpf-static"
"""Name of our table below ``[tool]``."""

MAX_BYTES = 1 << 20
_NAMES = (DOT_FILE, FILE, PYPROJECT)


Known: TypeAlias = dict[str, Path | None]
"""The closest file of each directory looked at."""


def find_config(start: Path, known: Known) -> Path | None:
    """Return the configuration file closest to a file or directory, going up.

    In one directory ``.ebpf-static.toml`` goes before ``ebpf-static.toml`` before a
    ``pyproject.toml`` with a table ``[tool.ebpf-static]``; one without is passed over.

    Args:
        start: the file or directory; it need not exist.
        known: what was found before, and is found by this call.

    Raises:
        ConfigError: a ``pyproject.toml`` that may be meant cannot be read.
    """
    folder = os.path.abspath(start)  # noqa: PTH100 - `..` must go without following links
    if not os.path.isdir(folder):  # noqa: PTH112 - called for every input
        folder = os.path.dirname(folder)  # noqa: PTH120
    passed = []
    found = None
    while folder not in known:
        passed.append(folder)
        parent = os.path.dirname(folder)  # noqa: PTH120
        found = _config_in(folder)
        if found is not None or parent == folder:
            break
        folder = parent
    found = known.get(folder, found)
    known.update(dict.fromkeys(passed, found))
    return found


def _config_in(folder: str) -> Path | None:
    for name in _NAMES:
        path = os.path.join(folder, name)  # noqa: PTH118 - called for every directory
        if os.path.isfile(path) and (name != PYPROJECT or _is_ours(Path(path))):  # noqa: PTH113
            return Path(path)
    return None


def _is_ours(pyproject: Path) -> bool:
    # Parsing everybody's pyproject.toml would cost more than looking for our name in it.
    return TABLE.encode() in _read(pyproject) and _table(pyproject, _parse(pyproject)) is not None


def read_table(path: Path) -> dict[str, Any]:
    """Return the settings a file states, as TOML gives them.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    document = _parse(path)
    if path.name == PYPROJECT:
        return _table(path, document) or {}
    return document


def parse_inline(text: str) -> dict[str, Any]:
    """Return the settings written on the command line: ``select = ["MAP"]``.

    Raises:
        ConfigError: the text is not TOML.
    """
    return _loads(text, f"--config {text!r}")


def _table(path: Path, document: dict[str, Any]) -> dict[str, Any] | None:
    tool = document.get("tool")
    table = tool.get(TABLE) if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.{TABLE} is not a table")
    return table


def _parse(path: Path) -> dict[str, Any]:
    data = _read(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8") from error
    return _loads(text, str(path))


def _loads(text: str, where: str) -> dict[str, Any]:
    import tomllib  # a check without a configuration does not pay for it

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{where}: is nested too deeply") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_BYTES} bytes")
    return data
