"""Numbers as tar headers have them."""

from __future__ import annotations

from ebpf_static.errors import FormatError

_MAX_DIGITS = 20


def parse_field(field: bytes) -> int:
    """Return the octal number of a header field, or GNU's binary one.

    Raises:
        FormatError: it is neither, or negative.
    """
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip(b" ")
    if not digits:
        return 0
    try:
        return _checked(int(digits, 8) if digits.isdigit() else -1)
    except ValueError:
        return _checked(-1)


def parse_decimal(text: str) -> int:
    """Return the decimal number of a pax record.

    Raises:
        FormatError: it is none, or has more digits than any size.
    """
    plain = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return _checked(int(text) if plain else -1)


def _checked(number: int) -> int:
    if number < 0:
        raise FormatError("damaged number in a tar header")
    return number
