"""The support tables as one catalogue: groups of named things, each with its facts and answers.

The other modules of this package answer about one thing that is known to exist; this one is for
looking around: what groups there are, what is in them, and what is known of each entry.
"""

from __future__ import annotations

from ebpf_static.support.catalogue.answers import Answer, answer, answers_by_program_type
from ebpf_static.support.catalogue.details import Detail, details
from ebpf_static.support.catalogue.groups import (
    GROUPS,
    Entry,
    Group,
    entries,
    find_entries,
    find_group,
)

__all__ = [
    "GROUPS",
    "Answer",
    "Detail",
    "Entry",
    "Group",
    "answer",
    "answers_by_program_type",
    "details",
    "entries",
    "find_entries",
    "find_group",
]
