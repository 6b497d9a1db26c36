"""An opened run: beside its neighbours all that is known of it."""

from collections.abc import Callable, Collection
from typing import Any, Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QMenu, QPushButton, QStackedLayout, QWidget

from app.itemmodels.columns import Tone
from app.services.records import run_timeline
from app.services.records.history import CHARGED, LOOKED_THROUGH, PastEntry
from app.services.records.run_timeline import RunStory, Timeline, timeline
from app.services.records.tables import NOTIFICATIONS
from app.services.text import visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs import page_words
from app.ui.tabs.runs.neighbours import Looks, NeighbourList
from app.ui.tabs.runs.phase_scores import full_score
from app.ui.tabs.runs.timeline_view import Legend, PhasesView
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.actions import Actions, give_letters
from app.ui.widgets.buttons import BUTTON, Lines, StatusChip, push_button
from app.ui.widgets.data_table import Cell, StaticColumn, StaticTable
from app.ui.widgets.following import FollowingScroll
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import ElidedLabel, Label, Look, add_layout, in_column, in_row
from app.ui.widgets.panes import GAP, FieldList
from app.workers.runner import Task
from models.errors import TenantAdminError

KILL: Final = "kill"
SOON_MS: Final = 60
_WIDE, _NO_LIST = 760, 700
"""The width of a page from which on title and acts stand in a line, and of one with room for the list."""
_LOWER = 260
_ENTRIES = (StaticColumn("Entry"), StaticColumn("Who", dim=True), StaticColumn("When", dim=True))
_NOTES = (StaticColumn("Notification"), StaticColumn("Type", dim=True), StaticColumn("When", dim=True))


class _Act(QPushButton):
    """An act of the tab on a button of the page, which follows it."""

    def __init__(self, theme: Theme, commands: Actions, name: str) -> None:
        super().__init__()
        self._action: QAction = commands.action(name)
        self.setAutoDefault(False)
        self.setProperty("kind", Kind.SECONDARY.value)
        self.setIcon(theme.icon(Icon.BAD, Tone.BAD) if name == KILL else self._action.icon())
        self.clicked.connect(lambda: commands.trigger(name))
        self._action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        words = self._action.text().replace("&&", "\0").replace("&", "").replace("\0", "&&")
        self.setText(words)
        self.setAccessibleName(words.replace("&&", "&"))
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())


class _Divider(QWidget):
    """A line before what ends a run."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(1, BUTTON)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("edge"))
        painter.end()


class _Fact(QWidget):
    """A number with what it is above it."""

    def __init__(self) -> None:
        super().__init__()
        self._caption, self._value, self._unit = (
            Label(look=Look.DIM),
            Label(look=Look.STRONG),
            Label(look=Look.DIM),
        )
        line = in_row(self._value, self._unit, None, spacing=5)
        in_column(self._caption, line, within=self, spacing=1)

    def show_fact(self, fact: page_words.RunFact) -> None:
        self._caption.setText(fact.caption)
        self._value.setText(fact.value)
        self._unit.setText(fact.unit)
        self._unit.setVisible(bool(fact.unit))
        said = " ".join(filter(None, (fact.value, fact.unit)))
        self._value.setAccessibleName(f"{fact.caption}: {said}")


class RunPage(QWidget):
    """`RunPage(tab, looks, acts, main)`: the run that is current in the tab. `looks` says how a status is
    shown, `acts` are the names of the tab's acts upon runs, and `main(status)` those most likely to follow.

    `closed()` when a person has had enough of it; `phase_opened(phase)` asks for what a phase produced.
    """

    closed = Signal()
    phase_opened = Signal(str)

    def __init__(
        self,
        tab: RecordTab,
        looks: Looks,
        acts: Collection[str],
        main: Callable[[Any], Collection[str]],
        show_entry: Callable[[PastEntry], object],
    ) -> None:
        super().__init__(tab)
        self.hide()
        self._tab, self._looks, self._main, self._show_entry = tab, looks, main, show_entry
        self._context: Context = tab.context
        self.story: RunStory | None = None
        self.timeline: Timeline | None = None
        self._reading: Task | None = None
        self._agreed = False
        self._hidden: list[QWidget] = []
        """What is out of sight meanwhile."""
        tab.column.addWidget(self, 1)
        theme = tab.context.theme
        self.neighbours = NeighbourList(theme, tab.model, looks, self._since)
        self.title, self.chip = ElidedLabel(look=Look.TITLE), StatusChip(theme)
        self.acts = {name: _Act(theme, tab.commands, name) for name in acts}
        self.why, self.failure = Label(wrap=True), Label(look=Look.BAD, wrap=True)
        self.facts = [_Fact() for _ in range(8)]
        self.phases, self._legend = PhasesView(theme), Legend(theme)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._read)
        self._lay_out(theme)
        self.phases.opened.connect(self.phase_opened)
        self.neighbours.opened.connect(self.phases.setFocus)
        tab.details_shown.connect(self._follow)

    def open(self) -> None:
        """Shows the current run in place of all else that the tab shows."""
        tab = self._tab
        if self.isHidden():
            stands = (one for one in tab.children() if isinstance(one, QWidget) and one is not self)
            self._hidden = [one for one in stands if tab.column.indexOf(one) >= 0 and not one.isHidden()]
            tab.table.select_row(tab.table.currentIndex().row())
            for one in self._hidden:
                one.hide()
        self.neighbours.follow(tab.table.selectionModel())
        self.show()
        self.neighbours.setFocus(Qt.FocusReason.OtherFocusReason)
        self._read()

    def close_page(self) -> None:
        """Back to the table, where the run that was open last is current."""
        if self.isHidden():
            return
        self._stop()
        self._agreed = False
        self.hide()
        for one in self._hidden:
            one.show()
        self.closed.emit()
        table = self._tab.table
        table.setFocus(Qt.FocusReason.OtherFocusReason)
        table.scrollTo(table.currentIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_page()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.neighbours.setVisible(self.width() >= _NO_LIST)
        beside = self.width() - self.neighbours.width() >= _WIDE
        (self._head if beside else self._top).insertWidget(1, self._acts)

    def sizeHint(self) -> QSize:
        return QSize(640, 400)

    # how it is laid out

    def _lay_out(self, theme: Theme) -> None:
        back = push_button(
            theme, "", self.close_page, kind=Kind.FLAT, icon=Icon.CARET_LEFT, tip="Back to the list (Esc)"
        )
        back.setAccessibleName("Back to the list")
        self.back = back
        more = push_button(theme, "", icon=Icon.MORE, tip="More actions")
        more.setAccessibleName("More actions")
        more.setProperty("bare", True)
        more.setFixedWidth(BUTTON)
        menu = QMenu(more)
        menu.setAccessibleName("More actions")
        menu.aboutToShow.connect(lambda: self._fill(menu))
        menu.aboutToHide.connect(menu.clear)
        more.setMenu(menu)
        ending = [name for name in self.acts if name in (KILL, "delete")]
        first = [self.acts[name] for name in self.acts if name not in ending]
        divider = _Divider(theme)
        self._acts = Lines(gap=8)
        self._acts.set_parts([*first, more, divider, *(self.acts[name] for name in ending)])
        self._divider, self._ending = divider, ending
        title = in_row(back, (self.title, 100), self.chip, None, spacing=8)
        self._head = in_row(spacing=8)
        self._head.insertLayout(0, title, 1)
        self._top = in_column(self._head, spacing=6)
        self._numbers = Lines(gap=26)
        self._numbers.set_parts(self.facts)
        content = QWidget()
        content.setProperty("clear", True)
        body = in_column(within=content, margins=(16, 14, 16, 12), spacing=8)
        add_layout(body, self._top)
        for part in (self.why, self.failure, self._numbers, self.phases, self._legend):
            body.addWidget(part)
        body.addWidget(self._build_lower(theme), 1)
        self.failure.hide()
        content.setAutoFillBackground(False)
        scroll = FollowingScroll(8)
        scroll.setWidget(content)
        card = QFrame()
        card.setProperty("card", True)
        card.setAccessibleName("Run")
        in_column((scroll, 1), within=card, margins=(1, 1, 1, 1))
        in_row(self.neighbours, (card, 1), within=self, spacing=GAP)

    def _build_lower(self, theme: Theme) -> QWidget:
        lower = QWidget()
        self._choices = QButtonGroup(self)
        self._stack = QStackedLayout()
        self._line = in_row(None, spacing=4)
        in_column(self._line, (self._stack, 1), within=lower, spacing=6)
        lower.setMinimumHeight(_LOWER)
        self.config, self.metadata = JsonView(theme, "Config"), JsonView(theme, "Metadata")
        for view in (self.config, self.metadata):
            view.show_tree(True)
        self.fields = FieldList(theme)
        kept, about = QWidget(), QWidget()
        in_column(self.config, self.metadata, self.fields, None, within=kept)
        self.entries = StaticTable(theme, "Entries about this run", _ENTRIES, most=None)
        self.notes = StaticTable(theme, "Notifications about this run", _NOTES, most=None)
        self.said = Label(look=Look.DIM, wrap=True)
        self.read_button = push_button(theme, "Read them", self._ask, icon=Icon.HISTORY)
        in_column(in_row((self.said, 1), self.read_button), self.entries, self.notes, None, within=about)
        self.entries.opened.connect(self._open_entry)
        self.notes.opened.connect(self._open_note)
        self.add_lower("About it", about)
        self.add_lower("Config and fields", kept)
        return lower

    def add_lower(self, words: str, part: QWidget, *, first: bool = False) -> None:
        """One more of the parts of which one stands below the phases."""
        button = push_button(self._context.theme, words, lambda: self._stack.setCurrentWidget(part))
        button.setProperty("kind", "chip")
        button.setCheckable(True)
        self._choices.addButton(button)
        self._line.insertWidget(0 if first else self._line.count() - 1, button)
        self._stack.addWidget(part)
        if first or self._stack.count() == 1:
            button.setChecked(True)
            self._stack.setCurrentWidget(part)

    def show_lower(self, part: QWidget) -> None:
        self._stack.setCurrentWidget(part)
        for button in self._choices.buttons():
            button.setChecked(self._stack.currentIndex() == self._line.indexOf(button))

    def _fill(self, menu: QMenu) -> None:
        self._tab.commands.fill(menu)
        give_letters(menu)

    # what it shows

    def _follow(self, record_id: object) -> None:
        if self.isVisible():
            if self.story is not None and self.story.run["id"] != record_id:
                self._agreed = False
            self.neighbours.show_current()
            self._soon.start()

    def _read(self) -> None:
        """Where each row that is read is charged, what is about the run is read when that is agreed to."""
        self._stop()
        record_id = self._tab.list.current_id()
        if record_id is None:
            return
        costs = self._context.costs
        among = (CHARGED if self._agreed else 0) if costs else LOOKED_THROUGH
        self._reading = self._context.runner.read(
            run_timeline.read, record_id, among=among, on_done=self._came, on_failed=self._failed
        )

    def _stop(self) -> None:
        self._soon.stop()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _ask(self) -> None:
        def agreed() -> None:
            self._agreed = True
            self._read()

        self._context.when_agreed(2 * CHARGED, agreed, self)

    def _failed(self, error: TenantAdminError) -> None:
        self._reading = None
        self.failure.setText(str(error))
        self.failure.show()

    def _came(self, story: RunStory) -> None:
        self._reading = None
        self.story = story
        now = self._context.clock()
        self.timeline = found = timeline(story, now)
        run = story.run
        self.failure.hide()
        self.title.setText(formatting.first_line(run.text("idea"), 300))
        self.title.setMaximumWidth(self.title.sizeHint().width() + 2)  # so that the status stands beside it
        tone, icon = self._looks.get(run["status"], (Tone.NEUTRAL, None))
        self.chip.set(run.text("status"), tone, icon)
        sentence = page_words.why(story, found, now)
        self.why.setText(f"Why it is here: {sentence}" if sentence else "")
        self.why.setVisible(bool(sentence))
        full = full_score(story.artifacts or ())
        for part, fact in zip(self.facts, page_words.facts(self._context, story, found, full), strict=True):
            part.show_fact(fact)
        self._show_acts(run["status"])
        self.phases.show_timeline(found, self._context.settings.utc_times)
        if self.phases.phase() is None:
            current = found.current or next((line for line in reversed(found.phases) if line.versions), None)
            self.phases.choose((current or found.phases[0]).phase)
        self._show_kept(story)
        self._show_about(story)

    def _show_acts(self, status: Any) -> None:
        wanted = self._main(status)
        for name, button in self.acts.items():
            if button.hasFocus() and name not in wanted:
                self.neighbours.setFocus(Qt.FocusReason.OtherFocusReason)
            button.setVisible(name in wanted)
        self._divider.setVisible(any(name in wanted for name in self._ending))

    def _show_kept(self, story: RunStory) -> None:
        run = story.run
        metadata = run.unknown.get("metadata")
        for view, stored in ((self.config, run["config"]), (self.metadata, metadata)):
            view.setVisible(stored is not None)
            view.set_json(None if stored is None else str(stored))
        left_out = ("config", "status", "quality_score")
        self.fields.set_fields(declared.fields(self._context, run, without=left_out))

    def _show_about(self, story: RunStory) -> None:
        self.read_button.setVisible(story.entries is None)
        said = page_words.looked_through(story)
        self.said.setText(said or "Each entry and notification that is looked at is charged.")
        entries, notes = story.entries or (), story.notes or ()
        self.entries.show_rows([self._entry(one) for one in entries])
        self.notes.show_rows([self._note(one) for one in notes])
        self.entries.setVisible(bool(entries))
        self.notes.setVisible(bool(notes))

    def _entry(self, entry: PastEntry) -> tuple[Cell, ...]:
        kind, what = visible(entry.event_type), visible(entry.what)
        when, exactly = page_words.about(self._context, entry.created_at)
        said = f"{kind} · {what}" if what else kind
        tip = f"Entry {formatting.grouped(entry.seq)} of {visible(entry.tenant_id)}: {said}"
        return Cell(said, entry.seq, tip=tip), Cell(visible(entry.actor)), Cell(when, entry.seq, tip=exactly)

    def _note(self, note: run_timeline.RunNote) -> tuple[Cell, ...]:
        when, exactly = page_words.about(self._context, note.created_at)
        said = visible(formatting.first_line(note.message or note.title, 160))
        whole = visible(f"{note.title}\n{note.message}", keep="\n")
        at = declared.epoch(note.created_at)
        return (
            Cell(said, tip=whole),
            Cell(visible(formatting.first_line(note.type, 40))),
            Cell(when, at, tip=exactly),
        )

    def _open_entry(self) -> None:
        rows = self.entries.selected_rows()
        if rows and self.story is not None and self.story.entries:
            self._show_entry(self.story.entries[self.entries.source_row(rows[0])])

    def _open_note(self) -> None:
        rows = self.notes.selected_rows()
        if rows and self.story is not None and self.story.notes:
            note = self.story.notes[self.notes.source_row(rows[0])]
            self._tab.jump.emit(NOTIFICATIONS.name, note.note_id)

    def _since(self, stored: Any) -> str:
        at = declared.epoch(stored)
        return "" if at is None else formatting.relative_time(at, self._context.clock())
