"""Bounds on hostile input: what no honest object reaches, and no dishonest one may pass.

Each bound is far above the largest object seen (a 2 MB Cilium object, 50 000 instructions) and
low enough that reading to the bound takes seconds and some hundred MB, not hours and gigabytes.
"""

from __future__ import annotations

MAX_OBJECT_BYTES = 64 << 20
"""Size of a file we are willing to read whole."""

MAX_SECTIONS = 16_384
MAX_SYMBOLS = 1 << 18
MAX_RELOCATIONS = 1 << 19
"""Of one section."""

MAX_INSNS = 1 << 20
"""8-byte slots over all program sections; the kernel takes 1 000 000 a program."""

MAX_FUNCTIONS = 16_384
MAX_LINKED_FUNCTIONS = 1_024
"""Functions one program may reach; the kernel takes 256."""

MAX_MAPS = 16_384
MAX_MAP_MEMBERS = 64
"""Members of a BTF map definition; libbpf knows a dozen."""

MAX_VARIABLES = 1 << 16
MAX_EXTERNS = 1 << 16
MAX_KCONFIG_BYTES = 1 << 20
"""Kernel-configuration values one object imports; a whole kernel's are smaller."""

MAX_PROBLEMS = 1_000
"""Defects listed of one object; the rest is counted."""

MAX_NAME_BYTES = 4_096
"""Longest section, symbol or type name."""

MAX_BTF_TYPES = 1 << 21
MAX_BTF_DEPTH = 64
"""Longest chain of modifiers, typedefs and arrays followed (the kernel follows 32)."""

MAX_INNER_MAP_DEPTH = 4
"""Nesting of map-in-map definitions (the kernel takes 1)."""

MAX_INITIAL_DATA_BYTES = 32 << 20
"""Initial contents of one data section; `.bss` is not materialised."""
