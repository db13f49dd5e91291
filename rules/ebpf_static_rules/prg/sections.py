"""What the other platform makes of a section's name."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.sections import SectionMatch, match_linux, match_windows
from ebpf_static_rules.facts import program_type


def iter_untyped(
    spec: CollectionSpec, platform: Platform
) -> Iterator[tuple[ProgramSpec, SectionMatch | None]]:
    """Yield every program whose section says nothing on ``platform``, with what it says elsewhere.

    A native image names types by GUID and is passed over.
    """
    if spec.elf is None:
        return
    for program in spec.programs:
        if program_type(program, platform).number == 0:
            yield program, _elsewhere(program.section, spec, platform)


def _elsewhere(section: str, spec: CollectionSpec, platform: Platform) -> SectionMatch | None:
    if platform is Platform.WINDOWS:
        return match_linux(section)
    # Windows matches by mere prefix: "process_exec" on Linux is rather a name somebody made up.
    match = match_windows(section)
    sure = match is not None and (match.exact or spec.platform is Platform.WINDOWS)
    return match if sure else None
