"""Authenticode: what is there, whether it vouches for these bytes, and what nobody checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import lief
import pytest

from ebpf_static.errors import FormatError
from ebpf_static.formats import native_pe
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_pe import read_native
from ebpf_static.formats.native_signature import (
    NOT_VERIFIED,
    describe,
    image_digest,
    read_certificate_table,
)
from tests.build.pe_writer import NativeWriter

IMAGES = Path(__file__).resolve().parents[2] / "corpus" / "native"
SIGNED = (IMAGES / "signed-0.21-x64.sys").read_bytes()
SIGNER = "O=ebpf-static corpus, CN=Corpus Signer"
ROOT = "O=ebpf-static corpus, CN=Corpus Root"


def unsigned() -> NativeWriter:
    writer = NativeWriter("0.21")
    writer.program("one")
    return writer


def with_table(table: bytes, *, size: int | None = None) -> bytes:
    """Return an image with ``table`` at its end as its certificate table."""
    writer = unsigned()
    start = len(writer.build())
    writer.tail = table
    data = bytearray(writer.build())
    entry = 0x98 + 112 + 4 * 8
    data[entry : entry + 4] = start.to_bytes(4, "little")
    data[entry + 4 : entry + 8] = (len(table) if size is None else size).to_bytes(4, "little")
    return bytes(data)


def test_an_unsigned_image() -> None:
    spec = read_native(unsigned().build())
    assert spec.authenticode.present is False
    assert spec.authenticode.digest_matches is None


def test_a_signed_image() -> None:
    authenticode = read_native(SIGNED).authenticode
    (signature,) = authenticode.signatures
    assert authenticode.present
    assert authenticode.unread is None
    assert authenticode.digest_matches is True
    assert signature.digest_algorithm == "sha256"
    assert signature.signature_valid is True
    assert signature.complaints == ()
    assert signature.chain == (SIGNER, ROOT)
    assert {it.subject: it.issuer for it in signature.certificates} == {SIGNER: ROOT, ROOT: ROOT}
    assert signature.time_stamped is False
    assert signature.nested == 0
    assert authenticode.not_verified == NOT_VERIFIED
    said = " ".join(NOT_VERIFIED)
    assert all(word in said for word in ("root", "Revocation", "time stamps", "key usages"))


def test_a_byte_changed_after_signing() -> None:
    authenticode = read_native((IMAGES / "signed-tampered.sys").read_bytes()).authenticode
    assert authenticode.digest_matches is False
    assert authenticode.signatures[0].signature_valid is False
    assert "BAD_DIGEST" in authenticode.signatures[0].complaints
    assert authenticode.signatures[0].chain == (SIGNER, ROOT)


def test_a_checksum_may_change_after_signing() -> None:
    at = PeFile(SIGNED).checksum_offset
    data = SIGNED[:at] + b"\x12\x34\x56\x78" + SIGNED[at + 4 :]
    assert read_native(data).authenticode.digest_matches is True


def test_bytes_behind_the_certificates_are_covered() -> None:
    assert read_native(SIGNED + bytes(8)).authenticode.digest_matches is False


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_the_digest_is_what_lief_computes(algorithm: str) -> None:
    pe = PeFile(SIGNED)
    table = read_certificate_table(pe)
    binary = lief.PE.parse(SIGNED)
    assert table is not None
    assert isinstance(binary, lief.PE.Binary)
    theirs = getattr(binary, f"authentihash_{algorithm}")
    assert image_digest(pe, table, algorithm) == bytes(theirs).hex()


def test_an_unknown_digest_algorithm_is_not_judged() -> None:
    pe = PeFile(SIGNED)
    table = read_certificate_table(pe)
    assert table is not None
    found: dict[str, Any] = {
        "algorithm": "md2",
        "digest": "00",
        "valid": None,
        "complaints": [],
        "signer": None,
        "certificates": [],
        "time_stamped": True,
        "nested": 2,
    }
    authenticode = describe(pe, table, {"signatures": [found]})
    assert authenticode.digest_matches is None
    assert authenticode.signatures[0].chain == ()


def test_a_chain_of_names_that_goes_round_ends() -> None:
    pe = PeFile(SIGNED)
    table = read_certificate_table(pe)
    assert table is not None
    found: dict[str, Any] = {
        "algorithm": "sha256",
        "digest": "00",
        "valid": True,
        "complaints": [],
        "signer": ["B", "01"],
        "certificates": [["A", "B", "01", "", ""], ["B", "A", "02", "", ""]],
        "time_stamped": False,
        "nested": 0,
    }
    authenticode = describe(pe, table, {"signatures": [found]})
    assert authenticode.signatures[0].chain == ("A", "B")


BAD_TABLES = {
    "behind the file": (b"\x10\0\0\0\0\2\2\0" + bytes(8), 64),
    "shorter than its header": (bytes(8), 4),
    "an entry longer than the table": (b"\x40\0\0\0\0\2\2\0" + bytes(8), None),
    "an entry of no length": (bytes(16), None),
}


@pytest.mark.parametrize(("table", "size"), BAD_TABLES.values(), ids=BAD_TABLES.keys())
def test_a_malformed_table_is_a_problem(table: bytes, size: int | None) -> None:
    data = with_table(table, size=size)
    with pytest.raises(FormatError):
        read_certificate_table(PeFile(data))
    spec = read_native(data)
    assert [p.kind for p in spec.problems] == ["authenticode"]
    assert spec.authenticode.present
    assert spec.authenticode.unread is not None
    assert spec.authenticode.not_verified == NOT_VERIFIED
    assert spec.programs[0].name == "one"


def test_rubbish_in_a_good_table_is_unread() -> None:
    body = b"\x30\x82\x01\x00" + bytes(268)
    table = (8 + len(body)).to_bytes(4, "little") + b"\0\2\2\0" + body
    authenticode = read_native(with_table(table)).authenticode
    assert authenticode.present
    assert authenticode.unread
    assert authenticode.digest_matches is None


def test_signatures_are_read_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_pe, "_ask_child", None)
    authenticode = read_native(SIGNED, signatures=False).authenticode
    assert authenticode.present
    assert authenticode.unread == "not asked to"


def finish(code: int, out: bytes) -> object:
    return lambda *_, **__: subprocess.CompletedProcess([], code, out, b"")


def late(*_: object, **__: object) -> None:
    raise subprocess.TimeoutExpired("python", 10)


def missing(*_: object, **__: object) -> None:
    raise FileNotFoundError("python")


@pytest.mark.parametrize(
    ("process", "says"),
    [
        (finish(-11, b""), "status -11"),
        (finish(0, b""), "no answer"),
        (finish(0, b"[not json"), "no answer"),
        (late, "10 seconds"),
        (missing, "did not start"),
    ],
    ids=["crash", "silence", "rubbish", "hang", "no start"],
)
def test_a_parser_that_dies_leaves_the_reader_alive(
    process: object, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", process)
    spec = read_native(SIGNED)
    assert spec.authenticode.unread is not None
    assert says in spec.authenticode.unread
    assert spec.programs.keys() == ("gate_bind", "gate_chained", "gate_connect4")


def test_no_interpreter_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert read_native(SIGNED).authenticode.unread is not None


def test_a_signature_that_crashes_the_parser() -> None:
    """One byte that ends lief 1.0.0 with a segmentation fault; this process goes on."""
    spec = read_native((IMAGES / "signed-crash.sys").read_bytes())
    assert spec.authenticode.present
    assert len(spec.programs) == 3
    if spec.authenticode.unread is None:  # a lief that survives has to object
        assert spec.authenticode.signatures[0].signature_valid is False
