"""The rules ebpf-static ships: first-party plugins that use only the public contracts.

The registry finds this package by the dotted name ``ebpf_static_rules:builtin``; other people's
rules come through the entry-point group ``ebpf_static.rules`` and have the same rights.
"""

from __future__ import annotations

from ebpf_static.plugins import Rule


def builtin() -> tuple[type[Rule], ...]:
    """Return the rule classes of this package, in code order; it has none so far."""
    return ()
