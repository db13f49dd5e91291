"""The lines of Linux and the distributions, as targets."""

from __future__ import annotations

import re

from scripts.support_tables.common import Row, Table, columns, compact, key, snapshot

LAST_MINOR = {3: 19, 4: 20, 5: 19, 6: 19}
"""Last minor number of each major one; what follows is the next major number."""

OLDEST = "3.18"
"""First release with ``bpf(2)``."""


def lines() -> Table:
    """Every mainline line with the newest point release known: listed, read or probed."""
    trees = {
        tree["column"]: tree["makefile_version"]
        for tree in snapshot("linux/trees")["trees"]
        if tree["column"] in columns()
    }
    notes = {tree["column"]: tree.get("note") for tree in snapshot("linux/trees")["trees"]}
    probed = {it["line"]: it for it in snapshot("linux/kernels_probed")["kernels"]}
    listed = _listed()
    maintained = {it["version"]: it for it in snapshot("linux/lts")["lts"]}
    rows = []
    for line in _every_line(columns()[-1]):
        tree = _number(trees.get(line))
        kernel = probed.get(line, {}).get("version")
        known, where = listed.get(line, (None, None))
        read = max((it for it in (tree, kernel) if it), key=key, default=None)
        newest = max((it for it in (read, known) if it), key=key, default=None)
        life = maintained.get(line, {})
        rows.append(
            compact(
                name=line,
                newest=newest,
                tree=tree,
                probed=kernel,
                released=life.get("released"),
                eol=life.get("eol"),
                lts=bool(life) or None,
                maintained=life.get("maintained") or (line == columns()[-1]) or None,
                listed=where if newest is not None and newest != read else None,
                source=_source(line, probed=kernel is not None and kernel == read),
                note=notes.get(line),
            )
        )
    facts = snapshot("linux/lts")
    source = [
        *facts["source"],
        *snapshot("linux/kernels_probed")["source"],
        *snapshot("linux/point_releases")["source"],
    ]
    return Table(
        source,
        rows,
        matrix=facts["default_matrix"],
        as_of="2026-11-22",
        backports=facts["stable_backports_seen"],
    )


def _listed() -> dict[str, tuple[str, str]]:
    """Return the newest release of each line that a list names, and which list."""
    found: dict[str, tuple[str, str]] = {}
    for each in snapshot("linux/point_releases")["lists"]:
        for release in each["releases"]:
            line = release.rpartition(".")[0]
            if line not in found or key(found[line][0]) < key(release):
                found[line] = (release, each["commit"])
    return found


def _number(version: str | None) -> str | None:
    match = re.match(r"\d+\.\d+(?:\.\d+)?", version or "")
    return match.group() if match else None


def _source(line: str, *, probed: bool) -> str:
    if probed:
        kernels = snapshot("linux/kernels_probed")["kernels"]
        return "probe of " + str(next(it["release"] for it in kernels if it["line"] == line))
    trees = snapshot("linux/trees")["trees"]
    repo = next((tree["repo"] for tree in trees if tree["column"] == line), None)
    return repo or "no tree of this line was read; commit dates and isovalent/ebpf-docs"


def _every_line(last: str) -> list[str]:
    major, minor = (int(part) for part in OLDEST.split("."))
    found = []
    while True:
        line = f"{major}.{minor}"
        found.append(line)
        if line == last:
            return found
        if minor == LAST_MINOR.get(major):
            major, minor = major + 1, 0
        else:
            minor += 1


def architectures() -> Table:
    """The processors Linux runs BPF on."""
    facts = snapshot("linux/architectures")
    rows: list[Row] = facts["architectures"]
    return Table(facts["source"], rows, about=facts["about"])


def distributions() -> Table:
    """Distributions by name, each with the mainline release it is closest to."""
    facts = snapshot("linux/distributions")
    rows: list[Row] = facts["distributions"]
    return Table(facts["source"], rows, families=facts["families"])
