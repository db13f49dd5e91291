"""Accesses to the context that a Linux kernel refuses, found once for the rules about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.analysis import Access, Base, Patch
from ebpf_static.isa import Instruction
from ebpf_static.kernel import View
from ebpf_static.kernel.arguments import WITH_RESULT, argument_refusal
from ebpf_static.kernel.attach import KernelFunction, find_target, needs_kernel_target
from ebpf_static.kernel.contexts import (
    JUDGED_SINCE,
    ContextRules,
    find_rules,
    modified_pointer_refusal,
    store_immediate_since,
)
from ebpf_static.kernel.struct_ops import find_callback
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.support import program_rules
from ebpf_static.target import Platform, Target, Version
from ebpf_static.uapi.constants import AttachType

_ST, _STX, _ATOMIC, _MODE = 2, 3, 0xC0, 0xE0


class Refusal(NamedTuple):
    """An access a kernel refuses.

    Attributes:
        function: the function it is in.
        access: what the analysis saw.
        words: what is wrong with it, as the end of a sentence that begins with the access.
    """

    function: FunctionSpec
    access: Access
    words: str


def describe(access: Access, struct: str) -> str:
    """Return an access in words: ``reads 4 bytes at offset 8 of its context``."""
    verb = "writes" if access.writes else "reads"
    count = f"{access.size} byte{'' if access.size == 1 else 's'}"
    return f"{verb} {count} at offset {access.pointer.offset} of {struct}"


def iter_refusals(
    spec: CollectionSpec, context: RuleContext, program: ProgramSpec, *, writes: bool
) -> Iterator[Refusal]:
    """Yield every load (or store) of ``program`` that the target refuses, in code order."""
    version = context.release.version if context.release else None
    if version is not None and version < JUDGED_SINCE:
        return
    view = context.view(spec)
    judge = _find_judge(spec, view, program, context, version)
    code: dict[int, dict[int, Instruction]] = {}
    for (index, insn), access in sorted(view.flow(program).accesses.items()):
        offset = access.pointer.offset
        if access.pointer.base is not Base.CONTEXT or offset is None or access.writes != writes:
            continue
        function = spec.functions[index]
        if index not in code:
            code[index] = {it.index: it for it in function.instructions}
        instruction = code[index][insn]
        added = offset - _own_offset(view, (index, insn), instruction)
        words = judge.refusal(instruction, access, offset, added)
        if words is not None:
            yield Refusal(function, access, words)


def _own_offset(view: View, place: tuple[int, int], instruction: Instruction) -> int:
    """Return the offset an instruction has when it is loaded: CO-RE may have chosen it."""
    result = view.inputs.core.get(place)
    return result.value if isinstance(result, Patch) else instruction.off


class _Judge(NamedTuple):
    program: ProgramSpec
    version: Version | None
    attach: str | None
    rules: ContextRules | None
    callee: KernelFunction | None
    arguments: bool

    def refusal(
        self, instruction: Instruction, access: Access, offset: int, added: int
    ) -> str | None:
        """Return why the target refuses an access; None when it takes it, or nobody can tell."""
        size, writes = access.size, access.writes
        if writes:
            words = self._store_refusal(instruction)
            if words is not None:
                return words
        if added:
            known = self.rules is not None or self.arguments
            if known and modified_pointer_refusal(self.program.type, self.version):
                return f"through a pointer it added {added} to"
        if self.arguments:
            return self._argument_refusal(offset, size, writes=writes)
        if self.rules is None:
            return None
        return self.rules.refusal(
            offset, size, writes=writes, attach=self.attach, version=self.version
        )

    def _store_refusal(self, instruction: Instruction) -> str | None:
        if self.rules is None and not self.arguments:
            return None
        kind = instruction.opcode & 7
        if kind == _STX and instruction.opcode & _MODE == _ATOMIC:
            return "atomically, which no context takes"
        since = store_immediate_since()
        if kind == _ST and self.version is not None and self.version < since:
            return f"storing a constant, which contexts take since Linux {since}"
        return None

    def _argument_refusal(self, offset: int, size: int, *, writes: bool) -> str | None:
        if writes:
            return "which this program type may only read"
        if self.callee is None or self.attach is None:
            return None
        return argument_refusal(self.callee, self.attach, self.version, offset, size)


def _find_judge(
    spec: CollectionSpec,
    view: View,
    program: ProgramSpec,
    context: RuleContext,
    version: Version | None,
) -> _Judge:
    targets = view.kernel.btf
    name = program.type.name
    if name == "STRUCT_OPS":
        found = find_callback(spec, program, targets)
        if found is None:
            return _Judge(program, version, None, None, None, arguments=True)
        clashes = AttachType.of(Platform.LINUX, found[1]).name in WITH_RESULT
        place = "STRUCT_OPS" if clashes else "STRUCT_OPS_MEMBER"
        return _Judge(program, version, place, None, found[0], arguments=True)
    if name in ("TRACING", "LSM"):
        attach = program.attach_type.name if program.attach_type else None
        known = bool(targets) and needs_kernel_target(program)
        callee = find_target(program, targets) if known else None
        return _Judge(program, version, attach, None, callee, arguments=attach is not None)
    rules = find_rules(program.type)
    attach = _attach_name(program, context)
    return _Judge(program, version, attach, rules, None, arguments=False)


def _attach_name(program: ProgramSpec, context: RuleContext) -> str | None:
    """Return the attach type the kernel sees."""
    if program.attach_type is not None and program.attach_type.number:
        return program.attach_type.name
    rules = program_rules(program.type, context.release or Target(Platform.LINUX))
    return None if rules is None else rules.zero_attach_type or "CGROUP_INET_INGRESS"
