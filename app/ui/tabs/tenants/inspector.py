"""What the inspector shows of one tenant: numbers that lead on, its chain, and its latest entries."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.services.chain.checkpoint import Checkpoint
from app.services.records.stored_times import epoch_of
from app.services.records.tables import AUDIT_CHAIN, NOTIFICATIONS, USERS, WEBHOOK_DESTINATIONS
from app.services.tenants import overview
from app.services.tenants.overview import DAYS, TenantDetail, TenantRow
from app.services.text import counted, readable, visible
from app.ui.session.context import Context
from app.ui.session.outcome import Outcome
from app.ui.tabs.audit.timeline import Timeline, local_day
from app.ui.tabs.common import declared
from app.ui.tabs.tenants import words
from app.ui.tabs.tenants.words import VERIFYING, is_awaited
from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import absolute_time, duration, grouped, relative_time
from app.ui.widgets.labels import ElidedLabel, IconLabel, Label, Look, in_column, in_row, set_tip
from app.ui.widgets.panes import Field, FieldList
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models import engine, status

_ICON, _AROUND = 12, (10, 6, 8, 6)


class NumberCard(QPushButton):
    """`clicked` leads there. A screen reader hears all of it as the button's name."""

    def __init__(self, theme: Theme, caption: str) -> None:
        super().__init__()
        self.setProperty("kind", "number")
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._caption = caption
        self.number, self.note = Label(look=Look.TITLE), ElidedLabel(look=Look.DIM)
        self._mark, leads = IconLabel(theme, _ICON), IconLabel(theme, _ICON)
        leads.show_icon(Icon.CARET_RIGHT, "dim")
        above = in_row(Label(caption, Look.DIM), None, leads)
        below = in_row(self._mark, (self.note, 1), spacing=4)
        self._column = in_column(above, self.number, below, within=self, margins=_AROUND, spacing=0)
        for part in self.findChildren(Label) + self.findChildren(IconLabel):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._mark.hide()

    def show_number(
        self,
        number: str,
        note: str = "",
        tone: Tone = Tone.NEUTRAL,
        *,
        icon: str | None = None,
        tip: str = "",
    ) -> None:
        """With a `tone` the note has an `icon`, so that it is said by more than a colour."""
        self.number.setText(number)
        self.note.setText(note)
        set_property(self.note, "look", Look.DIM if tone is Tone.NEUTRAL else tone.value)
        self._mark.setVisible(icon is not None)
        if icon is not None:
            self._mark.show_icon(icon, tone)
        self.setAccessibleName(", ".join(filter(None, (f"{self._caption}: {number}", note))))
        set_tip(self, tip)

    def sizeHint(self) -> QSize:
        return self._column.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(70, self._column.sizeHint().height())


_NO_CHAIN = "It has no audit chain."
_NONE_LEFT = "No entry of it is left."
_GONE = "The audit chain of all tenants is gone."
_NO_RENAMING = "not possible: its chain and every checkpoint go by its name"
_PLAIN: Final = (Tone.NEUTRAL, None)


class NumbersPart(QWidget):
    """`leads(table)` when a number is clicked."""

    leads = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.users, self.unread = NumberCard(theme, "Users"), NumberCard(theme, "Unread")
        self.webhooks = NumberCard(theme, "Webhooks")
        for card, table in (
            (self.users, USERS),
            (self.unread, NOTIFICATIONS),
            (self.webhooks, WEBHOOK_DESTINATIONS),
        ):
            card.clicked.connect(partial(self.leads.emit, table.name))
        in_row((self.users, 7), (self.unread, 5), (self.webhooks, 6), within=self)  # by their notes' words

    def show_numbers(self, row: TenantRow) -> None:
        without = f"{row.passwordless:,} no password" if row.passwordless else ""
        self._show(self.users, row, "users", without)
        self._show(self.unread, row, "unread", f"of {row.notifications:,}")
        all_of_them = row.webhooks == row.active
        note, tone, icon = ("active" if all_of_them else f"active of {row.webhooks:,}"), Tone.NEUTRAL, None
        if row.failing:
            note, tone, icon = f"{row.failing:,} failing", Tone.BAD, Icon.BAD
        self._show(self.webhooks, row, "active", note, (tone, icon))

    def _show(
        self, card: NumberCard, row: TenantRow, name: str, note: str, looks: tuple[Tone, str | None] = _PLAIN
    ) -> None:
        """A dash, and why, for what the database has no table for."""
        if (why := words.no_table(name, row)) is not None:
            note, looks = "no table", _PLAIN
        tone, icon = looks
        card.show_number(words.count(name, row), note, tone, icon=icon, tip=why or "")


class ChainPart(QWidget):
    """`show_entry(seq)`, `show_days(first, last)`, `verify()` and `show_checkpoints()` lead on."""

    show_entry = Signal(object)
    show_days = Signal(object, object)
    verify = Signal()
    show_checkpoints = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context, self._row = context, TenantRow("")
        self.count = Label("", Look.DIM)
        self.timeline = Timeline(context.theme)
        self.timeline.picked.connect(self.show_days)
        self.more = push_button(context.theme, "", self._count_days, kind=Kind.FLAT, icon=Icon.HISTORY)
        self.more.setProperty("small", True)
        self.fields = FieldList(context.theme)
        line = in_row(Label("Audit chain", Look.SECTION), None, self.count)
        read = in_row(self.more, None)  # below: beside the others it would be wider than a small inspector
        in_column(line, read, self.timeline, self.fields, within=self, spacing=6)

    def day_of(self) -> Callable[[int], int] | None:
        return None if self._context.settings.utc_times else local_day

    def show_chain(self, detail: TenantDetail, checkpoint: Checkpoint | None) -> None:
        row = self._row = detail.row
        entries = counted(row.entries, "entry", "entries")
        self.count.setText(f"{entries} · last {DAYS} days" if detail.days else entries)
        self._show_days(detail.days)
        self.more.setVisible(detail.days is None)
        if detail.days is None:
            self.more.setText(f"Read {DAYS} days: up to {counted(row.entries, 'row')}")
            self.more.setAccessibleName(f"Entries per day: {self.more.text()}")
        self.fields.set_fields(self._fields(detail, checkpoint))

    def _show_days(self, days: Sequence[tuple[int, int]] | None) -> None:
        """All of them, also where there are none at the ends."""
        if not days:
            self.timeline.set_days(())
            return
        now, day_of = self._context.clock(), self.day_of()
        today = now // status.DAY if day_of is None else day_of(now)
        counts = dict.fromkeys(range(today - DAYS, today + 1), 0) | dict(days)
        self.timeline.set_days(sorted(counts.items()))

    def _count_days(self) -> None:
        row, context = self._row, self._context
        now, day_of = context.clock(), self.day_of()

        def read(database: engine.Database) -> tuple[tuple[int, int], ...]:
            return overview.per_day_of(database, context.lists, row.name, now=now, day_of=day_of)

        def show(days: tuple[tuple[int, int], ...]) -> None:
            if row.name == self._row.name:
                self._show_days(days)
                self.more.hide()

        context.when_agreed(row.entries, lambda: context.runner.read(read, on_done=show), self)

    def _fields(self, detail: TenantDetail, checkpoint: Checkpoint | None) -> list[Field]:
        row, utc = detail.row, self._context.settings.utc_times
        if not row.entries and row.verdict is None:
            lost = _NONE_LEFT if row.has_lost_end else _NO_CHAIN
            return [Field("Chain", _GONE if row.is_gone else lost, can_copy=False)]
        found = self._verified(row)
        if row.head is not None:
            words = f"entry {grouped(row.head)}"
            go = partial(self.show_entry.emit, row.head)
            found.append(Field("Head", words, can_copy=False, go_words="Show this entry", go=go))
        if detail.head_hash is not None:
            found.append(Field("Head hash", detail.head_hash, mono=True))
        if checkpoint is not None:
            words = f"{checkpoint.number:,}, signed {absolute_time(checkpoint.at, utc)}"
            go = partial(self.show_checkpoints.emit)
            found.append(Field("Checkpoint", words, can_copy=False, go_words="Show all checkpoints", go=go))
        else:
            found.append(Field("Checkpoint", "none yet", can_copy=False))
        found.append(Field("Renaming", _NO_RENAMING, can_copy=False))
        return found

    def _verified(self, row: TenantRow) -> list[Field]:
        context = self._context
        if is_awaited(row, context.verdict):
            return [Field("Verified", VERIFYING, can_copy=False)]
        if row.verdict is None or row.verified_at is None:
            seen = "not known" if row.is_unsaid else "not yet"
            return [self._leads_to_verifying("Verified", seen, "Verify it")]
        at = row.verified_at
        ago = relative_time(at, context.clock())
        when = f"{absolute_time(at, context.settings.utc_times)} · {ago}"
        found = [Field("Verified" if row.holds else "Looked at", when, can_copy=False)]
        if (by := self._by(row)) is not None:
            found.append(Field("By", by, can_copy=False))
        since = Field("Since then", "no new entries", can_copy=False)
        if row.newer:
            words = counted(row.newer, "new entry", "new entries")
            since = self._leads_to_verifying("Since then", words, "Verify them")
        return [*found, since]

    def _leads_to_verifying(self, label: str, value: str, words: str) -> Field:
        return Field(label, value, can_copy=False, go_words=words, go=self.verify.emit, go_in_words=True)

    def _by(self, row: TenantRow) -> str | None:
        """Who verified it, and how much of it."""
        known = self._context.verdict.known
        if not isinstance(known, Outcome):
            return None if known is None else f"{visible(known.by)}, {known.which}"
        own = next((one for one in known.report.tenants if one.tenant == row.name), None)
        if known.asked.since is not None or own is None:
            how = f"from checkpoint {known.asked.since} on" if known.asked.since is not None else "whole"
            return f"{visible(known.by)}, {how}"
        entries = counted(own.entries, "entry", "entries")
        return f"{visible(known.by)}, all {entries}; all tenants took {duration(known.report.seconds)}"


class LatestPart(QWidget):
    """`show_entry(seq)` with the one that is chosen."""

    show_entry = Signal(object)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._numbers: list[int] = []
        columns = (StaticColumn("Latest entries"), StaticColumn("When", dim=True))
        self.table = StaticTable(context.theme, "Latest entries", columns, most=None)
        self.table.clicked.connect(self._open)
        self.table.opened.connect(self._open)
        in_column(self.table, within=self)

    def show_latest(self, detail: TenantDetail) -> None:
        self.setVisible(bool(detail.latest))
        self._numbers = [one.seq for one in detail.latest]
        now, rows = self._context.clock(), list[tuple[Cell, ...]]()
        for one in detail.latest:
            at = epoch_of(one.created_at)
            when = readable(one.created_at) if at is None else relative_time(at, now)
            moment = declared.moment(self._context, one.created_at)
            said = visible(one.said)
            tip = f"Entry {grouped(one.seq)} of {AUDIT_CHAIN.title.lower()}: {said}"
            rows.append((Cell(said, tip=tip), Cell(when, one.seq, tip=moment)))
        self.table.show_rows(rows)

    def _open(self) -> None:
        rows = self.table.selected_rows()
        if rows:
            self.show_entry.emit(self._numbers[self.table.source_row(rows[0])])


class EraseFloor(QWidget):
    """What erasing takes and asks for, beside the button for it; of a tenant that was erased, by whom."""

    def __init__(self, button: QWidget) -> None:
        super().__init__()
        self._button = button
        self.title, self.words = Label("", Look.STRONG), Label("", Look.DIM, wrap=True)
        said = in_column(self.title, self.words, spacing=2)
        in_row((said, 1), button, within=self, margins=(14, 10, 14, 12), spacing=12)

    def show_counts(self, row: TenantRow, why_not: str | None = None, *, utc: bool) -> None:
        """Where it cannot be erased, `why_not`: nobody reads the tool tip of a disabled button by keys."""
        is_erased = row.erased is not None
        self._button.setVisible(not is_erased)
        self.title.setText("This tenant was erased" if is_erased else "Erase this tenant")
        what = f"{counted(row.users, 'user')}, {counted(row.entries, 'entry', 'entries')} and the rest"
        left = f"{words.erased(row, utc)}. The marker in its chain is all that is left of it."
        asks = why_not or f"{what}. Asks for the name; makes a copy first."
        self.words.setText(left if is_erased else asks)
