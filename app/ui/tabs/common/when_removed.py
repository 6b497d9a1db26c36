"""When retention removes a record: a column of its list, and a field of the inspector."""

from dataclasses import dataclass

from app.itemmodels.columns import Column
from app.services.records.tables import NOTIFICATIONS, PLANNING_RUNS, Table, flag
from app.services.retention.clock import GOES_BY, GoesBy, old_from
from app.ui.session.context import Context
from app.ui.widgets.formatting import absolute_time, day, relative_time
from app.ui.widgets.panes import Field

LEAVES = "leaves"
_TITLE = "Removal"
_NEVER = "Its time is no whole number of seconds, so retention cannot tell whether it is old, and leaves it."
_OFF = "Data retention does not run by itself on this database."


@dataclass(frozen=True, slots=True)
class Rule:
    """How it is told of a table's records. Where one may not go (`GOES_BY`), `stays` says so in a cell, a
    field and within a sentence, or nothing does; `odd` where its state is none that is known.
    """

    table: Table
    stays: tuple[str, str, str] | None = None
    odd: tuple[str, str, str] | None = None

    def stays_by(self, state: object) -> tuple[str, str, str] | None:
        """The words for a record in this state."""
        return self.stays if self.odd is None or flag(state) is not None else self.odd

    @property
    def by(self) -> GoesBy:
        return GOES_BY[self.table.name]

    @property
    def hint(self) -> str:
        title = self.table.column(self.by.time).label
        return f"When data retention removes it, by the days in the preferences. In the order of {title}."


OF_NOTIFICATIONS = Rule(
    NOTIFICATIONS,
    ("kept, unread", "Not while it is unread", "but stays as long as it is unread"),
    ("kept, not read", "Not while it is not marked read", "but stays as long as it is not marked read"),
)
OF_RUNS = Rule(PLANNING_RUNS)


class Leaving:
    """`Leaving(context, rule)`: by the preferences, and by what was chosen for the open database, as they
    were when they were last `read()`: a cell that is painted has no time for it.
    """

    def __init__(self, context: Context, rule: Rule = OF_NOTIFICATIONS) -> None:
        self._context, self._rule = context, rule
        self._state = rule.table.names.index(rule.by.state)
        stored = context.opened.schema.columns.get(rule.table.name)
        self.is_told = stored is None or {rule.by.state, rule.by.time} <= set(stored)
        """Whether the file has what retention goes by; without it, it leaves the whole table."""
        self.read()

    @property
    def days(self) -> int | None:
        """After how many a record that may go is removed; None where retention does not run by itself."""
        return self._days if self._runs else None

    @property
    def widest(self) -> str:
        """The words of a cell that take the most room."""
        kept = [stays[0] for stays in (self._rule.stays, self._rule.odd) if stays]
        words = (*kept, "from 2030-08-28", "when it runs")
        return max(words, key=len)

    def read(self) -> None:
        settings, kept_by = self._context.settings, self._context.opened.kept_by
        self._days = settings.retention_days
        self._milliseconds = settings.retention_milliseconds.get(kept_by)
        self._runs = settings.retention_enabled.get(self._context.opened.agreed_by) is True

    def column(self) -> Column:
        return Column(
            LEAVES,
            _TITLE,
            of=self._rule.by.time,
            text=lambda made, row: self._words(row[self._state], made),
            tooltip=lambda made, row: self._sentence(row[self._state], made),
            dim=True,
            sortable=False,
            hint=self._rule.hint,
        )

    def field(self, state: object, made: object) -> Field:
        """Only what does not grow old stands in the inspector; how long it is until then, in the tool tip."""
        at = self._from(made)
        if at is None:
            value = "Never"
        elif not self._rule.by.may_go(state):
            stays = self._rule.stays_by(state)
            value = stays[1] if stays else ""
        else:
            value = "At the next run" if at <= self._context.clock() else self._moment(at)
        return Field(_TITLE, value, can_copy=False, tip=self._sentence(state, made))

    def _from(self, made: object) -> int | None:
        return old_from(made, self._days, milliseconds=self._milliseconds)

    def _moment(self, at: int) -> str:
        return absolute_time(at, self._context.settings.utc_times)

    def _words(self, state: object, made: object) -> str:
        at, now, stays = self._from(made), self._context.clock(), self._rule.stays_by(state)
        if stays is None and not self._rule.by.may_go(state):
            return ""
        if at is None:
            return "never"
        if not self._rule.by.may_go(state):
            return stays[0] if stays else ""
        if at <= now:
            return "next run" if self._runs else "when it runs"
        when = day(at, self._context.settings.utc_times)
        return when if self._runs else f"from {when}"

    def _sentence(self, state: object, made: object) -> str:
        at, now, stays = self._from(made), self._context.clock(), self._rule.stays_by(state)
        goes = self._rule.by.may_go(state)
        if stays is None and not goes:
            return ""
        if at is None:
            return _NEVER
        moment = f"{self._moment(at)} ({relative_time(at, now)})"
        old = f"It is old since {moment}" if at <= now else f"It is old from {moment} on"
        if not goes:
            said = f"{old}, {stays[2] if stays else ''}."
        elif at <= now:
            said = f"{old}, and the next run removes it."
        else:
            said = f"{old}, and the run after that removes it."
        return said if self._runs else f"{said} {_OFF}"
