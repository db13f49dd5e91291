"""PLT005."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.evidence import TAG_LINE, TAG_SECTION

_SHT_PROGBITS = 1
_SHF_ALLOC = 0x2
_TRUE = b"\x01"
_SHOWN_BYTES = 8


class WindowsTagMalformed(Rule):
    """The `.ebpf_for_windows` section is not the tag efW's headers make.

    What it does
    ------------
    Reports a tag section that holds anything but the single byte 01, and warns when the section
    is not initialised data that is part of the object's memory (PROGBITS with ALLOC).

    Why it matters
    --------------
    The tag is a C variable that is true. A tool that looks at its value, not just at the name of
    the section, takes the object for untagged. A section without ALLOC is dropped by strip.

    Example
    -------
    ::

        const int tag __attribute__((section(".ebpf_for_windows"))) = 1;    // four bytes
        const bool tag __attribute__((section(".ebpf_for_windows"))) = false;

    How to fix
    ----------
    Define the tag exactly once, as efW's headers do::

        const bool __ebpf_for_windows_tag __attribute__((section(".ebpf_for_windows"))) = true;

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/bpf_helpers.h
    """

    code = "PLT005"
    name = "windows-tag-malformed"
    severity = Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield a finding for wrong contents and one for a wrong kind of section."""
        if spec.tag is None:
            return
        place = Locator(spec, context).object(TAG_SECTION)
        help_text = f"define the tag once, like this: {TAG_LINE}"
        if spec.tag != _TRUE:
            yield self.finding(
                context,
                f"section `{TAG_SECTION}` holds {_describe(spec.tag)}, not the single byte 01",
                place,
                help=help_text,
            )
        section = spec.elf.find_section(TAG_SECTION) if spec.elf is not None else None
        if section is None:
            return
        if section.type != _SHT_PROGBITS or not section.flags & _SHF_ALLOC:
            yield self.finding(
                context,
                f"section `{TAG_SECTION}` has type {section.type} and flags {section.flags:#x}, "
                "not PROGBITS with ALLOC",
                place,
                help=help_text,
                severity=Severity.WARNING,
            )


def _describe(tag: bytes) -> str:
    if not tag:
        return "nothing"
    if len(tag) > _SHOWN_BYTES:
        return f"{len(tag)} bytes"
    return f"the bytes {tag.hex(' ')}" if len(tag) > 1 else f"the byte {tag.hex()}"
