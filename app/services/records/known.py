"""Which rows a person has selected: those of the records that were there, whatever has their keys by now.

SQLite gives the number of a deleted row to a new one, where the last rows of a table went. No Qt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.services.records.keys import without
from app.services.records.list_query import Key, ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.rows import Value
from models.engine import Database
from models.errors import RowChanged

_AT_ONCE: Final = 65_536
"""Keys that are looked at without a turn for other threads."""


@dataclass(frozen=True, slots=True)
class Known:
    """The `ids` of the rows that were shown, by their keys, and the key and id of that row of the list, shown
    or not, whose number was the greatest (`top`); None where that is not known.
    """

    ids: Mapping[Key, Value]
    top: tuple[Key, Value] | None = None

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
        if len(shown) < len(keys) and self.top is not None:
            key, record_id = self.top
            if lists.ids_of(database, query, [key]).get(key) != record_id:
                raise RowChanged
        others = {key for key, record_id in found.items() if self.is_other(key, record_id)}
        return without(keys, others) if others else keys

    def is_other(self, key: Key, record_id: Value) -> bool:
        """Whether this is not the record that was shown with the key, if one was."""
        return self.ids.get(key, record_id) != record_id


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
