"""Which functions are entry programs, and what their section names make of them.

Sources: libbpf 1.7 ``src/libbpf.c`` ``prog_is_subprog`` and ``bpf_object__add_programs``; for efW
the rules of its verifier (every code section but ``.text`` holds programs).
"""

from __future__ import annotations

from typing import Any, Final

from ebpf_static.specs.base import ByName
from ebpf_static.specs.function import FunctionSpec, ProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import ProgramType
from ebpf_static.uapi.sections import SectionMatch, match_linux, match_windows

TEXT: Final = ".text"


def interpret_functions(
    functions: tuple[FunctionSpec, ...], platform: Platform
) -> ByName[ProgramSpec | FunctionSpec]:
    """Return the functions with the entry programs among them made programs."""
    others = any(f.section != TEXT for f in functions)
    matches: dict[str, SectionMatch | None] = {}
    found: list[ProgramSpec | FunctionSpec] = []
    for function in functions:
        if not _is_entry(function, platform, others=others):
            found.append(function)
            continue
        section = function.section
        if section not in matches:
            windows = platform is Platform.WINDOWS
            matches[section] = match_windows(section) if windows else match_linux(section)
        found.append(make_program(function, matches[section], platform))
    return ByName(found)


def _is_entry(function: FunctionSpec, platform: Platform, *, others: bool) -> bool:
    if function.section == TEXT:
        # libbpf 1.0 made every function of `.text` a subprogram, even one that stands alone.
        return platform is Platform.WINDOWS and not others
    if platform is Platform.WINDOWS:
        return function.linkage != "static"
    return function.linkage not in ("static", "none")


def make_program(
    function: FunctionSpec, match: SectionMatch | None, platform: Platform
) -> ProgramSpec:
    """Return a function as the program its section's name makes it."""
    # To efW the mark is a part of the name.
    marked = platform is not Platform.WINDOWS and function.section.startswith("?")
    fields: dict[str, Any] = {"autoload": not marked}
    if match is not None:
        fields = {
            "type": match.program_type,
            "attach_type": match.attach_type,
            "attach_to": match.attach_to,
            "autoload": match.autoload,
            "sleepable": match.sleepable,
            "multi": match.multi,
            "xdp_frags": match.xdp_frags,
            "attach_type_optional": match.attach_type_optional,
            "section_pattern": match.pattern,
        }
    else:
        fields["type"] = ProgramType.of(platform, 0)
    shared = {name: getattr(function, name) for name in FunctionSpec.model_fields}
    if not fields["autoload"]:
        shared["section"] = function.section.removeprefix("?")
    return ProgramSpec.model_construct(**shared, **fields)
