"""Which known database a file is: told by the rows of its chains, not by its name.

A file is the database of a checkpoint when it holds, with the same hash, one of the rows that the
checkpoint knows (first and last of every tenant), or a row that continues one of them. So it stays itself
when it is moved, renamed, copied, restored or pruned, and two different files are never the same, whatever
they are called.

Only a file whose chains were all emptied, or rewritten from their first rows, holds none of them. What it
is, is told by its place then, by one of these:

- the same path, the same file on disk, the same migrations ledger (where there is none: and empty, or with a
  tenant or most of the times in common);
- the same path or the same file on disk, and at least half of the rows that the checkpoint knows, with
  tenant, seq and time, whatever their hashes: a rewritten copy put in its place, or a moved file rewritten;
- the same path and ledger, and empty: an emptied copy.

Any other file is another database.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import apsw

from app.services.chain.checkpoints.document import Checkpoint
from app.services.chain.checkpoints.records import KnownDatabase

ENOUGH = 200
"""How many rows in common are counted: it is a matter of which database has more of them."""


def recognise(
    connection: apsw.Connection, path: Path, known: Sequence[tuple[KnownDatabase, Sequence[Checkpoint]]]
) -> KnownDatabase | None:
    """The database that the file is, of those known; the one with the most rows in common."""
    scored = [(_same_rows(connection, checkpoints), database) for database, checkpoints in known]
    best = max(scored, key=lambda item: item[0], default=None)
    if best is not None and best[0] > 0:
        return best[1]
    if (moved := _with_moved_rows(connection, known)) is not None:
        return moved
    return next(
        (
            database
            for database, checkpoints in known
            if _takes_its_place(connection, path, database, checkpoints)
        ),
        None,
    )


def recognise_old(
    connection: apsw.Connection, known: Iterable[tuple[KnownDatabase, Sequence[Checkpoint]]]
) -> KnownDatabase | None:
    """The database of which the file is an old copy: it has a row that some earlier checkpoint knew."""
    for database, checkpoints in known:
        rows = {
            row
            for checkpoint in checkpoints
            for sealed in checkpoint.tenants.values()
            for row in ((sealed.first_seq, sealed.first_hash), (sealed.last_seq, sealed.head))
        }
        if any(has_row(connection, seq, value) for seq, value in rows):
            return database
    return None


def speaks_of(connection: apsw.Connection, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the newest checkpoints know rows that are in the file, whatever id they give its database."""
    nowhere = KnownDatabase("", "", "", 0, 0)
    return (
        _same_rows(connection, checkpoints[-3:]) > 0
        or _with_moved_rows(connection, [(nowhere, checkpoints)]) is not None
    )


def place(connection: apsw.Connection, path: Path) -> str:
    """Where the file is, so that another one in its stead is told apart."""
    stat = path.stat()
    return f"{spelt(path)}|{stat.st_dev}:{stat.st_ino}|{_ledger(connection)}"


def spelt(path: Path) -> str:
    """The whole path as text, also where the file system's name is none."""
    return os.fsencode(path.resolve()).decode(errors="backslashreplace")


def _ledger(connection: apsw.Connection) -> tuple[str] | None:
    """When the first migration ran."""
    if not connection.table_exists("main", "d1_migrations"):
        return None
    return connection.execute("SELECT applied_at FROM main.d1_migrations ORDER BY id LIMIT 1").fetchone()


def _same_rows(connection: apsw.Connection, checkpoints: Sequence[Checkpoint]) -> int:
    """How many rows of the newest checkpoints are in the file, hash for hash, up to `ENOUGH`."""
    for checkpoint in reversed(checkpoints):
        found = 0
        for sealed in checkpoint.tenants.values():
            found += has_row(connection, sealed.first_seq, sealed.first_hash)
            found += has_row(connection, sealed.last_seq, sealed.head)
            if found >= ENOUGH:
                break
        if found:
            return found
    return 0


def has_row(connection: apsw.Connection, seq: int, value: str) -> bool:
    """Whether the file has this row, hash for hash."""
    row = connection.execute(
        "SELECT 1 FROM main.audit_chain WHERE seq = ? AND CAST(hash AS BLOB) = CAST(? AS BLOB)", (seq, value)
    ).fetchone()
    return row is not None


def _with_moved_rows(
    connection: apsw.Connection, known: Sequence[tuple[KnownDatabase, Sequence[Checkpoint]]]
) -> KnownDatabase | None:
    """The database whose known row lies under another seq, or was pruned and is continued; one pass."""
    owners = {
        value: database
        for database, checkpoints in known
        for checkpoint in checkpoints[-1:]
        for sealed in checkpoint.tenants.values()
        for value in (sealed.first_hash, sealed.head)
    }
    if not owners:
        return None
    row = connection.execute(
        "SELECT CAST(hash AS BLOB), CAST(previous_hash AS BLOB) FROM main.audit_chain NOT INDEXED "
        "WHERE hash IN (SELECT value FROM json_each(?1)) "
        "OR previous_hash IN (SELECT value FROM json_each(?1)) LIMIT 1",
        (json.dumps(list(owners)),),
    ).fetchone()
    if row is None:
        return None
    stored, previous = (bytes(value).decode("utf-8", "backslashreplace") for value in row)
    return owners.get(stored) or owners.get(previous)


def _takes_its_place(
    connection: apsw.Connection, path: Path, database: KnownDatabase, checkpoints: Sequence[Checkpoint]
) -> bool:
    """Whether a file without a row in common is what became of the database that was here."""
    if not database.place:  # imported, and never seen
        return False
    known_path, known_inode, known_ledger = database.place.rsplit("|", 2)
    here, inode, ledger = place(connection, path).rsplit("|", 2)
    has_ledger = ledger == known_ledger != "None"
    if (here, inode, ledger) == (known_path, known_inode, known_ledger):
        same = has_ledger or shares_tenant(connection, checkpoints)
        return same or _same_moments(connection, checkpoints, whoever=True)
    if here == known_path and _is_empty(connection):
        return has_ledger
    return (here == known_path or inode == known_inode) and _same_moments(connection, checkpoints)


def shares_tenant(connection: apsw.Connection, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the file has a tenant that the newest checkpoint knows, or nothing at all."""
    if _is_empty(connection):
        return True
    return any(
        connection.execute("SELECT 1 FROM main.audit_chain WHERE tenant_id = ? LIMIT 1", (tenant,)).fetchone()
        for checkpoint in checkpoints[-1:]
        for tenant in checkpoint.tenants
    )


def _same_moments(
    connection: apsw.Connection, checkpoints: Sequence[Checkpoint], *, whoever: bool = False
) -> bool:
    """Whether at least half of the newest checkpoint's first and last rows are there but for their hashes.

    `whoever` looks past their tenants, too.
    """
    rows = [
        row
        for checkpoint in checkpoints[-1:]
        for tenant, sealed in checkpoint.tenants.items()
        for row in {
            (sealed.first_seq, whoever, tenant, sealed.first_at),
            (sealed.last_seq, whoever, tenant, sealed.head_at),
        }
    ]
    found = sum(
        connection.execute(
            "SELECT 1 FROM main.audit_chain WHERE seq = ? AND (? OR tenant_id = ?) AND created_at = ?", row
        ).fetchone()
        is not None
        for row in rows
    )
    return bool(rows) and found * 2 >= len(rows)  # either end may have been cut off


def _is_empty(connection: apsw.Connection) -> bool:
    return connection.execute("SELECT 1 FROM main.audit_chain LIMIT 1").fetchone() is None
