"""When retention removes notifications: a column of their list, and a field of the inspector."""

from app.itemmodels.columns import Column
from app.services.records.tables import NOTIFICATIONS
from app.services.retention.age import may_go, old_from
from app.ui.session.context import Context
from app.ui.widgets.formatting import absolute_time, relative_time
from app.ui.widgets.panes import Field

LEAVES = "leaves"
WIDEST = "kept, unread"
_TITLE = "Removed"
_HINT = "When data retention removes it, by the days in the preferences. In the order of Created."
_READ = NOTIFICATIONS.names.index("read")
_NEVER = "Its time is no whole number of seconds, so retention cannot tell whether it is old, and leaves it."
_OFF = "Data retention does not run by itself on this database."


class Leaving:
    """`Leaving(context)`: by the preferences, and by what was chosen for the open database, as they were when
    they were last `read()`: a cell that is painted has no time for it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        stored = context.opened.schema.columns.get(NOTIFICATIONS.name)
        self.is_told = stored is None or {"read", "created_at"} <= set(stored)
        """Whether the file has what retention goes by; without it, it leaves the whole table."""
        self.read()

    def read(self) -> None:
        settings, kept_by = self._context.settings, self._context.opened.kept_by
        self._days = settings.retention_days
        self._milliseconds = settings.retention_milliseconds.get(kept_by)
        self._runs = settings.retention_enabled.get(kept_by) is True

    def column(self) -> Column:
        return Column(
            LEAVES,
            _TITLE,
            of="created_at",
            text=lambda made, row: self._words(row[_READ], made),
            tooltip=lambda made, row: self._sentence(row[_READ], made),
            dim=True,
            sortable=False,
            hint=_HINT,
        )

    def field(self, read: object, made: object) -> Field:
        """Only what does not grow old stands in the inspector; how long it is until then, in the tool tip."""
        at = self._from(made)
        if at is None:
            value = "Never"
        elif not may_go(read):
            value = "Not while it is unread"
        else:
            value = "At the next run" if at <= self._context.clock() else self._moment(at)
        return Field(_TITLE, value, can_copy=False, tip=self._sentence(read, made))

    def _from(self, made: object) -> int | None:
        return old_from(made, self._days, milliseconds=self._milliseconds)

    def _moment(self, at: int) -> str:
        return absolute_time(at, self._context.settings.utc_times)

    def _words(self, read: object, made: object) -> str:
        at, now = self._from(made), self._context.clock()
        if at is None:
            return "never"
        if not may_go(read):
            return WIDEST
        return "next run" if at <= now else relative_time(at, now)

    def _sentence(self, read: object, made: object) -> str:
        at, now = self._from(made), self._context.clock()
        if at is None:
            return _NEVER
        moment = f"{self._moment(at)} ({relative_time(at, now)})"
        old = f"It is old since {moment}" if at <= now else f"It is old from {moment} on"
        if not may_go(read):
            said = f"{old}, but stays as long as it is unread."
        elif at <= now:
            said = f"{old}, and the next run removes it."
        else:
            said = f"{old}, and the run after that removes it."
        return said if self._runs else f"{said} {_OFF}"
