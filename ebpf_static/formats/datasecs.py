"""The variables BTF places in each section, found for all sections in one pass.

An object may have thousands of sections, and asking BTF for a type by name searches all its
strings each time.
"""

from collections.abc import Container, Iterator

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import Datasec, SectionVar, Var


class Datasecs:
    """The DATASEC types of a BTF by section name; the first of a name counts."""

    def __init__(self, btf: Btf) -> None:
        self.btf = btf
        self._ids: dict[str, int] = {}
        for type_id in btf.iter_ids(Kind.DATASEC):
            self._ids.setdefault(btf.name(type_id), type_id)
        self._exported: dict[str, bool] = {}

    def __iter__(self) -> Iterator[Datasec]:
        """Yield the first DATASEC of each name."""
        for name in self._ids:
            found = self._find(name)
            if found is not None:
                yield found

    def __contains__(self, section: str) -> bool:
        return section in self._ids

    def variables(self, section: str) -> tuple[SectionVar, ...]:
        """Return what BTF places in a section; nothing when it does not know the section."""
        found = self._find(section)
        return () if found is None else found.vars

    def exports(self, section: str, hidden: Container[str]) -> bool:
        """Whether a variable of the section can be seen from outside: neither static nor hidden.

        Args:
            section: its name.
            hidden: the object's hidden symbols (libbpf's ``btf_fixup_datasec`` makes them static).
        """
        known = self._exported.get(section)
        if known is None:
            types = (self.btf.type(entry.type_id) for entry in self.variables(section))
            known = any(
                isinstance(variable, Var) and variable.linkage and variable.name not in hidden
                for variable in types
            )
            self._exported[section] = known
        return known

    def _find(self, name: str) -> Datasec | None:
        type_id = self._ids.get(name)
        found = None if type_id is None else self.btf.type(type_id)
        return found if isinstance(found, Datasec) else None
