"""The rules the engine itself speaks through: they judge the run, not one kind of content.

They are ordinary rules, so they can be listed and explained like any other; the registry finds
them as it finds every built-in rule.
"""

# ruff: noqa: D416 - a rule's headings are those of its page, without colons
from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.errors import ObjectError
from ebpf_static.findings import Finding, Location, Severity
from ebpf_static.plugins import Rule, RuleContext
from ebpf_static.specs import CollectionSpec


def builtin() -> tuple[type[Rule], ...]:
    """Return the engine's own rules."""
    from ebpf_static.engine.tag_rule import SuppressionUnknown

    return (MalformedObject, SuppressionUnknown)


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
