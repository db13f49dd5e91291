"""Build the native images of this directory from ``src``, the same bytes each time.

Needs, on Debian: gcc-mingw-w64-x86-64, clang-19, lld-19, openssl and osslsigncode. GNU and LLVM
tools lay images out differently, which is why both are used. Nothing here comes from a Windows
toolchain: ``README.md`` says what that leaves open.

Run from the repository root: ``python corpus/native/build.py`` (``--check`` compares only; the
signed image is skipped there, for its signature holds the time of signing).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
MANIFEST = HERE / "MANIFEST.json"


class Image(NamedTuple):
    """One image: file, source, tools (``gcc``, ``clang`` or ``arm64``), C flags and definitions."""

    file: str
    source: str
    tools: str
    optimise: str
    version: str
    defines: tuple[str, ...]

    @property
    def is_dll(self) -> bool:
        """Whether it is the user-mode flavour."""
        return self.file.endswith(".dll")

    @property
    def flags(self) -> list[str]:
        """The compiler's flags."""
        major, minor, revision = self.version.split(".")
        versions = [f"MAJOR={major}", f"MINOR={minor}", f"REVISION={revision}"]
        names = [*self.defines, *versions, *(["AS_DLL"] if self.is_dll else [])]
        return [self.optimise, "-ffreestanding", *(f"-D{name}" for name in names)]


IMAGES = (
    Image("gate-0.2-x64.sys", "gate.c", "gcc", "-O1", "0.0.0", ("GEN=2",)),
    Image("gate-0.5-x64.sys", "gate.c", "clang", "-O2", "0.0.0", ("GEN=5",)),
    Image("gate-0.6-x64.dll", "gate.c", "gcc", "-O0", "0.8.0", ("GEN=6", "STRINGS_IN_TABLES")),
    Image("gate-0.9-x64.sys", "gate.c", "gcc", "-O2", "0.9.1", ("GEN=9",)),
    Image("gate-0.11-x64.sys", "gate.c", "clang", "-O0", "0.17.0", ("GEN=11",)),
    Image("gate-0.11-arm64.sys", "gate.c", "arm64", "-O0", "0.20.0", ("GEN=11",)),
    Image("gate-main-2025-02-x64.sys", "gate.c", "gcc", "-Os", "0.21.0", ("GEN=212",)),
    Image("gate-0.21-x64.sys", "gate.c", "clang", "-O0", "0.21.0", ("GEN=21",)),
    Image("gate-0.21-arm64.sys", "gate.c", "arm64", "-O2", "1.1.0", ("GEN=21",)),
    Image("gate-1.2-x64.sys", "gate.c", "gcc", "-O0", "1.2.1", ("GEN=21", "WITH_ELF_HASH")),
    Image("gate-0.21-x64.dll", "gate.c", "clang", "-O1", "1.4.0", ("GEN=21", "STRINGS_IN_TABLES")),
    Image("gate-1.5-x64.sys", "gate.c", "gcc", "-O2", "1.5.0", ("GEN=150", "WITH_ELF_HASH")),
    Image("gate-1.5-arm64.sys", "gate.c", "arm64", "-Os", "1.5.0", ("GEN=150", "WITH_ELF_HASH")),
    Image("gate-1.5-x64.dll", "gate.c", "clang", "-Os", "1.5.0", ("GEN=150", "STRINGS_IN_TABLES")),
    Image("maps-0.11-x64.sys", "lone.c", "gcc", "-O1", "0.12.0", ("GEN=11", "ONLY_MAPS")),
    Image("maps-0.21-arm64.sys", "lone.c", "arm64", "-O1", "0.21.1", ("GEN=21", "ONLY_MAPS")),
    Image("program-0.9-x64.sys", "lone.c", "clang", "-O1", "0.10.0", ("GEN=9",)),
    Image("program-1.5-arm64.dll", "lone.c", "arm64", "-O0", "1.5.0", ("GEN=150",)),
)

SIGNED = ("gate-0.21-x64.sys", "signed-0.21-x64.sys")


class Damage(NamedTuple):
    """One broken image.

    ``new`` replaces bytes of ``source`` at ``offset`` in the contents of ``section``, in its
    header when the section is written ``@name``, in the last octet string behind a null when it
    is ``#``; an empty name damages the table of certificates. Without ``new`` the file ends there.
    """

    file: str
    source: str
    section: str
    offset: int
    new: bytes | None


ENTRY = 144  # a program entry of 0.21: where its second field, the second entry, … lie
BROKEN = (
    Damage("broken-cut.sys", "gate-0.21-x64.sys", "programs", 100, None),
    Damage("broken-pointer.sys", "gate-0.21-x64.sys", "programs", 56, b"\xff" * 8),
    Damage("broken-null-name.sys", "gate-0.21-arm64.sys", "maps", 72, bytes(8)),
    Damage("broken-header.sys", "gate-0.21-x64.sys", "programs", ENTRY + 16, b"\x08"),
    Damage("broken-stride.sys", "gate-0.11-x64.sys", "@programs", 8, b"\x60\x01"),
    Damage("broken-entry-point.sys", "gate-0.21-arm64.sys", "programs", 32 + 1, b"\x20"),
    Damage("broken-helper-count.sys", "gate-0.11-x64.sys", "programs", 64, b"\xff\xff"),
    Damage("broken-map-index.sys", "gate-0.21-x64.sys", "programs", 2 * ENTRY + 72, b"\x40"),
    Damage("broken-section.sys", "gate-0.21-x64.sys", "@maps", 20, b"\0\0\xff\x7f"),
    Damage("signed-tampered.sys", SIGNED[1], "bind", 1, b"\x01"),
    Damage("signed-no-table.sys", SIGNED[1], "", 0, b""),
    # One byte of the length of the signature proper: lief 1.0.0 verifies it to death.
    Damage("signed-crash.sys", SIGNED[1], "#", 4, b"\0"),
)


def section_header(data: bytes | bytearray, name: str) -> int:
    """Return the byte offset of a section's header.

    Raises:
        SystemExit: there is no such section.
    """
    start = int.from_bytes(data[60:64], "little")
    count = int.from_bytes(data[start + 6 : start + 8], "little")
    table = start + 24 + int.from_bytes(data[start + 20 : start + 22], "little")
    for at in range(table, table + count * 40, 40):
        if data[at : at + 8].rstrip(b"\0") == name.encode():
            return at
    raise SystemExit(f"no section {name}")


def damage(broken: Damage) -> bytes:
    """Return the damaged image."""
    data = bytearray((HERE / broken.source).read_bytes())
    if not broken.section:
        # The certificate table claims to go on behind the end of the file.
        at = int.from_bytes(data[60:64], "little") + 24 + 112 + 4 * 8 + 4
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") + 8).to_bytes(4, "little")
        return bytes(data)
    if broken.section == "#":
        at = data.rindex(bytes.fromhex("0500048201"))
    else:
        at = section_header(data, broken.section.removeprefix("@"))
    if not broken.section.startswith(("@", "#")):
        at = int.from_bytes(data[at + 20 : at + 24], "little")
    at += broken.offset
    if broken.new is None:
        return bytes(data[:at])
    data[at : at + len(broken.new)] = broken.new
    return bytes(data)


def run(*command: object) -> None:
    """Run a tool.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode()[:2000]}")


def build_gcc(image: Image, work: Path) -> Path:
    """Compile and link with mingw-w64."""
    prefix = "x86_64-w64-mingw32"
    out = work / image.file
    libraries = []
    for name in ("netio", "ntoskrnl"):
        library = work / f"lib{name}.a"
        run(f"{prefix}-dlltool", "-d", SOURCES / f"{name}.def", "-l", library)
        libraries.append(library)
    shape = ["-shared"] if image.is_dll else ["-Wl,--subsystem,native"]
    link = ["-Wl,-e,entry", "-Wl,--no-insert-timestamp", "-Wl,--dynamicbase", "-nostdlib", "-s"]
    link.append(f"-Wl,--image-base,{'0x180000000' if image.is_dll else '0x140000000'}")
    run(f"{prefix}-gcc", *image.flags, *shape, *link, "-o", out, SOURCES / image.source, *libraries)
    return out


def build_llvm(image: Image, work: Path) -> Path:
    """Compile with clang and link with lld, for the Microsoft ABI."""
    machine = "arm64" if image.tools == "arm64" else "x64"
    target = "aarch64" if machine == "arm64" else "x86_64"
    obj, out = work / "image.obj", work / image.file
    libraries = []
    for name in ("netio", "ntoskrnl"):
        library = work / f"{name}.lib"
        definition = SOURCES / f"{name}.def"
        run("lld-link-19", "/lib", f"/def:{definition}", f"/machine:{machine}", f"/out:{library}")
        libraries.append(library)
    triple = f"{target}-pc-windows-msvc"
    run("clang-19", f"--target={triple}", *image.flags, "-c", SOURCES / image.source, "-o", obj)
    shape = ["/dll"] if image.is_dll else ["/driver", "/subsystem:native"]
    run(
        "lld-link-19", *shape, "/entry:entry", "/nodefaultlib", "/timestamp:0", "/safeseh:no",
        f"/machine:{machine}", f"/out:{out}", f"/implib:{work / 'unused.lib'}", obj, *libraries,
    )  # fmt: skip
    return out


def sign(image: Path, out: Path, work: Path) -> None:
    """Sign with a certificate made for the occasion: a root of our own and a signer below it."""
    openssl = ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-sha256")
    root, leaf = work / "root", work / "leaf"
    run(
        *openssl, "-x509", "-days", 7300, "-subj", "/O=ebpf-static corpus/CN=Corpus Root",
        "-keyout", f"{root}.key", "-out", f"{root}.pem",
    )  # fmt: skip
    run(
        *openssl, "-subj", "/O=ebpf-static corpus/CN=Corpus Signer",
        "-keyout", f"{leaf}.key", "-out", f"{leaf}.csr",
    )  # fmt: skip
    extensions = work / "extensions"
    extensions.write_text("extendedKeyUsage=codeSigning\n")
    run(
        "openssl", "x509", "-req", "-in", f"{leaf}.csr", "-CA", f"{root}.pem", "-CAkey",
        f"{root}.key", "-CAcreateserial", "-days", 7300, "-sha256", "-extfile", extensions,
        "-out", f"{leaf}.pem",
    )  # fmt: skip
    chain = work / "chain.pem"
    chain.write_text(Path(f"{leaf}.pem").read_text() + Path(f"{root}.pem").read_text())
    out.unlink(missing_ok=True)
    run(
        "osslsigncode", "sign", "-h", "sha256", "-certs", chain, "-key", f"{leaf}.key",
        "-in", image, "-out", out,
    )  # fmt: skip


def main() -> None:
    """Build all images and write their digests; with ``--check``, compare and write nothing."""
    check = "--check" in sys.argv[1:]
    manifest = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {"images": {}}
    stale = []
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        for image in IMAGES:
            built = (build_gcc if image.tools == "gcc" else build_llvm)(image, work)
            data = built.read_bytes()
            if not check:
                (HERE / image.file).write_bytes(data)
            elif data != (HERE / image.file).read_bytes():
                stale.append(image.file)
        if not check and not (HERE / SIGNED[1]).exists():
            sign(HERE / SIGNED[0], HERE / SIGNED[1], work)
    for broken in BROKEN:
        data = damage(broken)
        if not check:
            (HERE / broken.file).write_bytes(data)
        elif data != (HERE / broken.file).read_bytes():
            stale.append(broken.file)
    if stale:
        raise SystemExit(f"differ from what these tools make: {', '.join(stale)}")
    files = [*(it.file for it in IMAGES), SIGNED[1], *(it.file for it in BROKEN)]
    for file in files:
        entry = manifest["images"].setdefault(file, {})
        digest = hashlib.sha256((HERE / file).read_bytes()).hexdigest()
        if check and entry.get("sha256") != digest:
            raise SystemExit(f"{file} is not what MANIFEST.json says")
        entry["sha256"] = digest
    if not check:
        MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
