"""How a person has arranged a tab's list: its filter, order and columns, as data that settings can keep;
taken up from a tab, and put back, also over the end of the program.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSignalBlocker

from app.services.records.list_query import ColumnChoice, ListedValue, as_json, from_json
from app.services.records.tables import DECLARED, Table
from app.services.text import quoted, some_of
from app.settings import Settings
from app.ui.session.context import Context
from app.ui.tabs.common.declared import extra_of
from app.ui.widgets.filter_row import DateRange, Span
from models.errors import FileOrName

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab


MOST_VIEWS = 100
_LONGEST = 1_000_000
"""Characters of what is kept: more was written by nobody's hand here."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """`choices` are the values kept of each column, `own` is what else the tab keeps rows by, a key of its
    ready views. `sort` is None for the table's own order. `columns` are as `ColumnLayout.state` gives them.
    """

    text: str = ""
    choices: tuple[ColumnChoice, ...] = ()
    dates: DateRange = field(default_factory=DateRange)
    own: str = ""
    sort: tuple[str, bool] | None = None
    columns: bytes = field(default=b"", repr=False)

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        dates: list[Any] = [
            self.dates.span.value,
            *(day and day.isoformat() for day in (self.dates.first, self.dates.last)),
        ]
        if self.dates.span is Span.HOURS:
            dates += [self.dates.since, self.dates.until, self.dates.utc]
        choices = [[name, [as_json(value) for value in values]] for name, values in self.choices]
        sort = None if self.sort is None else list(self.sort)
        columns = self.columns.hex()
        found = {"text": self.text, "choices": choices, "dates": dates, "own": self.own}
        return {**found, "sort": sort, "columns": columns}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Arrangement":
        """What `document()` was made of. Raises `ValueError` for anything else."""
        try:
            span, first, last, *hours = document["dates"]
            begin, end = (None if day is None else date.fromisoformat(day) for day in (first, last))
            is_of_hours = Span(span) is Span.HOURS
            dates = _hours(*hours) if is_of_hours else DateRange(Span(span), begin, end)
            sort = document["sort"]
            return cls(
                text=_text(document["text"]),
                choices=tuple(
                    (_text(name), tuple(map(_value, values))) for name, values in document["choices"]
                ),
                dates=dates,
                own=_text(document["own"]),
                sort=None if sort is None else (_text(sort[0]), bool(sort[1])),
                columns=bytes.fromhex(document["columns"]),
            )
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(str(error)) from error

    def keeps_like(self, other: "Arrangement") -> bool:
        """Whether both keep the same rows, in the same order, whichever columns show."""
        return replace(self, columns=b"") == replace(other, columns=b"")

    def lasting(self, table: Table) -> "Arrangement":
        """What of it may be written down: no value that an export would not show whole, as a URL by which
        anybody may post.
        """
        from app.services.records.export import as_exported  # noqa: PLC0415 - rows show before
        from app.services.records.urls import without_urls  # noqa: PLC0415

        def lasts(choice: ColumnChoice) -> bool:
            name, values = choice
            said = as_exported(table.name, table.of_file(name))
            return all(value in (None, "") or said(value) == value for value in values)

        text = self.text if without_urls(self.text) == self.text else ""
        return replace(self, text=text, choices=tuple(filter(lasts, self.choices)))

    def gone(self, table: Table, there: Sequence[str]) -> list[str]:
        """The columns that it keeps or sorts rows by and the file's table, which has those `there`, lacks."""
        named = [name for name, _ in self.choices] + ([] if self.sort is None else [self.sort[0]])
        return list(dict.fromkeys(name for name in named if table.of_file(name).source not in there))


def make_lasting(settings: Settings) -> list[str]:
    """Takes out of saved views what may not be written down, which an earlier version kept (`lasting`). The
    names of those that keep rows by less now.
    """
    less: list[str] = []
    for table in DECLARED.values():
        views = arrangements(settings.views.get(table.name))
        filtered = {name: view for name, view in views.items() if view.text or view.choices}
        changed = {name: now for name, view in filtered.items() if (now := view.lasting(table)) != view}
        if changed:
            documents = {name: view.document() for name, view in (views | changed).items()}
            settings.views.set(table.name, written(documents))
            less += changed
    return less


def forget_rows(settings: Settings, place: FileOrName) -> list[str]:
    """Forgets how each tab of a database was left, for rows that are gone for good: filters and selected
    records name them. What is to be said of the views, which are not of one database.
    """
    kept = read(settings.left_at.get(place))
    left = {name: one for name, one in kept.items() if name not in DECLARED}  # that of all tenants
    settings.left_at.set(place, written(left) if left else None)
    named = [
        name
        for table in DECLARED.values()
        for name, view in arrangements(settings.views.get(table.name)).items()
        if view.text or any(not table.of_file(column).offered for column, _ in view.choices)
    ]
    if not named:
        return []
    said = some_of(named, 3, shown=quoted)
    return [f"Saved views may still contain its values: {said}. Remove those that do."]


def written(documents: Mapping[str, Any]) -> str:
    """Names and what each stands for, as settings keep them: in ASCII, and without the sign by which a file
    of Qt's asks for an object to be made.
    """
    return json.dumps(documents).replace("@", "\\u0040")


def read(text: str) -> dict[str, Any]:
    """The same again; nothing of a text that is damaged."""
    try:
        found = json.loads(text) if text and len(text) <= _LONGEST else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def arrangements(text: str) -> dict[str, Arrangement]:
    """The views that settings keep, by name; without those that are damaged."""
    found: dict[str, Arrangement] = {}
    for name, document in read(text).items():
        try:
            found[name] = Arrangement.of(document)
        except ValueError:
            continue
    return found


def _hours(since: object, until: object, utc: object) -> DateRange:
    if not (isinstance(since, int) and isinstance(until, int)):
        raise TypeError("no moments")
    return DateRange(Span.HOURS, since=since, until=until, utc=bool(utc))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _value(found: Any) -> ListedValue:
    value = from_json(found)
    if not isinstance(value, str | int | float | bytes | None):
        raise TypeError(f"{value!r} is no value")
    return value


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
    by = None if wanted.sort is None else wanted.sort[0]
    unsortable = {column.name for column in tab.model.columns if not column.sortable}
    tab.sorted_by = None if by in unsortable else wanted.sort
    return fits


def restore(tab: "RecordTab") -> Any:
    """As the tab was left in this database, before anything is read. The id of the record to go to, or None;
    where each row that is read is charged, nobody has asked for that, nor for what a ready view reads.
    """
    context, table = tab.context, tab.spec.table
    left = read(context.settings.left_at.get(context.opened.kept_by)).get(table.name)
    if not isinstance(left, dict):
        return None
    try:
        wanted, record = Arrangement.of(left[_FILTER]), from_json(left[_RECORD])
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
    known = read(was)
    now, record = current(tab), tab.list.current_id()
    choices = tuple(one for one in now.choices if one not in tab.remembered_apart)
    now = replace(now, choices=choices).lasting(tab.spec.table)
    if now == Arrangement() and record is None:
        known.pop(name, None)
    else:
        known[name] = {_FILTER: now.document(), _RECORD: as_json(record)}
    if (text := written(known) if known else "") != was:
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
