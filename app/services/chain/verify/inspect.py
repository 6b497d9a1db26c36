"""One row for the inspector: does it match its hash, does it continue the row before it."""

from dataclasses import dataclass
from enum import StrEnum

import apsw

from app.services.chain.verify import source
from app.services.chain.verify.entry import GENESIS, MARKER, RAW_COLUMNS, Entry
from app.services.errors import NotFound
from models.local.database import LocalDatabase

_BY_SEQ = f"SELECT {RAW_COLUMNS} FROM main.audit_chain WHERE seq = ?"  # noqa: S608
_BEFORE = (
    f"SELECT {RAW_COLUMNS} FROM main.audit_chain WHERE tenant_id = ? AND seq < ? "  # noqa: S608
    "ORDER BY seq DESC LIMIT 1"
)
_MARKERS = f"SELECT {RAW_COLUMNS} FROM main.audit_chain WHERE event_type = ? AND tenant_id = ?"  # noqa: S608


class Link(StrEnum):
    OK = "ok"
    BROKEN = "broken"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of one row. `problems` are plain sentences, empty when all is well.

    `previous_seq` is the row that it continues, None at the start of the chain; then `anchor` says what
    proves the start: `genesis`, `marker:<seq>:through:<seq>`, or None.
    """

    seq: int
    tenant: str
    hash_ok: bool
    recomputed: str
    stored: str
    link: Link
    previous_hash: str
    previous_seq: int | None
    anchor: str | None
    problems: tuple[str, ...]


def inspect_entry(database: LocalDatabase, seq: int) -> Inspection:
    """Judges the row `seq`, by the rules of the whole verification; the caller holds a connection.

    Raises `NotFound` and the storage errors of `Database.expected_errors`.
    """
    with database.expected_errors():
        connection: apsw.Connection = database.connection()
        encoding = source.encoding(connection)
        row = connection.execute(_BY_SEQ, (seq,)).fetchone()
        if row is None:
            raise NotFound("audit entry")
        entry = Entry(row, encoding)
        row = connection.execute(_BEFORE, (entry.tenant, seq)).fetchone()
        before = None if row is None else Entry(row, encoding)
        anchor = None if before is not None else _anchor(connection, encoding, entry)
    if before is not None:
        link = Link.OK if before.raw["hash"] == entry.raw["previous_hash"] else Link.BROKEN
    else:
        link = Link.UNPROVEN if anchor is None else Link.OK
    problems = [sentence for _, _, _, sentence in entry.problems()]
    if before is not None and link is Link.BROKEN:
        problems.append(f"Entry {seq} does not continue entry {before.seq}, the one before it.")
    if link is Link.UNPROVEN:
        problems.append(f"Nothing in the file proves what came before entry {seq}.")
    return Inspection(
        seq=seq,
        tenant=entry.tenant,
        hash_ok=entry.hash_holds(),
        recomputed=entry.recomputed(),
        stored=entry.text("hash"),
        link=link,
        previous_hash=entry.text("previous_hash"),
        previous_seq=None if before is None else before.seq,
        anchor=anchor,
        problems=tuple(problems),
    )


def _anchor(connection: apsw.Connection, encoding: str, entry: Entry) -> str | None:
    """What proves that the row is the first of its chain (`integrity.md` 1)."""
    rows = connection.execute(_MARKERS, (MARKER, entry.tenant))
    markers = [marker for row in rows if (marker := Entry(row, encoding).marker()) is not None]
    furthest = max(markers, key=lambda marker: (marker[0], marker[2]), default=None)
    if entry.text("previous_hash") == GENESIS:
        return "genesis" if furthest is None else None
    if furthest is None or furthest[1] != entry.text("previous_hash") or entry.seq <= furthest[0]:
        return None
    return f"marker:{furthest[2]}:through:{furthest[0]}"
