"""Global variables, and the symbols an object expects the kernel to provide."""

from __future__ import annotations

from enum import StrEnum

from ebpf_static.specs.base import FrozenModel, Text


class VariableSpec(FrozenModel):
    """One global variable of a data section.

    Attributes:
        name: symbol name.
        section: data section it lives in, which is also the name of its map.
        offset: byte offset in that section.
        size: bytes.
        linkage: ``static``, ``global`` or ``weak``.
        btf_id: BTF id of the VAR, None without BTF.
        value: initial bytes; None in ``.bss``.
    """

    name: Text
    section: Text
    offset: int
    size: int
    linkage: str = "global"
    btf_id: int | None = None
    value: bytes | None = None


class ExternKind(StrEnum):
    """What the loader must find for an extern."""

    KCONFIG = "kconfig"
    KFUNC = "kfunc"
    KSYM = "ksym"
    UNKNOWN = "unknown"


class ExternSpec(FrozenModel):
    """An undefined symbol the loader resolves.

    Attributes:
        name: symbol name.
        kind: kernel configuration value, kernel function, kernel symbol, or unknown.
        section: BTF section that declares it (``.ksyms``, ``.kconfig``), None when none does.
        weak: may stay unresolved; it then reads as zero.
        btf_id: BTF id of the VAR or FUNC, None without BTF.
        typed: the BTF gives it a type (a typeless ksym is looked up in kallsyms).
        size: bytes of a kconfig value, 0 elsewhere.
        tags: ``btf_decl_tag`` texts on it (efW names the providing module there).
    """

    name: Text
    kind: ExternKind
    section: Text | None = None
    weak: bool = False
    btf_id: int | None = None
    typed: bool = False
    size: int = 0
    tags: tuple[Text, ...] = ()
