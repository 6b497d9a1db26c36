"""Takes up how a tab's list is arranged, arranges it so again, and keeps it over the end of the program."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSignalBlocker

from app.services.records.list_query import of_plain, plain
from app.services.records.tables import Table
from app.ui.session.context import Context
from app.ui.tabs.common import arrangement
from app.ui.tabs.common.arrangement import Arrangement
from app.ui.tabs.common.declared import extra_of

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab

_FILTER, _RECORD = "filter", "record"


def current(tab: "RecordTab", *, columns: bool = False) -> Arrangement:
    """How the list is now."""
    values = tab.filters.values()
    sort = tab.sorted_by
    known = {column.name for column in (*tab.spec.table.columns, *extra_of(tab.context, tab.spec.table))}
    return Arrangement(
        text=values.text,
        choices=(*sorted(tab.facets.chosen().items()), *tab.exact.choices()),
        dates=values.dates,
        own=tab.own_filter(),
        sort=sort if sort is not None and sort[0] in known else None,
        columns=tab.table.columns.state() if columns else b"",
    )


def arrange(tab: "RecordTab", wanted: Arrangement) -> bool:
    """Filters and sorts as wanted, without reading anything yet; whether the columns fit the file's."""
    with QSignalBlocker(tab.model):  # Qt sorts by the column of a header that it arranges
        fits = not wanted.columns or tab.table.columns.arrange(wanted.columns)
    with QSignalBlocker(tab.filters), QSignalBlocker(tab.exact):
        tab.exact.clear()
        for column, values in tab.facets.restore(wanted.choices):
            tab.exact.keep(column, values)
        tab.filters.set_values(replace(tab.filters.values(), text=wanted.text, dates=wanted.dates))
    tab.set_own_filter(wanted.own)
    tab.sorted_by = wanted.sort
    return fits


def restore(tab: "RecordTab") -> Any:
    """As the tab was left in this database, before anything is read. The id of the record to go to, or None;
    where each row that is read is charged, nobody has asked for that, nor for what a ready view reads.
    """
    context, table = tab.context, tab.spec.table
    left = arrangement.read(context.settings.left_at.get(context.opened.kept_by)).get(table.name)
    if not isinstance(left, dict):
        return None
    try:
        wanted, record = Arrangement.of(left[_FILTER]), of_plain(left[_RECORD])
    except (ValueError, KeyError, TypeError):
        return None
    if wanted.gone(table, there(tab)):
        return None
    others = {column for column, _ in wanted.choices}
    own = [
        choice
        for choice in tab.facets.chosen().items()
        if choice in tab.remembered_apart and choice[0] not in others
    ]
    choices = (*own, *(choice for choice in wanted.choices if choice not in tab.remembered_apart))
    arrange(tab, replace(wanted, choices=choices, own="" if context.costs else wanted.own))
    return None if context.costs else record


def keep(tab: "RecordTab") -> None:
    """For the next time that this database is opened."""
    context, name = tab.context, tab.spec.table.name
    place = context.opened.kept_by
    was = context.settings.left_at.get(place)
    known = arrangement.read(was)
    now, record = current(tab), tab.list.current_id()
    choices = tuple(one for one in now.choices if one not in tab.remembered_apart)
    now = replace(now, choices=choices).lasting(tab.spec.table)
    if now == Arrangement() and record is None:
        known.pop(name, None)
    else:
        known[name] = {_FILTER: now.document(), _RECORD: plain(record)}
    if (text := arrangement.written(known) if known else "") != was:
        context.settings.left_at.set(place, text or None)


def state_of_columns(
    context: Context, table: Table
) -> tuple[Callable[[], QByteArray], Callable[[QByteArray], None]]:
    """What loads and saves how a table's columns are arranged: apart for databases with the same columns
    beside ours, which begin with what was arranged without them.
    """
    kept, extra = context.settings.column_state, [column.name for column in extra_of(context, table)]
    key = table.name
    if extra:
        apart = hashlib.sha256("\x1f".join(extra).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        key = f"{key}-{apart}"

    def load() -> QByteArray:
        own = kept.get(key)
        return kept.get(table.name) if own.isEmpty() else own

    return load, partial(kept.set, key)


def there(tab: "RecordTab") -> tuple[str, ...]:
    """The columns of the file's table; where that is missing, as if it had all of ours."""
    stored = tab.context.opened.schema.columns.get(tab.spec.table.name, ())
    return tuple(stored) or tuple(column.source for column in tab.spec.table.columns)
