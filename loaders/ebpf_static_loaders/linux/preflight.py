"""What no Linux kernel is asked to load: the object says something loaders cannot act on.

The refusals are those of libbpf when it opens an object (``src/libbpf.c`` 1.7), with the rule
whose finding says the same before anybody tries.
"""

from __future__ import annotations

import errno
import sys
from typing import Final

from ebpf_static.errors import UsageError, escape
from ebpf_static.specs import (
    CollectionSpec,
    FunctionSpec,
    MapOrigin,
    MapSpec,
    ProgramSpec,
    ReferenceKind,
)
from ebpf_static_loaders.linux.errors import rejected
from ebpf_static_loaders.linux.session import Session

_TEXT: Final = ".text"
_MEMBERS: Final = frozenset(
    {
        "type", "max_entries", "map_flags", "numa_node", "key_size", "key", "value_size", "value",
        "values", "pinning", "map_extra",
    }
)  # fmt: skip
_PINNINGS: Final = (0, 1)
_UNUSABLE: Final = (ReferenceKind.UNRESOLVED, ReferenceKind.JUMP_TABLE)


def require_loadable(session: Session) -> None:
    """Refuse an object no load can succeed with.

    Raises:
        LoadRejectedError: why, in words.
        UsageError: the options name what the object does not have.
    """
    spec = session.spec
    if spec.elf is None:
        raise rejected("a native image of eBPF for Windows is nothing Linux loads", errno.ENOEXEC)
    if spec.byte_order != sys.byteorder:
        raise rejected(
            f"the object is {spec.byte_order}-endian, this kernel {sys.byteorder}-endian",
            errno.ENOEXEC,
            rule="ELF201",
        )
    for item in spec.maps:
        _require_map(session, item)
    for function in spec.functions:
        _require_function(function)
    _require_names(session)


def _require_map(session: Session, item: MapSpec) -> None:
    if item.origin is MapOrigin.LEGACY and not session.options.legacy_maps:
        raise rejected(
            f"map `{item.name}` is declared the legacy way, in section `{item.section}`, "
            "which is loaded only when asked for",
            errno.EOPNOTSUPP,
            rule="MAP104",
        )
    if item.origin is not MapOrigin.BTF:
        return
    unknown = next((name for name in item.declared if name not in _MEMBERS), None)
    if unknown is not None:
        raise rejected(
            f"map `{item.name}` has a member `{escape(unknown)}` no loader knows",
            errno.EOPNOTSUPP,
            rule="MAP105",
        )
    if item.linkage == "static":
        raise rejected(f"map `{item.name}` is static", errno.EOPNOTSUPP, rule="MAP106")
    if item.pinning not in _PINNINGS:
        what = f"map `{item.name}` asks for pinning {item.pinning}, which means nothing"
        raise rejected(what, errno.EINVAL, rule="MAP112")


def _require_function(function: FunctionSpec) -> None:
    entry = function.section != _TEXT
    if entry and function.linkage == "static":
        raise rejected(
            f"program `{function.name}` in section `{function.section}` is static",
            errno.EOPNOTSUPP,
            rule="PRG002",
        )
    for reference in function.references:
        if reference.kind in _UNUSABLE:
            noun = "a jump table" if reference.kind is ReferenceKind.JUMP_TABLE else "a symbol"
            raise rejected(
                f"function `{function.name}`, insn {reference.index}: refers to {noun} "
                f"`{escape(reference.name)}`, which cannot be loaded",
                errno.EINVAL,
                rule="ELF003",
            )


def _require_names(session: Session) -> None:
    spec, options = session.spec, session.options
    programs = {program.name for program in spec.programs}
    maps = {item.name for item in spec.maps}
    asked = (
        ("program", options.programs or (), programs),
        ("program", options.attach_to, programs),
        ("program", options.attach_programs, programs),
        ("map", options.max_entries, maps),
        ("map", options.maps, maps),
    )
    for noun, names, known in asked:
        missing = next((name for name in names if name not in known), None)
        if missing is not None:
            raise UsageError(f"the object has no {noun} `{missing}`")


def require_program(program: ProgramSpec, spec: CollectionSpec) -> None:
    """Refuse a program nothing says the type of.

    Raises:
        LoadRejectedError: why, in words.
    """
    del spec
    if program.type.number == 0:
        raise rejected(
            f"program `{program.name}`: its section `{program.section}` names no program type",
            errno.EINVAL,
            rule="PRG001",
        )
