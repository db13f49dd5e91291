"""Compile the corpus and keep its manifest.

    python3 corpus/build.py             # compile everything, then write MANIFEST.json
    python3 corpus/build.py --manifest  # only write MANIFEST.json, from the objects as they are
    python3 corpus/build.py --check     # compile aside and compare with the committed objects

Beside each ``<name>.c`` stands ``<name>.toml``: which objects to make of it, and what a reader must
find in them (written by hand; README.md explains the keys). Objects are reproducible byte for byte
with the pinned compilers. ``--check`` passes over those whose compiler is another version or
missing, and says so. Exit 0: fine; 1: an object differs; 2: nothing could be compiled.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "MANIFEST.json"
OBJECTS = HERE / "objects"
PLATFORMS = ("linux", "windows")

PINNED = {14: "14.0.6", 19: "19.1.7", 22: "22.1.8"}
"""Major version -> the exact compiler the committed objects came from."""
BYTE_ORDERS = {"el": "little", "eb": "big"}
MAP_KEYS = ("name", "type", "key_size", "value_size", "max_entries")
OPTIONAL_LISTS = {"subprogram": "subprograms", "extern": "externs"}

TABLE_KEYS = {"about", "platform", "object", "program", "map", *OPTIONAL_LISTS}


class BuildError(Exception):
    """A source does not compile, or its TOML file asks for something that is not there."""


@dataclass(frozen=True)
class Build:
    """One object to make: everything its bytes depend on, and what is expected of it."""

    platform: str
    stem: str
    clang: int
    order: str
    options: dict[str, Any]
    expectations: dict[str, Any]

    @property
    def name(self) -> str:
        """File name of the object, which says how it was made."""
        parts = [self.stem, self.options.get("variant"), f"clang{self.clang}", self.order]
        return "-".join(part for part in parts if part) + ".o"

    @property
    def path(self) -> Path:
        """Where the object is committed."""
        return OBJECTS / self.platform / self.name

    @property
    def keeps_dwarf(self) -> bool:
        """Whether the DWARF sections stay in the object."""
        return bool(self.options.get("dwarf", False))

    @property
    def flags(self) -> list[str]:
        """Compiler flags without paths; no path of this machine may enter the object."""
        flags = ["-target", f"bpf{self.order}", f"-mcpu={self.options.get('mcpu', 'v3')}", "-O2"]
        if self.options.get("debug", True):
            flags.append("-g")
        flags += ["-Wall", "-Werror", "-Wno-unused-const-variable", "-fdebug-compilation-dir=."]
        return flags + list(self.options.get("flags", []))


def read_builds() -> list[Build]:
    """Every object that the TOML files ask for, in a fixed order."""
    builds = []
    for platform in PLATFORMS:
        for source in sorted((HERE / platform).glob("*.c")):
            table = tomllib.loads(source.with_suffix(".toml").read_text("utf-8"))
            for entry in table["object"]:
                options = {k: v for k, v in entry.items() if k not in ("clang", "orders")}
                for order in entry["orders"]:
                    expectations = expected(table, options)
                    builds.append(
                        Build(platform, source.stem, entry["clang"], order, options, expectations)
                    )
    paths = [build.path for build in builds]
    if len(set(paths)) != len(paths):
        raise BuildError("two entries would make the same object: give one a variant")
    return builds


def expected(table: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The ``expectations`` of one object; null stands for "not stated"."""
    if unknown := table.keys() - TABLE_KEYS:
        raise BuildError(f"no such key: {', '.join(sorted(unknown))}")
    without_btf = not options.get("debug", True)
    programs = [{"type": None, "attach_type": None} | program for program in table["program"]]
    maps = table.get("map")
    for row in maps or ():
        if missing := [key for key in MAP_KEYS if key not in row]:
            raise BuildError(f"map {row.get('name')}: {', '.join(missing)} not stated")
    if without_btf and not options.get("legacy_maps", maps == []):
        maps = None
    result = {
        "about": table["about"],
        "platform": options.get("platform", table.get("platform")),
        "programs": programs,
        "maps": maps,
    }
    for key, name in OPTIONAL_LISTS.items():
        if key in table and not (without_btf and key == "extern"):
            result[name] = table[key]
    return result


def compile_object(build: Build, target: Path) -> None:
    """Compile one source and strip the DWARF (``.BTF`` and ``.BTF.ext`` stay)."""
    command = [f"clang-{build.clang}", *build.flags, "-I", "../include", "-c", f"{build.stem}.c"]
    run([*command, "-o", str(target)], HERE / build.platform)
    if not build.keeps_dwarf:
        run([f"llvm-objcopy-{build.clang}", "--strip-debug", str(target)], HERE)


def run(command: list[str], folder: Path) -> None:
    """Run a tool; its complaint becomes the error."""
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{done.stderr.strip()}")


def pinned_compilers() -> set[int]:
    """The major versions whose installed compiler is exactly the pinned one."""
    found = set()
    for major, version in PINNED.items():
        if not shutil.which(f"clang-{major}") or not shutil.which(f"llvm-objcopy-{major}"):
            continue
        command = [f"clang-{major}", "--version"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        if f"version {version}" in done.stdout.partition("\n")[0]:
            found.add(major)
    return found


def build_all(builds: list[Build]) -> None:
    """Compile every object into ``objects/`` and remove what no TOML file asks for."""
    if missing := {build.clang for build in builds} - pinned_compilers():
        names = ", ".join(f"clang {PINNED[major]}" for major in sorted(missing))
        raise BuildError(f"not installed: {names} (as clang-N and llvm-objcopy-N)")
    for platform in PLATFORMS:
        (OBJECTS / platform).mkdir(parents=True, exist_ok=True)
    for build in builds:
        compile_object(build, build.path)
    wanted = {build.path for build in builds}
    for path in OBJECTS.rglob("*.o"):
        if path not in wanted:
            path.unlink()


def check_all(builds: list[Build]) -> int:
    """Compile aside and compare with the committed objects; returns the exit code."""
    usable = pinned_compilers()
    differing = compared = 0
    with tempfile.TemporaryDirectory() as work:
        target = Path(work) / "object.o"
        for build in builds:
            if build.clang not in usable:
                continue
            compile_object(build, target)
            compared += 1
            if not build.path.is_file() or build.path.read_bytes() != target.read_bytes():
                differing += 1
                print(f"differs: {build.path.relative_to(HERE)}")
    print(f"{compared} of {len(builds)} objects compiled again, {differing} differ")
    if skipped := sorted(PINNED.keys() - usable):
        print("not compared: " + ", ".join(f"clang {PINNED[major]}" for major in skipped))
    if not compared:
        return 2
    return 1 if differing else 0


def manifest(builds: list[Build]) -> dict[str, Any]:
    """The manifest's content, hashes taken from the objects as they are."""
    return {
        "note": "Written by corpus/build.py from the .toml files beside the sources; edit those.",
        "objects": [manifest_entry(build) for build in builds],
    }


def manifest_entry(build: Build) -> dict[str, Any]:
    """One object's provenance and expectations."""
    data = build.path.read_bytes()
    expectations = dict(build.expectations)
    return {
        "path": build.path.relative_to(HERE).as_posix(),
        "about": expectations.pop("about"),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "source": f"{build.platform}/{build.stem}.c",
        "licence": "MIT",
        "compiler": f"clang {PINNED[build.clang]}",
        "flags": build.flags,
        "dwarf": build.keeps_dwarf,
        "byte_order": BYTE_ORDERS[build.order],
        "written_for": build.platform,
        "expectations": expectations,
    }


def write_manifest(builds: list[Build]) -> None:
    """Write ``MANIFEST.json``."""
    MANIFEST.write_text(json.dumps(manifest(builds), indent=1) + "\n", "utf-8")


def main(argv: list[str] | None = None) -> int:
    """Build, check or only write the manifest; see the module's docstring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compile aside and compare")
    mode.add_argument("--manifest", action="store_true", help="only write MANIFEST.json")
    arguments = parser.parse_args(argv)
    try:
        builds = read_builds()
        if arguments.check:
            return check_all(builds)
        if not arguments.manifest:
            build_all(builds)
        write_manifest(builds)
    except (BuildError, OSError, KeyError, tomllib.TOMLDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    total = sum(build.path.stat().st_size for build in builds)
    print(f"{len(builds)} objects, {total} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
