"""WIN027."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static_rules.win.native import NativeRule


class ImageNotRelocatable(NativeRule):
    """Pointers in a native image's tables are not relocated when the image is loaded.

    What it does
    ------------
    Reports images in which pointers of the map and program tables are missing from the base
    relocation table.

    Why it matters
    --------------
    Pointers on disk are the preferred base plus an address. Windows loads drivers elsewhere and
    corrects those the relocation table lists; the others point into whatever is there. (Pointers
    that leave the file's sections do not get this far: reading the image fails.)

    Example
    -------
    ::

        link /FIXED driver.obj           // strips the relocations

    How to fix
    ----------
    Link without `/FIXED`, and do not strip the relocations.

    References
    ----------
    Microsoft PE format, "The .reloc Section"
    """

    code = "WIN027"
    name = "image-not-relocatable"
    severity = Severity.ERROR

    def judge_image(
        self, spec: NativeImageSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield one finding for missing relocations."""
        if spec.relocatable is False:
            yield self.finding(
                context,
                "pointers in the image's tables are missing from its relocations, so they are "
                "wrong wherever Windows loads it",
                locate.object(".reloc"),
                help="link without /FIXED and keep the relocations",
            )
