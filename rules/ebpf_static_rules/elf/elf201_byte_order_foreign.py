"""ELF201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static.support.architectures import DEFAULT, architecture_of
from ebpf_static.target import Library
from ebpf_static_rules.release import ReleaseRule


class ByteOrderForeign(ReleaseRule):
    """The object has the other byte order than the machine it is to be loaded on.

    What it does
    ------------
    Reports objects whose byte order is not that of the target: little-endian (x86-64), unless the
    kernel's BTF says otherwise.

    Why it matters
    --------------
    libbpf opens such an object and refuses to load it: "loading non-native endianness is
    unsupported".

    Example
    -------
    ::

        clang --target=bpfeb -c probe.bpf.c        // for s390x, loaded on x86-64

    How to fix
    ----------
    Compile with `--target=bpfel`, or with `--target=bpf` on a machine of the target's kind.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html
    """

    code = "ELF201"
    name = "byte-order-foreign"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.BYTE_ORDER

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding when the byte orders differ."""
        machine = architecture_of(context.target)
        wanted = machine.byte_order
        place = release.label if machine.name == DEFAULT else f"{release.label} on {machine.name}"
        if spec.byte_order == wanted:
            return
        if self._is_unchecked(spec, context):
            return
        # aya looks at the byte order of BTF only.
        unseen = context.loader.library is Library.AYA and spec.btf is None
        suffix = "el" if wanted == "little" else "eb"
        yield self.finding(
            context,
            f"the object is {spec.byte_order}-endian, and {place} runs {wanted}-endian",
            Locator(spec, context).object(),
            help=f"compile with `--target=bpf{suffix}`",
            severity=Severity.NOTE if unseen else None,
            confidence=Confidence.LOW if unseen else Confidence.HIGH,
            targeted=True,
            undecided=unseen,
        )

    @staticmethod
    def _is_unchecked(spec: CollectionSpec, context: RuleContext) -> bool:
        """Tell whether nothing of the object is looked at: cilium/ebpf asks single programs."""
        cilium = context.loader.library is Library.CILIUM
        return cilium and not any(program.type.number for program in spec.programs)
