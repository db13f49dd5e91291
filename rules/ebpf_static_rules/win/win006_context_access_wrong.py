"""WIN006."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import Access
from ebpf_static.analysis.context import Context, find_context
from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.target import Platform
from ebpf_static_rules.facts import program_type
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.flows import flow_of, iter_context_accesses
from ebpf_static_rules.wording import capped, listed, tick

Problem = tuple[FunctionSpec, int, Severity, str]


class ContextAccessWrong(WindowsRule):
    """A program reads its context where Windows has something else, or nothing.

    What it does
    ------------
    Follows the context pointer through the code and reports accesses outside the Windows
    structure, loads of a part of a pointer slot, and, in a Linux object, loads of bytes that hold
    another field on Windows. Accesses it cannot prove to be to the context are left alone; a note
    names programs too large to be followed.

    Why it matters
    --------------
    The structures differ: `xdp_md` has 8-byte pointers, `bpf_sock_addr` other fields in another
    order and 16-bit ports. Most offsets of a Linux object are inside the Windows structure, so
    the verifier accepts them and the program decides by the wrong bytes.

    Example
    -------
    ::

        // Linux: ports at 24; Windows has user_ip4 there
        if (ctx->user_port == bpf_htons(53)) return 1;

    How to fix
    ----------
    Compile with the headers of eBPF for Windows, which declare the Windows structures.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_nethooks.h; microsoft/xdp-for-windows:
    published/external/xdp/ebpfhook.h
    """

    code = "WIN006"
    name = "context-access-wrong"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield one finding for each program, at its first such access; one note on the rest."""
        unknown = []
        for program in spec.programs:
            layout = find_context(program_type(program, Platform.WINDOWS))
            if layout is None or not program.code:
                continue
            if not flow_of(spec, program).complete:
                unknown.append(program)
            problems = list(_find_problems(spec, program, layout))
            if problems:
                function, insn, severity, words = min(problems, key=lambda it: it[2].rank)
                others = [it for it in problems if it[:2] != (function, insn)]
                yield self.finding(
                    context,
                    f"`{program.name or program.section}` {words}",
                    locate.function(function, insn),
                    help="compile with the headers of eBPF for Windows",
                    severity=severity,
                    related=capped((f"insn {it[1]}: {it[3]}" for it in others), len(others)),
                )
        if unknown:
            names = listed([tick(it.name or it.section) for it in unknown])
            yield self.finding(
                context,
                f"{names} cannot be followed to the end: some context accesses are not known",
                locate.function(unknown[0]),
                help="verify it with `netsh ebpf show verification`",
                severity=Severity.NOTE,
                confidence=Confidence.LOW,
            )


def _find_problems(
    spec: CollectionSpec, program: ProgramSpec, layout: Context
) -> Iterator[Problem]:
    linux = find_context(program.type) if program.type.platform is Platform.LINUX else None
    for function, access, offset in iter_context_accesses(spec, program):
        verb = "writes" if access.writes else "reads"
        what = f"{verb} {access.size} bytes at offset {offset} of `{layout.struct}`"
        if offset < 0 or offset + access.size > layout.size:
            words = f"{what}, which has {layout.size} bytes"
            yield function, access.insn, Severity.ERROR, words
        elif not access.writes:
            wrong = _misread(access, offset, layout, linux)
            if wrong is not None:
                yield function, access.insn, Severity.WARNING, f"{what}, {wrong}"


def _misread(access: Access, offset: int, layout: Context, linux: Context | None) -> str | None:
    """Return what is wrong with a load inside the structure."""
    pointer = layout.find_pointer(offset, access.size)
    if pointer is not None and (offset, access.size) != (pointer.offset, pointer.size):
        return f"a part of the {pointer.size}-byte pointer `{pointer.name}`"
    meant = linux.find_field(offset, access.size) if linux else None
    if meant is None:
        return None
    there = layout.find_field(offset, access.size)
    if there is not None and there.name == meant.twin:
        return None
    found = "nothing" if there is None else f"`{there.name}`"
    return f"where Linux has `{meant.name}` and Windows {found}"
