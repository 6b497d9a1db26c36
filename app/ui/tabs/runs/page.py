"""An opened run: beside its neighbours all that is known of it."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from typing import Any, Final, TypeVar

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QApplication, QButtonGroup, QFrame, QPushButton, QWidget

from app.services.records.change import Change
from app.services.records.history import CHARGED, LOOKED_THROUGH, PastEntry
from app.services.records.record import Record
from app.services.records.stored_times import epoch_of
from app.services.records.tables import NOTIFICATIONS, PLANNING_RUNS
from app.services.runs import run_timeline
from app.services.runs import statuses as planning
from app.services.runs.run_search import TextPlace
from app.services.runs.run_timeline import ALL_ABOUT, MOST_ABOUT, PhaseLine, RunNote, RunStory, RunTimeline
from app.ui.session.context import Context
from app.ui.tabs.common.inspected_tab import GONE_READ
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs import page_parts
from app.ui.tabs.runs.artifacts import NOT_TOLD, ArtifactsPanel
from app.ui.tabs.runs.neighbours import Looks, NeighbourList
from app.ui.tabs.runs.page_parts import AboutPart, FactLabel, FoundPart, KeptPart, ShownStack
from app.ui.tabs.runs.phase_scores import known_full_score
from app.ui.tabs.runs.run_acts import status_word
from app.ui.tabs.runs.timeline_view import Legend, PhasesView
from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets import buttons, formatting
from app.ui.widgets.actions import Actions, OwnKeys, without_mnemonic
from app.ui.widgets.announcing import announce
from app.ui.widgets.following import FollowingScroll
from app.ui.widgets.labels import ElidedLabel, Label, Look, add_layout, in_column, in_row
from app.ui.widgets.later import later
from app.ui.widgets.panes import GAP
from app.ui.widgets.tab_order import hear_in_order
from app.workers.runner import Task
from models.errors import DamagedFile, TenantAdminError

KILL: Final = "kill"
SOON_MS: Final = 60
_WIDE, _NO_LIST, _NARROW = 760, 960, 1120
"""The width of a page from which on title and acts stand in a line, of one with room for the list, and of one
in which that is wide.
"""
_LOW, _MARGIN, _MARGIN_LOW, _SPACING = 330, 14, 8, 8
"""The height of a card below which most acts are behind "…" and the phases come before the numbers, and what
is above and below all in it.
"""
_HIGHER: Final = 9
"""Pixels by which the line of a phase may be higher where there is room."""
_STEPS: Final = {"Alt+Up": -1, "Alt+Down": 1}
_MORE = 7
"""Times as many entries and notifications are read when older ones are asked for."""
_BELOW_PHASES, _AT_EASE, _LOWER = 300, 440, 230
"""The height of what a phase produced from which on it stands below the phases, that it has before these are
higher, and that it has at least where it has the page for itself.
"""
Part = TypeVar("Part", KeptPart, AboutPart)


class _Act(QPushButton):
    """An act of the tab on a button of the page, which follows it."""

    def __init__(self, theme: Theme, commands: Actions, name: str) -> None:
        super().__init__()
        self._commands, self._name = commands, name
        self._action: QAction = commands.action(name)
        self.setAutoDefault(False)
        self.setProperty("kind", Kind.SECONDARY.value)
        self.setIconSize(buttons.BESIDE_WORDS)
        self.setIcon(theme.icon(Icon.BAD, Tone.BAD) if name == KILL else self._action.icon())
        self.clicked.connect(lambda: commands.trigger(name))
        self._action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setText(self._commands.on_button(self._name).replace("&", "&&"))
        self.setAccessibleName(without_mnemonic(self._action.text()))
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())


class _Divider(QWidget):
    """A line before what ends a run."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(1, buttons.BUTTON)

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
        """Whether the phases and what one produced are in sight together."""
        self._is_unread = False
        """Whether no more than the row of the run could be read."""
        self._is_folded = False
        """Whether the phases are put away where there is room for them."""
        self._reads = False
        """Whether a part is looked at in place of the phases, where there is no room for both."""
        self._part = 0
        """Which one of the parts is looked at."""
        self._changed = False
        """Whether something was done to runs since the list was read."""
        self._hidden: list[QWidget] = []
        """What is out of sight meanwhile."""
        tab.column.addWidget(self, 1)
        theme = tab.context.theme
        self.neighbours = NeighbourList(theme, tab.model, looks, self._since)
        tab.list.stand_in = self.neighbours
        self.title, self.chip = ElidedLabel(look=Look.TITLE), buttons.StatusChip(theme)
        self.chip.hide()  # until it has a word
        self.acts = {name: _Act(theme, tab.commands, name) for name in acts}
        for act in self.acts.values():  # disabled while it is done, it would give the keys to its neighbour
            act.clicked.connect(self.take_focus)
        self.why, self.failure = Label(wrap=True), Label(look=Look.BAD, wrap=True)
        self.found = FoundPart(theme)
        self.facts = [FactLabel() for _ in range(page_parts.FACTS)]
        self.phases, self.legend = PhasesView(theme), Legend(theme)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._read)
        self._lay_out(theme)
        for keys, step in _STEPS.items():
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self._go, step))
        self.phases.chosen.connect(self._show_phase)
        self.phases.clicked.connect(lambda _: self._click_phase())
        self.phases.opened.connect(self._enter_artifacts)
        self.neighbours.opened.connect(self._enter)
        tab.details_shown.connect(self._follow)
        tab.context.runner.changed.connect(self._hear)
        tab.list.loaded.connect(self._keep)
        tab.current.gone.connect(self._know_gone)

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
        tab.commands.update()
        self._scroll.verticalScrollBar().setValue(0)
        self._phase, self._sought, self._is_anew = phase, sought, True
        self._part, self._reads, self._is_folded = 0, bool(phase), False
        self._fit()
        self.take_focus()
        self._read()

    def take_focus(self) -> None:
        """To the list at its side; where there is no room for that, to what is shown of the run."""
        self._set_room()
        if self.neighbours.isHidden():
            self._enter()
        else:
            self.neighbours.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter(self) -> None:
        """To the phases, or to the part that stands in their place."""
        chosen = self._choices.checkedButton()
        first = chosen if self._above.isHidden() and chosen is not None else self.phases
        first.setFocus(Qt.FocusReason.OtherFocusReason)

    def _set_room(self) -> None:
        has_list = self.width() >= _NO_LIST
        self.neighbours.setVisible(has_list)
        for button in self.steps:
            button.setHidden(has_list)

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

    def own_keys(self) -> OwnKeys:
        return "Opened run", ((tuple(_STEPS), "Open the run above, or below"), (("Esc",), "Back to the list"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_page()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """That of the run, from wherever no part has one of its own; in the list the mouse has chosen one."""
        listed, where = self.neighbours, event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and listed.hasFocus():
            row = listed.currentIndex().siblingAtColumn(listed.modelColumn())
            where = listed.viewport().mapToGlobal(listed.visualRect(row).center())
        self._tab.open_row_menu(QModelIndex(), where)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_room()
        self.neighbours.set_narrow(self.width() < _NARROW)
        room = self.width() - (0 if self.neighbours.isHidden() else self.neighbours.width() + GAP)
        self._head.removeWidget(self._acts)
        (self._head if room >= _WIDE or self._is_low else self._top).insertWidget(1, self._acts)
        self._show_acts()
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # something in it needs more room, or less
            self._fit()
        return super().eventFilter(watched, event)

    @property
    def _is_low(self) -> bool:
        return self.height() < _LOW

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
        """From the outside in: what is moved into another parent is styled again, with all that is in it."""
        content = self._content = QWidget()
        content.setProperty("clear", True)
        scroll = self._scroll = FollowingScroll(8)
        scroll.setWidget(content)
        content.setAutoFillBackground(False)
        card = QFrame()
        card.setProperty("card", True)
        card.setAccessibleName("Run")
        in_row(self.neighbours, (card, 1), within=self, spacing=GAP)
        self._headline = QWidget()
        """What stays above all that is scrolled, where there is room for that."""
        self._card = in_column(self._headline, (scroll, 1), within=card, margins=(1, 1, 1, 1), spacing=0)
        self._body = in_column(within=content, spacing=_SPACING)
        self._above, self._lower = QWidget(content), QWidget(content)
        back = buttons.push_button(
            theme, "", self.close_page, kind=Kind.FLAT, icon=Icon.CARET_LEFT, tip="Back to the list (Esc)"
        )
        back.setAccessibleName("Back to the list")
        self.back = back
        self.steps = [
            buttons.tool_button(theme, icon, f"{words} ({keys})", partial(self._go, step))
            for (keys, step), icon, words in zip(
                _STEPS.items(), (Icon.CARET_UP, Icon.CARET_DOWN), ("Run before", "Next run"), strict=True
            )
        ]
        ending = [name for name in self.acts if name in (KILL, "delete")]
        first = [self.acts[name] for name in self.acts if name not in ending]
        divider = _Divider(theme)
        self._acts = buttons.Lines(gap=8)
        more = self._tab.commands.more_button()
        self._acts.set_parts([*first, more, divider, *(self.acts[name] for name in ending)])
        self._divider, self._ending = divider, ending
        title = in_row(back, *self.steps, (self.title, 100), self.chip, None, spacing=8)
        self._head = in_row(spacing=8)
        add_layout(self._head, title, 1)
        self._top = in_column(self._head, within=self._headline, spacing=6)
        self._numbers = buttons.Lines(gap=26)
        self._numbers.set_parts(self.facts)
        self._top.insertWidget(1, self._acts)  # what has no place when the page goes stays, with all it knows
        self._top.addWidget(self.failure)
        self.untold = Label(NOT_TOLD, Look.DIM, wrap=True)
        parts = (self.found, self.why, self._numbers, self.phases, self.legend, self.untold, None)
        self._upper = in_column(*parts, within=self._above, spacing=8)
        self._heading = (back, *self.steps, self.title, self.chip, self._acts)
        self._build_lower(theme)
        self._rest = QWidget()  # keeps the heading at the top where nothing stands below
        for part in (self._line, self._above):
            self._body.addWidget(part)
        for part in (self._lower, self._rest):
            self._body.addWidget(part, 1)
        self._rest.hide()
        self.failure.hide()
        for part in (content, self._headline):
            part.installEventFilter(self)
        self._arrange()

    def _build_lower(self, theme: Theme) -> None:
        self._choices = QButtonGroup(self)
        self._stack = ShownStack(self._lower)
        self._stack.addWidget(QWidget())  # until there are artifacts to show
        self._overview = self._add_choice("Overview", self._show_phases)
        self._looked: Sequence[Callable[[], QWidget]] = (
            lambda: self.artifacts,
            lambda: self.about,
            lambda: self.kept,
        )
        names = ("Artifacts", "About it", "Config and fields")
        choices = [self._add_choice(name, partial(self._look, place)) for place, name in enumerate(names)]
        buttons.lead_to_chosen([self._overview, *choices])
        self._fold = buttons.tool_button(theme, Icon.CARET_UP, "Put the phases away", self._put_away)
        self._line = buttons.Lines(gap=4)
        self._line.set_parts([self._overview, *choices, self._fold], at_right=1)
        self._line.setAccessibleName("What is shown of the run")

    def _fit(self) -> None:
        """All at once where there is room, else either the phases or one of the parts; the part alone fills
        the window where even then there is little room, to be read there.
        """
        room = self._scroll.viewport().size()
        is_low = self._is_low
        around = _MARGIN_LOW if is_low else _MARGIN
        self._place_headline(is_low)
        self._top.setContentsMargins(*((0, 0, 0, 0) if is_low else (16, around, 16, 0)))
        self._body.setContentsMargins(16, around if is_low else _SPACING, 16, around)
        if self._upper.indexOf(self._numbers) != 2 + is_low:
            self._upper.insertWidget(2 + is_low, self._numbers)
        wide = room.width() - 32
        head = _SPACING + self._line.heightForWidth(wide) + around
        head += around + self._top.totalHeightForWidth(wide) if is_low else 0
        lines = max(1, self.phases.phases.rowCount())
        above = self._upper.totalHeightForWidth(wide) - lines * self.phases.higher
        left = room.height() - head - 8
        self._is_whole = not self._is_folded and above + 8 + _BELOW_PHASES <= left
        spare = left - above - (8 + _AT_EASE if self._is_whole else 0)
        self.phases.set_higher(max(0, min(_HIGHER, spare // lines)))
        self._lower.setMinimumHeight(0 if left >= _LOWER else max(_LOWER, room.height() - around - _SPACING))
        self._arrange()

    def _place_headline(self, scrolls: bool) -> None:
        within = self._body if scrolls else self._card
        if within.indexOf(self._headline) < 0:
            within.insertWidget(0, self._headline)
            self._headline.show()
            self._headline.lower()  # it is heard first

    def _arrange(self) -> None:
        """Shows what the choices say."""
        self._rest.setVisible(self._is_unread)
        if self._is_unread:
            for part in (self._above, self._line, self._lower):
                part.hide()
            return
        is_whole, reads = self._is_whole, self._reads
        self._overview.setHidden(is_whole)
        self._fold.setVisible(is_whole)
        is_told = self.timeline is None or self.timeline.is_told
        self.untold.setVisible(not (is_told or is_whole))  # else it is said below
        shown = self._choices.buttons()[self._part + 1] if is_whole or reads else self._overview
        shown.setChecked(True)
        for part, is_shown in ((self._above, is_whole or not reads), (self._lower, is_whole or reads)):
            if part.isHidden() == is_shown:
                part.setVisible(is_shown)
        first, second = (self._above, self._line) if is_whole else (self._line, self._above)
        if self._body.indexOf(first) > self._body.indexOf(second):
            self._body.insertWidget(self._body.indexOf(second), first)
        hear_in_order(self._headline, *self._heading, self.failure)
        hear_in_order(self._content, first, second, self._lower)

    def _look(self, part: int) -> None:
        """Shows one of the parts, in place of the phases where there is no room for both."""
        self._part, self._reads = part, True
        self._stack.setCurrentWidget(self._looked[part]())
        self._arrange()
        self._show_lower()

    def _show_phases(self) -> None:
        self._reads = self._is_folded = False
        self._fit()

    def _put_away(self) -> None:
        self._is_folded = self._reads = True
        self._fit()
        self._enter()

    def _show_lower(self) -> None:
        """Scrolls to the part that is looked at, when it has its size, where not all of that is in sight;
        else the page begins at its top.
        """

        room = self._scroll.viewport()

        def scroll() -> None:
            part, top = self._stack.currentWidget(), self._lower.y() - _SPACING
            is_short = self._part > 0 and part is not None and part.sizeHint().height() <= room.height() - top
            self._scroll.verticalScrollBar().setValue(
                top if self._lower.minimumHeight() and not is_short else 0
            )

        later(self, 0, scroll)

    def _add_choice(self, words: str, look: Callable[[], object]) -> QPushButton:
        """One of the parts that are shown; each is made when it is looked at first."""
        button = buttons.push_button(self._context.theme, words, look)
        button.setProperty("kind", "chip")
        button.setCheckable(True)
        button.setAutoExclusive(True)  # the group does it: this says to screen readers that one is chosen
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
        if self.phases.hasFocus() and self._is_whole:  # a person has chosen it
            self._look(0)
        self.artifacts.show_phase(phase)

    def _click_phase(self) -> None:
        """Shows what it produced. The second click of two was for what stood there before."""
        line = self.phases.phases.line(self.phases.currentIndex().row())
        if line is None or not (line.versions or self._is_whole):
            return
        if not self._is_whole:
            self._lower.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            alive = partial(self._lower.setAttribute, Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
            later(self, QApplication.doubleClickInterval(), alive)
            self._enter_artifacts()  # the phases, which had the focus, give way
        else:
            self._look(0)

    def _enter_artifacts(self) -> None:
        self._look(0)
        self.artifacts.phases.setFocus(Qt.FocusReason.OtherFocusReason)

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
            tell = partial(self._tell_gone, key)
            self._context.runner.read(planning.idea_of, key, on_done=tell, on_failed=lambda error: None)

    def _know_gone(self) -> None:
        self._tell_gone(self._tab.current.record_id, None)

    def _tell_gone(self, run_id: object, there: str | None) -> None:
        """What was read of it stays until another one is chosen."""
        if there is None and self.isVisible() and self.story and self.story.run["id"] == run_id:
            is_told = self.failure.isVisible() and self.failure.text() == GONE_READ
            self.failure.setText(GONE_READ)
            set_property(self.failure, "look", Look.WARN.value)
            self.failure.show()
            if not is_told:
                announce(self.failure, GONE_READ)
            self._fit()

    def _read(self) -> None:
        """Where each row that is read is charged, what is about the run is read when that is agreed to."""
        self._stop()
        record_id = self._tab.list.current_id()
        if record_id is None:
            return
        costs = self._context.costs
        among = (CHARGED if self._agreed else 0) if costs else LOOKED_THROUGH
        self._reading = self._context.runner.read(
            run_timeline.read_told,
            record_id,
            clock=self._context.clock,
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
        if isinstance(error, DamagedFile):
            self._context.meet_damage()
        self.failure.setText(str(error))
        set_property(self.failure, "look", Look.BAD.value)
        self.failure.show()
        known = self._tab.current.whole()
        if known is not None and (self.story is None or self.story.run["id"] != known.run["id"]):
            self.story = self.timeline = None
            self._is_unread = True
            self._show_name(known.run)  # its row could be read
            self._show_acts()
        self._fit()

    def _show_name(self, run: Record) -> None:
        self.title.setText(formatting.first_line(run.text("idea"), 300) or formatting.EMPTY)
        self.title.setMaximumWidth(self.title.sizeHint().width() + 2)  # so that the status stands beside it
        tone, icon = self._looks.get(run["status"], (Tone.NEUTRAL, None))
        self.chip.set(status_word(run["status"]), tone, icon)
        self.chip.show()

    def _came(self, told: tuple[RunStory, RunTimeline]) -> None:
        self._reading = None
        story, found = told
        is_other = is_other_run = self.story is None or self.story.run["id"] != story.run["id"]
        if is_other:
            self._scroll.verticalScrollBar().setValue(0)
        self.story, self.timeline = told
        now = self._context.clock()
        run = story.run
        self.failure.hide()
        self._is_unread = False
        self._line.show()
        self._show_name(run)
        sentence = page_parts.why(story, found, now, self._reason_of(run))
        self.why.say(f"Why it is here: {sentence}" if sentence else "")
        full = known_full_score(story.artifacts or (), run["quality_score"])
        for part, fact in zip(self.facts, page_parts.facts(self._context, story, found, full), strict=True):
            part.show_fact(fact)
        self._show_acts()
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
        if self._part == 0:
            self.prepare()
        self.artifacts.show_artifacts(run, story.artifacts, self.phases.phase() or "")
        sought, self._sought = self._sought, None
        if wanted and sought is not None:
            self.artifacts.look_for(sought.found, sought.of)
        elif sought is not None:  # in a field of the run
            self.found.show_place(run.text(sought.of.column), sought)
        elif is_other_run or wanted:
            self.found.hide()
        for below in self._parts:
            below.show_story(story)

    def _chosen_of(self, found: RunTimeline) -> list[PhaseLine]:
        """The phase that is chosen, which was so in the run before, as it is in this one."""
        return [line for line in found.phases if line.phase == self.phases.phase()]

    def _show_acts(self) -> None:
        """Those most likely to follow; where the page is low the first of them."""
        wanted = list(() if self.story is None else self._main(self.story.run["status"]))
        shown = [name for name in self.acts if name in wanted][: 1 if self._is_low else None]
        for name, button in self.acts.items():
            if button.hasFocus() and name not in shown:
                self.take_focus()
            button.setVisible(name in shown)
        self._divider.setVisible(any(name in shown for name in self._ending))

    def _show_note(self, note: RunNote) -> None:
        self._tab.jump.emit(NOTIFICATIONS.name, note.note_id)

    def _since(self, stored: Any) -> str:
        at = epoch_of(stored)
        return "" if at is None else formatting.relative_time(at, self._context.clock())
