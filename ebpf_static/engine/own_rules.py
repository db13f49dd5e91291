"""The rules the engine itself speaks through: they judge the run, not one kind of content.

They are ordinary rules, so they can be listed and explained like any other; the registry finds
them as it finds every built-in rule.
"""

# ruff: noqa: D416 - a rule's headings are those of its page, without colons
from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.errors import ObjectError
from ebpf_static.findings import Finding, Location, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform


def builtin() -> tuple[type[Rule], ...]:
    """Return the engine's own rules."""
    return (MalformedObject, TargetReleaseNotJudged)


class MalformedObject(Rule):
    """The file is a BPF object, but its bytes contradict themselves.

    What it does
    ------------
    Reports the first place where an object that is recognisably BPF cannot be read: a header cut
    off, a table that points outside the file, a size that does not fit, a bound of this tool
    exceeded. The byte offset, section or symbol is named where it is known.

    The finding is always reported: an object that cannot be read cannot be judged by any other
    rule, so neither ``--select`` nor ``--ignore`` takes it away.

    Why it matters
    --------------
    A loader stops at the same place, later and with less to say. A truncated or overwritten
    build artefact is the usual reason.

    Example
    -------
    A copy of an object that stops in the middle of its section header table::

        head -c 600 probe.bpf.o > cut.bpf.o
        ebpf-static check cut.bpf.o

    How to fix
    ----------
    Build the object again and check how it is copied and packaged. Files that are broken on
    purpose, such as test data, can be left out with ``--exclude``.

    References
    ----------
    System V gABI, chapters 4 and 5; Documentation/bpf/btf.rst in the Linux sources.
    """

    code = "ELF001"
    name = "malformed-object"
    severity = Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield nothing: whoever reads the object makes the finding with :meth:`from_error`."""
        del spec, context
        yield from ()

    def from_error(self, error: ObjectError, context: RuleContext) -> Finding:
        """Return the finding that says what reading stopped at."""
        where = error.where or ""
        # "where" is free text; only what starts like a section's name is claimed to be one.
        dotted = where.removeprefix("section ").partition(":")[0]
        section = dotted if dotted.startswith(".") else None
        text = f"{where}: {error.what}" if where else error.what
        return self.finding(
            context,
            f"the object is malformed: {text}",
            Location(object=context.object_name, section=section, offset=error.offset),
            help="build the object again, or check how it was copied",
        )


class TargetReleaseNotJudged(Rule):
    """A target names a release, but only its platform was judged.

    What it does
    ------------
    Notes for each Linux target with a release (``linux:5.15``) that the rules judged by the
    platform (``linux``) alone, and that what this release lacks was not looked up.

    Why it matters
    --------------
    A run without errors would otherwise read as "works on 5.15". Unknown is never "fine".

    Example
    -------
    ::

        ebpf-static check probe.bpf.o --target linux:5.15

    How to fix
    ----------
    Name the platform alone (``--target linux``) when that is what is meant, and load the object
    on the oldest release you ship to. ``--ignore TGT001`` takes the note away.

    References
    ----------
    The eBPF features each kernel release added: https://docs.ebpf.io/linux/timeline/
    """

    code = "TGT001"
    name = "target-release-not-judged"
    severity = Severity.NOTE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one note when the target names a release."""
        target = context.target
        if target is None or target.version is None or target.platform is Platform.WINDOWS:
            return  # the rules for Windows judge by release
        yield self.finding(
            context,
            f"judged for {target.platform.label} only: what release {target.version} supports "
            "was not consulted",
            Locator(spec, context).object(),
            help=f"test the object on {target.platform.label} {target.version}",
            targeted=True,
        )
