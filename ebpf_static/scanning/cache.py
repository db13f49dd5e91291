"""Keeps reports from one run to the next: what did not change is not judged again.

One SQLite database in a directory somebody named. Any number of runs may use it at once. Reports
are JSON with a checksum; one that cannot be read is judged anew, and a database that cannot be
used is left alone: a cache may make a run slower or faster, never different.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from ebpf_static.api import Checker
from ebpf_static.findings import Report
from ebpf_static.scanning.cache_key import UnkeyableError, key_of
from ebpf_static.scanning.finding import Found
from ebpf_static.scanning.renaming import renamed

FILE = "ebpf-static-1.sqlite3"
MAX_BYTES = 256 << 20
"""Size of all reports kept; the oldest go first."""

_APPLICATION_ID = 0x65425046  # "eBPF"
_TROUBLE = (OSError, sqlite3.Error, ValueError, OverflowError)
"""What using a damaged database raises: its own messages may be no text, its numbers too large."""
_BUSY_SECONDS = 10
_BATCH = 256
"""Reports written at once."""
_SCHEMA = """
CREATE TABLE judged (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB NOT NULL, settings BLOB NOT NULL, name TEXT NOT NULL,
    size INTEGER NOT NULL, checksum BLOB NOT NULL, report TEXT NOT NULL,
    UNIQUE (identity, settings)
)"""
_TRIM = """
DELETE FROM judged WHERE id <= (
    SELECT max(id) FROM (SELECT id, sum(size) OVER (ORDER BY id DESC) AS kept FROM judged)
    WHERE kept > ?
)"""
_EXCLUDED: Any = {"findings": {"__all__": {"fingerprint"}}}


class Cache:
    """Reports of former runs; what goes wrong with it is a note, never an error.

    Attributes:
        notes: why it is not used, at most one line.
        hits: reports found.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        """Open the database in a directory, or make both.

        Args:
            folder: the directory.
            max_bytes: size of all reports kept.
        """
        self.notes: list[str] = []
        self.hits = 0
        self._folder = folder
        self._max_bytes = max_bytes
        self._keys: dict[int, tuple[Checker, bytes | None]] = {}
        self._new: list[tuple[bytes, bytes, str, int, bytes, str]] = []
        self._database: sqlite3.Connection | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = self._open(folder / FILE)
        except _TROUBLE as error:
            self._give_up(error)

    def get(self, checker: Checker, found: Found) -> Report | None:
        """Return the report on an object under its name of today, None when it is not known."""
        key = self._key(checker)
        identity, name = found.part.identity, found.part.name
        if self._database is None or key is None or not identity:
            return None
        query = "SELECT name, checksum, report FROM judged WHERE identity = ? AND settings = ?"
        try:
            row = self._database.execute(query, (identity, key)).fetchone()
        except _TROUBLE as error:
            self._give_up(error)
            return None
        report = None if row is None else _read(row, name)
        self.hits += report is not None
        return report

    def put(self, checker: Checker, found: Found, report: Report) -> None:
        """Keep a report, unless it cannot be written as JSON."""
        key = self._key(checker)
        if self._database is None or key is None or not found.part.identity:
            return
        try:
            text = report.model_dump_json(exclude=_EXCLUDED)
            name = found.part.name.encode().decode()
        except (PydanticSerializationError, UnicodeEncodeError):
            return  # a lone surrogate in a name
        row = (found.part.identity, key, name, len(text), _checksum(name, text), text)
        self._new.append(row)
        if len(self._new) >= _BATCH:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is new, and close."""
        self._write()
        if self._database is not None:
            with suppress(*_TROUBLE):
                self._database.close()
            self._database = None

    def _key(self, checker: Checker) -> bytes | None:
        if id(checker) not in self._keys:
            key = None
            try:
                key = key_of(checker)
            except UnkeyableError as error:
                self.notes.append(f"nothing is kept in '{self._folder}': {error}")
            self._keys[id(checker)] = (checker, key)
        return self._keys[id(checker)][1]

    def _are_still_true(self) -> bool:
        """Tell whether the files of all targets are what they were when judging began."""
        with suppress(UnkeyableError):
            return all(key in (None, key_of(checker)) for checker, key in self._keys.values())
        return False

    def _open(self, file: Path) -> sqlite3.Connection:
        database = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN IMMEDIATE")
            (mark,) = database.execute("PRAGMA application_id").fetchone()
            (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not mark and not tables:
                database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                database.execute(_SCHEMA)
            elif mark != _APPLICATION_ID:
                raise sqlite3.DatabaseError("it is not a cache of ebpf-static")  # noqa: TRY301
            database.execute("COMMIT")
        except BaseException:
            database.close()
            raise
        return database

    def _write(self) -> None:
        if self._database is None or not self._new:
            return
        rows, self._new = self._new, []
        if not self._are_still_true():
            return
        columns = "identity, settings, name, size, checksum, report"
        try:
            with closing(self._database.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                cursor.executemany(
                    f"INSERT OR REPLACE INTO judged ({columns}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
                    rows,
                )
                cursor.execute(_TRIM, (self._max_bytes,))
                cursor.execute("COMMIT")
        except _TROUBLE as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or error
        self.notes.append(f"the cache in '{self._folder}' is not used: {reason}")
        if self._database is not None:
            with suppress(*_TROUBLE):
                self._database.close()
        self._database = None


def _checksum(name: str, text: str) -> bytes:
    return sha256(f"{name}\0{text}".encode()).digest()


def _read(row: tuple[Any, Any, Any], name: str) -> Report | None:
    """Return a report under another name; None when it is damaged, or speaks of the old name."""
    old, checksum, text = row
    try:
        if _checksum(old, text) != checksum:
            return None
        report = Report.model_validate_json(text)
    except (TypeError, ValidationError):
        return None
    return renamed(report, old, name)
