"""Which rules run: codes, prefixes, names and ``ALL``; the more specific selector wins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeAlias

from ebpf_static.errors import UnknownRuleError
from ebpf_static.plugins import RuleEntry, RuleMeta, RuleStatus
from ebpf_static.registry import RegisteredRule

Selectable: TypeAlias = RuleEntry | RuleMeta
"""What has a code, a name and a status."""

ALL = "ALL"
_PREFIX = re.compile(r"[A-Z]{2,3}\d{0,2}\Z")
_EXACT = 100
"""Specificity of a whole code or name; a prefix has its length, ``ALL`` has 0."""
_NO_MATCH = -1
_SUGGESTIONS = 3


def select_rules(
    rules: Sequence[RegisteredRule],
    select: str | Iterable[str] = (ALL,),
    ignore: str | Iterable[str] = (),
) -> tuple[RegisteredRule, ...]:
    """Return the rules chosen by ``select`` and not taken away by ``ignore``.

    A selector is a code (``MAP101``), a prefix of codes (``MAP``, ``MAP1``), a name
    (``map-type-unknown``) or ``ALL``; text may hold several, separated by commas. For each rule
    the most specific selector decides, and ``ignore`` wins a tie. A preview rule runs only when
    its own code or name is selected.

    Raises:
        UnknownRuleError: a selector matches nothing.
    """
    return _select(tuple(rules), _as_tuple(select), _as_tuple(ignore))


@lru_cache(maxsize=16)
def _select(
    rules: tuple[RegisteredRule, ...], select: tuple[str, ...], ignore: tuple[str, ...]
) -> tuple[RegisteredRule, ...]:
    """Remembered: one by one, small objects are judged in less time than their rules are chosen."""
    entries = [found.entry for found in rules]
    selectors = parse_selectors(select, entries)
    ignored = parse_selectors(ignore, entries)
    return tuple(found for found in rules if _is_selected(found.entry, selectors, ignored))


def _as_tuple(selectors: str | Iterable[str]) -> tuple[str, ...]:
    return (selectors,) if isinstance(selectors, str) else tuple(selectors)


def parse_selectors(
    selectors: str | Iterable[str], entries: Sequence[Selectable]
) -> tuple[str, ...]:
    """Return selectors one by one, each known to match a rule.

    Raises:
        UnknownRuleError: one matches nothing; the message lists near matches.
    """
    parts = [part.strip() for text in _as_tuple(selectors) for part in text.split(",")]
    parsed = [part for part in parts if part]
    for selector in parsed:
        if selector != ALL and all(_specificity(selector, e) == _NO_MATCH for e in entries):
            raise _unknown(selector, entries)
    return tuple(dict.fromkeys(parsed))


def get_rule(code_or_name: str, metas: Sequence[RuleMeta]) -> RuleMeta:
    """Return the rule with exactly this code or name.

    Raises:
        UnknownRuleError: there is none; the message lists near matches.
    """
    for meta in metas:
        if code_or_name in (meta.code, meta.name):
            return meta
    number = sum(is_match(code_or_name, meta.code, meta.name) for meta in metas)
    if number:
        raise UnknownRuleError(
            f"{code_or_name!r} stands for {number} rules, not one: 'ebpf-static rule --all' lists "
            "them"
        )
    raise _unknown(code_or_name, metas)


def is_match(selector: str, code: str, name: str) -> bool:
    """Tell whether a selector means the rule with this code and name."""
    return _specificity_of(selector, code, name) != _NO_MATCH


def _is_selected(meta: Selectable, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    chosen = max((_specificity(s, meta) for s in select), default=_NO_MATCH)
    dropped = max((_specificity(s, meta) for s in ignore), default=_NO_MATCH)
    if meta.status is RuleStatus.PREVIEW and chosen != _EXACT:
        return False
    return chosen > dropped


def _specificity(selector: str, meta: Selectable) -> int:
    return _specificity_of(selector, meta.code, meta.name)


def _specificity_of(selector: str, code: str, name: str) -> int:
    if selector in (code, name):
        return _EXACT
    if selector == ALL:
        return 0
    family = code.rstrip("0123456789")
    is_prefix = len(selector) >= len(family) and code.startswith(selector)
    return len(selector) if is_prefix and _PREFIX.match(selector) else _NO_MATCH


def _unknown(selector: str, metas: Sequence[Selectable]) -> UnknownRuleError:
    families = {meta.code.rstrip("0123456789") for meta in metas}
    known = [*families, *(m.code for m in metas), *(m.name for m in metas)]
    spellings = (selector, selector.upper(), selector.lower().replace("_", "-"))
    near = dict.fromkeys(
        match for text in spellings for match in get_close_matches(text, known, n=_SUGGESTIONS)
    )
    hint = "'ebpf-static rule --all' lists every rule"
    if near:
        hint = f"did you mean {_either(list(near)[:_SUGGESTIONS])}?"
    return UnknownRuleError(f"no rule matches {selector!r}: {hint}")


def _either(words: list[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
