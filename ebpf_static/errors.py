"""The exception tree: every way ebpf-static can fail to do its job.

An exception means *we could not do the job*; a problem of the object itself is a
:class:`~ebpf_static.findings.Finding`. ``str()`` of each error is one line that reads inwards:
object, then section or symbol, then what is wrong there.
"""

from __future__ import annotations


class EbpfStaticError(Exception):
    """Base of everything this package raises on purpose."""

    def __str__(self) -> str:
        """Return one printable line: names in it may be anybody's."""
        return escape(super().__str__())


class ObjectError(EbpfStaticError):
    """The bytes given cannot be read as a spec.

    Attributes:
        what: what is wrong, without a trailing period.
        where: section, symbol or type the problem is in, or None.
        offset: byte offset in the file, or None when only a name is known.
        object_name: name of the object, filled in by whoever knows it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        offset: int | None = None,
        object_name: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.offset = offset
        self.object_name = object_name

    @property
    def detail(self) -> str:
        """The message without the object's name."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return text if self.offset is None else f"{text} (byte offset {self.offset:#x})"

    def __str__(self) -> str:
        """Return one printable line: names come from the object and may hold anything."""
        text = f"{self.object_name}: {self.detail}" if self.object_name else self.detail
        return escape(text)


class FormatError(ObjectError):
    """A recognisable BPF object is malformed."""


class UnsupportedObjectError(ObjectError):
    """Not a BPF object at all: another machine's ELF, an archive, text, nothing."""


class LimitError(FormatError):
    """The object exceeds a bound of :mod:`ebpf_static.limits`."""


class UsageError(EbpfStaticError):
    """The caller asked for something that does not make sense."""


class ConfigError(UsageError):
    """A configuration file or value is wrong."""


class UnknownRuleError(UsageError):
    """A rule code, prefix or name that does not exist."""


class UnknownTargetError(UsageError):
    """A platform or version that does not exist."""


class PluginError(EbpfStaticError):
    """A rule or loader plugin failed.

    Attributes:
        plugin: name of the plugin at fault.
    """

    def __init__(self, plugin: str, what: str) -> None:
        super().__init__(f"plugin {plugin!r}: {what}")
        self.plugin = plugin


class LoaderError(EbpfStaticError):
    """A loader could not do what it was asked to.

    Attributes:
        result: name of the platform's result (``EINVAL``, ``EBPF_ACCESS_DENIED``), or None.
        log: what the verifier or runtime said, cut to what matters; possibly empty.
        rule: code of the rule that predicts this, None when none is known.
    """

    def __init__(
        self, what: str, log: str = "", *, result: str | None = None, rule: str | None = None
    ) -> None:
        super().__init__(what)
        self.log = log
        self.result = result
        self.rule = rule

    def __str__(self) -> str:
        """Return one printable line; the log may have many and is asked for by name."""
        text = super().__str__()
        return escape(f"{text} (see rule {self.rule})" if self.rule else text)


class LoaderUnavailableError(LoaderError):
    """The loader cannot work on this host; the message says why."""


class LoadRejectedError(LoaderError):
    """The platform refused the object."""


def escape(text: str) -> str:
    """Return ``text`` on one line with control characters and lone surrogates spelled out.

    Names in an object are chosen by whoever built it; printed raw they could move the cursor,
    recolour the terminal or fake another line of the report.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
