"""MAP112."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.target import Platform

_KNOWN = (0, 1)  # LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME


class MapPinningUnknown(Rule):
    """A map in `.maps` asks for a way of pinning libbpf does not have.

    What it does
    ------------
    Reports `pinning` values other than LIBBPF_PIN_NONE (0) and LIBBPF_PIN_BY_NAME (1), and any
    pinning of an inner map.

    Why it matters
    --------------
    libbpf refuses the whole object ("invalid pinning value 2", "inner def can't be pinned").
    iproute2's PIN_GLOBAL_NS is 2, and often carried over from an old source.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_HASH);
                __uint(pinning, 2);                // PIN_GLOBAL_NS
                …
        } flows SEC(".maps");

    How to fix
    ----------
    Write `__uint(pinning, LIBBPF_PIN_BY_NAME)`, and give the directory to the loader.

    References
    ----------
    https://github.com/libbpf/libbpf/blob/master/src/bpf_helpers.h
    """

    code = "MAP112"
    name = "map-pinning-unknown"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN_MAPS
    platforms = (Platform.LINUX,)
    refused_by_loader = "map_pinning"

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such map."""
        for item in spec.maps:
            if item.origin is not MapOrigin.BTF:
                continue
            place = Locator(spec, context).map(item)
            if item.pinning not in _KNOWN:
                yield self.finding(
                    context,
                    f"map `{item.name}` sets `pinning` to {item.pinning}, and "
                    f"{context.loader.label} knows 0 and 1 only",
                    place,
                    help="write `__uint(pinning, LIBBPF_PIN_BY_NAME)`",
                )
            inner = item.inner
            if inner is not None and item.inner_name is None and "pinning" in inner.declared:
                yield self.finding(
                    context,
                    f"the inner map of `{item.name}` sets `pinning`, which "
                    f"{context.loader.label} refuses",
                    place,
                    help="remove `pinning` from the inner definition",
                )
