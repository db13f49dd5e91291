"""All relocations of one object against one kernel.

Source: libbpf's src/libbpf.c (``bpf_core_resolve_relo``) and src/relo_core.c
(``bpf_core_calc_relo_insn``). Candidates are found once for each type of the object and, as in
libbpf, those that do not fit one relocation are not tried for the next of the same type: results
depend on the order of relocations, which is that of ``.BTF.ext``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ebpf_static.btf.core.calc import calculate
from ebpf_static.btf.core.compat import Compat
from ebpf_static.btf.core.match import Candidate, find_candidates, match_spec
from ebpf_static.btf.core.result import CoreResult
from ebpf_static.btf.core.spec import CoreError, CoreKind, CoreSpec, parse_spec
from ebpf_static.btf.ext import CoreRelocation
from ebpf_static.btf.reader import Btf
from ebpf_static.errors import FormatError


class CoreRelocator:
    """Answers relocations of the object with BTF ``local`` on ``targets``.

    Args:
        local: the object's BTF. Its pointers count 8 bytes, whatever the kernel's do.
        targets: the kernel's BTF, then those of its modules on that base.
    """

    def __init__(self, local: Btf, targets: Sequence[Btf]) -> None:
        self._local = local
        self._targets = tuple(targets)
        self._candidates: dict[int, tuple[Candidate, ...]] = {}
        self._compats: dict[int, Compat] = {}

    def relocate(self, relocation: CoreRelocation) -> CoreResult:
        """Return what ``relocation`` comes to. Malformed BTF on either side is its ``error``."""
        spec = None
        try:
            spec = parse_spec(self._local, relocation)
            return self._answer(spec)
        except (CoreError, FormatError) as err:
            kind = spec.kind if spec else _kind(relocation.kind)
            text = err.detail if isinstance(err, FormatError) else str(err)
            return CoreResult(kind, spec, text)

    def iter_results(self, relocations: Iterable[CoreRelocation]) -> Iterator[CoreResult]:
        """Yield the result of each relocation, which should come in the object's order."""
        for relocation in relocations:
            yield self.relocate(relocation)

    def _answer(self, spec: CoreSpec) -> CoreResult:
        if spec.kind is CoreKind.TYPE_ID_LOCAL:
            value = spec.root_type_id
            return CoreResult(spec.kind, spec, original=value, value=value, validate=False)
        if not self._local.name(spec.root_type_id):
            raise CoreError("relocations of anonymous types cannot be matched")
        candidates = self._candidates_of(spec.root_type_id)
        for compat in self._compats.values():
            compat.refill()
        best: CoreResult | None = None
        matched: list[CoreSpec] = []
        fitting: list[Candidate] = []
        for candidate in candidates:
            found = match_spec(self._compat(candidate.btf), spec, candidate.type_id)
            if found is None:
                continue
            result = calculate(spec, found)
            if best is None:
                best = result
            else:
                _agree(best, matched[0], result, found)
            matched.append(found)
            fitting.append(candidate)
        if best is None:
            return calculate(spec, None)._replace(candidates=len(candidates))
        self._candidates[spec.root_type_id] = tuple(fitting)
        return best._replace(matched=tuple(matched), candidates=len(candidates))

    def _candidates_of(self, type_id: int) -> tuple[Candidate, ...]:
        known = self._candidates.get(type_id)
        if known is None:
            known = find_candidates(self._local, type_id, self._targets)
            self._candidates[type_id] = known
        return known

    def _compat(self, target: Btf) -> Compat:
        compat = self._compats.get(id(target))
        if compat is None:
            compat = self._compats[id(target)] = Compat(self._local, target)
        return compat


def relocate(local: Btf, relocation: CoreRelocation, targets: Sequence[Btf]) -> CoreResult:
    """Return what one relocation alone comes to; see :class:`CoreRelocator` for several."""
    return CoreRelocator(local, targets).relocate(relocation)


def _agree(best: CoreResult, best_spec: CoreSpec, result: CoreResult, found: CoreSpec) -> None:
    """Raise unless two candidates lead to the same decision."""
    if found.bit_offset != best_spec.bit_offset:
        what = f"ambiguous: bit offset {found.bit_offset} or {best_spec.bit_offset}"
        raise CoreError(what)
    if (result.poison, result.value) != (best.poison, best.value):
        one = "failure" if result.poison else f"value {result.value}"
        other = "failure" if best.poison else f"value {best.value}"
        raise CoreError(f"ambiguous: {one} or {other}")


def _kind(number: int) -> CoreKind | None:
    try:
        return CoreKind(number)
    except ValueError:
        return None
