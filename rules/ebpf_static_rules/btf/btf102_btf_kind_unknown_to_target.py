"""BTF102."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.btf import Kind
from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, btf_kind, feature, loader_btf_kinds, substitutions
from ebpf_static_rules.release import ReleaseRule, since_words

_NAMES = {int(kind): kind.name for kind in Kind}


class BtfKindUnknownToTarget(ReleaseRule):
    """The object's BTF has kinds of types that came later than the target kernel.

    What it does
    ------------
    Compares the kinds in `.BTF` with those the release knows, and says what libbpf puts in their
    place, and from which version of it on. A kind it has nothing for is a warning.

    Why it matters
    --------------
    A kernel refuses a BTF with a kind it does not know. libbpf replaces the kinds it knows of, so
    that the object loads, with less said about its types. An older libbpf, or another loader, may
    not.

    Example
    -------
    ::

        enum big { BIG = 1ULL << 40 };             // ENUM64: since 6.0; libbpf 1.0 replaces it

    How to fix
    ----------
    Nothing, when the object is loaded by a libbpf that is new enough.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html#btf-kind-enum64
    """

    code = "BTF102"
    name = "btf-kind-unknown-to-target"
    severity = Severity.NOTE
    stage = Stage.OBJECT
    step = Step.BTF

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each such kind."""
        btf = spec.btf
        if btf is None:
            return
        place = Locator(spec, context).object(".BTF")
        if feature("btf_load", release).status == "unavailable":
            yield self.finding(
                context,
                f"{release.label} knows no BTF; {context.loader.label} loads the object without it",
                place,
                targeted=True,
            )
            return
        mended = loader_btf_kinds(context.loader)
        replaced = {kind: it for it in substitutions(release) for kind in it.replaces}
        for number in sorted(btf.own_kinds):
            name = _NAMES.get(number, f"KIND_{number}")
            answer = btf_kind(name, release) if number in _NAMES else None
            if answer is not None and answer.status != "unavailable":
                continue
            since = "which no release known has" if answer is None else since_words(answer, release)
            found = replaced.get("FUNC" if name == "FUNC_PROTO" else name)
            if mended is not None and name not in mended:
                found = None
            ending = f"and {context.loader.label} has nothing to put in its place"
            if found is not None and mended is not None:
                ending = f"{context.loader.label} loads it all the same: {found.what}"
            elif found is not None:
                ending = f"libbpf from {found.since} on loads it all the same: {found.what}"
            yield self.finding(
                context,
                f"the BTF has types of kind {name}, {since} (target {release.label}); {ending}",
                place,
                severity=Severity.NOTE if found is not None else Severity.WARNING,
                confidence=Confidence.HIGH if found is not None else Confidence.LOW,
                targeted=True,
                undecided=found is None,
            )
