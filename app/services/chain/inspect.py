"""Single entries read through the engine and judged by the rules: does one hold, what does it continue."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.services.chain.entry import RAW_COLUMNS, Entry, believed_of
from app.services.chain.rules import MARKER_EVENT, TABLE, Anchor, Marker, Problem, anchor, denied
from models.engine import Database, raw
from models.errors import NotFound

_SELECT: Final = f"SELECT {RAW_COLUMNS} FROM {TABLE} WHERE "  # noqa: S608
_BEFORE: Final = f"""
{_SELECT} tenant_id = (SELECT tenant_id FROM {TABLE} WHERE seq = ?1) AND seq < ?1 ORDER BY seq DESC LIMIT 1
"""  # noqa: S608
_ENCODINGS: Final = {b"a": "utf-8", b"a\0": "utf-16-le", b"\0a": "utf-16-be"}


class Link(StrEnum):
    OK = "ok"
    BROKEN = "broken"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of one row. `problems` are plain sentences, empty when all is well.

    `is_sound` says that none of them is an error, and that the row continues another or starts a chain.
    `previous_seq` is the row that it continues, None at the start of the chain; then `anchor` says what
    proves the start, as `rules.anchor` does.
    """

    seq: int
    tenant: str
    hash_ok: bool
    recomputed: str
    stored: str
    link: Link
    previous_hash: str
    previous_seq: int | None
    anchor: Anchor | None
    problems: tuple[str, ...]
    is_sound: bool


def inspect_entry(database: Database, seq: int) -> Inspection:
    """Judges the row `seq`; it and the one before it are seen at one moment, the markers right behind.

    Raises `NotFound` and the storage errors.
    """
    encoding = text_encoding(database)
    found, earlier = database.read_batch([raw(_SELECT + "seq = ?", seq), raw(_BEFORE, seq)])
    if not found:
        raise NotFound("audit entry")
    entry = Entry(found[0], encoding)
    before = Entry(earlier[0], encoding) if earlier else None
    proof: Anchor | None = None
    problems, sentences = entry.problems(), []
    if before is not None:
        link = Link.OK if before.raw["hash"] == entry.raw["previous_hash"] else Link.BROKEN
        if link is Link.BROKEN:
            sentences.append(f"Entry {seq} does not continue entry {before.seq}, the one before it.")
    if before is None or entry.is_marker:
        markers, disorderly = markers_of(database, encoding, entry.tenant)
        problems += [problem for number, problem in disorderly if number == seq]
    if before is None:
        furthest = markers[-1] if markers else None
        proof = anchor(seq, entry.text("previous_hash"), furthest)
        link = Link.UNPROVEN if proof is None else Link.OK
        if furthest is not None and denied(seq, entry.text("previous_hash"), furthest):
            sentences.append(
                f"Entry {furthest.seq} says that all up to {furthest.to_seq} was pruned, "
                "but the chain does not start behind that."
            )
        elif proof is None:
            sentences.append(f"Nothing in the file proves what came before entry {seq}.")
    return Inspection(
        seq=seq,
        tenant=entry.tenant,
        hash_ok=entry.hash_holds(),
        recomputed=entry.recomputed(),
        stored=entry.text("hash"),
        link=link,
        previous_hash=entry.text("previous_hash"),
        previous_seq=None if before is None else before.seq,
        anchor=proof,
        problems=(*(problem.sentence for problem in problems), *sentences),
        is_sound=link is Link.OK and not any(problem.is_error for problem in problems),
    )


def text_encoding(database: Database) -> str:
    """Python's name for the encoding of the file's text, told by one letter."""
    return _ENCODINGS[bytes(database.scalar(raw("SELECT CAST('a' AS BLOB)")))]


def read_entries(database: Database, encoding: str, where: str, *values: object) -> list[Entry]:
    """The rows as stored, on their bytes; `where` is a condition of ours, perhaps with an order."""
    return [Entry(row, encoding) for row in database.rows(raw(_SELECT + where, *values))]


def markers_of(
    database: Database, encoding: str, tenant: str
) -> tuple[list[Marker], Sequence[tuple[int, Problem]]]:
    """The tenant's prune markers that are believed, and the seq and error of each that is not."""
    where = "tenant_id = ? AND event_type = ? ORDER BY seq"
    return believed_of(read_entries(database, encoding, where, tenant, MARKER_EVENT))
