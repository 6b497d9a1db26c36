"""Which tabs there are, and from a table's declaration to its tab: filters, columns, fields of the inspector.

A tab names what differs from a column's kind; labels and words are the declaration's. A column that the file
lacks is shown as missing, one that nobody has declared is shown as it is.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from PySide6.QtGui import QKeySequence

from app.itemmodels.columns import Column, Row
from app.services.records import tables
from app.services.records.list_query import ListedValue
from app.services.records.record import Record
from app.services.records.rows import Glimpse, storage_class
from app.services.records.stored_times import epoch_of
from app.services.text import apart, readable, tenant_name, visible
from app.ui.session.context import Context
from app.ui.theme import Icon, Tone
from app.ui.widgets import formatting
from app.ui.widgets.actions import ActKeys, with_keypad
from app.ui.widgets.buttons import Chip
from app.ui.widgets.filter_row import Pick
from app.ui.widgets.panes import Field

MISSING = "missing in this database"
_LONGEST_NAME = 60
_CLASS = {"integer": "an integer", "real": "a real", "text": "text", "blob": "a BLOB"}

Special = Mapping[str, Mapping[str, Any]]
"""By a declared name, what of a `Column` differs from its kind."""

_YES_OR_NO = (tables.ColumnKind.FLAG, tables.ColumnKind.PRESENCE)
_IDS = (tables.ColumnKind.KEY, tables.ColumnKind.ID)


@dataclass(frozen=True, slots=True)
class TabSpec:
    """What one tab is about: a declared table, and how a tab presents it.

    `empty` is a title and a sentence. `tab_class` names the module in `ui.tabs` and the class of one of the
    window. `chips` are counted columns that the tab offers otherwise than by a pick list. `any_time` are the
    words for no restriction of its `dates`. Where the sentence of `empty` `invites` to make a record, it is
    said only where that can be done. `keys` are those of its acts that not every tab has, by the act's name,
    with what they do, which is what the act is called: other tabs say so before this one is built.
    """

    table: tables.Table
    icon: str
    empty: tuple[str, str]
    tab_class: str = ""
    dates: bool = False
    chips: tuple[str, ...] = ()
    any_time: str = "Any time"
    invites: bool = False
    keys: ActKeys = field(default_factory=dict, hash=False)

    def picks(self, offered: Collection[str]) -> tuple[Pick, ...]:
        """The pick lists of columns that are `offered` by their values."""
        return tuple(
            Pick(column.name, column.label, f"Any {_inside(column.label)}", several(column))
            for column in self.table.offered
            if column.name in offered and column.name not in self.chips
        )


def several(column: tables.TableColumn) -> str:
    """What more than one of a column's values are called: "types" of an event type, "statuses"."""
    if column.kind is tables.ColumnKind.PRESENCE:
        return "values"
    noun = _inside(column.label.split()[-1])
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def filter_hint(table: tables.Table) -> str:
    """ "Filter by name, URL or host…"."""
    *others, last = (_inside(column.label) for column in table.searched)
    return f"Filter by {' or '.join(filter(None, (', '.join(others), last)))}…"


def _inside(label: str) -> str:
    """A label inside a sentence; abbreviations stay as they are."""
    return label if label.isupper() else label[:1].lower() + label[1:]


def offered(context: Context, table: tables.Table) -> list[str]:
    """The columns whose values a list of the file is filtered by."""
    stored = context.opened.schema.columns.get(table.name, ())
    return [column.name for column in table.offered if not stored or column.source in stored]


def columns(context: Context, table: tables.Table, special: Special) -> list[Column]:
    """The columns of a table's list, in the order declared.

    `special` says, by a declared name, what of the `Column` differs from its kind.
    """
    return [
        _missing(table, declared)
        if is_missing(context, table, declared)
        else replace(_column(context, table, declared), **special.get(declared.name, {}))
        for declared in table.columns
        if declared.listed
    ]


def is_missing(context: Context, table: tables.Table, column: tables.TableColumn) -> bool:
    """Whether the file has the table, but not this column of it."""
    stored = context.opened.schema.columns.get(table.name, ())
    return bool(stored) and column.source not in stored


def extra_of(context: Context, table: tables.Table) -> tuple[tables.TableColumn, ...]:
    """The columns that only the file has, which its lists have behind those declared."""
    stored = context.opened.schema.stored.get(table.name)
    return () if stored is None else table.extras(stored)


def extra_columns(context: Context, table: tables.Table) -> list[Column]:
    return [_extra(table, column) for column in extra_of(context, table)]


def _extra(table: tables.Table, own: tables.TableColumn) -> Column:
    column = partial(
        Column,
        own.name,
        formatting.first_line(visible(own.label), _LONGEST_NAME),
        hint=f"{own.label} is a column of {table.name} in this database alone.",
    )
    if own.kind is tables.ColumnKind.PRESENCE:
        return column(text=lambda value, row: "" if value is None else _word(own, value))

    def text(value: Any, row: Row) -> str:
        said = _glimpsed(own, value)
        line = formatting.first_line(said)
        return line if line.endswith("…") or value is None or Glimpse.of(value).whole else f"{line}…"

    def tooltip(value: Any, row: Row) -> str | None:
        if value is None:
            return None
        found = Glimpse.of(value)
        if found.value is None:
            return "NULL"
        more = "" if found.whole else "…"
        return f"{_glimpsed(own, value)}{more}\nStored as {_CLASS[storage_class(found.value)]}"

    return column(text=text, tooltip=tooltip, whole=lambda value, row: _glimpsed(own, value))


def _glimpsed(own: tables.TableColumn, cell: str | None) -> str:
    """A value in words; nothing for NULL, and for what is still to be read."""
    value = None if cell is None else own.said(Glimpse.of(cell).value)
    return formatting.EMPTY if value == "" else readable(value)


def _missing(table: tables.Table, declared: tables.TableColumn) -> Column:
    return Column(
        declared.name,
        f"{declared.label} (missing)",
        text=lambda value, row: "",
        sortable=False,
        dim=True,
        hint=f"The table {table.name} of this database has no column {declared.source}.",
    )


def _column(context: Context, table: tables.Table, declared: tables.TableColumn) -> Column:
    column = partial(Column, declared.name, declared.label)
    match declared.kind:
        case tables.ColumnKind.KEY if table.numbered:
            return column(text=number(), right=True)
        case tables.ColumnKind.KEY | tables.ColumnKind.ID:  # whole when copied
            return column(
                text=lambda value, row: formatting.shortened(readable(value)),
                tooltip=lambda value, row: None if value is None else readable(value),
                monospace=True,
                dim=True,
            )
        case tables.ColumnKind.NUMBER | tables.ColumnKind.LENGTH:
            return column(text=number(), right=True)
        case tables.ColumnKind.TIME:  # how long ago; the moment itself in the tool tip
            return column(
                text=timed(lambda at: formatting.relative_time(at, context.clock())),
                tooltip=lambda value, row: None if value is None else moment(context, value),
                spare=(formatting.LONGEST_AGO, formatting.AGO, formatting.JUST),
            )
        case tables.ColumnKind.FLAG | tables.ColumnKind.PRESENCE:
            return column(text=lambda value, row: _word(declared, value))
    if declared.source == "tenant_id":
        return column(text=lambda value, row: apart(_called(value, row)), dim=True)
    return column(text=_called)


def amount(value: object) -> Mapping[str, Any]:
    """The field of an amount of dollars; it is copied as it is stored."""
    return {"value": formatting.money(value), "copy": str(value)} if isinstance(value, int | float) else {}


def number(words: Callable[[Any], str] = formatting.figure) -> Callable[[Any, Row], str]:
    """The text of a number's cell; nothing for NULL."""
    return lambda value, row: "" if value is None else words(value)


def timed(words: Callable[[int], str]) -> Callable[[Any, Row], str]:
    """The text of a time's cell; what is no time as it is stored."""

    def text(value: Any, row: Row) -> str:
        at = epoch_of(value)
        return _first_line(value, row) if at is None else words(at)

    return text


def whose(record: Record) -> str:
    """The tenant that it is of, within a sentence."""
    return tenant_name(record.text("tenant_id"))


def either(yes: Any, no: Any = None) -> Callable[[Any, Row], Any]:
    """The tone or icon of a flag's cell; none where it is neither on nor off."""
    looks: dict[bool | None, Any] = {True: yes, False: no}
    return lambda value, row: looks.get(tables.flag(value))


def _first_line(value: Any, row: Row) -> str:
    return formatting.first_line(readable(value))


def user_and_tenant(user: Record) -> str:
    """A user within a sentence, be there an address or not."""
    of = f"a user of {whose(user)}"
    return f"{address}, {of}" if (address := user.text("email")) else f"{of} without an e-mail address"


def _called(value: Any, row: Row) -> str:
    """An empty text is said; NULL is blank."""
    return formatting.EMPTY if value == "" else _first_line(value, row)


def _word(declared: tables.TableColumn, value: Any) -> str:
    """The word for a flag; whatever else is stored as it is."""
    word = declared.word(value)
    return readable(value) if word is None else word


def chip(record: Record, name: str, looks: Mapping[bool, Chip]) -> Chip:
    """A flag's chip; what is neither on nor off as its cell says it."""
    look, word = tables.flag(record[name]), readable(record[name])
    if look is not None:
        return looks[look]
    return MISSING if name in record.missing else word or "(none)", Tone.WARN, Icon.WARNING


def choice_label(table: tables.Table, name: str, value: ListedValue) -> str:
    """The words for a value of a column in a pick list."""
    column = table.of_file(name)
    if value is None:
        return "(none)"
    if value == "":
        return formatting.EMPTY
    if column.kind is tables.ColumnKind.NUMBER:
        return formatting.figure(value)
    if tables.flag(value) is None or column.kind not in _YES_OR_NO:
        said = readable(column.said(value))
        return apart(said) if column.source == "tenant_id" else said
    if column.kind is tables.ColumnKind.FLAG:
        return _word(column, value).capitalize()
    return f"{column.label} {column.words[0]}" if tables.flag(value) else f"No {column.label.lower()}"


def fields(
    context: Context, record: Record, *, without: Collection[str] = (), **special: Mapping[str, Any]
) -> list[Field]:
    """The fields of a record in the order declared, then the columns of the file that are not declared.

    What is empty is left out unless `special` has a value for it, and so are the columns `without`, which the
    tab shows elsewhere; what is missing is shown as missing in any case. `special` says, by a declared name,
    what of the `Field` differs.
    """
    found = []
    for declared in record.table.columns:
        if declared.kind is tables.ColumnKind.MEMBER:  # which its object shows
            continue
        if declared.name in record.missing:
            found.append(Field(declared.label, MISSING, can_copy=False))
        elif declared.name not in without and (
            record[declared.name] not in (None, "") or "value" in special.get(declared.name, {})
        ):
            field = field_of(context, declared, record[declared.name])
            if (told := record.told.get(declared.name)) is not None:
                tone = Tone.WARN if told.doubt else Tone.NEUTRAL
                field = replace(field, value=str(told), tone=tone)
            found.append(replace(field, **special.get(declared.name, {})))
    return [*found, *unknown_fields(record)]


def unknown_fields(record: Record) -> list[Field]:
    return [Field(name, readable(value)) for name, value in record.unknown.items()]


def field_of(context: Context, declared: tables.TableColumn, value: Any) -> Field:
    """How a value of a declared column is told."""
    if declared.kind in _YES_OR_NO:
        return Field(declared.label, _word(declared, value), can_copy=False)
    if declared.kind is tables.ColumnKind.TIME:  # what is copied is the number stored
        # Only what does not grow old: a line more after a minute would move what stands below.
        return Field(declared.label, instant(context, value), copy=str(value), tip=moment(context, value))
    return Field(declared.label, readable(value), mono=declared.kind in _IDS)


def instant(context: Context, stored: Any, *, ago: bool = False) -> str:
    """ "2026-11-22 13:55:07 UTC · stored as 1795355707000"; what is no time as it is stored."""
    at = epoch_of(stored)
    if at is None:
        return readable(stored)
    parts = [formatting.absolute_time(at, context.settings.utc_times)]
    parts += [formatting.relative_time(at, context.clock())] if ago else []
    parts += [] if str(stored) == str(at) else [f"stored as {stored}"]
    return " · ".join(parts)


def moment(context: Context, stored: Any) -> str:
    """The same with how long ago it was: "2026-11-22 13:55:07 UTC · 2 h ago"."""
    return instant(context, stored, ago=True)


DELETE = {"delete": ("Del", "Delete")}
_HISTORY = {"history": ("Ctrl+H", "Audit history")}
_USERS = ("No users yet", "Create the first one with “New user…”.")
USERS_TAB = TabSpec(
    tables.USERS,
    Icon.USERS,
    _USERS,
    "users:UsersTab",
    dates=True,
    invites=True,
    keys={
        "create": ("Ctrl+Shift+N", "New user…"),
        "create_many": ("Ctrl+Shift+U", "New users of a list…"),
        "edit": ("F2", "Edit e-mail…"),
        "set_password": ("Ctrl+Shift+P", "Set password…"),
        "invalidate": ("Ctrl+Shift+I", "Invalidate password"),
        "edit_others": ("Shift+F2", "Edit other columns…"),
        "filter_others": ("Ctrl+Shift+L", "Filter by another column…"),
        "move": ("Ctrl+Shift+M", "Move to another tenant…"),
        **DELETE,
        **_HISTORY,
    },
)
_ENTRIES = ("No entries yet", "Every administrative act is recorded here.")
AUDIT_TAB = TabSpec(
    tables.AUDIT_CHAIN,
    Icon.AUDIT,
    _ENTRIES,
    "audit:AuditTab",
    dates=True,
    keys={
        "verify": ("Ctrl+Return", "Verify chain"),
        "verify_range": ("Ctrl+Shift+Return", "Verify a range…"),
        "verify_archive": ("Ctrl+Shift+A", "Verify with an archive…"),
        "go_to": ("Ctrl+G", "Go to entry…"),
        "verify_selected": ("V", "Verify the selected entries"),
        "previous": ("P", "Previous in chain"),
        "next": ("N", "Next in chain"),
    },
)
_WEBHOOKS = ("No webhooks yet", "Create the first destination with “New webhook…”.")
WEBHOOKS_TAB = TabSpec(
    tables.WEBHOOK_DESTINATIONS,
    Icon.WEBHOOK,
    _WEBHOOKS,
    "webhooks:WebhooksTab",
    invites=True,
    keys={
        "create": ("Ctrl+Shift+N", "New webhook…"),
        "edit": ("F2", "Edit…"),
        "duplicate": ("Ctrl+D", "Duplicate to another tenant…"),
        "deliveries": ("Ctrl+L", "Delivery log…"),
        "activate": ("A", "Activate"),
        "deactivate": ("D", "Deactivate"),
        "send_event": ("T", "Send test event…"),
        **DELETE,
        **_HISTORY,
    },
)
_NOTES = ("No notifications", "What the platform has to say to its tenants will appear here.")
NOTIFICATIONS_TAB = TabSpec(
    tables.NOTIFICATIONS,
    Icon.BELL,
    _NOTES,
    "notifications:NotificationsTab",
    dates=True,
    keys={
        "create": ("Ctrl+Shift+N", "New notification…"),
        "read_all": ("Ctrl+Shift+R", "Mark all shown read"),
        "groups": ("Ctrl+Shift+G", "Groups by run or type"),
        "open_what_it_names": ("O", "Open what it names"),
        "mark_read": ("R", "Mark read"),
        "mark_unread": ("U", "Mark unread"),
        "next": ("J", "Next notification"),
        "previous": ("K", "Previous notification"),
        "pick": ("X", "Select or deselect"),
        **DELETE,
    },
)
_RUNS = ("No planning runs", "Runs appear here when the platform starts to plan an idea.")
RUNS_TAB = TabSpec(
    tables.PLANNING_RUNS,
    Icon.RUNS,
    _RUNS,
    "runs:RunsTab",
    dates=True,
    chips=("status",),
    keys={
        "create": ("Ctrl+Shift+N", "New run…"),
        "compare": ("Ctrl+Alt+C", "Compare…"),
        "dossier": ("Ctrl+Alt+D", "Dossier…"),
        "search_texts": ("Ctrl+Alt+F", "Search texts…"),
        "pause": ("P", "Pause"),
        "resume": ("R", "Resume"),
        "restore": ("U", "Restore"),
        "open": ("O", "Open"),
        **DELETE,
        **_HISTORY,
    },
)
EVERYWHERE = ("F4", "Ctrl+J", "Ctrl+Shift+V", "Ctrl+Alt+S", "Ctrl+Alt+U", "Ctrl+Shift+X")
"""The keys of acts that every tab has."""
TABS = (USERS_TAB, AUDIT_TAB, WEBHOOKS_TAB, NOTIFICATIONS_TAB, RUNS_TAB)


def is_of_tabs(keys: QKeySequence) -> bool:
    """Whether there are acts of tabs by these keys."""
    return bool(done_by(keys)) or any(keys in with_keypad(one) for one in EVERYWHERE)


def done_by(keys: QKeySequence) -> list[tuple[str, str]]:
    """The tabs that have acts by these keys, and what each is."""
    return [
        (spec.table.title, purpose)
        for spec in TABS
        for by, purpose in spec.keys.values()
        if keys in with_keypad(by)
    ]
