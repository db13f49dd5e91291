"""Where in the running kernel the functions and variables are that an object names.

Source: libbpf ``src/libbpf.c`` (1.7): ``bpf_object__resolve_ksyms_btf_id``,
``bpf_object__resolve_ksym_func_btf_id``, ``bpf_object__resolve_ksym_var_btf_id``,
``kallsyms_cb``. Prototypes are compared by the verifier, which knows better.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ebpf_static.btf import Kind
from ebpf_static.btf.core.compat import essential_name
from ebpf_static.specs import ExternKind, ExternSpec
from ebpf_static_loaders.linux.errors import rejected
from ebpf_static_loaders.linux.session import Session

_ESRCH: Final = 3
_ENOTSUP: Final = 95


class Resolved(NamedTuple):
    """A symbol of the kernel; absent when both numbers are 0.

    Attributes:
        type_id: its id in the BTF it was found in, 0 for a plain address.
        module: name of the module, None for the kernel itself.
        address: of a symbol without a type.
    """

    type_id: int = 0
    module: str | None = None
    address: int = 0

    @property
    def found(self) -> bool:
        """Whether the kernel has it."""
        return bool(self.type_id or self.address)


def resolve(session: Session) -> dict[int, Resolved]:
    """Return every kernel function and symbol the object names, by the extern's position.

    Raises:
        LoadRejectedError: the kernel lacks one that is not weak, or nothing says what it is.
    """
    found: dict[int, Resolved] = {}
    plain: dict[int, str] = {}
    for index, extern in enumerate(session.spec.externs):
        if extern.kind is ExternKind.UNKNOWN:
            raise rejected(
                f"extern `{extern.name}` is neither a kernel option nor a kernel symbol",
                _ENOTSUP,
                rule="REL001",
            )
        if extern.kind is ExternKind.KCONFIG:
            continue
        if extern.kind is ExternKind.KSYM and not extern.typed:
            plain[index] = extern.name
        else:
            found[index] = _typed(session, extern)
    addresses = session.host.addresses(set(plain.values()))
    for index, name in plain.items():
        found[index] = Resolved(address=addresses.get(name, 0))
        _require(session.spec.externs[index], known=name in addresses)
    return found


def _typed(session: Session, extern: ExternSpec) -> Resolved:
    name = essential_name(extern.name)
    kind = Kind.FUNC if extern.kind is ExternKind.KFUNC else Kind.VAR
    if session.host.btf is not None:
        type_id = session.host.btf.find(name, kind)
        if type_id is not None:
            return Resolved(type_id)
    for module in session.host.modules:
        type_id = module.btf.find(name, kind)
        if type_id is not None:
            return Resolved(type_id, module.name)
    _require(extern, known=session.host.pretends and session.host.btf is None)
    return Resolved()


def _require(extern: ExternSpec, *, known: bool) -> None:
    if known or extern.weak:
        return
    noun = "function" if extern.kind is ExternKind.KFUNC else "symbol"
    raise rejected(f"this kernel has no {noun} `{extern.name}`", _ESRCH, rule="REL201")
