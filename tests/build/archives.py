"""Archives and packed data in memory: what tests put objects and kernels into."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def zstd(data: bytes) -> bytes:
    """One zstd frame."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    packed: bytes = import_module(name).compress(data)
    return packed


def lz4(data: bytes) -> bytes:
    """One lz4 frame."""
    packed: bytes = import_module("lz4.frame").compress(data)
    return packed


def lz4_legacy(data: bytes) -> bytes:
    """One block of the form kernels are packed in, and the size that their build appends."""
    packed: bytes = import_module("lz4.block").compress(data, store_size=False)
    head = b"\x02\x21\x4c\x18" + struct.pack("<I", len(packed))
    return head + packed + struct.pack("<I", len(data))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": zstd,
    "lz4": lz4,
    "lz4-legacy": lz4_legacy,
}


def ar(members: Mapping[str, bytes], *, style: str = "gnu", magic: bytes = b"!<arch>\n") -> bytes:
    """An ``ar`` archive with GNU's or BSD's form of long names."""
    out, names = magic, b""
    if style == "gnu":
        names = b"".join(f"{name}/\n".encode() for name in members if len(name) > 15)
        if names:
            out += _ar_member(b"//", names)
    for name, data in members.items():
        if style == "bsd":
            out += _ar_member(f"#1/{len(name)}".encode(), name.encode() + data)
        elif len(name) > 15:
            out += _ar_member(f"/{names.index(name.encode() + b'/')}".encode(), data)
        else:
            out += _ar_member(f"{name}/".encode(), data)
    return out


def _ar_member(name: bytes, data: bytes) -> bytes:
    header = b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", len(data))
    return header + data + b"\n" * (len(data) % 2)


def tar(members: Mapping[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of plain files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of plain files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def deb(data_tar: bytes, suffix: str = "") -> bytes:
    """A Debian package around an archive of its files."""
    control = tar({"./control": b"Package: sample\n"})
    return ar({
        "debian-binary": b"2.0\n",
        "control.tar": control,
        f"data.tar{suffix}": data_tar,
    })  # fmt: skip


def cpio(members: Mapping[str, bytes], magic: str = "070701") -> bytes:
    """A cpio archive in one of its ASCII forms, with a directory in front."""
    entries = [("./usr", b"", 0o40755)]
    entries += [(name, data, 0o100644) for name, data in members.items()]
    make = _odc_entry if magic == "070707" else _newc_entry
    return b"".join(make(magic, *entry) for entry in [*entries, ("TRAILER!!!", b"", 0)])


def _newc_entry(magic: str, name: str, data: bytes, mode: int) -> bytes:
    raw = name.encode("utf-8", "surrogateescape") + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
    head = magic.encode() + b"".join(b"%08X" % field for field in fields) + raw
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def _odc_entry(magic: str, name: str, data: bytes, mode: int) -> bytes:
    raw = name.encode("utf-8", "surrogateescape") + b"\0"
    short = b"".join(b"%06o" % field for field in (0, 0, mode, 0, 0, 1, 0))
    return magic.encode() + short + b"%011o%06o%011o" % (0, len(raw), len(data)) + raw + data


def rpm(payload: bytes, *, signature_bytes: int = 37) -> bytes:
    """An RPM package around a packed cpio archive; of its headers only the sizes are true."""
    tags = {1000: (6, 1, b"")}
    signature = _rpm_header(b"s" * signature_bytes, tags)
    return _rpm_package(signature, _rpm_header(b"linux\0", tags), payload)


def rpm_stripped(members: Mapping[str, bytes], pack: Callable[[bytes], bytes] = bytes) -> bytes:
    """An RPM package whose payload has numbers where others have names, with a folder and links.

    The first member gets a second name, which is where the payload has it, and a symbolic link.
    """
    first = next(iter(members))
    rows = [("/etc", 0o40755, 4096, b"", 1), (first + ".link", 0o120777, 4, b"link", 2)]
    rows += [
        (name, 0o100644, len(data), data, 3 + i) for i, (name, data) in enumerate(members.items())
    ]
    rows.append((first + ".2", 0o100644, len(members[first]), members[first], 3))
    folders = sorted({name.rpartition("/")[0] + "/" for name, *_ in rows})
    count = len(rows)
    tags = {
        1117: (8, count, b"".join(row[0].rpartition("/")[2].encode() + b"\0" for row in rows)),
        1118: (8, len(folders), b"".join(folder.encode() + b"\0" for folder in folders)),
        1116: (4, count, struct.pack(f">{count}I", *(
            folders.index(row[0].rpartition("/")[0] + "/") for row in rows))),
        1030: (3, count, struct.pack(f">{count}H", *(row[1] for row in rows))),
        5008: (5, count, struct.pack(f">{count}Q", *(row[2] for row in rows))),
        1095: (4, count, struct.pack(f">{count}I", *[1] * count)),
        1096: (4, count, struct.pack(f">{count}I", *(row[4] for row in rows))),
    }  # fmt: skip
    payload = b""
    for number, (name, mode, _, data, _) in enumerate(rows):
        stored = b"" if (mode & 0o40000 and mode < 0o100000) or name == first else data
        payload += b"07070X%08x\0\0" % number + stored + bytes(-len(stored) % 4)
    payload += _newc_entry("070701", "TRAILER!!!", b"", 0)
    return _rpm_package(
        _rpm_header(b"s", {1000: (6, 1, b"")}), _rpm_header(b"", tags), pack(payload)
    )


def _rpm_header(text: bytes, tags: Mapping[int, tuple[int, int, bytes]]) -> bytes:
    entries, store = b"", text
    for tag, (kind, count, data) in tags.items():
        store += bytes(-len(store) % 8)
        entries += struct.pack(">IIII", tag, kind, len(store), count)
        store += data
    return struct.pack(">4s4xII", b"\x8e\xad\xe8\1", len(tags), len(store)) + entries + store


def _rpm_package(signature: bytes, header: bytes, payload: bytes) -> bytes:
    lead = b"\xed\xab\xee\xdb\3\0" + bytes(90)
    return lead + signature + bytes(-len(signature) % 8) + header + payload


def docker_save(
    layers: Sequence[bytes], *, images: Sequence[Sequence[int]] = ()
) -> dict[str, bytes]:
    """Members of a ``docker save`` archive: layers under their hashes, the manifest at the end."""
    names = [f"blobs/sha256/{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    chosen = images or [range(len(layers))]
    manifest = [{"Config": "config", "Layers": [names[i] for i in image]} for image in chosen]
    # The archive's order is that of the hashes.
    members = dict(sorted(zip(names, layers, strict=True)))
    members["manifest.json"] = json.dumps(manifest).encode()
    return members


def oci_layout(images: Sequence[Sequence[bytes]]) -> dict[str, bytes]:
    """Members of an OCI image layout with an attestation beside the images."""
    blobs: dict[str, bytes] = {}

    def add(data: bytes, media: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(data)}

    layer_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    attestation = {"layers": [add(b"{}", "application/vnd.in-toto+json")]}
    manifests = [{"layers": [add(layer, layer_type) for layer in image]} for image in images]
    listed = [add(json.dumps(it).encode(), manifest_type) for it in [attestation, *manifests]]
    inner = add(
        json.dumps({"manifests": listed}).encode(), "application/vnd.oci.image.index.v1+json"
    )
    index = json.dumps({"schemaVersion": 2, "manifests": [inner]}).encode()
    return {"oci-layout": b"{}", "index.json": index, **dict(sorted(blobs.items()))}
