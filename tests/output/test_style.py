from __future__ import annotations

import pytest

from ebpf_static.output.style import PLAIN, Style, use_color
from ebpf_static.output.table import table


@pytest.mark.parametrize(
    ("choice", "terminal", "env", "expected"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"FORCE_COLOR": "0"}, False),
        ("auto", False, {"FORCE_COLOR": ""}, False),
        ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
        ("auto", True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_when_to_use_color(
    choice: str,
    terminal: bool,  # noqa: FBT001 - a parameter of the test
    env: dict[str, str],
    expected: bool,  # noqa: FBT001
) -> None:
    assert use_color(choice, is_terminal=terminal, env=env) is expected


def test_plain_style_changes_nothing() -> None:
    assert PLAIN("error", "x") == "x"
    assert Style(enabled=True)("error", "x") == "\x1b[1;31mx\x1b[0m"
    assert Style(enabled=True)("error", "") == ""


def test_table_aligns_and_drops_empty_columns() -> None:
    rows = [("a", 5, None, "x"), ("longer", 1000, None, None)]
    assert table(("name", "size", "empty", "note"), rows, PLAIN) == (
        "  name    size  note\n  a          5  x\n  longer  1000  -\n"
    )


def test_table_escapes_and_cuts_cells() -> None:
    text = table(("name",), [("a\x1b[2J\nb",), ("y" * 10_000,)], PLAIN)
    assert "\x1b" not in text
    assert text.count("\n") == 3
    assert max(map(len, text.splitlines())) < 100
