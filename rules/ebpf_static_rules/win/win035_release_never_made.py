"""WIN035."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.errors import UnknownTargetError
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support.targets import resolve
from ebpf_static.target import Platform
from ebpf_static_rules.win.base import WindowsRule


class ReleaseNeverMade(WindowsRule):
    """The release judged for does not exist.

    What it does
    ------------
    Notes targets that name a release efW never tagged: 1.0.0 stayed at its release candidates, the
    first 1.2 is 1.2.1, and 0.19.2 is a servicing release outside the main line.

    Why it matters
    --------------
    Nobody runs such a release; the verdict is that for any supported one.

    Example
    -------
    ::

        ebpf-static check --target windows:1.2.0 prog.o

    How to fix
    ----------
    Name a release that exists.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/tags
    """

    code = "WIN035"
    name = "release-never-made"
    severity = Severity.NOTE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield one note for such a target."""
        del spec
        if context.target is None or context.target.platform is not Platform.WINDOWS:
            return
        try:
            resolve(context.target)
        except UnknownTargetError as error:
            yield self.finding(
                context,
                f"{error}; judged for any supported release instead",
                locate.object(),
                help="name a release that exists",
                targeted=True,
            )
