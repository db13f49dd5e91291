"""Whether a kernel has the functions and variables an object's externs name.

Source: libbpf ``src/libbpf.c``: ``bpf_object__resolve_ksym_func_btf_id``,
``bpf_object__resolve_ksym_var_btf_id`` (essential names, ``___flavour`` ignored).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ebpf_static.analysis import ExternState
from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.core.compat import essential_name
from ebpf_static.specs import CollectionSpec, ExternKind, ExternSpec


def resolve_externs(
    spec: CollectionSpec,
    targets: Sequence[Btf],
    knows_kfunc: Callable[[str], bool | None],
) -> Mapping[int, ExternState]:
    """Return the state of each kfunc and ksym extern by its index.

    Args:
        spec: the object.
        targets: BTF of the kernel and its loaded modules; empty when not known.
        knows_kfunc: what the support tables say of a kfunc, asked where there is no BTF.
    """
    found = {}
    for index, extern in enumerate(spec.externs):
        if extern.kind in (ExternKind.KFUNC, ExternKind.KSYM):
            found[index] = _state(extern, targets, knows_kfunc)
    return found


def _state(
    extern: ExternSpec, targets: Sequence[Btf], knows_kfunc: Callable[[str], bool | None]
) -> ExternState:
    name = essential_name(extern.name)
    if not targets:
        if extern.kind is not ExternKind.KFUNC:
            return ExternState.UNKNOWN
        known = knows_kfunc(name)
        if known is None:
            return ExternState.UNKNOWN
        return ExternState.PRESENT if known else ExternState.ABSENT
    kind = Kind.FUNC if extern.kind is ExternKind.KFUNC else Kind.VAR
    if any(btf.find(name, kind) is not None for btf in targets):
        return ExternState.PRESENT
    if extern.kind is ExternKind.KFUNC or extern.typed:
        return ExternState.ABSENT
    # A typeless ksym is looked up in kallsyms, of which BTF lists only part.
    listed = any(btf.find(name, Kind.FUNC) is not None for btf in targets)
    return ExternState.PRESENT if listed else ExternState.UNKNOWN
