"""The certificate table of a native image, and the digest an Authenticode signature vouches for.

Source: Microsoft "Windows Authenticode Portable Executable Signature Format", "Calculating the PE
Image Hash"; PE format, "The Attribute Certificate Table".
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import DIRECTORY_SECURITY, PeFile
from ebpf_static.specs.native import Authenticode, Certificate, Signature

PKCS_SIGNED_DATA: Final = 2
MAX_TABLE_BYTES: Final = 1 << 20
_MAX_SIGNATURES: Final = 16
_MAX_CHAIN: Final = 16
_DIGESTS: Final = ("md5", "sha1", "sha256", "sha384", "sha512")

NOT_VERIFIED: Final = (
    "Nothing shows that the root certificate is one Windows trusts for drivers or for eBPF.",
    "Revocation of the certificates was not looked up.",
    "Validity dates were not compared with the clock, and time stamps were not verified.",
    "Extended key usages, which the efW service and Windows demand, were not judged.",
    "Catalogue signatures live outside the image and were not looked for.",
)


class CertificateTable(NamedTuple):
    """Where the table lies in the file, and the signatures in it."""

    offset: int
    size: int
    blobs: tuple[bytes, ...]


def read_certificate_table(pe: PeFile) -> CertificateTable | None:
    """Return the attribute certificates, None when the image has no table.

    Raises:
        FormatError: the table leads out of the file or does not add up.
    """
    where = "certificate table"
    offset, size = pe.directory(DIRECTORY_SECURITY)
    if not offset and not size:
        return None
    if offset % 8 or not 8 <= size <= MAX_TABLE_BYTES or offset + size > len(pe.data):
        raise FormatError(f"{size} bytes do not lie in the file", where=where, offset=offset)
    blobs: list[bytes] = []
    start, end = offset, offset + size
    while start + 8 <= end and len(blobs) < _MAX_SIGNATURES:
        length = int.from_bytes(pe.data[start : start + 4], "little")
        kind = int.from_bytes(pe.data[start + 6 : start + 8], "little")
        if not 8 <= length <= end - start:
            raise FormatError(f"certificate of {length} bytes", where=where, offset=start)
        if kind == PKCS_SIGNED_DATA:
            blobs.append(pe.data[start + 8 : start + length])
        start += (length + 7) & ~7
    return CertificateTable(offset, size, tuple(blobs))


def image_digest(pe: PeFile, table: CertificateTable, algorithm: str) -> str | None:
    """Return the image's digest, None when ``algorithm`` is not one we compute.

    It covers the file without its checksum, without the directory entry of the certificate table
    and without that table, padded to eight bytes.
    """
    if algorithm not in _DIGESTS:
        return None
    digest = hashlib.new(algorithm, usedforsecurity=False)
    directory = pe.headers.optional + 112 + DIRECTORY_SECURITY * 8
    end = table.offset + table.size
    for start, stop in (
        (0, pe.checksum_offset),
        (pe.checksum_offset + 4, directory),
        (directory + 8, table.offset),
        (end, len(pe.data)),
    ):
        digest.update(pe.data[start:stop])
    digest.update(bytes(-(len(pe.data) - table.size) % 8))
    return digest.hexdigest()


def describe(pe: PeFile, table: CertificateTable, answer: dict[str, Any]) -> Authenticode:
    """Return what the isolated parser's ``answer`` means for this image."""
    unread = answer.get("unread")
    if unread is not None:
        return Authenticode(present=True, unread=str(unread), not_verified=NOT_VERIFIED)
    signatures = tuple(_signature(pe, table, found) for found in answer["signatures"])
    return Authenticode(present=True, signatures=signatures, not_verified=NOT_VERIFIED)


def _signature(pe: PeFile, table: CertificateTable, found: dict[str, Any]) -> Signature:
    certificates = tuple(Certificate(*fields) for fields in found["certificates"])
    ours = image_digest(pe, table, found["algorithm"])
    return Signature(
        digest_algorithm=found["algorithm"],
        digest=found["digest"],
        digest_matches=None if ours is None else ours == found["digest"],
        signature_valid=found["valid"],
        chain=_chain(found["signer"], certificates),
        certificates=certificates,
        time_stamped=found["time_stamped"],
        nested=found["nested"],
        complaints=tuple(found["complaints"]),
    )


def _chain(signer: list[str] | None, certificates: tuple[Certificate, ...]) -> tuple[str, ...]:
    """Return subjects from the signer upwards; names link them, not keys."""
    if signer is None:
        return ()
    issuer, serial = signer
    here = next((c for c in certificates if (c.issuer, c.serial) == (issuer, serial)), None)
    chain: list[str] = []
    while here is not None and len(chain) < _MAX_CHAIN and here.subject not in chain:
        chain.append(here.subject)
        wanted = here.issuer
        here = next((c for c in certificates if c.subject == wanted), None)
    return tuple(chain)
