"""Standard output and error: who writes where, in which colours, and what a closed pipe means."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TextIO

from ebpf_static.errors import UsageError, escape
from ebpf_static.output.style import Style, use_color


def prepare_streams() -> None:
    """Let nothing that is printed fail for its characters, or because a stream is closed.

    Python has None in the place of a stream that was closed when it started (``2>&-``).
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - to the end
            setattr(sys, name, nothing)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def style_for(stream: TextIO, choice: str) -> Style:
    """Return the colours for what is written to ``stream``."""
    return Style(use_color(choice, is_terminal=_is_color_terminal(stream), env=os.environ))


def write_out(text: str) -> None:
    """Write to standard output; a reader that went away is no error.

    Raises:
        UsageError: it takes no more, as a full disk does.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        silence_stdout()
        raise UsageError(f"cannot write to standard output: {error.strerror}") from error


def silence_stdout() -> None:
    """Point standard output at nothing, so that Python's own flush at exit stays silent."""
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def write_document(text: str, file: str | None) -> None:
    """Write a document to ``file``, or to standard output when there is none.

    Raises:
        UsageError: the file cannot be written.
    """
    if file is None:
        write_out(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write '{file}': {error.strerror}") from error


def complain(args: Namespace, text: str, severity: str = "error") -> None:
    """Write one line about the run itself to standard error."""
    style = style_for(sys.stderr, getattr(args, "color", "auto"))
    print(f"{style(severity, severity)}: {escape(text)}", file=sys.stderr)


def _is_color_terminal(stream: TextIO) -> bool:
    if not stream.isatty():
        return False
    if sys.platform != "win32":
        return True
    # The consoles that understand escapes without being asked to say so.
    return any(name in os.environ for name in ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM"))
