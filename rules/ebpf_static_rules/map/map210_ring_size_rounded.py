"""MAP210."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static.support.architectures import page_size_of
from ebpf_static_rules.map.creation import RINGS, ring_bytes
from ebpf_static_rules.map.walk import iter_definitions
from ebpf_static_rules.release import ReleaseRule

_LARGE_PAGE = 65_536


class RingSizeRounded(ReleaseRule):
    """A ring buffer's size is no power of two of whole pages.

    What it does
    ------------
    Points out ring buffers whose `max_entries` is not what the kernel takes on a machine with
    pages of 4096 bytes, or of 65536 as many arm64 and ppc64 machines have.

    Why it matters
    --------------
    The kernel takes a power of two that is a multiple of the page size. libbpf rounds the size up
    and the map becomes larger than asked for; other loaders pass it on and get `-EINVAL`.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_RINGBUF);
                __uint(max_entries, 10000);                // becomes 16384
        } events SEC(".maps");

    How to fix
    ----------
    Use a power of two of at least 65536, which is right on every machine.

    References
    ----------
    https://docs.kernel.org/bpf/ringbuf.html
    """

    code = "MAP210"
    name = "ring-size-rounded"
    severity = Severity.NOTE
    stage = Stage.OBJECT
    step = Step.MAPS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a note for each such ring buffer."""
        del release
        for declared, item, words in iter_definitions(spec):
            size = item.max_entries
            if item.type.name not in RINGS or size == 0:
                continue
            page = page_size_of(context.target)
            rounded = ring_bytes(size, page)
            if rounded != size:
                what = f"is no power of two of whole pages; libbpf makes it {rounded}"
            elif size % _LARGE_PAGE and page < _LARGE_PAGE:
                what = f"suits pages of {page} bytes only; libbpf makes it larger elsewhere"
            else:
                continue
            yield self.finding(
                context,
                f"{words} has `max_entries` {size}, which {what}",
                Locator(spec, context).map(declared),
                help=f"use a power of two of at least {_LARGE_PAGE}",
            )
