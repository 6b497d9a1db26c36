"""Which rows a person has selected: those of the records that were there, whatever has their keys by now.

Whatever acts on them reads them by `Chosen`. SQLite gives the number of a deleted row to a new one, where the
last rows of a table went. No Qt.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from app.services.records.keys import without
from app.services.records.list_query import Key, ListQuery
from app.services.records.lists import Keys, Last, Lists, Row
from app.services.records.rows import Value
from app.services.records.tables import TableColumn
from models.engine import Database
from models.errors import RowChanged

_Found = TypeVar("_Found")

_AT_ONCE: Final = 65_536
"""Keys that are looked at without a turn for other threads."""


@dataclass(frozen=True, slots=True)
class Known:
    """The `ids` of the rows that were shown, by their keys, and the key and id of a row whose number was the
    greatest (`top`): of the list or of the whole table, shown or not; None where that is not known.
    """

    ids: Mapping[Key, Value]
    top: Last = None

    def still(self, lists: Lists, database: Database, query: ListQuery, keys: Keys) -> Keys:
        """Those of the keys that no other record has by now; also those of rows that have gone.

        Of a row that was never shown no id is known; but a number is given again only where each row with a
        greater one has gone, so that none was below a row that is there. Raises `RowChanged` where the top
        one is not, and rows were not shown.
        """
        if not keys or not isinstance(keys[0], int):
            return keys  # no numbers of rows, and given to no other record
        shown = [key for key in keys if key in self.ids]
        found = lists.ids_of(database, query, shown)
        self.require_top(lists, database, query, keys)
        others = {key for key, record_id in found.items() if self.is_other(key, record_id)}
        return without(keys, others) if others else keys

    def require_top(self, lists: Lists, database: Database, query: ListQuery, keys: Keys) -> None:
        """Raises `RowChanged` where some of the keys, whose rows were never shown, may be of other records by
        now. Whoever reads these rows by several calls asks it behind them.
        """
        if self.top is None or all(key in self.ids for key in keys):
            return
        key, record_id = self.top
        if lists.ids_of(database, ListQuery(query.table), [key]).get(key) != record_id:
            raise RowChanged

    def is_other(self, key: Key, record_id: Value) -> bool:
        """Whether this is not the record that was shown with the key, if one was."""
        return self.ids.get(key, record_id) != record_id


NOTHING_KNOWN: Final = Known({})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of a list that have these keys, without those that have gone or are of other records by now.

    What it gives comes in the order of the keys; the last of it is followed by `RowChanged` where rows that
    were never shown may be of other records.
    """

    lists: Lists
    query: ListQuery
    keys: Keys
    known: Known

    def ids(self, database: Database) -> Iterator[Value]:
        """The ids of the records, None of one that has none."""
        return self._of_them(database, partial(self.lists.record_ids, database, self.query, self.keys))

    def rows(self, database: Database, columns: Iterable[str]) -> Iterator[Row]:
        """As `Lists.rows`; the id is the first of the columns."""
        return self._of_them(database, partial(self.lists.rows, database, self.query, self.keys, columns))

    def stored_rows(self, database: Database, columns: Iterable[TableColumn]) -> Iterator[Row]:
        """As `Lists.stored_rows`; the id is the first of the columns."""
        read = partial(self.lists.stored_rows, database, self.query, self.keys, columns)
        return self._of_them(database, read)

    def _of_them(self, database: Database, read: Callable[..., Iterator[_Found]]) -> Iterator[_Found]:
        yield from read(is_other=self.known.is_other)
        if self.keys and isinstance(self.keys[0], int):
            self.known.require_top(self.lists, database, self.query, self.keys)


def top_of(lists: Lists, database: Database, query: ListQuery, keys: Keys) -> tuple[Key, Value] | None:
    """The greatest of the keys, and the id of its record; None where they are no numbers, or it has gone."""
    if not keys or not isinstance(keys[0], int):
        return None
    if isinstance(keys, range):
        key = max(keys[0], keys[-1])
    else:
        key = max(max(keys[first : first + _AT_ONCE]) for first in range(0, len(keys), _AT_ONCE))
    found = lists.ids_of(database, query, [key])
    return (key, found[key]) if key in found else None
