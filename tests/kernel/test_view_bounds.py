"""What following an object's code may cost is bounded over all its programs."""

from __future__ import annotations

import pytest

from ebpf_static.kernel import view
from tests.rules.spec_builder import build_spec


def test_programs_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = build_spec({"programs": [{"name": name} for name in "fgh"]})
    monkeypatch.setattr(view, "MAX_STEPS_OF_ALL", 3)
    found = view.View(spec)
    assert [found.flow(program).complete for program in spec.programs] == [True, False, False]
    assert found.flow(spec.programs[0]).complete
