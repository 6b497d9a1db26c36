"""Dialogs: what they have in common, questions, and failures."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from time import monotonic

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShortcut,
    QShowEvent,
    QWindow,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QDialog,
    QLayout,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)
from shiboken6 import isValid

from app.services.text import composed, visible
from app.ui.theme import Icon, Kind, Theme, Tone
from app.ui.widgets import labels
from app.ui.widgets.actions import IN_DIALOGS, without_mnemonic
from app.ui.widgets.announcing import announce
from app.ui.widgets.banner import ProgressBar, Toast, WaitLine
from app.ui.widgets.buttons import Lines, copy_button, push_button
from app.ui.widgets.cell_delegate import in_middle
from app.ui.widgets.clipboard import NO_PROGRAM, show_folder
from app.ui.widgets.following import FollowingScroll
from app.ui.widgets.formatting import first_line, grouped, percent
from app.ui.widgets.later import later
from app.ui.widgets.static_table import StaticTable
from app.ui.widgets.tab_order import is_lost, step

WIDTH = 460
_WIDTH_OF_SENTENCES = 620
_SPARE = 2
"""Pixels beside a title, whose letters are not as wide as whole ones everywhere."""
_MARGINS = (20, 20, 20, 16)
_GAP = 20
_ANY_HEIGHT = 16_777_215
"""Qt's own bound."""
_GIVEN = "given"
"""The property of a field that is as low as it may be, as its dialog has no room for more."""
_ICON, _NARROW = 28, 400
"""The icon's size, and the width of a foot below which its words get its room."""
AROUND, EDGE = 48, 8
_LEAST_FRAME = 20
"""Pixels that a window's frame has at the top at the least."""
_PLACED, _PLACED_MS = 0.5, 50
"""For so many seconds at most a window that has just been shown stands in the screen's corner, before the
system has put it where it belongs; and how often that is looked at.
"""
_TOAST, _RAISED = 360, 5
"""The width from which a toast stands beside the title, and how far above its middle: controls follow."""
_BESIDE, _BELOW = 2, 8
"""The lines of a toast beside the title, and above the buttons."""
_CAPTION = 30
"""Pixels above a field that show with it, so that one reads what it is for."""

LISTED = 50
_NAMED = 200
"""Letters of what must be typed that are shown; the tool tip has the rest."""
_ROWS = 6
_DOT = " · "
"""What stands between a name and the tenant, or the status, of what has it."""
_LEAST_ROW, _FEW_ITEMS, _FRAME_OF_ITEMS = 26, 2, 8
"""The least height of an item, how many a list keeps where a screen is low, and pixels around all of them."""
_BESIDE_WORDS, _AROUND_WORDS = 28, 10
"""Pixels at both sides of a sentence in a list, and above and below it."""

_SCROLLING: dict[int, QScrollBar.SliderAction] = {
    Qt.Key.Key_PageUp: QScrollBar.SliderAction.SliderPageStepSub,
    Qt.Key.Key_PageDown: QScrollBar.SliderAction.SliderPageStepAdd,
    Qt.Key.Key_Home: QScrollBar.SliderAction.SliderToMinimum,
    Qt.Key.Key_End: QScrollBar.SliderAction.SliderToMaximum,
}
"""What each key does to words, or a list, that a dialog has no room for."""


class Dialog(QDialog):
    """A title, a sentence, a body and buttons at the foot; and on top the mark of the window that it is of,
    where that has one: the property `mark`, of its words, its colour and that of the words.

    At the foot are its answers and what concerns all of it. Acts on a record that is shown beside or below a
    list stand above its facts, as in an `Inspector`.

    Meant for `open()`, which does not block; `accepted` and `rejected` tell how it ended. `cancel_button` is
    the one that does nothing of what was set.
    """

    cancel_button: QPushButton

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str = "",
        *,
        icon: str | None = None,
        tone: Tone = Tone.NEUTRAL,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(title)
        self.setMinimumWidth(WIDTH)
        self.title = labels.Label(title, labels.Look.TITLE, wrap=True)
        self.sentence = labels.Label(sentence, wrap=True, selectable=True)
        if not sentence:
            self.sentence.hide()  # and not shown: it has no place yet, and would be a window for a moment
        self.sentence.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleDescription(labels.bounded(sentence))
        self.body = labels.in_column()
        words = labels.in_column(self.title, self.sentence, (self.body, 1))
        content = QWidget()
        content.setProperty("clear", True)
        self._content = labels.in_row(within=content, spacing=16)
        self._words, self._conditions, self._buttons = words, labels.in_column(spacing=4), Lines()
        self._icon: labels.IconLabel | None = None
        if icon is not None:
            self._icon = labels.IconLabel(theme, _ICON)
            self._icon.show_icon(icon, tone)
            self._content.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        labels.add_layout(self._content, words, 1)
        # On a small screen the words scroll, and the buttons stay in sight.
        self._scroll = scroll = FollowingScroll(_CAPTION)
        scroll.setMinimumHeight(1)  # else it takes what it thinks it needs from the buttons
        scroll.setWidget(content)
        self._outcomes = labels.in_column(spacing=4)
        self._foot = labels.in_column(self._buttons, self._outcomes, spacing=12)
        self._outcome_high, self._outcome_parts = 0, list[QWidget]()
        self._meant_x, self._shown_at = 0, float("-inf")
        for words_stand_in in (content, self):  # those at the foot in the dialog itself
            words_stand_in.installEventFilter(self)
        self._whole = labels.in_column((scroll, 1), self._foot, within=self, margins=_MARGINS, spacing=_GAP)
        self._place_conditions(scroll=False)
        self._mark: labels.Label | None = None
        self._toast: Toast | None = None
        self._way_out: QWidget | None = None
        if parent is not None:
            hear_keys(self, parent)
            if mark := parent.window().property("mark"):
                self.set_mark(mark)

    def set_mark(self, mark: Sequence[str] | None) -> None:
        """Has this mark on top, also of what the window does not show; or None, whatever the window has."""
        self.setProperty("mark", mark)
        if mark is None:
            self.setWindowTitle(self.title.text())
            if self._mark is not None:
                self._mark.hide()
                self._whole.removeWidget(self._mark)
                self._mark.deleteLater()
                self._mark = None
            return
        words, colour, ink = mark
        self.setWindowTitle(f"{words} · {self.title.text()}")
        if self._mark is None:
            self._mark = labels.Label(look=labels.Look.STRONG)
            self._whole.insertWidget(0, self._mark)
            self._mark.lower()
        self._mark.setText(words)
        self._mark.setStyleSheet(f"background: {colour}; color: {ink}; padding: 4px 8px;")

    def add_widget(self, widget: QWidget, stretch: int = 0) -> None:
        self.body.addWidget(widget, stretch)

    def add_condition(self, widget: QWidget) -> None:
        """What must be answered before the buttons, right above them and in sight where there is room."""
        self._conditions.addWidget(widget)
        self._buttons.raise_()  # a screen reader goes by the order in which they were made
        for part in self._outcome_parts:
            part.raise_()

    def add_said(self, widget: QWidget) -> None:
        """What comes and goes with what a button does: below them, where it moves none of them."""
        self._outcomes.addWidget(widget)
        self._outcome_parts.append(widget)
        widget.raise_()

    @property
    def says_waits(self) -> bool:
        """Whether an act of its own may be what is waited for."""
        return True

    @cached_property
    def wait_line(self) -> WaitLine:
        """What the dialog's own act waits for."""
        line = WaitLine(self.theme, wrap=True)
        self.add_said(line)
        return line

    def echo(self, toast: Toast) -> None:
        """Says what the toast of the window does, which this stands before: beside its title, where nothing
        else is, or above its buttons. Once there has been one there, it keeps its place.
        """
        if not self.isVisible():
            return
        if self._toast is None:
            self._toast = Toast(self.theme, self, echo=toast)
        self._toast.echo()
        room = self._beside_title()
        if self._foot.indexOf(self._toast) < 0 and (room < _TOAST or not self._toast.fits(room, _BESIDE)):
            self._toast.fold_to(_BELOW)
            self._foot.insertWidget(0, self._toast)
        if self._foot.indexOf(self._toast) >= 0:
            self._words_changed()
        self._place_toast()

    def offer(self, words: str, act: Callable[[], object]) -> None:
        """A way out of what keeps it from going on, below what it says of that, until it is `withdrawn`."""
        if self._way_out is None:
            self._way_out = QWidget()
            button = push_button(self.theme, words, act)
            button.setAutoDefault(False)
            labels.in_row(button, None, within=self._way_out)
            self.add_said(self._way_out)
        self._way_out.show()

    def withdraw(self) -> None:
        """It can go on: what it offered is not needed any more."""
        if self._way_out is not None:
            self._way_out.hide()

    def _beside_title(self) -> int:
        """How many pixels are free beside the title; none where it may scroll away."""
        if self._scrolls:
            return 0
        title = self.title.fontMetrics().horizontalAdvance(self.title.text())
        return self.width() - self.title.mapTo(self, QPoint()).x() - _MARGINS[2] - title - _GAP

    def _place_toast(self) -> None:
        toast = self._toast
        if toast is None or self._foot.indexOf(toast) >= 0:
            return
        width = min(toast.sizeHint().width(), self._beside_title())
        size = QSize(width, max(toast.heightForWidth(width), toast.minimumHeight()))
        middle = self.title.mapTo(self, QPoint()).y() + self.title.height() // 2
        top = max(0, middle - size.height() // 2 - _RAISED)
        toast.setGeometry(QRect(QPoint(self.width() - _MARGINS[2] - size.width(), top), size))
        toast.raise_()

    def set_buttons(self, buttons: Sequence[QPushButton], left: Sequence[QWidget] = ()) -> None:
        """Buttons at the foot, and `left` apart from them; the last is the main one."""
        self._buttons.set_parts([*left, *buttons], at_right=len(buttons))
        self._answers = tuple(buttons)

    def add_apart(self, *buttons: QPushButton) -> None:
        """Buttons at the foot, apart from the answers."""
        self.set_buttons(self._answers, left=buttons)

    def set_answer(
        self, action: str, answer: Callable[[], object], kind: Kind = Kind.PRIMARY, *, cancel: str = "Cancel"
    ) -> QPushButton:
        """Cancel at the foot and the main button, which it gives back; Return presses that one."""
        self.cancel_button = push_button(self.theme, cancel, self.reject)
        main = push_button(self.theme, action, answer, kind=kind)
        main.setDefault(True)
        self.set_buttons([self.cancel_button, main])
        return main

    def set_close_button(self, left: Sequence[QPushButton] = ()) -> None:
        """For a dialog that only tells: "Close" at the foot, with the focus, and `left` apart from it."""
        self.close_button = push_button(self.theme, "Close", self.accept, kind=Kind.PRIMARY)
        self.close_button.setDefault(True)
        self.set_buttons([self.close_button], left=left)
        self.close_button.setFocus()

    def open_once(self, agreed: Callable[[], object] | None = None) -> None:
        """Open it without blocking; it deletes itself when it is closed. `agreed()` when it was accepted. The
        keys go back to the window that had them: the system gives them to the one that it belongs to.
        """
        before, owner = QApplication.activeWindow(), self.parentWidget()
        if agreed is not None:
            self.accepted.connect(agreed)
        if before is not None and owner is not None and before is not owner.window():
            back = [before, *_owners(before)]  # by then that one may be gone
            self.finished.connect(lambda _: _give_back(back))
        self.finished.connect(self.deleteLater)
        self.open()

    def open_in_turn(self, agreed: Callable[[], object] | None = None) -> None:
        """The same of what comes some time after a person asked for it: while they are asked something else
        it waits until that is closed.
        """
        asking = QApplication.activeModalWidget()
        if not isinstance(asking, QDialog):
            self.open_once(agreed)
            return

        def closed() -> None:
            if isValid(self):  # else the file was closed meanwhile, or it has no use any more
                later(self, 0, partial(self.open_in_turn, agreed))

        self.finished.connect(self.deleteLater)
        asking.finished.connect(closed)

    def focusNextPrevChild(self, next_one: bool) -> bool:
        gone = self.focusWidget() is not None and is_lost(self.focusWidget())
        return super().focusNextPrevChild(next_one) if gone else step(self, next_one)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return presses the button that has the focus; where none has, the main one, if that does not throw
        away what was set here. The keys that scroll do it wherever the focus is that does not heed them.
        """
        focused = self.focusWidget()
        pressed = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        cancel = getattr(self, "cancel_button", None)
        if pressed and isinstance(focused, QPushButton) and focused.isEnabled() and not event.isAutoRepeat():
            focused.click()
        elif event.key() in _SCROLLING:
            self._to_scroll().triggerAction(_SCROLLING[event.key()])
        elif not pressed or cancel is None or not cancel.isDefault():
            super().keyPressEvent(event)

    def _to_scroll(self) -> QScrollBar:
        """That of the dialog; where all of it is in sight, of the first list or text that is not."""
        own = self._scroll.verticalScrollBar()
        within = [
            one.verticalScrollBar() for one in self.findChildren(QAbstractScrollArea) if one.isVisible()
        ]
        return next((bar for bar in (own, *within) if bar.maximum() > bar.minimum()), own)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._words_changed()
        return super().eventFilter(watched, event)

    def _words_changed(self) -> None:
        """There may be more or fewer of them."""
        fits, before = self.height() == self.minimumHeight(), self._outcome_high
        self._make_room()
        width = self.width() - _MARGINS[0] - _MARGINS[2]
        self._outcome_high = (
            0 if self._outcomes.isEmpty() else _height(self._outcomes, width) + self._foot.spacing()
        )
        if fits:  # else a sentence that went would leave a hole over the buttons
            self.resize(self.width(), self.minimumHeight())
        elif self._outcome_high != before:  # it takes no room of what is above the buttons
            high = min(self.height() + self._outcome_high - before, self._room.height())
            self.resize(self.width(), max(high, self.minimumHeight()))
        self._keep_on_screen()

    def open_as_large_as(self, size: QSize) -> None:
        """As far as the screen has room for it."""
        self.resize(size.boundedTo(self._room))

    def stand_beside(self) -> None:
        """Shows it as a window of its own, which may go behind the one that it is of, and goes with it."""
        stand_beside(self)

    @property
    def _room(self) -> QSize:
        return self.screen().availableSize() - QSize(AROUND, AROUND)

    def put_at(self, place: QRect) -> None:
        """Where another was, as far as all of it is on the screen there."""
        self.setGeometry(place)
        self._keep_on_screen()

    def _keep_on_screen(self) -> None:
        """Its buttons are at the foot, which goes down as there is more to say; and it is moved by its frame,
        which the system puts above the screen's edge where it was not told how high that is.
        """
        if self.isMaximized() or self.isFullScreen():
            return
        room, place = self.screen().availableGeometry(), self.geometry()
        is_above = place.top() < room.top() + _LEAST_FRAME
        is_elsewhere = abs(self.pos().x() - self._meant_x) > EDGE
        if is_above and is_elsewhere and monotonic() - self._shown_at < _PLACED:
            later(self, _PLACED_MS, self._keep_on_screen)  # it is about to go to where it belongs
            return
        room.adjust(EDGE, AROUND - EDGE, -EDGE, -EDGE)  # a frame, whose size may not be known yet
        top = max(min(place.top(), room.bottom() - place.height()), room.top())
        if self.isVisible() and (is_above or place.bottom() > room.bottom()) and top != place.top():
            place.moveTop(top)
            self.setGeometry(place)

    def showEvent(self, event: QShowEvent) -> None:
        if not event.spontaneous() and not self.testAttribute(Qt.WidgetAttribute.WA_Resized):
            for part in self.findChildren(QWidget):
                part.ensurePolished()
                part.updateGeometry()  # sizes that were measured before the style had its say
            self._make_room()
            if self._scrolls:  # else a wider one may show all of it
                self.setMinimumWidth(min(max(self.minimumWidth(), _WIDTH_OF_SENTENCES), self._room.width()))
                self._make_room()
            self.resize(self.minimumSize())
            later(self, 0, partial(self._be_no_higher, self.height()))
            later(self, 0, self._begin_in_sight)
        super().showEvent(event)
        self._meant_x, self._shown_at = self.pos().x(), monotonic()
        later(self, 0, self._keep_on_screen)

    def _begin_in_sight(self) -> None:
        """It opens where its words begin: what has the focus then is in sight, or the first that may have it
        has it instead.
        """
        content, focused = self._scroll.widget(), self.focusWidget()
        if not self._scrolls or content is None or focused is None or not content.isAncestorOf(focused):
            return
        first = next((part for part in _chain_behind(content) if _is_stop(part, content)), None)
        if not self._scroll.shows_at_top(focused) and first is not None and self._scroll.shows_at_top(first):
            self._scroll.verticalScrollBar().setValue(0)
            first.setFocus()

    @property
    def _scrolls(self) -> bool:
        """Whether the screen has no room for all of the words at once."""
        return self._scroll.verticalScrollBarPolicy() is not Qt.ScrollBarPolicy.ScrollBarAlwaysOff

    def _be_no_higher(self, than: int) -> None:
        """A table knows only once it is shown that it needs no room for a bar that scrolls sideways."""
        if self.height() == than > self.minimumHeight():
            self.resize(self.width(), self.minimumHeight())

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line over the foot where the words go on behind it."""
        super().paintEvent(event)
        if self._scrolls:
            painter = QPainter(self)
            painter.fillRect(
                0, self._scroll.geometry().bottom() + 1, self.width(), 1, self.theme.colour("line")
            )
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.isVisible() or self.testAttribute(Qt.WidgetAttribute.WA_Resized):
            self._make_room()  # else it is done when shown
        self._place_toast()
        later(self, 0, self.show_focus)

    def show_focus(self) -> None:
        """What is typed into is in sight, with its caption, where the words have to scroll."""
        self._scroll.show_focus()

    def show_part(self, part: QWidget) -> None:
        """Scrolls to what has just come, where the words have to scroll."""
        later(self, 0, lambda: self._scroll.show_part(part))

    def _make_room(self) -> None:
        """At least as large as its words need, as far as the screen allows: a layout whose labels wrap does
        not see to it by itself, and parts would be cut.
        """
        room = self._room
        left, top, right, bottom = _MARGINS
        beside = 0 if self._icon is None else _ICON + self._content.spacing()
        title = self.title.fontMetrics().horizontalAdvance(self.title.text()) + beside + _SPARE
        title = title if title + left + right <= _WIDTH_OF_SENTENCES else 0  # else it takes two lines
        parts = self._content.minimumSize().width(), self._buttons.sizeHint().width(), title
        wide = max(parts) + left + right
        self.setMinimumWidth(min(max(self.minimumWidth(), wide), room.width()))
        width = max(self.width(), self.minimumWidth()) - left - right
        if self._icon is not None:
            self._icon.setVisible(width >= _NARROW)
        foot = _height(self._conditions, width) + self._foot.spacing() + _height(self._buttons, width)
        needed = _height(self._content, width) + _height(self._foot, width) + top + _GAP + bottom
        if self._mark is not None:
            needed += self._mark.sizeHint().height() + _GAP
        needed = self._let_give_way(needed, room.height())
        self._place_conditions(scroll=needed > room.height() < 2.5 * foot)
        self.setMinimumHeight(min(needed, room.height()))
        # Not left to Qt: beside a bar that was there for a moment words need more lines, and so keep it.
        fits = max(self.height(), self.minimumHeight()) >= needed
        bar = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if fits else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        if not fits:  # and the bar stands beside the words, not over them
            wide += self._scroll.verticalScrollBar().sizeHint().width()
            self.setMinimumWidth(min(max(self.minimumWidth(), wide), room.width()))
        self._scroll.setVerticalScrollBarPolicy(bar)

    def _let_give_way(self, needed: int, room: int) -> int:
        """What scrolls by itself gives up what there is no room for; returns what is needed then. Lists give
        up rows only where that spares the words a scroll bar, as they would scroll within words that scroll
        else; then fields of many lines do, those that are written into first.
        """
        lists: list[StaticTable | _Items] = [*self._scroll.findChildren(StaticTable)]
        lists += self._scroll.findChildren(_Items)
        tables = [one for one in lists if not one.isHidden()]
        fields = [one for one in self._scroll.findChildren(QPlainTextEdit) if _grows(one)]
        fields.sort(key=QPlainTextEdit.isReadOnly)
        needed += sum(one.given for one in tables) + sum(map(_given, fields))
        could = sum(one.spare for one in tables) + sum(map(_spare, fields))
        for table in tables:
            table.give_way(max(0, needed - room) if needed - could <= room else 0)
            needed -= table.given
        for field in fields:
            given = min(_spare(field), max(0, needed - room))
            field.setProperty(_GIVEN, given)
            field.setMaximumHeight(field.sizeHint().height() - given if given else _ANY_HEIGHT)
            needed -= given
        return needed

    def _place_conditions(self, *, scroll: bool) -> None:
        """Above the buttons, where the words begin; or after those, where they would leave them no room."""
        home, other = (self._words, self._foot) if scroll else (self._foot, self._words)
        if self._conditions.parent() is other:
            other.removeItem(self._conditions)
        if self._conditions.parent() is None:
            home.insertLayout(home.count() if scroll else 0, self._conditions)
        indented = self._icon is not None and not self._icon.isHidden() and not scroll
        self._conditions.setContentsMargins(_ICON + self._content.spacing() if indented else 0, 0, 0, 0)


def _chain_behind(begin: QWidget) -> Iterator[QWidget]:
    """What Tab would come to behind it, once around."""
    part = begin.nextInFocusChain()
    while part is not None and part is not begin:
        yield part
        part = part.nextInFocusChain()


def _is_stop(part: QWidget, within: QWidget) -> bool:
    takes = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return takes and part.isEnabled() and within.isAncestorOf(part) and part.isVisibleTo(within.window())


def _grows(field: QPlainTextEdit) -> bool:
    is_fixed = field.minimumHeight() == field.maximumHeight() and not _given(field)
    return not field.isHidden() and field.minimumHeight() > 0 and not is_fixed


def _given(field: QPlainTextEdit) -> int:
    return field.property(_GIVEN) or 0


def _spare(field: QPlainTextEdit) -> int:
    """What it would like to be higher than it has to."""
    return max(0, field.sizeHint().height() - field.minimumHeight())


def _height(part: QLayout | QWidget, width: int) -> int:
    """What it needs at this width, whether anything in it wraps or not."""
    wrapped = part.heightForWidth(width) if isinstance(part, QWidget) else part.totalHeightForWidth(width)
    return wrapped if wrapped >= 0 else part.sizeHint().height()


def _owners(window: QWidget) -> Iterator[QWidget]:
    """The windows that it belongs to, from the nearest on."""
    while (owner := window.parentWidget()) is not None:
        window = owner.window()
        yield window


def _front_of(window: QWidget) -> QWidget:
    """The modal dialog that keeps the keys from a window, or the window where there is none."""
    top, behind = QApplication.activeModalWidget(), {*_chain(window)}
    if top is None or top.windowHandle() in behind:  # of which it is itself
        return window
    return window if behind.isdisjoint(_chain(top)) else top


def _chain(window: QWidget) -> Iterator[QWindow]:
    """It and the windows that it stands before, for the system."""
    one = window.windowHandle()
    while one is not None:
        yield one
        one = one.transientParent()


def _give_back(windows: Sequence[QWidget]) -> None:
    """To the first of them that is still there, or to what stands before it, once all that close have done
    so: the system would give them to one that is about to go, and then to none.
    """

    def give() -> None:
        there = next((one for one in windows if isValid(one) and one.isVisible()), None)
        if there is not None:
            _front_of(there).activateWindow()

    if isValid(windows[-1]):
        later(windows[-1], 0, give)


class _Sentences(QStyledItemDelegate):
    """Items as high as their words need. Qt reckons without the padding that the style has beside them, and
    cuts those that are about as wide as the list.
    """

    def __init__(self, view: QListWidget) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        wide, metrics = self._view.viewport().width(), self._view.fontMetrics()
        return QSize(wide, _height_of(str(index.data() or ""), metrics, wide))


class _Names(QStyledItemDelegate):
    """A name a line, in which the tenant or status behind it stays whole: that is what tells two alike."""

    def __init__(self, view: QListWidget) -> None:
        super().__init__(view)
        self._view = view

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        metrics, room = self._view.fontMetrics(), self._view.viewport().width() - _BESIDE_WORDS
        name, dot, behind = option.text.rpartition(_DOT)
        left = room - metrics.horizontalAdvance(dot + behind)
        if dot and left > room // 2:
            option.text = in_middle(metrics, name, left) + dot + behind
        else:
            option.text = in_middle(metrics, option.text, room)


def _height_of(words: str, metrics: QFontMetrics, wide: int) -> int:
    """What a sentence needs in a list of this width."""
    room = QRect(0, 0, max(1, wide - _BESIDE_WORDS), 1 << 16)
    return metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, words).height() + _AROUND_WORDS


class _Items(QListWidget):
    """As high as `set_high(pixels)` says, and lower where a screen is low: it scrolls by itself."""

    _high = _given = 0

    def set_high(self, pixels: int) -> None:
        self._high = pixels
        self.give_way(0)

    @property
    def given(self) -> int:
        """The pixels that it has given up."""
        return self._given

    @property
    def spare(self) -> int:
        """The pixels that it could give up in all."""
        return max(0, self._high - _FEW_ITEMS * self._row() - _FRAME_OF_ITEMS)

    def give_way(self, pixels: int) -> None:
        """Gives up so much of its height, in whole rows where all are alike, and keeps a few of them."""
        row = self._row() if self.uniformItemSizes() else 1
        self._given = min(-(-pixels // row) * row, self.spare)
        self.setFixedHeight(self._high - self._given)

    def _row(self) -> int:
        return max(_LEAST_ROW, self.sizeHintForRow(0))


class ConfirmDialog(Dialog):
    """`action` is the verb on the button ("Delete 3 users"). `items` are the names of what goes, of which at
    most 50 are listed, with "and 1,154 more" from `total` (the number of all, when `items` is already cut).
    `listed` names them for a screen reader. With `whole` they are sentences to decide by, each of which can
    be read to its end. `typed` is what must be typed before it can be confirmed; the field for it has the
    focus at first, and Return confirms as soon as it holds that. Else Cancel has the focus, and Return does
    not confirm a danger. While a field still needs something, Return in it says what: `needed`.
    """

    needed = ""
    is_again = False
    problem: labels.ProblemLabel

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str,
        *,
        action: str,
        cancel: str = "Cancel",
        items: Sequence[str] = (),
        total: int | None = None,
        listed: str = "What goes",
        whole: bool = False,
        danger: bool = True,
        typed: str = "",
        parent: QWidget | None = None,
    ) -> None:
        tone = Tone.BAD if danger else Tone.ACCENT
        icon = Icon.WARNING_FILL if danger else Icon.INFO_FILL
        super().__init__(theme, title, sentence, icon=icon, tone=tone, parent=parent)
        if items:
            self._list(items, len(items) if total is None else total, listed, whole=whole)
        kind = Kind.DANGER if danger else Kind.PRIMARY
        self.confirm_button = self.set_answer(action, self.accept, kind, cancel=cancel)
        first = self.cancel_button if danger else self.confirm_button
        first.setDefault(True)
        first.setFocus()
        if typed:
            self._ask_for(typed)

    def offer_again(self) -> None:
        """To try what failed once more, by the main button; it is accepted then, and `is_again`."""

        def try_again() -> None:
            self.is_again = True
            self.accept()

        button = push_button(self.theme, "Try again", try_again, kind=Kind.PRIMARY)
        self.set_buttons([self.cancel_button, self.confirm_button, button])
        button.setDefault(True)
        button.setFocus()

    def _ask_for(self, typed: str) -> None:
        self.typed = QLineEdit()
        self.typed.setAccessibleName(labels.bounded(f"To confirm, type {typed}"))
        asked = QWidget()
        caption = labels.Label(
            f"To confirm, type “{labels.bounded(typed, longest=_NAMED)}”.", labels.Look.STRONG, wrap=True
        )
        labels.set_tip(caption, typed if len(typed) > _NAMED else "")
        self.problem = labels.ProblemLabel(self.theme)
        self.problem.hide()
        self.needed = f"Type “{labels.bounded(typed, longest=_NAMED)}” first."
        labels.in_column(caption, self.typed, self.problem, within=asked)
        self.add_condition(asked)
        self.confirm_button.setEnabled(False)

        def compare(text: str) -> None:
            fits = composed(text.strip()) == composed(typed.strip())  # as one reads it
            self.confirm_button.setEnabled(fits)
            self.problem.hide()
            (self.confirm_button if fits else self.cancel_button).setDefault(True)

        self.typed.textChanged.connect(compare)
        self.typed.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        waits = self.needed and not self.confirm_button.isEnabled()
        if pressed and waits and isinstance(self.focusWidget(), QLineEdit) and not self.problem.isVisible():
            self.problem.setText(self.needed)
            self.problem.show()
            announce(self, self.needed)
        super().keyPressEvent(event)

    def _list(self, items: Sequence[str], total: int, name: str, *, whole: bool) -> None:
        shown = [visible(first_line(item, 1000) if whole else first_line(item)) for item in items[:LISTED]]
        self.list = _Items()
        self.list.addItems(shown)
        self.list.setUniformItemSizes(not whole)
        self.list.setWordWrap(whole)
        self.list.setItemDelegate(_Sentences(self.list) if whole else _Names(self.list))
        if whole:
            self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.list.setAccessibleName(name)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.ensurePolished()  # the style's padding counts
        row = max(_LEAST_ROW, self.list.sizeHintForRow(0))
        rows, metrics = min(_ROWS, len(shown)), self.list.fontMetrics()
        beside = _MARGINS[0] + _MARGINS[2] + _ICON + self._content.spacing()
        if whole:
            self.setMinimumWidth(_WIDTH_OF_SENTENCES)
            wide = min(_WIDTH_OF_SENTENCES, self._room.width()) - beside
            high = sum(_height_of(words, metrics, wide) for words in shown)
            self.list.set_high(min(row * _ROWS * 3 // 2, high) + _FRAME_OF_ITEMS)
        else:
            bar = self.list.verticalScrollBar().sizeHint().width() if len(shown) > rows else 0
            longest = max(map(metrics.horizontalAdvance, shown)) + _BESIDE_WORDS + bar + _FRAME_OF_ITEMS
            self.setMinimumWidth(max(WIDTH, min(longest + beside, _WIDTH_OF_SENTENCES)))
            self.list.set_high(row * rows + _FRAME_OF_ITEMS)
        self.add_widget(self.list)
        if total > len(shown):
            self.more = labels.Label(f"and {grouped(total - len(shown))} more", labels.Look.DIM)
            self.add_widget(self.more)


class WaitDialog(Dialog):
    """Work that nothing may be done beside: how far it is, in numbers where it counts `in_rows`, else as a
    part of the work. It stays until `done()`; its button, where it `can_cancel`, asks to stop by `cancelled`.
    """

    cancelled = Signal()

    def __init__(
        self,
        theme: Theme,
        title: str,
        parent: QWidget | None = None,
        *,
        can_cancel: bool,
        in_rows: bool = True,
    ) -> None:
        super().__init__(theme, title, parent=parent)
        self._in_rows = in_rows
        self.bar = ProgressBar()
        self.bar.setAccessibleName(title)
        self.bar.show_progress(0, 0)
        self.counts = labels.Label(" ", labels.Look.DIM)
        self.add_widget(self.bar)
        self.add_widget(self.counts)
        self.cancel_button = push_button(theme, "Cancel", self.reject)
        self.cancel_button.setEnabled(can_cancel)
        self.cancel_button.setVisible(can_cancel)
        self.set_buttons([self.cancel_button])

    def show_progress(self, done: int, total: int) -> None:
        self.bar.show_progress(done, total)
        if total and self.cancel_button.isEnabled():
            part = f"{percent(done, total)} of the work"
            self.counts.setText(f"{done:,} of {total:,}" if self._in_rows else part)

    def reject(self) -> None:
        if self.cancel_button.isEnabled():
            self.cancel_button.setEnabled(False)
            self.counts.setText("Stopping…")
            self.cancelled.emit()


Door = tuple[str, Callable[[], object] | Path]
"""What a person can do next: the words of a button, and what it does when the dialog has closed; or the file
whose folder it shows, to look at which closes nothing.
"""


class ErrorDialog(Dialog):
    """What did not work, a sentence about it, and `doors`."""

    def __init__(
        self,
        theme: Theme,
        sentence: str,
        parent: QWidget | None = None,
        *,
        title: str = "That did not work",
        doors: Sequence[Door] = (),
    ) -> None:
        super().__init__(theme, title, sentence, icon=Icon.ERROR_FILL, tone=Tone.BAD, parent=parent)
        buttons = [push_button(theme, words) for words, _ in doors]
        self._told: labels.Label | None = None
        for button, (_, act) in zip(buttons, doors, strict=True):
            if isinstance(act, Path):
                button.clicked.connect(partial(self._show_folder, act.absolute()))
            else:
                button.clicked.connect(self.accept)
                button.clicked.connect(act)
        self.set_close_button(left=buttons)

    def _show_folder(self, path: Path) -> None:
        if show_folder(path):
            return
        if self._told is None:
            self._told, said = labels.Label("", wrap=True, selectable=True), QWidget()
            labels.in_row(
                (self._told, 1), copy_button(self.theme, "Copy path", lambda: str(path)), within=said
            )
            self.add_said(said)
            said.show()
        self._told.setText(f"{NO_PROGRAM} The file is {visible(str(path))}")
        announce(self._told, self._told.text())


class BugDialog(Dialog):
    """Something nobody expected, with its details to copy.

    `details` must already be free of secrets; the caller redacts.
    """

    def __init__(self, theme: Theme, details: str, parent: QWidget | None = None) -> None:
        super().__init__(
            theme,
            "This is a mistake in Tenant Admin",
            "The last action may have been done in part or not at all; look at what it was to change before "
            "you repeat it. Please report these details; they hold no secrets.",
            icon=Icon.BUG,
            tone=Tone.BAD,
            parent=parent,
        )
        self.setMinimumWidth(620)
        self.text = labels.text_box(theme, "Details", details)
        self.text.setMinimumHeight(220 if self._room.height() > 480 else 96)  # else all of it would scroll
        self.add_widget(self.text, 1)
        self.copy_button = copy_button(theme, "Copy details", lambda: details)
        self.set_close_button(left=[self.copy_button])


def stand_beside(dialog: QDialog) -> None:
    """Shows it as a window of its own, which may go behind the one that it is of, and goes with it."""
    dialog.setWindowFlags(Qt.WindowType.Window | Qt.WindowType.WindowCloseButtonHint)
    dialog.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
    dialog.create()  # by `winId()` all parts of the window behind it would become windows of the system, too
    dialog.windowHandle().setTransientParent(None)  # type: ignore[arg-type] # else it is always on top
    dialog.show()
    place = dialog.geometry()
    top = dialog.screen().availableGeometry().top() + AROUND - EDGE  # Qt leaves its frame no room there
    if place.top() < top:
        place.moveTop(top)
        dialog.setGeometry(place)
    dialog.activateWindow()


def hear_keys(dialog: QDialog, parent: QWidget) -> None:
    """Has it heed those keys of its window that are for dialogs, too: a modal one keeps all others away."""
    dialog.addActions([action for action in parent.window().actions() if action.property(IN_DIALOGS)])


def keys_of(dialog: QDialog) -> list[tuple[str, str]]:
    """What each key does in it, as a person reads both: with the answers first, then what has a letter."""
    buttons = [one for one in dialog.findChildren(QPushButton) if one.isVisible()]
    main = next((without_mnemonic(one.text()) for one in buttons if one.isDefault() and one.isEnabled()), "")
    leave = getattr(dialog, "cancel_button", None) or getattr(dialog, "close_button", None)
    keys = (
        [("Enter", main), ("Enter on a button", "That button")]
        if main
        else [("Enter", "The button it is on")]
    )
    if any(one.key() == QKeySequence("Ctrl+Return") for one in dialog.findChildren(QShortcut)):
        keys.append(("Ctrl+Enter", main))
    keys.append(("Esc", without_mnemonic(leave.text()) if leave is not None else "Close"))
    for one in dialog.findChildren(QAbstractButton):
        if one.isVisible() and not one.shortcut().isEmpty():
            keys.append((_native(one.shortcut()), without_mnemonic(one.text()) or one.accessibleName()))
    for action in dialog.actions():
        if not action.shortcut().isEmpty():
            keys.append((_native(action.shortcut()), without_mnemonic(action.text())))
    return keys


def _native(keys: QKeySequence) -> str:
    return keys.toString(QKeySequence.SequenceFormat.NativeText)
