"""Native images: PE files made by bpf2c, read without Windows.

Headers, sections and every pointer are judged by this package (:mod:`native_container`): lief
accepts files cut in half. lief reads the signatures, in a process of its own: verifying a damaged
signature can crash it (measured with lief 1.0.0: 5 of 12 runs of 5 000 mutated signed images died
of a segmentation fault, against none in 200 000 when only the headers were parsed).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any, Final, NoReturn

from ebpf_static.errors import FormatError, UnsupportedObjectError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_image import read_image
from ebpf_static.formats.native_signature import NOT_VERIFIED, describe, read_certificate_table
from ebpf_static.formats.pe_header import is_native_image
from ebpf_static.specs.collection import ReadProblem
from ebpf_static.specs.native import Authenticode, NativeImageSpec

_TIMEOUT: Final = 10
_MAX_ANSWER: Final = 4 << 20


def read_native(data: bytes, *, signatures: bool = True) -> NativeImageSpec:
    """Read a native image.

    Args:
        data: the whole file.
        signatures: read and verify Authenticode signatures, which starts a process for images
            that have one; False leaves ``authenticode.unread`` saying so.

    Raises:
        UnsupportedObjectError: not a PE file, or one without bpf2c's sections.
        FormatError: it is one, but malformed, or of no known layout.
    """
    if not is_native_image(data):
        raise UnsupportedObjectError("not a native image: no PE file with 'programs' or 'maps'")
    pe = PeFile(data)
    problems: list[ReadProblem] = []
    authenticode = _read_authenticode(pe, problems, wanted=signatures)
    return read_image(pe, authenticode, problems)


def _read_authenticode(pe: PeFile, problems: list[ReadProblem], *, wanted: bool) -> Authenticode:
    try:
        table = read_certificate_table(pe)
    except FormatError as error:
        where = error.where or "certificate table"
        problems.append(ReadProblem("authenticode", error.what, where, error.offset))
        return Authenticode(present=True, unread=error.detail, not_verified=NOT_VERIFIED)
    if table is None:
        return Authenticode()
    answer = _ask_child(pe.data) if wanted else {"unread": "not asked to"}
    return describe(pe, table, answer)


def _ask_child(data: bytes) -> dict[str, Any]:
    """Return what lief, in its own process, says of the signatures."""
    if not sys.executable:
        return {"unread": "this Python cannot start the process that would read it"}
    script = (
        f"import sys; sys.path[:] = {[str(entry) for entry in sys.path]!r}; "
        "from ebpf_static.formats.native_pe import answer_signatures; answer_signatures()"
    )
    command = [sys.executable, "-I", "-c", script]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and our own code
            command, input=data, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return {"unread": f"the parser did not finish within {_TIMEOUT} seconds"}
    except OSError as error:
        return {"unread": f"the process that would read it did not start: {error}"}
    if done.returncode:
        return {"unread": f"the parser ended with status {done.returncode}"}
    try:
        answer: dict[str, Any] = json.loads(done.stdout[:_MAX_ANSWER])
    except ValueError:
        return {"unread": "the parser gave no answer"}
    return answer


def answer_signatures() -> NoReturn:
    """Read an image from standard input, write what its signatures say as JSON, and exit.

    This is what the isolated process runs; nothing else should.
    """
    data = sys.stdin.buffer.read()
    _limit_memory()
    sys.stdout.write(json.dumps(_parse_signatures(data)))
    sys.stdout.flush()
    sys.exit(0)


def _limit_memory() -> None:
    # Windows has no such module, and some systems refuse the limit: the timeout remains.
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def _parse_signatures(data: bytes) -> dict[str, Any]:
    import lief

    lief.logging.disable()
    config = lief.PE.ParserConfig()
    for part in ("exports", "imports", "rsrc", "reloc", "exceptions", "arm64x_binary"):
        setattr(config, f"parse_{part}", False)
    binary = lief.PE.parse(data, config)
    if binary is None:
        return {"unread": "lief cannot parse the image"}
    found = [_parse_signature(lief, binary, signature) for signature in binary.signatures]
    if not found:
        return {"unread": "lief finds no signature in the certificate table"}
    return {"signatures": found}


def _parse_signature(lief: Any, binary: Any, signature: Any) -> dict[str, Any]:
    # Dates are facts here, not verdicts: the same bytes must read the same tomorrow.
    checks = lief.PE.Signature.VERIFICATION_CHECKS.SKIP_CERT_TIME
    flags = binary.verify_signature(signature, checks)
    names = lief.PE.Signature.VERIFICATION_FLAGS
    complaints = [flag.name for flag in names if flag.value and flag in flags]
    signers = list(signature.signers)
    signer = signers[0] if signers else None
    attributes = list(signer.unauthenticated_attributes) if signer else []
    kinds = [str(attribute.type).rsplit(".", 1)[-1] for attribute in attributes]
    info = signature.content_info
    return {
        "algorithm": str(info.digest_algorithm).rsplit(".", 1)[-1].replace("_", "").lower(),
        "digest": bytes(info.digest).hex(),
        "valid": not complaints,
        "complaints": complaints,
        "signer": [str(signer.issuer), bytes(signer.serial_number).hex()] if signer else None,
        "certificates": [_parse_certificate(it) for it in signature.certificates],
        "time_stamped": any("COUNTER_SIGN" in kind for kind in kinds),
        "nested": sum("NESTED" in kind for kind in kinds),
    }


def _parse_certificate(certificate: Any) -> list[str]:
    dates = (certificate.valid_from, certificate.valid_to)
    first, last = ("{:04}-{:02}-{:02}".format(*date[:3]) for date in dates)
    serial = bytes(certificate.serial_number).hex()
    return [str(certificate.subject), str(certificate.issuer), serial, first, last]
