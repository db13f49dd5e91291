"""INS207."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.btf import Btf
from ebpf_static.btf.types import Func, FuncProto, Ptr, Struct
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec
from ebpf_static.support import Release, feature
from ebpf_static_rules.facts import programs_linking
from ebpf_static_rules.release import ReleaseRule

_NOT_STRUCT: Final = "a pointer to something that is no structure"


class FunctionArgumentUnsupported(ReleaseRule):
    """A global function takes a pointer, and the target kernel takes numbers and contexts only.

    What it does
    ------------
    Looks at the functions a program brings along that are neither static nor hidden, which
    kernels from 5.6 on verify by themselves, and reports pointers to anything but structures
    among their arguments where the release judged for is older than 5.12.

    Why it matters
    --------------
    The verifier refuses the program: "Arg#0 type PTR in parse() is not supported yet".

    Example
    -------
    On Linux 5.10::

        __noinline int parse(__u32 *flags) { ... }         // not static: global

    How to fix
    ----------
    Make the function `static`, or pass the value instead of the pointer.

    References
    ----------
    https://docs.ebpf.io/linux/concepts/functions/
    """

    code = "INS207"
    name = "function-argument-unsupported"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each such function."""
        verified = feature("btf_func_global", release).available
        if not verified or feature("global_function_pointers", release).available:
            return
        locate = Locator(spec, context)
        for index, programs in programs_linking(spec).items():
            function = spec.functions[index]
            at = None if spec.btf is None else _pointer(spec.btf, function)
            if at is not None:
                yield self.finding(
                    context,
                    f"argument {at} of the global function `{function.name}` is {_NOT_STRUCT}, "
                    f"which Linux takes since 5.12 (target {release.label})",
                    locate.function(function),
                    help="make the function `static`",
                    targeted=True,
                    programs=tuple(program.name for program in programs),
                )


def _pointer(btf: Btf, function: FunctionSpec) -> int | None:
    """Return which argument of a global function is such a pointer, counted from 1."""
    if isinstance(function, ProgramSpec) or function.hidden or function.linkage == "static":
        return None
    record = btf.type(function.btf_id) if function.btf_id else None
    proto = btf.type(record.type_id) if isinstance(record, Func) else None
    if not isinstance(proto, FuncProto):
        return None
    for number, parameter in enumerate(proto.params, 1):
        target = btf.type(btf.resolve(parameter.type_id))
        if isinstance(target, Ptr) and not isinstance(
            btf.type(btf.resolve(target.type_id)), Struct
        ):
            return number
    return None
