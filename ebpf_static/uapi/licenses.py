"""Which licence strings let a program call GPL-only functions.

The kernel compares the whole string, byte for byte (``include/linux/license.h``,
``license_is_gpl_compatible``): ``gpl``, ``GPL-2.0`` and ``GPLv2`` are not GPL-compatible to it.
"""

from __future__ import annotations

from functools import cache

from ebpf_static.target import Platform
from ebpf_static.uapi.tables import read_rows


@cache
def gpl_compatible_licenses() -> tuple[str, ...]:
    """Return the strings the kernel takes, in its order."""
    return tuple(row["name"] for row in read_rows(Platform.LINUX, "licenses"))


def is_gpl_compatible(license: str) -> bool:
    """Return whether the kernel takes ``license`` as GPL-compatible.

    Args:
        license: the string of the ``license`` section up to its first NUL.
    """
    return license in gpl_compatible_licenses()


def suggest_license(license: str) -> str | None:
    """Return the string the kernel would take that ``license`` was probably meant to be."""
    if is_gpl_compatible(license):
        return None
    text = "".join(char for char in license[:128].casefold() if char.isalnum())
    for known in gpl_compatible_licenses():
        if text == "".join(char for char in known.casefold() if char.isalnum()):
            return known
    return "GPL" if text.startswith("gpl2") or text in ("gplv2only", "gplv2orlater") else None
