"""What a person has seen of records before they act upon them: that must still be so when it is written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.services.records.list_query import CELL_CHARACTERS
from app.services.records.rows import ID, Image, RowChange, Value, legible, shown
from app.services.records.tables import DECLARED, ColumnKind, TableColumn
from app.services.text import visible

Seen = Mapping[tuple[str, Any], Mapping[str, Any]]
"""By table and record id: values by the names of a list's columns, as its rows have them."""

_HELD: Final = {
    ColumnKind.ID,
    ColumnKind.WORD,
    ColumnKind.NAME,
    ColumnKind.PROSE,
    ColumnKind.FLAG,
    ColumnKind.PRESENCE,
}
"""Times and figures go on while the platform works, and mean no other record."""


def of_rows(table: str, rows: Iterable[Sequence[Any]], columns: Sequence[str] = ()) -> Seen:
    """Of rows of the table's list, or of some of its columns, the id first. What only the file has is not
    among them.
    """
    names = columns or DECLARED[table].names
    return {(table, row[0]): dict(zip(names, row, strict=False)) for row in rows}


def of_changes(changes: Iterable[RowChange]) -> dict[tuple[str, Any], Mapping[str, Any]]:
    """Of the rows that an act was about to write, as they were read."""
    return {
        (change.table, change.record_id): {
            column.name: _as_listed(column, change.before[column.source])
            for column in DECLARED[change.table].listed
            if column.source in change.before
        }
        for change in changes
        if change.before is not None and change.table in DECLARED
    }


def changed_since(table: str, seen: Mapping[str, Any], image: Image) -> str | None:
    """Which record it is, and which of its columns are not as they were seen, as far as `image` has them."""
    if not seen:
        return None
    labels = [
        column.label
        for column in DECLARED[table].columns
        if column.kind in _HELD
        and column.name in seen
        and column.source in image
        and not _is_same(seen[column.name], _as_listed(column, image[column.source]), image[column.source])
    ]
    if not labels:
        return None
    declared = DECLARED[table]
    named = (seen.get(name) for name in (*(declared.heading or (declared.main,)), ID))
    # A URL may let anybody post there.
    name = next((str(shown(one)) for one in named if one and "://" not in str(one)), "")
    return " ".join(filter(None, ("the", declared.noun[0], visible(name[:80]), f"({', '.join(labels)})")))


def _as_listed(column: TableColumn, value: Value) -> Any:
    if column.kind is ColumnKind.PRESENCE:
        return int(value not in (None, ""))
    return legible(value)


def _is_same(seen: Any, now: Any, stored: Value) -> bool:
    """Whether a list, which cuts long texts, shows the one where it had the other."""
    if stored == b"" and seen is None:  # SQL cuts no bytes to NULL
        return True
    if isinstance(seen, str) and isinstance(now, int | float):  # what cuts a text reads a number as one
        return seen in {str(now), f"{now:.15g}"} or _number(seen) == now
    if not isinstance(now, str) or not isinstance(seen, str):
        return bool(seen == now)
    is_plain = isinstance(stored, str) and "\0" not in stored
    most = CELL_CHARACTERS if is_plain else CELL_CHARACTERS // 4  # the others are cut by their bytes
    return seen[:most] == now[:most]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
