"""The ready views of the list of runs: what stands still, waits or leaves, and what is worth so much."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QLineEdit, QWidget

from app.itemmodels.columns import Column, Row
from app.services.records.change import Change
from app.services.records.list_query import ListQuery
from app.services.records.tables import PLANNING_RUNS, Scope
from app.services.runs.run_views import Reasons, Worth, counts, dollars, idle, reasons, worth
from app.ui.session.context import Context
from app.ui.tabs.common.view_picker import ViewPicker
from app.ui.widgets.buttons import Choice
from app.ui.widgets.count_chips import CountChips
from app.ui.widgets.form_dialog import FieldValue, FormDialog
from app.ui.widgets.formatting import amount, first_line
from models.engine import Database
from models.errors import TenantAdminError
from models.status import GOES_ON, RunStatus

WHY: Final = "why"
WAITING, GOING, STUCK, WORTH = "waiting", "deleted", "stuck", "worth"
HOURS: Final = {1: "1 hour", 6: "6 hours", 24: "a day", 72: "3 days", 168: "a week"}
"""How long nothing has happened, of what is stuck."""
_STATUS, _VERDICT = (PLANNING_RUNS.names.index(name) for name in ("status", "kill_verdict"))
_BY_STATUS: Final = {WAITING: RunStatus.PAUSED, GOING: RunStatus.DELETED}
_WORDS: Final = {
    **{f"{STUCK}:{hours}": f"Stuck: nothing for {words}" for hours, words in HOURS.items()},
    WAITING: "Waiting for approval",
    GOING: "Deleted, until they are removed",
}
_WIDTH: Final = 220
_OTHER: Final = "Score or revenue…"

Looked = tuple[dict[Any, int], dict[str, int], Reasons | None, tuple[Any, ...] | None]


def view_words(key: str) -> str:
    """What a view is called."""
    found = worth_of(key)
    return _WORDS.get(key, key) if found is None else _worth_words(found)


def key_of(wanted: Worth) -> str:
    """The range as a view's key, which `worth_of` reads again."""
    ends = (*wanted.score, *wanted.revenue)
    return ":".join([WORTH, *("" if end is None else repr(end) for end in ends)])


def worth_of(key: str) -> Worth | None:
    """None for the key of another view, and for what is none."""
    kind, *ends = key.split(":")
    if kind != WORTH or len(ends) != 4:
        return None
    try:
        low, high, least, most = (float(end) if end else None for end in ends)
    except ValueError:
        return None
    return Worth((low, high), (least, most))


class ReadyRuns(ViewPicker):
    """`ReadyRuns(context, changed, told)`: `changed()` is called when other runs are to be listed than
    before, `told()` when more is known of why they are what they are.

    What is stuck is counted with every list where reading costs nothing, and else when it is chosen.
    """

    def __init__(self, context: Context, changed: Callable[[], object], told: Callable[[], object]) -> None:
        super().__init__(context.theme, "Any run", width=_WIDTH)
        self._context, self._list_again, self._told = context, changed, told
        self._scope = Scope()
        self._idle: dict[Any, int] | None = None
        self._counts: dict[str, int] = {}
        """How many runs have the status of a view."""
        self._chosen: str | None = None
        self._has_led = False
        """Whether the statuses are chosen by the view."""
        self.reasons = Reasons({})
        self.ids: tuple[Any, ...] | None = None
        """Those of the view that is chosen; None where a status tells, or they are not known yet."""
        self._offer()
        self.picked.connect(self._pick)

    def narrow(self, query: ListQuery) -> ListQuery:
        """The query with what the view keeps rows by."""
        if self._chosen in _BY_STATUS:
            kept: tuple[str, tuple[Any, ...]] = "status", (str(_BY_STATUS[self._chosen]),)
        elif self.ids is not None:
            kept = "id", self.ids
        else:
            return query
        return replace(query, choices=(*query.choices, kept))

    def lead(self, chips: CountChips) -> None:
        """A view that has runs of certain statuses alone chooses those, and lets go of them with itself."""
        is_at_work = _hours(self._chosen) is not None
        if not self._goes_with(chips):
            chips.set_keys(() if is_at_work else [_BY_STATUS[self._chosen or ""]])
            self._has_led = not is_at_work
        elif self._chosen not in _BY_STATUS and self._has_led:
            chips.set_keys(())
            self._has_led = False

    def follow(self, chips: CountChips) -> None:
        """A view that has none of the statuses chosen is let go of."""
        self._has_led = False
        if not self._goes_with(chips):
            self.let_go()

    def _goes_with(self, chips: CountChips) -> bool:
        chosen = {*chips.keys()}
        if self._chosen in _BY_STATUS:
            return chosen == {_BY_STATUS[self._chosen]}
        return _hours(self._chosen) is None or chosen <= {*GOES_ON}

    @property
    def is_of(self) -> tuple[str, ...]:
        """The columns that a range is chosen of."""
        found = worth_of(self._chosen or "") or Worth()
        ranges = {"revenue_potential": found.revenue, "quality_score": found.score}
        return tuple(name for name, ends in ranges.items() if ends != (None, None))

    def look(self, scope: Scope) -> None:
        """Reads again what it tells of."""
        self._scope = scope
        wanted = worth_of(self._chosen or "")
        if self._context.costs and self._chosen in (None, *_BY_STATUS):
            return
        free = not self._context.costs

        def done(found: Looked) -> None:
            if scope == self._scope:
                self._know(*found)

        self._context.runner.read(
            _look, scope, self._context.clock(), wanted, free, on_done=done, on_failed=self._not_read
        )

    def hear(self, change: Change) -> None:
        """What is recorded here is known without reading it."""
        self.reasons, before = self.reasons.with_events(change.events), self.reasons
        if self.reasons is not before:
            self._told()

    def let_go(self) -> bool:
        """Chooses none, without a word; whether one was chosen."""
        had = self._chosen is not None
        self.restore("")
        return had

    def restore(self, key: str) -> None:
        """Chooses a view, or none, without a word; which runs it has is known with the next count."""
        known = key in _WORDS or worth_of(key) is not None
        self._chosen, self.ids = key if known else None, None
        self._offer()
        self.set_key(self._chosen)
        self._take()

    def _pick(self, key: str | None) -> None:
        if key == WORTH:
            self.set_key(self._chosen)
            form = WorthDialog(self._context, worth_of(self._chosen or ""), self.window())
            form.open_once(lambda: self._choose(key_of(form.worth())))
        else:
            self._choose(key or "")

    def _choose(self, key: str) -> None:
        self.restore(key)
        if self._chosen is None or self._chosen in _BY_STATUS or not self._context.costs:
            self.look(self._scope)
            self._list_again()
            return
        rows = self._context.rows_of(PLANNING_RUNS.name, self._scope)
        read = partial(self.look, self._scope)
        self._context.when_agreed(rows, read, self.window(), self.let_go)

    def _know(
        self, idle: dict[Any, int], found: dict[str, int], why: Reasons | None, ids: tuple[Any, ...] | None
    ) -> None:
        self._idle, self._counts = idle, found
        if why is not None and why != self.reasons:
            self.reasons = why
            self._told()
        self._offer()
        before = self.ids
        self._take(ids)
        if self.ids != before:
            self._list_again()

    def _take(self, ids: tuple[Any, ...] | None = None) -> None:
        """The ids of the view that is chosen, as far as they are known."""
        hours = _hours(self._chosen)
        if worth_of(self._chosen or "") is not None:
            self.ids = ids if ids is not None else self.ids
        else:
            self.ids = None if hours is None or self._idle is None else self._stuck(hours)

    def _stuck(self, hours: int) -> tuple[Any, ...]:
        return tuple(key for key, seconds in (self._idle or {}).items() if seconds >= 3600 * hours)

    def _not_read(self, error: TenantAdminError) -> None:
        self._idle, self._counts = None, {}

    def _offer(self) -> None:
        known = {key: self._counts.get(str(status)) for key, status in _BY_STATUS.items()}
        known |= {
            key: len(self._stuck(hours))
            for key in _WORDS
            if self._idle is not None and (hours := _hours(key)) is not None
        }
        offered = [Choice(key, words, known.get(key)) for key, words in _WORDS.items()]
        if worth_of(self._chosen or "") is not None:
            offered.append(Choice(self._chosen, view_words(self._chosen or "")))
        self.set_choices([*offered, Choice(WORTH, _OTHER)])

    def why(self) -> Column:
        """A column that says why a run is what it is: the verdict of one that was killed, else the reason
        that its newest audit entry gives.
        """
        return Column(
            WHY,
            "Why",
            of="kill_verdict",
            text=lambda verdict, row: first_line(self._why(verdict, row)),
            tooltip=lambda verdict, row: self._why(verdict, row) or None,
            whole=self._why,
            dim=True,
            sortable=False,
            hint="The verdict of a run that was killed; else the reason given here for what it is",
        )

    def why_of(self, row: Row) -> str | None:
        """The same of a row, for where that column has no room."""
        return self._why(row[_VERDICT], row) or None

    def _why(self, verdict: Any, row: Row) -> str:
        status = row[_STATUS]
        if status == RunStatus.KILLED and verdict not in (None, ""):
            return str(verdict)
        return self.reasons.why(row[0], status)


class WorthDialog(FormDialog):
    """Asks for a range of scores and of revenues; `worth()` after it was accepted."""

    holds_work = False

    def __init__(self, context: Context, known: Worth | None, parent: QWidget | None = None) -> None:
        sentence = (
            "Empty is no limit. A score is in the database's own unit, from 0 to 10 or to 100. A revenue may"
            " be written as 2M; the currency is ignored."
        )
        super().__init__(context.theme, "Score or revenue", sentence, action="Show these runs", parent=parent)
        found = known or Worth()
        for key, label, ends in (("score", "Score", found.score), ("revenue", "Revenue", found.revenue)):
            for name, words, end in zip(("low", "high"), ("from", "to"), ends, strict=True):
                field = QLineEdit("" if end is None else f"{end:.15g}")
                field.setPlaceholderText("any")
                check = self._check_high if (key, name) == ("revenue", "high") else _check_end
                self.add_field(f"{key}_{name}", f"{label}, {words}", field, check, beside=name == "high")
        self.submitted.connect(self.accept)
        self.editor("score_low").setFocus()

    def worth(self) -> Worth:
        low, high, least, most = (_end(str(value)) for value in self.values().values())
        return Worth((low, high), (least, most))

    def _check_high(self, value: FieldValue) -> str:
        said = _check_end(value)
        if not said and not any(str(one).strip() for one in self.values().values()):
            return "Give at least one limit."
        return said


def _check_end(value: FieldValue) -> str:
    is_none = str(value).strip() and _end(str(value)) is None
    return "Write a number, such as 7.5, or 2M for two million." if is_none else ""


def _end(value: str) -> float | None:
    text = value.strip()
    try:
        return float(text) if text else None
    except ValueError:
        return dollars(text)


def _hours(key: str | None) -> int | None:
    kind, _, hours = (key or "").partition(":")
    return int(hours) if kind == STUCK else None


def _worth_words(wanted: Worth) -> str:
    parts = []
    for label, (low, high), words in (
        ("Score", wanted.score, lambda end: f"{end:g}"),
        ("Revenue", wanted.revenue, amount),
    ):
        if low is not None and high is not None:
            parts.append(f"{label} {words(low)} to {words(high)}")
        elif low is not None:
            parts.append(f"{label} from {words(low)}")
        elif high is not None:
            parts.append(f"{label} up to {words(high)}")
    return ", ".join(parts)


def _look(database: Database, scope: Scope, now: int, wanted: Worth | None, free: bool) -> Looked:
    found = None if wanted is None else worth(database, scope, wanted)
    stuck = idle(database, scope, now) if free or wanted is None else {}
    have = counts(database, scope, _BY_STATUS.values()) if free else {}
    return stuck, have, reasons(database) if free else None, found
