"""How strongly an object speaks for each platform, and how to say so."""

from __future__ import annotations

from ebpf_static.specs import CollectionSpec, Evidence
from ebpf_static.target import Platform
from ebpf_static_rules.wording import capped

ENOUGH = 30
"""Weight at which evidence decides; ``identify`` calls less of it unknown."""

TAG_SECTION = ".ebpf_for_windows"
TAG_LINE = 'const bool __ebpf_for_windows_tag __attribute__((section(".ebpf_for_windows"))) = true;'
"""The line of C that tags an object, as efW's ``bpf_helpers.h`` has it."""

_TAG_KIND = "tag-section"


def evidence_for(spec: CollectionSpec, platform: Platform) -> tuple[Evidence, ...]:
    """Return what speaks for ``platform`` beside the tag, strongest first."""
    found = (e for e in spec.evidence if e.platform is platform and e.kind != _TAG_KIND)
    return tuple(sorted(found, key=lambda e: -e.weight))


def weight_of(evidence: tuple[Evidence, ...]) -> int:
    """Return the weight of evidence together; each kind counts once, as in ``identify``."""
    kinds: dict[str, int] = {}
    for item in evidence:
        kinds[item.kind] = max(kinds.get(item.kind, 0), item.weight)
    return sum(kinds.values())


def evidence_lines(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    """Return the strongest evidence, a line each."""
    lines = (f"{e.platform.label}: {e.what} ({e.where})" for e in evidence)
    return capped(lines, len(evidence))


def is_foreign(spec: CollectionSpec, platform: Platform) -> bool:
    """Tell whether an object is known to be made for another platform than the one judged.

    PLT003 says so; rules that would only add noise to that keep quiet.
    """
    return spec.platform not in (platform, Platform.UNKNOWN)


def is_read_with_linux_numbers(spec: CollectionSpec, platform: Platform) -> bool:
    """Tell whether Windows is judged and the object's numbers are still Linux's.

    WIN001 and WIN002 then say of each number that both platforms have what it was meant to be;
    MAP109 and HLP102, which see only the number, leave it to them.
    """
    return platform is Platform.WINDOWS and spec.numbering is not Platform.WINDOWS
