from __future__ import annotations

import pytest

from ebpf_static.engine.select import get_rule, parse_selectors, select_rules
from ebpf_static.errors import UnknownRuleError
from tests.engine.samples import registry

RULES = registry().rules
METAS = registry().metas


def codes(select: str | tuple[str, ...] = "ALL", ignore: str | tuple[str, ...] = ()) -> list[str]:
    return [found.meta.code for found in select_rules(RULES, select, ignore)]


def test_all_takes_everything_but_previews() -> None:
    assert codes() == ["ELF001", "MAP101", "MAP102", "SUP001", "WIN201"]


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("MAP", ["MAP101", "MAP102"]),
        ("MAP1", ["MAP101", "MAP102"]),
        ("MAP10", ["MAP101", "MAP102"]),
        ("MAP102", ["MAP102"]),
        ("map-declared", ["MAP101"]),
        ("MAP101,WIN", ["MAP101", "WIN201"]),
        (("MAP101", " WIN "), ["MAP101", "WIN201"]),
        ("", []),
    ],
)
def test_selectors(select: str | tuple[str, ...], expected: list[str]) -> None:
    assert codes(select) == expected


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        ("MAP", "MAP102", ["MAP101"]),
        ("MAP102", "MAP", ["MAP102"]),
        ("MAP", "MAP1", []),
        ("MAP", "MAP", []),
        ("ALL", "ALL", []),
        ("MAP,MAP102", "MAP1", ["MAP102"]),
        ("map-declared", "ALL", ["MAP101"]),
        ("map-declared", "MAP101", []),
    ],
)
def test_the_more_specific_selector_wins(select: str, ignore: str, expected: list[str]) -> None:
    assert codes(select, ignore) == expected


def test_a_preview_rule_must_be_selected_itself() -> None:
    assert "MAP301" not in codes("MAP3")
    assert codes("MAP301") == ["MAP301"]
    assert codes("preview-rule") == ["MAP301"]


@pytest.mark.parametrize("selector", ["MAP9", "M", "MA", "MAP1011", "map101", "all", "nonsense"])
def test_a_selector_that_matches_nothing_is_an_error(selector: str) -> None:
    with pytest.raises(UnknownRuleError, match="no rule matches"):
        codes(selector)
    with pytest.raises(UnknownRuleError, match="no rule matches"):
        codes(ignore=selector)


@pytest.mark.parametrize(
    ("selector", "suggestion"),
    [
        ("MAP111", "'MAP101'"),
        ("map101", "'MAP101'"),
        ("map_declared", "'map-declared'"),
        ("map-declred", "'map-declared'"),
        ("WINN", "'WIN'"),
    ],
)
def test_near_matches_are_suggested(selector: str, suggestion: str) -> None:
    with pytest.raises(UnknownRuleError, match="did you mean") as caught:
        codes(selector)
    assert suggestion in str(caught.value)


def test_nothing_near_points_to_the_list() -> None:
    with pytest.raises(UnknownRuleError, match="rule --all"):
        parse_selectors("QQQQQQ", METAS)


def test_one_rule_by_code_or_name() -> None:
    assert get_rule("MAP101", METAS).name == "map-declared"
    assert get_rule("map-declared", METAS).code == "MAP101"
    with pytest.raises(UnknownRuleError):
        get_rule("MAP1", METAS)
