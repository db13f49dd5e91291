"""Download Debian packages and extract the compiled BPF objects they carry.

Real objects, made by other people with other compilers, test what our own sources never will.
They are not ours to redistribute, so they are fetched into ``corpus/debian/`` and the packages
themselves into ``corpus/debian-packages/`` (both ignored by git). ``debian.toml`` names the
packages and the objects they held when the list was made.

    python3 corpus/fetch_debian.py            # fetch what is missing, then compare with the list
    python3 corpus/fetch_debian.py --force    # fetch everything again

Needs a Debian machine with ``apt-get`` and ``dpkg-deb``; root is not needed. Exit 0: every listed
object is there; 1: some are not (packages move on); 2: nothing could be fetched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Run before anything is installed: the search for objects needs nothing but the standard library.
sys.path.insert(0, str(HERE.parent))

from ebpf_static.containers import Unopened, iter_objects  # noqa: E402
from ebpf_static.errors import EbpfStaticError  # noqa: E402

LIST = HERE / "debian.toml"
STORE = HERE / "debian"
PACKAGES = HERE / "debian-packages"
INDEX = STORE / "index.json"

DOWNLOAD_SECONDS = 600


class FetchError(Exception):
    """A package could not be downloaded or unpacked."""


@dataclass(frozen=True)
class Package:
    """One ``[[package]]`` of ``debian.toml``."""

    name: str
    version: str
    objects: dict[str, str]
    """First 16 hex digits of the object's SHA-256 -> the file name it had then."""


@dataclass(frozen=True)
class Extracted:
    """One object as stored: its file name below the package's folder, and its bytes."""

    name: str
    data: bytes


def read_list(path: Path = LIST) -> list[Package]:
    """Read the packages that ``debian.toml`` names."""
    table = tomllib.loads(path.read_text("utf-8"))
    return [
        Package(entry["name"], entry["version"], dict(entry["objects"]))
        for entry in table["package"]
    ]


def find_objects(archive: Path) -> Iterator[Extracted]:
    """Yield the objects of a package: files of it, and those embedded in files.

    Raises:
        FetchError: a part of the package cannot be looked at.
    """
    for item in iter_objects(archive, archive.name):
        if isinstance(item, Unopened):
            raise FetchError(f"{item.path}: {item.reason}")
        file, _, offset = item.path.partition("!obj@0x")
        name = re.split("[!/]", file)[-1]
        if offset:
            yield Extracted(f"{name}@{offset}.o", item.data)
        else:
            suffix = "" if Path(name).suffix in (".o", ".elf") else ".o"
            yield Extracted(name + suffix, item.data)


def download(package: str, folder: Path) -> Path:
    """Download the package's current version with apt and return the archive."""
    command = ["apt-get", "--quiet", "download", package]
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{package}: {error}") from error
    archives = sorted(folder.glob(f"{package}_*.deb"))
    if done.returncode or not archives:
        reason = done.stderr.strip().splitlines() or ["no archive arrived"]
        raise FetchError(f"{package}: {reason[-1]} (is `apt-get update` needed?)")
    return archives[-1]


def package_version(archive: Path) -> str:
    """The version a ``.deb`` says it is."""
    command = ["dpkg-deb", "--field", str(archive), "Version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def drop_copies(package: Package, found: list[Extracted], known: set[str]) -> dict[str, Extracted]:
    """Digest -> object, each content once: the same object sits in several host binaries.

    The copy that has the listed name wins, else the first by name; what another package already
    gave (``known``) is left out.
    """
    kept: dict[str, Extracted] = {}
    for item in sorted(found, key=lambda item: item.name):
        digest = hashlib.sha256(item.data).hexdigest()
        if digest in known:
            continue
        if digest not in kept or package.objects.get(digest[:16]) == item.name:
            kept[digest] = item
    return kept


def fetch(package: Package, known: set[str]) -> dict[str, Any]:
    """Download one package, store it and its objects, and return its entry of the index."""
    folder = STORE / package.name
    PACKAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        archive = Path(shutil.move(download(package.name, Path(work)), archive_of(package)))
    version = package_version(archive)
    found = list(find_objects(archive))
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    hashes: dict[str, str] = {}
    for digest, item in drop_copies(package, found, known).items():
        if item.name in hashes:
            raise FetchError(f"{package.name}: two objects would be called {item.name}")
        (folder / item.name).write_bytes(item.data)
        hashes[item.name] = digest
    return {"version": version, "objects": hashes}


def archive_of(package: Package) -> Path:
    """Where the package itself is kept: tests search it."""
    return PACKAGES / f"{package.name}.deb"


def is_complete(name: str, entry: dict[str, Any] | None) -> bool:
    """Whether every object the index lists for a package is there unchanged."""
    if entry is None:
        return False
    for file_name, digest in entry["objects"].items():
        path = STORE / name / file_name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return False
    return True


def load_index() -> dict[str, Any]:
    """Package name -> its entry, empty before the first run or when the file is damaged."""
    try:
        index: dict[str, Any] = json.loads(INDEX.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return index


def other_digests(index: dict[str, Any], name: str) -> set[str]:
    """Digests of the objects that every package but ``name`` gave."""
    entries = (entry for other, entry in index.items() if other != name)
    return {digest for entry in entries for digest in entry["objects"].values()}


def compare(package: Package, entry: dict[str, Any]) -> tuple[int, list[str]]:
    """How many listed objects are there, and one line for each difference."""
    have = {digest[:16]: name for name, digest in entry["objects"].items()}
    lines = []
    if entry["version"] != package.version:
        lines.append(f"{package.name}: version {entry['version']}, listed {package.version}")
    for digest, name in package.objects.items():
        if digest not in have:
            lines.append(f"{package.name}: listed object {name} ({digest}) is not there")
    for digest, name in have.items():
        if digest not in package.objects:
            lines.append(f"{package.name}: {name} ({digest}) is not listed")
    return len(have.keys() & package.objects.keys()), lines


def main(argv: list[str] | None = None) -> int:
    """Fetch, index, compare; see the module's docstring for the exit codes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--force", action="store_true", help="download even what is already there")
    arguments = parser.parse_args(argv)
    packages = read_list()
    index = {} if arguments.force else load_index()
    STORE.mkdir(exist_ok=True)
    matched = 0
    for package in packages:
        if not is_complete(package.name, index.get(package.name)):
            try:
                index[package.name] = fetch(package, other_digests(index, package.name))
            except (FetchError, EbpfStaticError, OSError, subprocess.SubprocessError) as error:
                print(f"error: {error}", file=sys.stderr)
                continue
            INDEX.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", "utf-8")
    for package in packages:
        if package.name in index:
            count, differences = compare(package, index[package.name])
            matched += count
            print(*differences, sep="\n", end="\n" if differences else "")
    listed = sum(len(package.objects) for package in packages)
    print(f"{matched} of {listed} listed objects are in {STORE.relative_to(HERE.parent)}")
    if not index:
        return 2
    return 0 if matched == listed else 1


if __name__ == "__main__":
    sys.exit(main())
