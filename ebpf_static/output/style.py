"""Colour: when to use it, and how to say it in ANSI escapes.

Conventions: https://no-color.org, https://force-color.org and https://bixense.com/clicolors.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ebpf_static.output.rule_page import RulePage

COLOR_CHOICES = ("auto", "always", "never")

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "help": "1;32",
    "frame": "1;34",
    "bold": "1",
    "dim": "2",
}


class Style(NamedTuple):
    """Wraps text in ANSI escapes, or leaves it alone.

    The text given must already be free of control characters
    (:func:`ebpf_static.errors.escape`).
    """

    enabled: bool = False

    def __call__(self, role: str, text: str) -> str:
        """Return ``text`` as a ``role``: a severity, ``help``, ``frame``, ``bold`` or ``dim``."""
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if self.enabled and text else text


PLAIN = Style()


def hyperlink(text: str, url: str) -> str:
    """Return text that leads somewhere in terminals that know OSC 8; others show the text."""
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if url else text


class RenderOptions(NamedTuple):
    """What a renderer may vary; each format looks at what concerns it.

    Attributes:
        style: colours.
        footer: end with the line that counts.
        statistics: add the number of findings of each code.
        fail_on: the mildest severity that fails the run.
        pages: what is known of the rules findings are of, for formats that describe rules.
        links: addresses of rules' pages by code, for terminals that can follow them and for
            programs.
    """

    style: Style = PLAIN
    footer: bool = True
    statistics: bool = False
    fail_on: str = "error"
    pages: tuple[RulePage, ...] = ()
    links: Mapping[str, str] = MappingProxyType({})


def use_color(choice: str, *, is_terminal: bool, env: Mapping[str, str]) -> bool:
    """Tell whether to write ANSI escapes.

    ``always`` and ``never`` decide. With ``auto``: a non-empty ``NO_COLOR`` turns colour off, a
    non-empty ``FORCE_COLOR`` or ``CLICOLOR_FORCE`` other than 0 turns it on, and otherwise it is
    on for a terminal that is not ``TERM=dumb``.

    Args:
        choice: ``auto``, ``always`` or ``never``.
        is_terminal: whether the output goes to a terminal that understands escapes.
        env: the environment.
    """
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    if any(env.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return is_terminal and env.get("TERM") != "dumb"
