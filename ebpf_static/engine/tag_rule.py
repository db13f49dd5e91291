"""The rule about suppressions in the C source that suppress nothing because they are misspelt."""

# ruff: noqa: D416 - a rule's headings are those of its page, without colons
from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ebpf_static.btf.types import DeclTag, Kind
from ebpf_static.engine.select import ALL, is_match
from ebpf_static.engine.tags import PREFIX, parse_tag
from ebpf_static.errors import FormatError
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, RuleEntry
from ebpf_static.registry import get_registry
from ebpf_static.specs import CollectionSpec

_MAX_TAGS = 10_000
"""Tags looked at; the findings of a rule are bounded anyway."""


class SuppressionUnknown(Rule):
    """A declaration tag that should suppress findings names no rule.

    What it does
    ------------
    Warns about declaration tags that begin with ``ebpf-static:`` and are no
    ``ebpf-static:ignore=RULES``, or name a rule that does not exist.

    Why it matters
    --------------
    Such a tag does nothing: the finding it was written for still counts, or will count as soon as
    it appears.

    Example
    -------
    ::

        __attribute__((btf_decl_tag("ebpf-static:ignore=MAP1010")))

    How to fix
    ----------
    Write codes, prefixes of codes or names, separated by commas, and the reason after a space:
    ``ebpf-static:ignore=MAP101,HLP only on our own kernel``.

    References
    ----------
    ``ebpf-static rule --all`` lists the rules; docs/suppression.md.
    """

    code = "SUP001"
    name = "suppression-unknown"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding per tag and selector that means nothing."""
        place = Locator(spec, context).object()
        for text in _iter_tags(spec):
            parsed = parse_tag(text)
            if parsed is None or not parsed[0]:
                yield self.finding(
                    context,
                    f"the declaration tag `{text}` is no suppression",
                    place,
                    help="write `ebpf-static:ignore=CODE reason`",
                )
                continue
            entries = [rule.entry for rule in get_registry().rules]
            for selector in parsed[0]:
                if not any(is_match(selector, e.code, e.name) for e in entries):
                    message = f"the declaration tag `{text}` names no rule with `{selector}`"
                    yield self.finding(context, message, place, help=_hint(selector, entries))


def _iter_tags(spec: CollectionSpec) -> Iterator[str]:
    """Yield each different tag that is meant for us."""
    if spec.btf is None:
        return
    seen = set()
    try:
        for type_id in islice(spec.btf.iter_ids(Kind.DECL_TAG), _MAX_TAGS):
            tag = spec.btf.type(type_id)
            if isinstance(tag, DeclTag) and tag.name.startswith(PREFIX) and tag.name not in seen:
                seen.add(tag.name)
                yield tag.name
    except FormatError:
        return  # what is wrong with the BTF is a finding of its own


def _hint(selector: str, entries: Sequence[RuleEntry]) -> str:
    from difflib import get_close_matches  # only a misspelt tag pays for it

    known = [ALL, *(entry.code for entry in entries), *(entry.name for entry in entries)]
    near = get_close_matches(selector, known, n=1)
    return f"did you mean `{near[0]}`?" if near else "see `ebpf-static rule --all`"
