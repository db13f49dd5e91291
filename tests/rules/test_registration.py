"""The identity of the built-in rules: one page, one code, one name, one file each."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import ebpf_static_rules
from ebpf_static.plugins import Rule

RULES = tuple(ebpf_static_rules.iter_classes())
PACKAGE = Path(ebpf_static_rules.__file__).parent


def test_codes_and_names_are_unique() -> None:
    for attribute in ("code", "name"):
        counts = Counter(getattr(rule, attribute) for rule in RULES)
        assert {value for value, times in counts.items() if times > 1} == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_file_is_named_after_the_rule(rule: type[Rule]) -> None:
    *_, family, module = rule.__module__.split(".")
    assert module.startswith(f"{rule.code.lower()}_")
    assert rule.code.lower().startswith(family)


def test_every_rule_file_is_listed() -> None:
    stems = (path.stem for path in PACKAGE.glob("*/*.py"))
    files = {stem for stem in stems if re.match(r"[a-z]{2,3}\d{3}_", stem)}
    assert files == {rule.__module__.rpartition(".")[2] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page_is_whole(rule: type[Rule]) -> None:
    """The base class asks for the headings; here, that something stands under each."""
    page = rule.meta.explanation
    assert rule.meta.summary.endswith(".")
    parts = re.split(r"\n(?:What it does|Why it matters|Example|How to fix|References)\n-+\n", page)
    assert len(parts) == 6
    assert all(part.strip() for part in parts)
    assert max(map(len, page.splitlines())) <= 100


def test_rules_keep_no_state() -> None:
    for rule in RULES:
        assert vars(rule()) == {}
