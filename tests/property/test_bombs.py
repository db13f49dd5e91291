"""Small files that ask for much are refused or read in time and memory of their size.

Nothing is timed: where something multiplied, the test would not end or not fit.
"""

from __future__ import annotations

import pytest

from ebpf_static.errors import LimitError
from ebpf_static.reading import read
from tests.fuzz.bombs import BOMBS
from tests.fuzz.walk import walk

_REFUSED = {
    "sections-that-are-the-file": "sections overlap",
    "data-sections-that-are-the-file": "sections overlap",
    "names-inside-names": "names overlap",
    "symbols-without-end": "more than 262144 symbols",
    "alias-functions": "more than 1048576 instructions",
    "struct-ops-that-overlap": "variables overlap",
    "records-that-overlap": "variables overlap",
    "map-of-many-members": "60000 members",
    "externs-without-end": "undefined symbols",
    "bss-beyond-all-memory": "bytes of globals",
}
_SLOW = {"calls-only", "programs-that-call-all"}
"""Read in time of their size, but that is seconds; ``python -m tests.fuzz.bombs`` runs them."""


@pytest.mark.parametrize("name", _REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(LimitError, match=_REFUSED[name]):
        read(BOMBS[name]())


@pytest.mark.parametrize("name", sorted(BOMBS.keys() - _REFUSED.keys() - _SLOW))
def test_read_whole(name: str) -> None:
    assert walk(BOMBS[name]()) is not None


def test_variables_that_overlap_are_a_problem_not_the_end() -> None:
    spec = read(BOMBS["variables-that-overlap"]())
    assert [problem.kind for problem in spec.problems] == ["variables"]
    assert sum(len(variable.value or b"") for variable in spec.variables) < 16 << 20


def test_defects_are_listed_up_to_a_bound() -> None:
    problems = read(BOMBS["relocations-on-nothing"]()).problems
    assert len(problems) == 1001
    assert problems[-1].what == "further defects are not listed"


def test_a_chain_longer_than_any_loader_links_is_said() -> None:
    spec = read(BOMBS["chain-of-programs"]())
    assert len(spec.programs) == 16_000
    assert len(spec.get_linked(spec.programs[-1])) == 1
    with pytest.raises(LimitError, match="more than 1024 functions"):
        spec.get_linked(spec.programs[0])
