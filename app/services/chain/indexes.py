"""Whether an index leads to every entry (README.md, INDEX): who reads through one that does not misses it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from app.services.chain.rules import TABLE
from models.engine import Database, Rows, raw, sql_name
from models.errors import UnreadableFile

_NAMES: Final = f"SELECT name FROM pragma_index_list('{TABLE}') WHERE NOT partial"  # noqa: S608

_COUNT: Final = f"SELECT count(typeof(seq)) FROM main.{TABLE} {{}} WHERE seq <= ?"  # noqa: S608
"""Of the entries up to a number; count(*) would go by the smallest index."""

Batch = Callable[[Sequence[tuple[Any, ...]]], Sequence[Rows | None]]
"""The rows of each query, which is SQL and its values; None where they cannot be read."""


def led_to(batch: Batch, through: int, entries: int | None = None) -> tuple[int, Mapping[str, int | None]]:
    """How many `entries` there are up to a number, counted where that is not given, and how many each index
    of all entries leads to; None of one that cannot be read, which says so to whoever reads it.
    """
    (found,) = batch([(_NAMES,)])
    names = [str(name) for (name,) in found or ()]
    ways = [f"INDEXED BY {sql_name(name)}" for name in names]
    ways += ["NOT INDEXED"] if entries is None else []
    answers = batch([(_COUNT.format(way), through) for way in ways])
    counts = [None if rows is None else int(rows[0][0]) for rows in answers]
    total = entries if entries is not None else counts.pop() or 0
    return total, dict(zip(names, counts, strict=True))


def sentence(name: str, count: int, entries: int) -> str:
    """What is wrong with an index that leads to `count` of the `entries`."""
    return (
        f"The index {name} leads to {count:,} of {entries:,} entries, "
        "so whoever reads through it does not see what is there."
    )


def hidden(database: Database) -> str | None:
    """What is wrong with the first index that hides entries; None where none does, or where pages are
    damaged, which say so to whoever reads them.
    """
    with suppress(UnreadableFile):
        total, counts = led_to(lambda asked: database.read_batch([raw(*one) for one in asked]), 2**63 - 1)
        for name, count in counts.items():
            if count is not None and count != total:
                return sentence(name, count, total)
    return None
