from __future__ import annotations

import pytest

from ebpf_static.findings import Severity
from ebpf_static.output.rule_page import pages_of, section, to_markdown
from ebpf_static.plugins import RuleMeta
from ebpf_static.registry import get_registry
from tests.engine.samples import registry

PAGE = """\
A summary with ``code``.

What it does
------------
Says ``this``::

    struct {
        int x;
    };

    more

and that.

::

    alone

References
----------
https://example.org/a_b
See https://example.org/c, and `https://example.org/d`.
"""
META = RuleMeta("MAP101", "a-b", Severity.ERROR, "A summary with ``code``.", PAGE, "0.1.0")


def test_a_page_becomes_markdown() -> None:
    assert (
        to_markdown(META)
        == """\
A summary with ``code``.

## What it does

Says `this`:

```text
struct {
    int x;
};

more
```

and that.

```text
alone
```

## References

- <https://example.org/a_b>
See <https://example.org/c>, and `https://example.org/d`.
"""
    )


def test_sections_are_found_by_heading() -> None:
    assert section(META, "What it does").startswith("Says `this`:")
    assert section(META, "Nowhere") == ""


@pytest.mark.parametrize("level", [2, 3])
def test_every_page_keeps_its_headings(level: int) -> None:
    for meta in get_registry().metas:
        text = to_markdown(meta, level=level)
        assert text.count(f"\n{'#' * level} ") >= 5
        assert text.count("```") % 2 == 0
        assert "\n-----" not in text


def test_only_our_own_rules_have_an_address() -> None:
    (ours,) = pages_of(get_registry().rules, {"MAP101"})
    assert ours.url.endswith("/docs/rules/MAP101.md")
    (theirs,) = pages_of(registry().rules, {"MAP101"})
    assert theirs.url == ""
