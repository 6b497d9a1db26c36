"""What a change does to a list that is shown, so that only what it touched is read again."""

from dataclasses import dataclass

from app.services.records.change import Change
from app.services.records.list_query import ListQuery
from app.services.records.tables import DECLARED

MANY = 500
"""Rows of a change beyond which reading the list again costs no more than telling them apart."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change means for a list.

    `moves`: rows may have come, gone or another place. `records` are the ids of the rows it touched, None for
    any. `columns` are those of the list that may read otherwise than before.
    """

    moves: bool
    records: frozenset[object] | None
    columns: frozenset[str]

    def touches(self, record_id: object) -> bool:
        return self.records is None or record_id in self.records


def effect_on(query: ListQuery, change: Change) -> Effect:
    """The effect of a change on the list that a query shows."""
    table = DECLARED[query.table]
    rows = [row for row in change.rows if row.table == query.table]
    if len(rows) > MANY or (not rows and query.table in change.tables):  # entries are only appended
        anything = bool(rows) or query.table in change.bulk
        return Effect(True, None if anything else frozenset(), frozenset(table.names))
    stored: set[str] = set()
    moves = False
    for row in rows:
        if row.before is None or row.after is None:
            moves = True
        else:
            stored |= {name for name, value in row.after.items() if row.before.get(name) != value}
    changed = {column.name for column in table.columns if moves or column.source in stored}
    return Effect(
        moves=moves or not changed.isdisjoint(_looked_at(query)),
        records=frozenset(row.record_id for row in rows),
        columns=frozenset(changed),
    )


def _looked_at(query: ListQuery) -> set[str]:
    """The columns of the list that say which rows it has, and in which order."""
    table = DECLARED[query.table]
    found = {query.sort or table.sort, *(column for column, _ in query.choices)}
    if query.text:
        found.update(column.name for column in table.searched)
    if query.since is not None or query.until is not None:
        found.add(table.time)
    if query.scope.tenant_id is not None:
        found.add("tenant_id")
    return found
