"""What data retention would remove from this file, and the person's confirmation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.services.records import tables
from app.services.retention.plan import Confirmation, Plan
from app.services.retention.prefixes import TenantShare
from app.services.text import counted, tenant_name
from app.ui.shell.dialogs import days_box
from app.ui.theme import Icon, Kind, Theme, Tone
from app.ui.widgets.buttons import CheckBox, Lines, push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.file_dialogs import choose_folder
from app.ui.widgets.formatting import absolute_time, grouped, percent
from app.ui.widgets.labels import (
    ElidedLabel,
    Label,
    Look,
    SignedLine,
    in_column,
    in_row,
    keep_room,
    section,
    set_tip,
)
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable

LISTED = 50
AT_FIRST = 5
"""Tenants that are shown until a person asks for more of them."""

_WHICH = {
    tables.AUDIT_CHAIN.name: "the oldest of each tenant's chain",
    tables.NOTIFICATIONS.name: "those that are read",
    tables.PLANNING_RUNS.name: "those marked deleted",
    tables.PLANNING_ARTIFACTS.name: "all of those runs",
}
_TABLES = (StaticColumn("What"), StaticColumn("Rows", right=True), StaticColumn("Which", dim=True))
_TENANTS = (
    StaticColumn("Tenant"),
    StaticColumn("Entries that go", right=True),
    StaticColumn("Of", right=True),
    StaticColumn("Share", right=True),
)
_EVERY_DAY = (
    "Retention removes audit entries, read notifications and planning runs marked deleted (with their "
    "artifacts) once they are that old."
)
_CHAIN_STAYS = (
    "In place of the audit entries a prune marker, which is not counted here, stays in each chain, so that "
    "the rest of it still verifies. The newest entry of a chain stays however old it is. "
)
_STAYS = "Unread notifications stay, and so does every run that is not marked deleted."
_UNCOUNTED = "Press Enter to count what is older than that."
_NO_WAY_BACK = "Removing cannot be undone: only a backup still has what goes."
_WAYS_BACK = (
    "Undo does not bring back what goes: it is gone from this database. A backup has it still, and Time "
    "Travel brings the whole database back."
)

_TIP = "A file for each tenant and run. Files and database are one chain to tenant-admin verify --archive."
_INDENT = 26
"""Where the words of a check box begin."""


class ArchiveChoice(QWidget):
    """`changed(Path or None)` whenever the person changes it. Ticking the box without a folder asks for one,
    from `start` on; without an answer the box is not ticked.
    """

    changed = Signal(object)

    def __init__(self, theme: Theme, folder: Path | None, start: Path | None = None) -> None:
        super().__init__()
        self._theme, self._folder, self._start = theme, folder, start
        self.box = CheckBox("Archive the removed audit entries in a folder")
        self.box.setChecked(folder is not None)
        self.box.setToolTip(_TIP)
        self.where = ElidedLabel("", Look.DIM, mode=Qt.TextElideMode.ElideMiddle)
        self.button = push_button(theme, "Change folder…")
        # A line of its own, only where there is a folder: this dialog is tall enough without it.
        self._line = QWidget()
        in_row((self.where, 1), self.button, within=self._line, margins=(_INDENT, 0, 0, 0))
        in_column(self.box, self._line, within=self, spacing=0)
        self.box.clicked.connect(self._ticked)
        self.button.clicked.connect(self.ask)
        self._show()

    def ask(self) -> None:
        begin = self._folder or self._start
        dialog = choose_folder(self._theme, self, "Archive folder", begin, self.set_folder)
        dialog.finished.connect(self._show)

    def set_folder(self, folder: Path) -> None:
        """Archives are kept in `folder` from now on."""
        self._folder = folder
        self.box.setChecked(True)
        self._show()
        self.changed.emit(folder)

    def _ticked(self, checked: bool) -> None:
        if checked and self._folder is None:
            self.ask()
            return
        self._show()
        self.changed.emit(self._folder if checked else None)

    def _show(self) -> None:
        if self._folder is None:
            self.box.setChecked(False)
        self.where.setText(str(self._folder or ""))
        self._line.setVisible(self.box.isChecked())


class RetentionDialog(Dialog):
    """What goes, what stays, and three ways to say yes.

    `daily` says that retention already runs every day on this file. `cannot_write` is the sentence for a file
    that is read-only, `no_checkpoint` why none could be made when it was tried. Three ways to end it beside
    Cancel, each a signal before the dialog closes: `approved_daily()` (now, and then once a day),
    `run_once()` (now only) and `turned_off()` (no more). `archive_changed(Path or None)` comes at once, like
    a preference; `archive` is what it was. `chosen` is the tenant that the window shows alone. A run
    `reads` about so many rows of a live database, without and with an archive; None of a file. With
    `time_travel` the database can be brought back.
    `days_changed(int)` and `milliseconds_changed(bool)` ask for another preview; `usual_days` are those of
    the preferences, if this one goes by others. Where tenants would lose more than half of their entries, the
    clock is in doubt or no checkpoint can be made, nothing can be pressed until the person has ticked the box
    of `doubts` that says so; `confirmation()` says what they have.
    """

    approved_daily = Signal()
    run_once = Signal()
    turned_off = Signal()
    chain_wanted = Signal()
    archive_changed = Signal(object)
    milliseconds_changed = Signal(bool)
    days_changed = Signal(int)

    def __init__(
        self,
        theme: Theme,
        plan: Plan,
        *,
        file_name: str,
        days: int,
        utc: bool = False,
        usual_days: int | None = None,
        daily: bool = False,
        cannot_write: str | None = None,
        no_checkpoint: str | None = None,
        milliseconds: bool = False,
        archive: Path | None = None,
        beside: Path | None = None,
        chosen: str | None = None,
        reads: tuple[int, int] | None = None,
        charged: bool = True,
        time_travel: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        due = plan.total > 0
        super().__init__(
            theme,
            "Data retention",
            _sentence(plan, file_name, days, utc),
            icon=Icon.WARNING_FILL if due else Icon.RETENTION,
            tone=Tone.BAD if due else Tone.NEUTRAL,
            parent=parent,
        )
        self.setMinimumWidth(660)
        self._plan = plan
        self._cannot = cannot_write or plan.obstacle
        self._counting = self._uncounted = False
        self._said = self.sentence.text()
        self.had_focus: QWidget | None = None
        """What had the focus when it began to wait for another count."""
        self.doubts: dict[str, CheckBox] = {}
        self._numbers: list[QWidget] = []
        """What was counted, which is dim while other days are typed."""
        if chosen is not None:
            all_of_them = f"It applies to all tenants, not only to {tenant_name(chosen)}."
            self.add_widget(SignedLine(theme, all_of_them, Tone.WARN))
        self._add_days(days, usual_days or days, daily)
        if due:
            for name, sentence, answer in _doubts(plan, file_name, utc, plan.no_checkpoint or no_checkpoint):
                box = self.doubts[name] = CheckBox(answer)
                box.setAccessibleDescription(sentence)
                box.setVisible(not self._cannot)
                box.toggled.connect(self._update)
                line = SignedLine(theme, sentence, Tone.WARN, plain=True)
                self.add_widget(line)
                if name == "majority":
                    self._numbers.append(line)
        elif plan.obstacle is None:
            if plan.doubt is not None and plan.doubt.is_off:
                when = partial(absolute_time, utc=utc)
                self.add_widget(SignedLine(theme, plan.doubt.of_nothing(when), Tone.WARN, plain=True))
            self.add_widget(Label(_EVERY_DAY, wrap=True))
        # What is to be known stands before the tables, which may be long.
        doubts = () if plan.attempt is None else plan.attempt.known.doubts
        for note in filter(None, (*doubts, plan.unfinished, plan.caution)):
            self.add_widget(SignedLine(theme, note, Tone.WARN))
        self._add_what_stays(plan)
        if due:
            self._add_what_goes(plan)
        self.milliseconds = CheckBox("Treat times that look like milliseconds as milliseconds", self)
        self.milliseconds.setVisible(milliseconds or plan.in_milliseconds)
        self.milliseconds.setChecked(milliseconds)
        self.milliseconds.clicked.connect(self.milliseconds_changed)
        self.add_widget(self.milliseconds)
        self.add_widget(Label(f"{_CHAIN_STAYS if plan.has_chain else ''}{_STAYS}", Look.DIM, wrap=True))
        if reads is not None and due:
            written = counted(plan.total + plan.recorded, "row")
            plain, archived = map(grouped, reads)
            told = f"A run writes at least {written}, and reads about {plain}, to verify every chain"
            if plan.has_chain:
                told += f"; with an archive about {archived}"
            told += ": all of them are charged." if charged else "."
            self.add_condition(Label(told, Look.WARN, wrap=True))
        way_back = _WAYS_BACK if time_travel else _NO_WAY_BACK
        if due:  # what to decide by stays in sight, and so does what it costs
            self.add_condition(Label(way_back, Look.STRONG, wrap=True))
        else:
            self.add_widget(Label(way_back, Look.DIM, wrap=True))
        if not self._cannot and plan.has_chain:
            self.archive = ArchiveChoice(theme, archive, beside)
            self.archive.changed.connect(self.archive_changed)
            self.add_condition(self.archive)
        for box in self.doubts.values():
            self.add_condition(box)
        self.why_not = Label(look=Look.WARN, wrap=True, selectable=True)
        self.add_condition(self.why_not)
        self._add_buttons(plan.total, daily)
        self._update()

    def confirmation(self) -> Confirmation:
        """What the person has confirmed of this plan."""
        return Confirmation.to(self._plan, **{name: box.isChecked() for name, box in self.doubts.items()})

    def wait_for_count(self) -> None:
        """Nothing can be pressed but Cancel until another preview takes the place of this one."""
        self._counting, self.had_focus = True, self.focusWidget()
        self._head(f"Counting what is older than {counted(self.days.value(), 'day')}…")
        self._update()

    def _head(self, words: str) -> None:
        """In the room of what was said before: nothing moves under a hand that types or clicks."""
        self.sentence.setMinimumHeight(self.sentence.height() if words != self._said else 0)
        self.sentence.setText(words)

    def _typed(self) -> None:
        """What was counted by other days is not said beside those typed, until they are counted."""
        if not self._counting:
            self._uncounted = self.days.valueFromText(self.days.lineEdit().text()) != self.days.value()
            self._head(_UNCOUNTED if self._uncounted else self._said)
            self._update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return in the days' field counts, and presses nothing: that has lost the focus by it already."""
        in_days = self._counting or self.focusWidget() is self.days
        if not (in_days and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}):
            super().keyPressEvent(event)

    def stand_in_for(self, before: RetentionDialog) -> None:
        """In its place, with the focus where it was, if not on what removes: that says another number."""
        place = self.geometry()
        place.moveTopLeft(before.geometry().topLeft())  # a position is that of a frame, not known yet
        self.put_at(place)
        focused = before.had_focus or before.focusWidget()
        names = [name for name, part in vars(before).items() if part is focused and name != "had_focus"]
        removes = {"once_button", "daily_button"}.intersection(names)
        part = self.cancel_button if removes else getattr(self, names[0] if names else "days", self.days)
        part.setFocus()

    def _add_days(self, days: int, usual: int, daily: bool) -> None:
        self.days = days_box(days)
        self.days.setAccessibleName("Remove what is older than")
        self.days.setKeyboardTracking(False)  # counted when it has been typed, not after each digit
        self.days.valueChanged.connect(self.days_changed)
        self.days.lineEdit().textEdited.connect(self._typed)
        self.days.editingFinished.connect(self._typed)
        caption = Label("Remove what is older than", Look.STRONG)
        caption.setBuddy(self.days)
        line = Lines()
        line.set_parts([caption, self.days])
        self.add_widget(line)
        if days != usual:
            kept = "daily runs still use that period."
            set_then = f"removing daily sets them to {counted(days, 'day')}, for every file."
            words = f"The preferences say {counted(usual, 'day')}; {kept if daily else set_then}"
            self.add_widget(Label(words, Look.DIM, wrap=True))

    def _add_what_goes(self, plan: Plan) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                Cell(tables.title_of(table) if table in _WHICH else table),
                Cell(grouped(count), count),
                Cell(_WHICH.get(table, "what refers to those rows")),
            )
            for table, count in plan.counts.items()
            if count or (table == tables.AUDIT_CHAIN.name and plan.has_chain)
        ]
        self.tables = StaticTable(self.theme, "What goes", _TABLES, rows, most=None, wide=2, wraps=4)
        self.add_widget(self.tables)
        self._numbers.append(self.tables)
        if plan.changed:
            changed = ", ".join(f"{counted(rows, 'row')} of {table}" for table, rows in plan.changed.items())
            words = f"Rows that stay lose what they refer to, which cannot be brought back: {changed}."
            self.add_widget(Label(words, Look.WARN, wrap=True))
        if plan.shares:
            self.add_widget(section("Audit entries by tenant"))
            self.tenants = StaticTable(self.theme, "Audit entries by tenant", _TENANTS, most=None)
            self.add_widget(self.tenants)
            self.rest = Label(look=Look.DIM)
            self._numbers += (self.tenants, self.rest)
            self.more_button = push_button(self.theme, "Show more", kind=Kind.FLAT)
            self.more_button.clicked.connect(lambda: self._show_tenants(LISTED))
            line = Lines()
            line.set_parts([self.rest, self.more_button])
            self.add_widget(line)
            # A line that says that one more is left out would be as high as that one.
            self._show_tenants(max(AT_FIRST, len(plan.shares) if len(plan.shares) <= AT_FIRST + 1 else 0))

    def _show_tenants(self, most: int) -> None:
        """Those first that lose more than half, then by how many entries they lose."""
        shares = sorted(
            self._plan.shares, key=lambda share: (not share.is_majority, -share.losing, share.tenant_id)
        )
        shown, rest = shares[:most], shares[most:]
        self.tenants.show_rows([_share_row(share) for share in shown])
        gone = counted(sum(share.losing for share in rest), "entry", "entries")
        self.rest.setText(f"and {gone} of {counted(len(rest), 'more tenant')}")
        self.rest.setVisible(bool(rest))
        self.more_button.setVisible(bool(rest) and most < LISTED)

    def _add_what_stays(self, plan: Plan) -> None:
        """What is old and cannot go."""
        if plan.left:
            stays = [(tenant_name(left.tenant_id), left.reason) for left in plan.left]
            self.chain_button = push_button(self.theme, "Show the audit chain", kind=Kind.FLAT)
            self.chain_button.setProperty("small", True)
            self.chain_button.clicked.connect(self.reject)
            self.chain_button.clicked.connect(self.chain_wanted)
            self._add_reasons("Old entries that stay", stays, self.chain_button)
        if plan.skipped:
            self._add_reasons("Other old rows that stay", [(one.table, one.reason) for one in plan.skipped])

    def _add_reasons(self, title: str, reasons: Sequence[tuple[str, str]], *beside: QWidget) -> None:
        line = Lines()
        line.set_parts([Label(title, Look.SECTION) if beside else section(title), *beside])
        self.add_widget(line)
        for name, reason in reasons[:LISTED]:
            self.add_widget(SignedLine(self.theme, f"{name}: {reason}", Tone.WARN, plain=True))
        if len(reasons) > LISTED:
            self.add_widget(Label(f"and {grouped(len(reasons) - LISTED)} more", Look.DIM))

    def _add_buttons(self, total: int, daily: bool) -> None:
        rows = counted(total, "row")
        self.cancel_button = push_button(self.theme, "Cancel" if total else "Close")
        self.once_button = push_button(
            self.theme,
            f"Remove {rows} {'now' if daily else 'once'}",
            kind=Kind.DANGER if daily else Kind.SECONDARY,
        )
        self.daily_button = push_button(
            self.theme,
            f"Remove {rows}, then daily" if total else "Run daily from now on",
            kind=Kind.DANGER if total else Kind.PRIMARY,
        )
        self.off_button = push_button(self.theme, "Turn daily retention off")
        if not total:
            self.once_button.hide()
        (self.daily_button if daily else self.off_button).hide()
        self.cancel_button.clicked.connect(self.reject)
        for button, signal in (
            (self.once_button, self.run_once),
            (self.daily_button, self.approved_daily),
            (self.off_button, self.turned_off),
        ):
            button.clicked.connect(signal)
            button.clicked.connect(self.accept)
        self.set_buttons([self.cancel_button, self.once_button, self.daily_button], left=[self.off_button])
        self.cancel_button.setDefault(True)  # Return confirms nothing that cannot be undone
        self.cancel_button.setFocus()

    def _update(self) -> None:
        unanswered = (f"First tick “{box.words}”." for box in self.doubts.values() if not box.isChecked())
        reason = self._cannot or next(unanswered, "")
        if self._counting or self._uncounted:
            reason = "Counting again…" if self._counting else _UNCOUNTED
        for button in (self.once_button, self.daily_button):
            button.setEnabled(not reason)
            set_tip(button, reason)
        for control in (self.days, self.milliseconds):
            control.setEnabled(not self._counting)
        is_old = self._counting or self._uncounted  # which the headline says
        for numbers in self._numbers:
            numbers.setEnabled(not is_old)
        if reason and not is_old:
            self.why_not.setText(reason)
            keep_room(self.why_not)
        self.why_not.setVisible(bool(reason) and not is_old)


def _doubts(
    plan: Plan, file_name: str, utc: bool, no_checkpoint: str | None
) -> Iterator[tuple[str, str, str]]:
    """What `Confirmation.to` takes, by name: a sentence, and the answer to it."""
    if plan.doubt is not None:
        yield (
            "clock",
            f"{plan.doubt.of_count(partial(absolute_time, utc=utc))} Check the clock.",
            "The clock is right: remove what is old by it",
        )
    if no_checkpoint is not None:
        yield (
            "without_checkpoint",
            f"No checkpoint can be made before the removal. {no_checkpoint}",
            "Remove without a checkpoint",
        )
    if not plan.has_chain:
        yield (
            "unrecorded",
            f"{file_name} has no audit chain (no table audit_chain): what goes is recorded nowhere.",
            "Remove without a record",
        )
    if plan.majority:
        number = len(plan.majority)
        whose, of = (
            ("One tenant loses", "its") if number == 1 else (f"{grouped(number)} tenants lose", "their")
        )
        shown = tenant_name(plan.majority[0].tenant_id) if number == 1 else counted(number, "tenant")
        yield (
            "majority",
            f"{whose} more than half of {of} audit entries.",
            f"Remove more than half of the entries of {shown}",
        )


def _sentence(plan: Plan, file_name: str, days: int, utc: bool) -> str:
    age = counted(days, "day")
    if plan.obstacle is not None:
        return f"Nothing of {file_name} can be removed."
    if not plan.total and (plan.left or plan.skipped):
        return f"Nothing of {file_name} would be removed: what is older than {age} stays, for these reasons."
    if not plan.total:
        return f"Nothing of {file_name} is due: nothing that retention removes is older than {age}."
    return (
        f"{counted(plan.total, 'row')} of {file_name} would be removed: what is older than {age}, that is "
        f"from before {absolute_time(plan.cutoff, utc)}."
    )


def _share_row(share: TenantShare) -> tuple[Cell, ...]:
    tone = Tone.WARN if share.is_majority else None
    return (
        Cell(tenant_name(share.tenant_id), icon=Icon.WARNING if share.is_majority else None, tone=tone),
        Cell(grouped(share.losing), share.losing),
        Cell(grouped(share.live), share.live),
        Cell(
            percent(share.losing, share.live),
            round(1_000_000 * share.losing / max(1, share.live)),
            tone=tone,
            tip="More than half of this tenant's entries" if share.is_majority else None,
        ),
    )
