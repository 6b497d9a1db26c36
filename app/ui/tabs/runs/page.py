"""An opened run: beside its neighbours all that is known of it."""

from collections.abc import Callable, Collection
from functools import cached_property, partial
from typing import Any, Final, TypeVar

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QPushButton, QStackedLayout, QWidget

from app.itemmodels.columns import Tone
from app.services.records import run_timeline
from app.services.records import runs as planning
from app.services.records.change import Change
from app.services.records.history import CHARGED, LOOKED_THROUGH, PastEntry
from app.services.records.record import Record
from app.services.records.run_search import TextPlace
from app.services.records.run_timeline import (
    ALL_ABOUT,
    MOST_ABOUT,
    PhaseLine,
    RunNote,
    RunStory,
    RunTimeline,
    timeline,
)
from app.services.records.stored_times import epoch_of
from app.services.records.tables import NOTIFICATIONS, PLANNING_RUNS
from app.ui.session.context import Context
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs import page_words
from app.ui.tabs.runs.artifacts import ArtifactsPanel
from app.ui.tabs.runs.neighbours import Looks, NeighbourList
from app.ui.tabs.runs.page_parts import AboutPart, FactLabel, KeptPart
from app.ui.tabs.runs.phase_scores import known_full_score
from app.ui.tabs.runs.timeline_view import Legend, PhasesView
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.actions import Actions
from app.ui.widgets.buttons import BUTTON, Lines, StatusChip, push_button
from app.ui.widgets.following import FollowingScroll
from app.ui.widgets.labels import ElidedLabel, Label, Look, add_layout, in_column, in_row
from app.ui.widgets.later import later
from app.ui.widgets.panes import GAP
from app.workers.runner import Task
from models.errors import TenantAdminError

KILL: Final = "kill"
SOON_MS: Final = 60
_WIDE, _NO_LIST, _NARROW = 760, 700, 1000
"""The width of a page from which on title and acts stand in a line, of one with room for the list, and of one
in which that is wide.
"""
_STEPS: Final = {"Alt+Up": -1, "Alt+Down": 1}
_BELOW = 12
_MORE = 7
"""Times as many entries and notifications are read when older ones are asked for."""
_LOWER, _WHOLE = 220, 520
"""The height of what a phase produced where all of the page is in sight, and where it is scrolled to."""
Part = TypeVar("Part", KeptPart, AboutPart)


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


class RunPage(QWidget):
    """`RunPage(tab, looks, acts, main, …)`: the run that is current in the tab. `looks` says how a status is
    shown, `acts` are the names of the tab's acts upon runs, and `main(status)` those most likely to follow;
    `reason_of(run)` is why it is what it is, as far as the tab knows.

    `closed()` when a person has had enough of it.
    """

    closed = Signal()

    def __init__(
        self,
        tab: RecordTab,
        looks: Looks,
        acts: Collection[str],
        main: Callable[[Any], Collection[str]],
        show_entry: Callable[[PastEntry], object],
        *,
        reason_of: Callable[[Record], str],
    ) -> None:
        super().__init__(tab)
        self.hide()
        self._tab, self._looks, self._main, self._show_entry = tab, looks, main, show_entry
        self._reason_of = reason_of
        self._context: Context = tab.context
        self.story: RunStory | None = None
        self.timeline: RunTimeline | None = None
        self._reading: Task | None = None
        self._agreed = False
        self._most = MOST_ABOUT
        self._parts: list[KeptPart | AboutPart] = []
        """Those below the phases that have been looked at."""
        self._phase = ""
        self._sought: TextPlace | None = None
        """What is to be shown of the run that is being read."""
        self._is_anew = True
        """Whether it was just opened: what was looked at of another run means nothing then."""
        self._is_whole = False
        """Whether there is room for all of the page."""
        self._changed = False
        """Whether something was done to runs since the list was read."""
        self._hidden: list[QWidget] = []
        """What is out of sight meanwhile."""
        tab.column.addWidget(self, 1)
        theme = tab.context.theme
        self.neighbours = NeighbourList(theme, tab.model, looks, self._since)
        self.title, self.chip = ElidedLabel(look=Look.TITLE), StatusChip(theme)
        self.acts = {name: _Act(theme, tab.commands, name) for name in acts}
        self.why, self.failure = Label(wrap=True), Label(look=Look.BAD, wrap=True)
        self.facts = [FactLabel() for _ in range(8)]
        self.phases, self.legend = PhasesView(theme), Legend(theme)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._read)
        self._lay_out(theme)
        for keys, step in _STEPS.items():
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self._go, step))
        self.phases.chosen.connect(self._show_phase)
        self.phases.clicked.connect(lambda _: self._turn_to_artifacts())
        self.phases.opened.connect(self._enter_artifacts)
        self.neighbours.opened.connect(self.phases.setFocus)
        tab.details_shown.connect(self._follow)
        tab.context.runner.changed.connect(self._hear)
        tab.list.loaded.connect(self._keep)

    def open(self, phase: str = "", sought: TextPlace | None = None) -> None:
        """Shows the current run, and what a phase of it produced, in place of all else that the tab shows; of
        that the place that was `sought`.
        """
        tab = self._tab
        if self.isHidden():
            stands = (one for one in tab.children() if isinstance(one, QWidget) and one is not self)
            self._hidden = [one for one in stands if tab.column.indexOf(one) >= 0 and not one.isHidden()]
            tab.table.select_row(tab.table.currentIndex().row())
            for one in self._hidden:
                one.hide()
        self.neighbours.follow(tab.table.selectionModel())
        self.show()
        self._scroll.verticalScrollBar().setValue(0)
        self.take_focus()
        self._phase, self._sought, self._is_anew = phase, sought, True
        self._read()

    def take_focus(self) -> None:
        """To the list at its side; where there is no room for that, to the phases."""
        self._set_room()
        first = self.phases if self.neighbours.isHidden() else self.neighbours
        first.setFocus(Qt.FocusReason.OtherFocusReason)

    def _set_room(self) -> None:
        self.neighbours.setVisible(self.width() >= _NO_LIST)

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
        self._set_room()
        self.neighbours.set_narrow(self.width() < _NARROW)
        beside = self.width() - self.neighbours.width() >= _WIDE
        (self._head if beside else self._top).insertWidget(1, self._acts)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(640, 400)

    def _go(self, step: int) -> None:
        """To the next run of the list, or with -1 to the one before, also where there is no room for that."""
        table = self._tab.table
        row = table.currentIndex().row() + step
        if 0 <= row < self._tab.model.rowCount():
            table.select_row(row)

    # how it is laid out

    def _lay_out(self, theme: Theme) -> None:
        back = push_button(
            theme, "", self.close_page, kind=Kind.FLAT, icon=Icon.CARET_LEFT, tip="Back to the list (Esc)"
        )
        back.setAccessibleName("Back to the list")
        self.back = back
        ending = [name for name in self.acts if name in (KILL, "delete")]
        first = [self.acts[name] for name in self.acts if name not in ending]
        divider = _Divider(theme)
        self._acts = Lines(gap=8)
        more = self._tab.commands.more_button()
        self._acts.set_parts([*first, more, divider, *(self.acts[name] for name in ending)])
        self._divider, self._ending = divider, ending
        title = in_row(back, (self.title, 100), self.chip, None, spacing=8)
        self._head = in_row(spacing=8)
        add_layout(self._head, title, 1)
        self._top = in_column(self._head, spacing=6)
        self._numbers = Lines(gap=26)
        self._numbers.set_parts(self.facts)
        content = QWidget()
        content.setProperty("clear", True)
        body = self._body = in_column(within=content, margins=(16, 14, 16, _BELOW), spacing=8)
        add_layout(body, self._top)
        self._top.insertWidget(1, self._acts)  # what has no place when the page goes stays, with all it knows
        for part in (self.why, self.failure, self._numbers, self.phases):
            body.addWidget(part)
        body.addWidget(self._build_lower(theme), 1)
        self.failure.hide()
        content.setAutoFillBackground(False)
        scroll = self._scroll = FollowingScroll(8)
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
        self._line = Lines(gap=4)
        in_column(self._line, (self._stack, 1), within=lower, spacing=6)
        self._lower = lower
        lower.setMinimumHeight(_LOWER)
        self._stack.addWidget(QWidget())  # until there are artifacts to show
        choices = [
            self._add_choice("Artifacts", lambda: self.artifacts),
            self._add_choice("About it", lambda: self.about),
            self._add_choice("Config and fields", lambda: self.kept),
        ]
        choices[0].setChecked(True)
        self._line.set_parts([*choices, self.legend], at_right=1)
        return lower

    def _fit(self) -> None:
        """Where the page is higher than the window, its lower part alone fills that, to be read there."""
        room = self._scroll.viewport().size()
        own = self._lower.heightForWidth(room.width() - 2 * self._body.contentsMargins().left())
        above = self._body.totalHeightForWidth(room.width()) - own
        self._is_whole = above + _LOWER <= room.height()
        high = _LOWER if self._is_whole else max(_LOWER, min(_WHOLE, room.height() - 2 * _BELOW))
        self._lower.setMinimumHeight(high)

    def _show_lower(self) -> None:
        """Scrolls to the part below the phases, when it has its size, where not all is in sight."""
        bar = self._scroll.verticalScrollBar()
        later(self, 0, lambda: None if self._is_whole else bar.setValue(self._lower.y()))

    def _add_choice(self, words: str, part: Callable[[], QWidget]) -> QPushButton:
        """One of the parts of which one stands below the phases; each is made when it is looked at first."""

        def look() -> None:
            self._stack.setCurrentWidget(part())
            self._show_lower()

        button = push_button(self._context.theme, words, look)
        button.setProperty("kind", "chip")
        button.setCheckable(True)
        self._choices.addButton(button)
        return button

    def find_words(self) -> None:
        """Gives the focus to where words are looked for in what the phase produced."""
        self._enter_artifacts()
        if self.artifacts.sought.isVisibleTo(self.artifacts):
            self.artifacts.sought.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.artifacts.sought.selectAll()

    def prepare(self) -> None:
        """Makes what is looked at first of the parts below the phases."""
        self._stack.setCurrentWidget(self.artifacts)

    @cached_property
    def artifacts(self) -> ArtifactsPanel:
        panel = ArtifactsPanel(self._context)
        panel.picked.connect(self.phases.choose)
        self._stack.addWidget(panel)
        return panel

    @cached_property
    def about(self) -> AboutPart:
        return self._made(
            AboutPart(self._context, self._show_entry, self._show_note, self._ask, self._read_on)
        )

    @cached_property
    def kept(self) -> KeptPart:
        return self._made(KeptPart(self._context))

    def _made(self, part: Part) -> Part:
        self._stack.addWidget(part)
        self._parts.append(part)
        if self.story is not None:
            part.show_story(self.story)
        return part

    def _show_phase(self, phase: str) -> None:
        if self.phases.hasFocus():  # a person has chosen it
            self._turn_to_artifacts()
        self.artifacts.show_phase(phase)

    def _turn_to_artifacts(self) -> None:
        self._stack.setCurrentWidget(self.artifacts)
        self._choices.buttons()[0].setChecked(True)

    def _enter_artifacts(self) -> None:
        self._turn_to_artifacts()
        self.artifacts.phases.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_lower()

    # what it shows

    def _follow(self, record_id: object) -> None:
        if self.isVisible():
            if self.story is not None and self.story.run["id"] != record_id:
                self._agreed, self._most = False, MOST_ABOUT
            self.neighbours.show_current()
            self._soon.start()

    def _hear(self, change: Change, _initiator: object) -> None:
        self._changed |= PLANNING_RUNS.name in change.by_table

    def _keep(self) -> None:
        """A run that an act takes out of what the filters keep stays in sight, and can be acted on."""
        was_changed, self._changed = self._changed, False
        key = None if self.story is None else self.story.run["id"]
        if not self.isVisible() or key is None or self._tab.list.current_id() == key:
            return
        if was_changed:
            self._tab.show_record(key)
        else:
            tell = partial(self._tell_gone, self.title.text())
            self._context.runner.read(planning.idea_of, key, on_done=tell, on_failed=lambda error: None)

    def _tell_gone(self, title: str, there: str | None) -> None:
        if there is None:
            self._context.say(f"“{title}” is no longer there: another program has removed it.")
            if self._tab.list.current_id() is None:
                self.close_page()

    def _read(self) -> None:
        """Where each row that is read is charged, what is about the run is read when that is agreed to."""
        self._stop()
        record_id = self._tab.list.current_id()
        if record_id is None:
            return
        costs = self._context.costs
        among = (CHARGED if self._agreed else 0) if costs else LOOKED_THROUGH
        self._reading = self._context.runner.read(
            run_timeline.read,
            record_id,
            among=among,
            most=self._most,
            on_done=self._came,
            on_failed=self._failed,
        )

    def _stop(self) -> None:
        self._soon.stop()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _read_on(self) -> None:
        """Reads older entries and notifications, too."""
        self._most = min(_MORE * self._most, ALL_ABOUT)
        self._read()

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
        is_other = self.story is None or self.story.run["id"] != story.run["id"]
        if is_other:
            self._scroll.verticalScrollBar().setValue(0)
        self.story = story
        now = self._context.clock()
        self.timeline = found = timeline(story, now)
        run = story.run
        self.failure.hide()
        self.title.setText(formatting.first_line(run.text("idea"), 300))
        self.title.setMaximumWidth(self.title.sizeHint().width() + 2)  # so that the status stands beside it
        tone, icon = self._looks.get(run["status"], (Tone.NEUTRAL, None))
        self.chip.set(run.text("status"), tone, icon)
        sentence = page_words.why(story, found, now, self._reason_of(run))
        self.why.setText(f"Why it is here: {sentence}" if sentence else "")
        self.why.setVisible(bool(sentence))
        full = known_full_score(story.artifacts or (), run["quality_score"])
        for part, fact in zip(self.facts, page_words.facts(self._context, story, found, full), strict=True):
            part.show_fact(fact)
        self._show_acts(run["status"])
        self.phases.show_timeline(found, self._context.settings.utc_times)
        self.legend.show_timeline(found)
        self._fit()
        wanted, self._phase = self._phase, ""
        if wanted:
            self.phases.choose(wanted)
            self._enter_artifacts()
        is_other = is_other and not any(line.versions for line in self._chosen_of(found))
        if self.phases.phase() is None or (not wanted and (self._is_anew or is_other)):
            current = found.current or next((line for line in reversed(found.phases) if line.versions), None)
            self.phases.choose((current or found.phases[0]).phase)
        self._is_anew = False
        if self._choices.buttons()[0].isChecked():
            self.prepare()
        self.artifacts.show_artifacts(run, story.artifacts, self.phases.phase() or "")
        sought, self._sought = self._sought, None
        if wanted and sought is not None:
            self.artifacts.look_for(sought.found, sought.of)
        elif sought is not None:  # in a field of the run
            self._choices.buttons()[2].click()
        for below in self._parts:
            below.show_story(story)

    def _chosen_of(self, found: RunTimeline) -> list[PhaseLine]:
        """The phase that is chosen, which was so in the run before, as it is in this one."""
        return [line for line in found.phases if line.phase == self.phases.phase()]

    def _show_acts(self, status: Any) -> None:
        wanted = self._main(status)
        for name, button in self.acts.items():
            if button.hasFocus() and name not in wanted:
                self.take_focus()
            button.setVisible(name in wanted)
        self._divider.setVisible(any(name in wanted for name in self._ending))

    def _show_note(self, note: RunNote) -> None:
        self._tab.jump.emit(NOTIFICATIONS.name, note.note_id)

    def _since(self, stored: Any) -> str:
        at = epoch_of(stored)
        return "" if at is None else formatting.relative_time(at, self._context.clock())
