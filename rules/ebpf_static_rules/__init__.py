"""The rules ebpf-static ships: first-party plugins that use only the public contracts.

The registry finds this package by the dotted name ``ebpf_static_rules:builtin``; other people's
rules come through the entry-point group ``ebpf_static.rules`` and have the same rights.

One rule a file, ``<family>/<code>_<slug>.py``. Beside them: ``bases`` (rules that differ only in
what they look for), ``code`` and ``facts`` (what instructions and call graph show, worked out once
per object), ``evidence`` and ``wording``.
"""

from __future__ import annotations

from importlib import import_module

from ebpf_static.plugins import Rule

_FAMILIES = ("plt", "elf", "btf", "map", "prg", "hlp", "lic", "ins", "rel", "win")


def builtin() -> tuple[type[Rule], ...]:
    """Return the rule classes of this package, by family; they are imported now, not before."""
    return tuple(
        rule
        for family in _FAMILIES
        for rule in import_module(f"{__name__}.{family}.all_rules").RULES
    )
