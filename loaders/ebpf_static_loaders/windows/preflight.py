"""What efW is not asked to load as bytecode: the object says something its ``bpf()`` cannot take.

Each refusal names the rule whose finding says the same before anybody tries. Sources: efW
``libs/api/bpf_syscall.cpp``, ``docs/NativeCodeGeneration.md``.
"""

from __future__ import annotations

from typing import Final

from ebpf_static.errors import UsageError, escape
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapOrigin, ReferenceKind
from ebpf_static.target import Platform
from ebpf_static_loaders.windows.results import rejected

_REFUSED: Final = {
    ReferenceKind.MAP_VALUE: ("the global variable", "WIN021"),
    ReferenceKind.KCONFIG: ("the kernel option", "WIN024"),
    ReferenceKind.KFUNC: ("the kernel function", "WIN024"),
    ReferenceKind.KSYM: ("the kernel symbol", "WIN024"),
    ReferenceKind.FUNCTION: ("a callback,", "WIN022"),
    ReferenceKind.JUMP_TABLE: ("a jump table,", "ELF003"),
    ReferenceKind.UNRESOLVED: ("the symbol", "ELF003"),
}
_PINNINGS: Final = (0, 1)


def require_loadable(spec: CollectionSpec) -> None:
    """Refuse an object no load can succeed with.

    Raises:
        LoadRejectedError: why, in words.
        UsageError: the spec was read with Linux's numbers.
    """
    if spec.numbering is not Platform.WINDOWS:
        raise UsageError(
            "the spec was read with Linux's numbers, which mean other things on Windows: "
            "read it with platform='windows'"
        )
    if spec.byte_order != "little":
        raise rejected("the object is big-endian", "EINVAL", rule="WIN019")
    for item in spec.maps:
        if item.origin is MapOrigin.DATA:
            raise rejected(
                f"section `{item.name}` holds global variables, which only native images can have",
                "EINVAL",
                rule="WIN021",
            )
        if item.origin not in (MapOrigin.BTF, MapOrigin.LEGACY):
            what = f"map `{item.name}` is of a kind only Linux has ({item.origin})"
            raise rejected(what, "EINVAL", rule="WIN024")
        if item.pinning not in _PINNINGS:
            what = f"map `{item.name}` asks for pinning {item.pinning}, which means nothing"
            raise rejected(what, "EINVAL", rule="WIN016")
        if item.flags or item.numa_node or item.map_extra:
            what = f"map `{item.name}` has flags ({item.flags:#x}), a NUMA node or extra data"
            raise rejected(f"{what}: bpf() takes none", "EINVAL", rule="WIN011")


def require_function(function: FunctionSpec) -> None:
    """Refuse code that refers to what efW cannot resolve.

    Raises:
        LoadRejectedError: to what.
    """
    for reference in function.references:
        refused = _REFUSED.get(reference.kind)
        if refused is not None:
            noun, rule = refused
            raise rejected(
                f"function `{function.name}`, insn {reference.index}: refers to {noun} "
                f"`{escape(reference.name)}`, which eBPF for Windows does not resolve",
                "EINVAL",
                rule=rule,
            )
