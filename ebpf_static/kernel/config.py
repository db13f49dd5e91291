"""A kernel's build configuration: ``/proc/config.gz``, ``/boot/config-*``, ``.config``."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ebpf_static.errors import UsageError

_MAX_BYTES: Final = 8 << 20
_LINE: Final = re.compile(r"^(CONFIG_[A-Za-z0-9_]+)=(.*)$", re.MULTILINE)


def read_config(path: str | Path) -> Mapping[str, str]:
    """Return the options a configuration sets, by name, values as written (``y``, ``m``, ``"x"``).

    Options that are "not set" are absent. Plain text, gzip and xz are read.

    Raises:
        UsageError: the file cannot be read or holds no option.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_BYTES)
        if data[:2] == b"\x1f\x8b":
            data = zlib.decompressobj(wbits=31).decompress(data, _MAX_BYTES)
        elif data[:6] == b"\xfd7zXZ\0":
            data = lzma.LZMADecompressor(memlimit=256 << 20).decompress(data, _MAX_BYTES)
    except (OSError, zlib.error, lzma.LZMAError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: cannot be read as a kernel configuration: {reason}") from error
    options = parse_config(data[:_MAX_BYTES].decode("utf-8", "replace"))
    if not options:
        raise UsageError(f"{path}: is no kernel configuration: it sets no CONFIG_ option")
    return options


def parse_config(text: str) -> Mapping[str, str]:
    """Return the options of a configuration's text."""
    return MappingProxyType({name: value.strip() for name, value in _LINE.findall(text)})
