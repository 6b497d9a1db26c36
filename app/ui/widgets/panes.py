"""What stands beside a table, the inspector and its fields; and what stands where rows or a record would."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QByteArray, QEvent, QMargins, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QToolTip,
    QWidget,
)

from app.services.text import counted, in_one_line
from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import (
    SHORT,
    Chip,
    Lines,
    StatusChip,
    give_way,
    missing_words,
    push_button,
    room_of_words,
    tool_button,
)
from app.ui.widgets.clipboard import copy_text
from app.ui.widgets.following import FollowingScroll
from app.ui.widgets.formatting import EMPTY, NOTHING
from app.ui.widgets.labels import (
    FoldedLabel,
    IconLabel,
    Label,
    Look,
    Part,
    add_layout,
    bounded,
    clear,
    has_long_word,
    in_column,
    in_row,
    set_tip,
    text_box,
)
from app.ui.widgets.later import later
from app.ui.widgets.tab_order import enter


class EmptyState(QWidget):
    """An icon, a title, a sentence and buttons in the middle of nothing."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        sentence: str = "",
        buttons: Sequence[QPushButton] = (),
        *,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon = IconLabel(theme, 40)
        self.title = Label(look=Look.STRONG, wrap=True)
        self._sentence = Label(look=Look.DIM, wrap=True)
        for label in (self.title, self._sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        parts = (in_row(None, self._icon, None), self.title, self._sentence)
        self._buttons = tuple(buttons)
        self._column = column = in_column(*parts, within=self)
        column.insertStretch(0, 2)
        column.addSpacing(8)
        add_layout(column, in_row(None, *buttons, None))
        column.addStretch(3)
        self.set(icon, title, sentence)

    def set(self, icon: str, title: str, sentence: str = "") -> None:
        self._icon.show_icon(f"{icon}-light", "dim")
        self.title.setText(title)
        self._sentence.setText(sentence)
        self._make_room()
        self.setAccessibleName(f"{title}. {sentence}".strip())

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() in {QEvent.Type.Resize, QEvent.Type.LayoutRequest}:
            self._make_room()
        return done

    def _make_room(self) -> None:
        """Words and buttons go before the icon where there is little room, and before the margins; the
        sentence, which the tip says then, goes before title and buttons.
        """
        height, width, sentence = self.height(), self.width() - 2 * _AROUND, self._sentence.text()
        labels = [label for label in (self.title, self._sentence) if label.text()]
        shown = [button.sizeHint().height() for button in self._buttons if not button.isHidden()]
        needed = 16 + sum(label.heightForWidth(width) + _APART for label in labels) + max(shown, default=0)
        is_tight = height < needed + 2 * _TIGHT
        around = _AROUND if height >= needed + 2 * _AROUND else _TIGHT
        self._column.setContentsMargins(around, around, around, around)
        without = needed - is_tight * (self._sentence.heightForWidth(width) + _APART)
        spacing = 0 if height < without + 2 * _TIGHT else _APART
        if spacing != self._column.spacing():  # Qt would lay it out again whatever it was, and so without end
            self._column.setSpacing(spacing)
        self._sentence.setVisible(bool(sentence) and not is_tight)
        set_tip(self, sentence if is_tight else "")
        self._icon.setVisible(height >= needed + 2 * _AROUND + _ROOM_FOR_ICON)


_AROUND, _TIGHT, _APART = 24, 4, 8
_ROOM_FOR_ICON = 40 + 8
LOW = 320
"""The height of a tab in pixels below which its rows need the margins."""
GAP = 12
_ABOVE_NAME, _BELOW_VALUE = 4, 2
_LONG, _MOST_LINES, _OPENED_LINES = 160, 12, 14
_FOLDS, _FOLDS_LINES, _FIRST_LINES = 2 * _LONG, 8, 5
"""Characters and lines beyond which a value shows its start, and lines of that: a few more are shown all."""
_COPIED_MS = 1200
_DETAIL, _LEAST_DETAIL, _LEAST_HEIGHT = 400, 384, 54
_LEAST_WIDTH, _LEAST_BODY, _LOW = 280, 24, 260
_ROOM_FOR_FLOOR = 440
"""The height in pixels of an inspector below which its floor scrolls with the rest."""
_ACTS, _BELOW_ACTS = (14, 4, 14, 0), (14, 6, 14, 0)
"""What is around the acts, and around what follows them."""
_BETWEEN_ACTS = 8
"""What is between the acts and what is said of them."""
_TO_READ = 40
"""Pixels below the acts in which there is something to read; where less is left, they scroll, too."""
_CHIP = 7
"""By how much a chip is higher than its word."""
_MOST_OF_HEADER = 3
"""Lines of a record's title and of what stands below it."""


def margin_in(height: int, margin: int) -> int:
    """What is above the parts of a tab of this height."""
    return margin // 2 if height < LOW else margin


class MasterDetail(QSplitter):
    """`detail` gets a third of the width, from 384 to 400 px, until the handle is moved by hand.
    What it shows moves nothing. It can be folded away, and the width is the master's then.

    `load()` returns the QByteArray that `save(QByteArray)` was last given, or an empty one. What stands in it
    is made with it for its parent: what is moved into another one is styled again, with all that is in it.
    """

    def __init__(
        self,
        *,
        load: Callable[[], QByteArray],
        save: Callable[[QByteArray], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent, childrenCollapsible=False, handleWidth=GAP)
        self._load, self._save = load, save
        self._by_hand = False
        self.setAccessibleName("Rows and inspector")
        self.setMinimumHeight(_LEAST_HEIGHT)

    def set_parts(self, master: QWidget, detail: QWidget) -> None:
        """Once, when both are whole, and made in this order."""
        detail.setMinimumWidth(_LEAST_DETAIL)  # its own would follow the buttons that it shows
        self._detail = detail
        self.handle(1).setAccessibleName("Divider before the inspector")
        for part in (master, self.handle(1), detail):
            part.raise_()  # Qt puts the newest first, and a screen reader goes by that
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        state = self._load()
        self._by_hand = not state.isEmpty() and self.restoreState(state)
        self.splitterMoved.connect(self._moved)

    @property
    def is_folded(self) -> bool:
        return self._detail.isHidden()

    def fold(self, folded: bool) -> None:
        self._detail.setHidden(folded)

    def save_sizes(self) -> None:
        if self._by_hand:
            self._save(self.saveState())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._by_hand:
            room = self.width() - GAP
            detail = min(_DETAIL, max(_LEAST_DETAIL, room // 3))
            self.setSizes([room - detail, detail])

    def _moved(self) -> None:
        self._by_hand = True


class SidePane(QSplitter):
    """`side` before what it is beside, as wide as `fit` says until its border is moved by hand: then as wide
    as `load()` says, which `save` was given.
    """

    def __init__(
        self, side: QWidget, main: QWidget, *, load: Callable[[], int], save: Callable[[int], None]
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=GAP)
        self._load, self._save = load, save
        for part in (side, main):
            self.addWidget(part)
        self.setStretchFactor(0, 0)
        self.setStretchFactor(1, 1)
        self.handle(1).setAccessibleName("Divider after what is beside the rows")
        for part in (side, self.handle(1), main):
            part.raise_()  # a screen reader goes by that
        self.splitterMoved.connect(lambda place, index: self._save(self.sizes()[0]))

    def fit(self, width: int) -> None:
        side = self._load() or width
        if self.sizes()[0] != side:
            self.setSizes([side, max(1, self.width() - GAP - side)])


_AROUND_FOCUS = 8
_FROM_THE_LEFT = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
_FROM_THE_LEFT.setHeightForWidth(True)


class _Body(FollowingScroll):
    """Its content below each other, and what room is left below that."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(_AROUND_FOCUS, parent)
        content = QWidget()
        content.setProperty("clear", True)
        self.column = in_column(None, within=content, margins=_BELOW_ACTS)
        self.setViewport(QWidget())
        self.setWidget(content)
        content.setAutoFillBackground(False)
        self.setMinimumHeight(_LEAST_BODY)


class Inspector(QFrame):
    """All of one record, or that none is selected, or why it cannot be shown.

    Its acts stand directly below its title and whose it is, a line each: so their place is the same for every
    record, whatever there is to read. All else scrolls below them: its facts, what has happened to it, and
    lists of its parts; and they with it in a card too low for both.

    Build the body once. Parts stay, their content changes, so nothing flickers while the selection moves.
    `menu_requested(global_pos)`: context menu of the record, by mouse or keyboard. `again()`: what could not
    be shown is wanted once more.
    """

    menu_requested = Signal(QPoint)
    again = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setProperty("card", True)
        self.setAccessibleName("Inspector")
        # Each part has its place before it is filled: what is moved to another parent is styled again.
        self._record = QWidget(self)
        self._header = QWidget(self._record)
        self._header.hide()  # without words it would still be measured, 190 times until the first rows show
        self.title, self.subtitle = FoldedLabel(look=Look.TITLE, most=1), FoldedLabel(look=Look.DIM, most=1)
        self.whole_title = FoldedLabel(look=Look.STRONG, most=_MOST_OF_HEADER)
        self.whole_subtitle = FoldedLabel(look=Look.DIM, most=_MOST_OF_HEADER)
        self._is_told = False
        """Whether a fact says all of the title."""
        self._chips = Lines(gap=6)
        self._chips.setParent(self._header)
        self._chips.setSizePolicy(_FROM_THE_LEFT)
        self._chips.show()
        nothing = "Nothing selected", "Select a row to see all of it."
        self.empty = EmptyState(theme, Icon.INFO, *nothing, parent=self)
        self.empty.setMinimumWidth(_LEAST_WIDTH)  # its own would let the buttons be cut

        self._scroll = _Body(self._record)
        self._body = self._scroll.column
        for at, line in enumerate((self.whole_title, self.whole_subtitle)):
            line.hide()
            self._body.insertWidget(at, line)
        self._door: Callable[[], object] | None = None
        self._below: QWidget | None = None
        """The first of what stands below the facts."""
        self._many: _Body | None = None
        self._is_of_many = False
        self._foot = Lines(gap=6)  # three acts of a run and what is behind "…" stand in one line
        self._foot.installEventFilter(self)
        self.said_of_acts = Label(look=Look.DIM, wrap=True)
        self.said_of_acts.hide()
        self._acts = QWidget(self._record)
        self._acts.installEventFilter(self)
        in_column(self._foot, self.said_of_acts, within=self._acts, margins=_ACTS, spacing=_BETWEEN_ACTS)
        self._acts.hide()  # buttons for nothing would still ask for their room

        self._head = in_row((self.title, 1), self._chips)
        self._head.addStrut(self.fontMetrics().height() + _CHIP)  # as high without one
        in_column(self._head, self.subtitle, within=self._header, margins=(14, 0, 14, 2), spacing=4)
        self._chips.raise_()  # heard as they are seen
        self.subtitle.raise_()
        parts = (self._header, self._acts, (self._scroll, 1))
        self._parts = in_column(*parts, within=self._record, margins=(0, 10, 0, 14), spacing=6)
        self._parts.addStretch()  # below the acts of several records until more is known of them
        self._scroll.raise_()
        self._floor: QWidget | None = None
        self._floor_within = QMargins()
        """What is around the words of the floor where it stands at the foot."""
        self._stack = QStackedLayout(self)
        for part in (self.empty, self._record):
            self._stack.addWidget(part)
        self._drawing = QTimer(self, singleShot=True, interval=0)
        self._drawing.timeout.connect(lambda: self.setUpdatesEnabled(True))

    @cached_property
    def again_button(self) -> QPushButton:
        return push_button(self._theme, "Try again", self.again.emit, icon=Icon.REFRESH)

    @cached_property
    def door_button(self) -> QPushButton:
        return push_button(self._theme, "", lambda: self._door and self._door())

    @cached_property
    def failure(self) -> EmptyState:
        """Made when there is first one to show."""
        buttons = [self.again_button, self.door_button]
        failure = EmptyState(self._theme, Icon.WARNING, "This cannot be shown", buttons=buttons)
        failure.setMinimumWidth(_LEAST_WIDTH)
        self._stack.addWidget(failure)
        return failure

    def set_header(self, title: str, subtitle: str = "", *chips: Chip, is_told: bool = False) -> None:
        """`is_told` where a fact says all of the title; else it stands above them where it is cut."""
        words = bounded(in_one_line(title)) if title.strip() else EMPTY
        for line in (self.title, self.whole_title):
            line.setText(words)
        for line in (self.subtitle, self.whole_subtitle):
            line.setText(subtitle)
        self._is_told = is_told
        self._header.show()
        before = self._chips.parts()
        self._chips.set_parts([StatusChip(self._theme, *chip) for chip in chips])
        for part in before:
            part.hide()
            part.deleteLater()
        self._place_header()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_header()

    def _place_header(self) -> None:
        """One chip stands beside the title, several below the acts, as does all of a line that is cut: each
        has one place. Where the card is low, only the title stands above the acts.
        """
        low = self.height() < _LOW
        below = 0 if self._place_floor() else 6 if low else 14
        self._parts.setContentsMargins(0, 4 if low else 10, 0, below)
        self._parts.setSpacing(2 if low else 6)
        if self._header.isHidden():  # no record was shown yet
            return
        said, chips = self.subtitle.text(), len(self._chips.parts())
        room = self.width() - 28 - 2 * self.frameWidth()
        beside = chips <= 1
        taken = self._head.spacing() + self._chips.sizeHint().width() if chips == 1 else 0
        if beside and self._head.indexOf(self._chips) < 0:
            self._head.addWidget(self._chips)
            self.subtitle.raise_()  # it is heard as it is seen
        elif not beside and self._body.indexOf(self._chips) < 0:
            self._body.insertWidget(0, self._chips)
            self._chips.lower()
        self._chips.setVisible(chips > 0)
        self.subtitle.setVisible(bool(said) and not low)
        is_cut = self.title.is_long_at(room - taken), bool(said) and (low or self.subtitle.is_long_at(room))
        self.whole_title.setVisible(is_cut[0] and not self._is_told and not self._is_of_many)
        self.whole_subtitle.setVisible(is_cut[1] and not self._is_of_many)
        for line, cut in ((self.title, is_cut[0]), (self.subtitle, is_cut[1])):
            set_tip(line, line.text() if cut else "")
        for line in (self.whole_title, self.whole_subtitle):
            set_tip(line, line.text() if line.is_long_at(room) else "")
        self._share_foot()
        self._place_acts()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            if watched is self._foot:  # an act has other words
                self._share_foot()
            elif watched is self._acts:  # comes after that, when the lines of acts know how high they are now
                self._place_acts()
        return super().eventFilter(watched, event)

    def _place_acts(self) -> None:
        """Below the title, or first of what scrolls, where they would leave that no room."""
        width = self.width() - 2 * self.frameWidth() - _ACTS[0] - _ACTS[2]
        needed = _ACTS[1] + self._foot.heightForWidth(width)
        if not self.said_of_acts.isHidden():
            needed += self.said_of_acts.heightForWidth(width) + _BETWEEN_ACTS
        around = self._parts.contentsMargins()
        room = self.height() - around.top() - around.bottom() - self._header.sizeHint().height()
        body = self._many if self._is_of_many and self._many is not None else self._scroll
        stays = needed + _TO_READ <= room - 2 * self._parts.spacing() or self.isHidden()
        home, at = (self._parts, 1) if stays else (body.column, 0)
        if home.indexOf(self._acts) == at:
            return
        focused, is_shown = self.focusWidget(), not self._acts.isHidden()
        home.insertWidget(at, self._acts)
        if (layout := self._acts.layout()) is not None:
            layout.setContentsMargins(*(_ACTS if stays else (0, 0, 0, 0)))
        for part in (self._scroll, self._many, self._floor) if stays else ():  # heard as they are seen
            if part is not None:
                part.raise_()
        if not stays:
            self._acts.lower()
        self._acts.setVisible(is_shown)
        if focused is not None and self._acts.isAncestorOf(focused):
            focused.setFocus()

    def _share_foot(self) -> None:
        """Acts on one record that have short words say these, if all are in one line so; those on many say
        how many.
        """
        acts = self._foot.parts()
        short = [one for one in acts if isinstance(one, QPushButton) and one.property(SHORT)]
        if short:
            room = self.width() - 2 * (14 + self.frameWidth())
            wanted = self._foot.size_of(acts).width() + sum(map(missing_words, short))
            least = wanted + sum(
                one.fontMetrics().horizontalAdvance(one.property(SHORT)) - room_of_words(one) for one in short
            )
            give_way(wanted, room if least <= room and not self._is_of_many else wanted, short)

    def add_widget(self, widget: QWidget, *, first: bool = False) -> None:
        """A fact of the record; `first` of them."""
        last = self._end() if self._below is None else self._body.indexOf(self._below)
        self._body.insertWidget(self._body.indexOf(self.whole_subtitle) + 1 if first else last, widget)

    def add_below(self, widget: QWidget) -> None:
        """What has happened to the record or what it consists of, below its facts."""
        self._body.insertWidget(self._end(), widget)
        self._below = self._below or widget

    def _end(self) -> int:
        """Where the facts end in the body."""
        floor = -1 if self._floor is None else self._body.indexOf(self._floor)
        return floor if floor >= 0 else self._body.count() - 1

    def set_actions(self, buttons: Sequence[QPushButton]) -> None:
        """The buttons of its acts, from the left; once."""
        self._foot.set_parts(buttons)

    @contextmanager
    def drawn_at_once(self) -> Iterator[None]:
        """What is shown within is painted when all of it has its place, not part after part."""
        self.setUpdatesEnabled(False)
        self._drawing.start()
        yield

    def set_floor(self, floor: QWidget) -> None:
        """What stands at the foot, on a ground of its own to the edges, or where there is little room behind
        all else; once.
        """
        self._floor, self._floor_within = floor, floor.contentsMargins()
        if (layout := floor.layout()) is not None:
            self._floor_within = layout.contentsMargins()
        floor.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._parts.addWidget(floor)
        self._place_header()

    def _place_floor(self) -> bool:
        """Whether it stands at the foot."""
        floor = self._floor
        if floor is None:
            return False
        at_foot = self.height() >= _ROOM_FOR_FLOOR
        if at_foot is not floor.property("floor"):
            set_property(floor, "floor", at_foot)
            around = self._floor_within
            if not at_foot:
                around = QMargins(0, around.top(), 0, 0)
            if (layout := floor.layout()) is not None:
                layout.setContentsMargins(around)
            if at_foot:
                self._parts.addWidget(floor)
            else:
                self._body.insertWidget(self._body.count() - 1, floor)
            floor.raise_()
        return at_foot

    def show_record(self) -> None:
        self._show_parts(of_many=False)

    def show_gone(self, sentence: str) -> None:
        """The record as it was shown last, with the sentence of what has become of it below its acts."""
        self._show_parts(of_many=False)
        self.said_of_acts.setText(sentence)
        set_property(self.said_of_acts, "look", Look.WARN.value)
        self.said_of_acts.show()

    def show_gone_row(self, title: str, sentence: str) -> None:
        """The same of one of which no more was read than a list has, which `set_many` shows."""
        self.set_header(title)
        self.show_gone(sentence)
        self._show_parts(of_many=True)

    def begin(self) -> None:
        """Shows the first of the record, where another one was read further down."""
        self._scroll.verticalScrollBar().setValue(0)

    def set_many(self, part: QWidget) -> None:
        """What is shown of several records, below the acts; once."""
        part.setProperty("clear", True)
        self._many = _Body(self._record)
        self._many.column.insertWidget(0, part)
        self._many.hide()
        self._parts.insertWidget(self._parts.indexOf(self._scroll), self._many, 1)
        if self._floor is not None:
            self._floor.raise_()  # and is heard last

    def show_many(self, title: str, sentence: str, warning: str = "") -> None:
        """In place of a record that several are selected, and the sentence where several acts can be done;
        before that a `warning`.
        """
        acts = [part for part in self._foot.parts() if part.isEnabled()]
        self.set_header(title)
        said = sentence if len(acts) > 1 else ""
        self.said_of_acts.setText(" ".join(filter(None, (warning, said))))
        set_property(self.said_of_acts, "look", (Look.WARN if warning else Look.DIM).value)
        self._show_parts(of_many=True)

    def _show_parts(self, *, of_many: bool) -> None:
        self._is_of_many = of_many
        self.said_of_acts.setVisible(of_many and bool(self.said_of_acts.text()))
        self._scroll.setVisible(not of_many)
        if self._many is not None:
            self._many.setVisible(of_many)
        self._place_header()
        self._show(self._record)

    def enter(self) -> None:
        """Gives the focus to the first part of the record that takes it."""
        enter(self._record)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._stack.currentWidget() is self._record:
            self.menu_requested.emit(event.globalPos())

    @property
    def is_empty(self) -> bool:
        """Whether it shows that nothing is selected."""
        return self._stack.currentWidget() is self.empty

    def show_empty(self, *, of_none: bool = False, gone: bool = False) -> None:
        """That nothing is selected; where there is no row, that there is none; `gone` as it was changed."""
        title, why = "Nothing selected", "Select a row to see all of it."
        if gone:
            why = "What was changed does not fit the filter any more, or is elsewhere."
        elif of_none:
            title, why = "Nothing to show", ""
        self.empty.set(Icon.INFO, title, why)
        self._show(self.empty)

    def show_waiting(self, title: str) -> None:
        """That a record, called so, is being read."""
        self.empty.set(Icon.INFO, bounded(in_one_line(title)) if title.strip() else "Reading…", "Reading…")
        self._show(self.empty)

    def show_failure(self, sentence: str, *, again: bool = False) -> None:
        """Why it cannot be, and whether it may go well when it is tried again."""
        self.failure.set(Icon.WARNING, self.failure.title.text(), sentence)
        self.again_button.setVisible(again)
        self.door_button.hide()
        self._show(self.failure)

    def offer(self, words: str, act: Callable[[], object]) -> None:
        """Another button beside why it cannot be shown."""
        self._door = act
        self.door_button.setText(words)
        self.door_button.setAccessibleName(words)
        self.door_button.show()

    def _show(self, part: QWidget) -> None:
        self._acts.setVisible(part is self._record)
        self._stack.setCurrentWidget(part)


@dataclass(frozen=True, slots=True)
class Field:
    """One row: label, value as shown, and how. `copy` is what is copied when it is not the value. `go` leads
    to what it names, by a button that says `go_words`, as words where `go_in_words`.
    """

    label: str
    value: str
    mono: bool = False
    tone: Tone = Tone.NEUTRAL
    copy: str | None = None
    tip: str = ""
    can_copy: bool = True
    go_words: str = ""
    go: Callable[[], object] | None = dataclasses.field(default=None, compare=False)
    go_in_words: bool = False


def _size(value: str, lines: int) -> str:
    return counted(lines, "line") if lines > _FOLDS_LINES else counted(len(value), "character")


class FieldList(QWidget):
    """Values are plain text, selectable with mouse and keyboard. A value longer than 320 characters or eight
    lines shows its start and a "Show all" button, which opens it, to scroll through in the same face.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._fields: tuple[Field, ...] = ()
        self._names: list[Label] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)

    def set_fields(self, fields: Sequence[Field]) -> None:
        if tuple(fields) == self._fields:
            return
        self._fields, self._names = tuple(fields), []
        clear(self._grid)
        for row, field in enumerate(fields):
            self._add(row, field)
        self._align()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._align()

    def _align(self) -> None:
        """The values of lists below each other begin at one line."""
        parent = self.parentWidget()
        beside = {self, *(() if parent is None else parent.findChildren(FieldList))}
        widest = max(one.captions_width() for one in beside)
        for one in beside:
            one._grid.setColumnMinimumWidth(0, widest)

    def captions_width(self) -> int:
        for name in self._names:
            name.ensurePolished()  # else it is measured in another font than it is painted in
        return max((name.sizeHint().width() for name in self._names), default=0)

    def _add(self, row: int, field: Field) -> None:
        name = Label(field.label, Look.DIM)
        name.setMinimumHeight(24)
        name.setAlignment(Qt.AlignmentFlag.AlignTop)
        name.setContentsMargins(0, _ABOVE_NAME, 0, 0)
        lines = field.value.count("\n") + 1
        long = len(field.value) > _FOLDS or lines > _FOLDS_LINES
        start = "\n".join(field.value[:_LONG].split("\n", _FIRST_LINES)[:_FIRST_LINES])
        look = Look.TEXT if field.tone is Tone.NEUTRAL else Look(field.tone.value)
        ends_a_line = field.value.startswith(f"{start}\n")
        words = f"{start}\n…" if long and ends_a_line else f"{start}…" if long else field.value or NOTHING
        value: Label
        if field.mono or has_long_word(words):  # the middle alone may tell two apart
            value = FoldedLabel(words, look, most=_MOST_LINES, caption=field.label)
            if field.mono:
                value.setFont(self._theme.mono_font())
        else:
            wraps = not field.go_in_words  # else its lines would be short, beside what leads on
            value = Label(words, look, wrap=wraps, selectable=True, caption=field.label)
        if long:
            value.set_spoken(field.value)
        value.setMinimumWidth(40)
        if field.tip:
            set_tip(value, field.tip)
        name.setBuddy(value)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(name, row, 0, top)
        holder = QWidget()
        beside: Part = value
        # Both stand on one line, whatever the face of the value and however many lines it has.
        higher = value.fontMetrics().ascent() - self.fontMetrics().ascent()
        above, below = max(0, _ABOVE_NAME - higher), _BELOW_VALUE
        if field.go is not None and field.go_in_words:
            leads = push_button(self._theme, field.go_words, field.go, kind=Kind.FLAT)
            leads.setProperty("small", True)
            beside = Lines(gap=4)
            beside.set_parts([value, leads])
            above = below = (
                0  # the button is as high as a line with that, and the words stand beside their name
            )
        line = in_column(beside, within=holder, margins=(0, above, 0, below), spacing=2)
        if long:
            show = push_button(self._theme, f"Show all {_size(field.value, lines)}", kind=Kind.FLAT)
            show.setAccessibleName(f"Show all of {field.label}")
            show.setProperty("small", True)
            show.setProperty("flush", True)  # its words begin where the text does
            show.clicked.connect(lambda: self._open(row, field, holder))
            line.addWidget(show, 0, Qt.AlignmentFlag.AlignLeft)
        if not field.go_in_words:
            line.addStretch(1)  # what room there is to spare is below it
        copies, leads_on = field.can_copy and bool(field.copy or field.value), field.go is not None
        has_button = copies or (leads_on and not field.go_in_words)
        self._grid.addWidget(holder, row, 1, 1, 1 if has_button else 2)  # else a word more fits into its line
        self._names.append(name)
        if copies:
            button = tool_button(
                self._theme, Icon.COPY, f"Copy {field.label.lower()}", lambda: self._copy(field, button)
            )
            self._grid.addWidget(button, row, 2, top)
        elif field.go is not None and has_button:
            go = tool_button(self._theme, Icon.CARET_RIGHT, field.go_words, field.go)
            self._grid.addWidget(go, row, 2, top)

    def _open(self, row: int, field: Field, holder: QWidget) -> None:
        whole = text_box(self._theme, field.label, field.value)
        whole.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        if not field.mono:
            whole.setFont(self.font())
        whole.setMinimumHeight(_OPENED_LINES * whole.fontMetrics().lineSpacing())
        self._grid.removeWidget(holder)
        self._grid.addWidget(whole, row, 1)
        self._names[row].setBuddy(whole)
        whole.show()  # what is not in sight yet takes no focus, and the button goes
        whole.setFocus()
        holder.hide()
        holder.deleteLater()

    def _copy(self, field: Field, button: QToolButton) -> None:
        if told := copy_text(field.value if field.copy is None else field.copy):
            QToolTip.showText(button.mapToGlobal(button.rect().bottomLeft()), f"Copied{told}.", button)
            announce(button, f"Copied{told}.")
        button.setIcon(self._theme.icon(Icon.CHECK, Tone.OK))
        plain = self._theme.icon(Icon.COPY, "dim")
        later(button, _COPIED_MS, lambda: button.setIcon(plain))
