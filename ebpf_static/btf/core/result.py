"""What one relocation comes to."""

from __future__ import annotations

from typing import NamedTuple

from ebpf_static.btf.core.spec import CoreKind, CoreSpec


class CoreResult(NamedTuple):
    """The answer to one relocation on one target.

    Attributes:
        kind: the relocation's kind, or None when its number is unknown.
        spec: what it refers to in the object, or None when that is malformed.
        error: why libbpf refuses the whole object, or None.
        original: the value the instruction must hold before, an unsigned 64-bit number.
        value: the value it gets; meaningless when ``poison`` or ``error``.
        poison: whether the instruction becomes invalid, because the target has no such thing.
        validate: whether the instruction must hold ``original``.
        original_size: bytes of the field in the object, 0 when the size is not adjusted.
        size: bytes of the field in the target.
        refuse_resize: whether a load or store of it cannot be adjusted to the other size.
        matched: what it refers to in the target, one for each candidate that matches.
        candidates: how many types of the target were tried.
    """

    kind: CoreKind | None
    spec: CoreSpec | None = None
    error: str | None = None
    original: int = 0
    value: int = 0
    poison: bool = False
    validate: bool = True
    original_size: int = 0
    size: int = 0
    refuse_resize: bool = False
    matched: tuple[CoreSpec, ...] = ()
    candidates: int = 0

    @property
    def is_missing(self) -> bool:
        """Whether the target has nothing it refers to (no error: the reference may be guarded)."""
        local = self.kind is CoreKind.TYPE_ID_LOCAL
        return self.error is None and not self.matched and not local
