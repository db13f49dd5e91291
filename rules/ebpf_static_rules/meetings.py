"""Whether the verifier meets instructions: for rules that judge without a release, too.

Following code takes modules that a run without a release does not need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec

BEHIND_A_QUESTION: Final = "unless the target's types or configuration, not given, make it dead"
"""Said of calls behind a CO-RE guard, a weak symbol or a kernel configuration value."""


class Meeting(NamedTuple):
    """Programs in which some of a function's instructions run, or may run, on the target.

    Attributes:
        surely: the verifier meets them whatever the target's open answers are.
        insn: the first of the instructions.
        programs: the names of the programs; empty where no release is judged for.
    """

    surely: bool
    insn: int
    programs: tuple[str, ...]


def iter_meetings(
    spec: CollectionSpec, context: RuleContext, function: FunctionSpec, insns: Sequence[int]
) -> Iterator[Meeting]:
    """Yield the programs that surely run one of ``insns``, then those that may.

    Where no release is judged for, every instruction counts.
    """
    if context.release is None:
        yield Meeting(surely=True, insn=insns[0], programs=())
        return
    from ebpf_static_rules.guards import runs_surely
    from ebpf_static_rules.release import iter_flows

    index = next(at for at, found in enumerate(spec.functions) if found is function)
    groups: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for program, flow in iter_flows(spec, context):
        met = [insn for insn in insns if flow.is_reached(index, insn)]
        if not met and not flow.complete:
            groups[False][program.name] = insns[0]
        elif met:
            sure = [it for it in met if runs_surely(spec, context, program, (index, it))]
            groups[bool(sure)][program.name] = (sure or met)[0]
    for surely, found in groups.items():
        if found:
            yield Meeting(surely, min(found.values()), tuple(found))
