"""Versions as the tables write them, in order."""

from __future__ import annotations

import re
from functools import cache

from ebpf_static.target import Version

NEWEST = (1 << 30, 0, 0, 0)
"""A key after every release."""


@cache
def version_key(text: str) -> tuple[int, int, int, int]:
    """Return a sortable key for the version text of a table; text of tables only, so cached."""
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:-rc(\d+))?", text)
    if match is None:
        raise ValueError(f"no version: {text!r}")
    major, minor, patch, candidate = match.groups()
    return (int(major), int(minor), int(patch or 0), int(candidate) if candidate else 1 << 30)


def key_of(version: Version) -> tuple[int, int, int, int]:
    """Return :func:`version_key` of ``version``."""
    candidate = int(version.pre[2:]) if version.pre else 1 << 30
    return (version.major, version.minor, version.patch or 0, candidate)
