"""Whether an index leads to every entry (README.md, INDEX): who reads through one that does not misses it."""

from contextlib import suppress
from typing import Final

from app.services.chain.rules import TABLE
from models.engine import Database, raw, sql_name
from models.errors import UnreadableFile

NAMES: Final = f"SELECT name FROM pragma_index_list('{TABLE}') WHERE NOT partial"  # noqa: S608

_ALL: Final = f"SELECT count(typeof(seq)) FROM main.{TABLE} NOT INDEXED"  # noqa: S608


def counting(name: str) -> str:
    """Counts the entries up to a number that an index leads to; count(*) would go by the smallest index."""
    return f"SELECT count(typeof(seq)) FROM main.{TABLE} INDEXED BY {sql_name(name)} WHERE seq <= ?"  # noqa: S608


def sentence(name: str, count: int, entries: int) -> str:
    """What is wrong with an index that leads to `count` of the `entries`."""
    return (
        f"The index {name} leads to {count:,} of {entries:,} entries, "
        "so whoever reads through it does not see what is there."
    )


def hidden(database: Database) -> str | None:
    """What is wrong with the first index that somebody made and that hides entries; None where none does.

    Nothing of damaged pages, which say so to whoever reads them.
    """
    with suppress(UnreadableFile):
        names = [str(name) for (name,) in database.rows(raw(f"{NAMES} AND origin = 'c'"))]
        queries = [raw(_ALL), *(raw(counting(name), 2**63 - 1) for name in names)]
        total, *counts = (int(rows[0][0]) for rows in database.read_batch(queries))
        for name, count in zip(names, counts, strict=True):
            if count != total:
                return sentence(name, count, total)
    return None
