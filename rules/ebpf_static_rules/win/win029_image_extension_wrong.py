"""WIN029."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static_rules.win.native import NativeRule

_EXTENSIONS = {"driver": ".sys", "dll": ".dll"}


class ImageExtensionWrong(NativeRule):
    """A native image has a file name that its consumers do not take for an image.

    What it does
    ------------
    Reports images whose file name does not end in exactly `.sys` (`.dll` for a DLL). Maps and
    programs of one name, or of none, are MAP102's, MAP103's, PRG003's and PRG004's.

    Why it matters
    --------------
    efW and cilium/ebpf compare the extension byte by byte: `DRIVER.SYS` is opened as an ELF file
    and fails.

    Example
    -------
    ::

        LoadCollection("Driver.SYS")

    How to fix
    ----------
    Spell the extension in lower case.

    References
    ----------
    cilium/ebpf: collection_windows.go; microsoft/ebpf-for-windows: libs/api/ebpf_api.cpp
    """

    code = "WIN029"
    name = "image-extension-wrong"
    severity = Severity.ERROR

    def judge_image(
        self, spec: NativeImageSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield one finding for the file's name."""
        wanted = _EXTENSIONS[spec.kind]
        # The last part: a path inside an archive has `!` between its parts.
        name = re.split(r"[/!]", context.object_name)[-1]
        if "." in name and not name.endswith(wanted):
            yield self.finding(
                context,
                f"file name does not end in `{wanted}` exactly, so efW and cilium/ebpf take it for "
                "an ELF object",
                locate.object(),
                help=f"rename it to end in {wanted}",
            )
