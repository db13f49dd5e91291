"""Whether a kernel has the functions and variables an object's externs name.

Source: libbpf ``src/libbpf.c``: ``bpf_object__resolve_ksym_func_btf_id``,
``bpf_object__resolve_ksym_var_btf_id`` (essential names, ``___flavour`` ignored; a function or
variable of another type counts as missing).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from ebpf_static.analysis import ExternState
from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.core.compat import Compat, essential_name
from ebpf_static.btf.types import Func, Var
from ebpf_static.errors import ObjectError
from ebpf_static.package_data import read_data
from ebpf_static.specs import CollectionSpec, ExternKind, ExternSpec
from ebpf_static.target import Version


def resolve_externs(
    spec: CollectionSpec,
    targets: Sequence[Btf],
    knows_kfunc: Callable[[str], bool | None],
    version: Version | None = None,
) -> Mapping[int, ExternState]:
    """Return the state of each kfunc and ksym extern by its index.

    Args:
        spec: the object.
        targets: BTF of the kernel and its loaded modules; empty when not known.
        knows_kfunc: what the support tables say of a kfunc, asked where there is no BTF.
        version: the kernel's, None when not known; tells which data symbols it has.
    """
    found = {}
    for index, extern in enumerate(spec.externs):
        if extern.kind not in (ExternKind.KFUNC, ExternKind.KSYM):
            continue
        state = _state(spec, extern, targets, knows_kfunc)
        if state is ExternState.UNKNOWN and not extern.typed and version is not None:
            since = _data_symbols().get(extern.name)
            if since is not None and not version < since:
                state = ExternState.PRESENT
        found[index] = state
    return found


@cache
def _data_symbols() -> Mapping[str, Version]:
    """Return the data symbols whose presence a version tells, with the first release."""
    text = read_data("ebpf_static.kernel", "data", "symbols.json")
    return {row["name"]: Version.parse(row["since"]) for row in json.loads(text)["symbols"]}


def is_declared_otherwise(spec: CollectionSpec, extern: ExternSpec, targets: Sequence[Btf]) -> bool:
    """Tell whether a kernel has what an extern names, of a type the loader takes for another."""
    kind = Kind.FUNC if extern.kind is ExternKind.KFUNC else Kind.VAR
    found = _find(essential_name(extern.name), kind, targets)
    if found is None or spec.btf is None or not extern.btf_id:
        return False
    btf, type_id = found
    local, target = spec.btf.type(extern.btf_id), btf.type(type_id)
    if not isinstance(local, Func | Var) or not isinstance(target, Func | Var):
        return False
    mine, theirs = local.type_id, target.type_id
    try:
        if isinstance(local, Var):
            # libbpf compares variables without their qualifiers and typedefs.
            mine, theirs = spec.btf.resolve(mine), btf.resolve(theirs)
        return not Compat(spec.btf, btf).types(mine, theirs)
    except ObjectError:
        return False  # what cannot be compared within bounds is not claimed


def _find(name: str, kind: Kind, targets: Sequence[Btf]) -> tuple[Btf, int] | None:
    for btf in targets:
        type_id = btf.find(name, kind)
        if type_id is not None:
            return btf, type_id
    return None


def _state(
    spec: CollectionSpec,
    extern: ExternSpec,
    targets: Sequence[Btf],
    knows_kfunc: Callable[[str], bool | None],
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
    if _find(name, kind, targets) is not None:
        other = is_declared_otherwise(spec, extern, targets)
        return ExternState.ABSENT if other else ExternState.PRESENT
    if extern.kind is ExternKind.KFUNC or extern.typed:
        return ExternState.ABSENT
    # A typeless ksym is looked up in kallsyms, of which BTF lists only part.
    listed = any(btf.find(name, Kind.FUNC) is not None for btf in targets)
    return ExternState.PRESENT if listed else ExternState.UNKNOWN
