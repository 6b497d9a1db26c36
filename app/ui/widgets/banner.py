"""What was just done, and how things stand: toast and banner."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QHideEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QProgressBar, QPushButton, QSizePolicy, QWidget
from shiboken6 import isValid

from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import SHORT, give_way, missing_words, push_button, tool_button
from app.ui.widgets.formatting import tooltip
from app.ui.widgets.labels import (
    ElidedLabel,
    FoldedLabel,
    IconLabel,
    Label,
    Look,
    add_layout,
    direction,
    in_column,
    in_row,
    keep_room,
    lines_of,
    set_tip,
)
from app.ui.widgets.tab_order import LentFocus

SHOWN_MS = 8000
WAIT_SAID_MS = 600
STOP_WAITING, UNDO = "Stop waiting", "Undo"
LEAST_SAID = 120
"""Points of its words that what comes and goes in a status bar keeps beside the others."""

_MOST_SAID = 300
"""Characters of what a toast says; it shows fewer yet."""
_LONG_NAME = 24
"""Letters that of a name are shown at the least."""
_IN_DIALOG = 36
"""The height in pixels of a toast where no status bar gives it one."""

_BORDER = 1
"""Pixels around a card."""

_BEHIND = 5
"""Pixels between a headline and the rest of its line."""

_APART = 4, 8
"""Pixels more behind the icon of a banner, and before its buttons."""

_VERDICT = 280
"""The width in pixels that a verdict has at the least before buttons lose their words."""

_FEWEST = 12
"""Fewer letters than these behind a headline say nothing."""

LOW = 600
"""The height in pixels below which a window has rows to lose."""


class ProgressBar(QProgressBar):
    """How far something is; a `total` of 0 means that nobody knows."""

    def __init__(self) -> None:
        super().__init__(textVisible=False)
        self.setAccessibleName("How far it is")

    def show_progress(self, done: int, total: int) -> None:
        self.setUpdatesEnabled(False)  # else Qt paints it at once, and with it all that has just been changed
        self.setRange(0, 100 if total else 0)  # which a screen reader says, and reads as percent
        if total:
            self.setValue(min(100, done * 100 // total))
        self.setUpdatesEnabled(True)


class WaitLine(QWidget):
    """What a person waits for, and a button that ends the wait. It goes when that is said no more.

    `shown(on)` when it comes and goes.
    """

    shown = Signal(bool)

    def __init__(self, theme: Theme, *, wrap: bool = False) -> None:
        super().__init__()
        self._end: Callable[[], object] = lambda: None
        self.label = Label(look=Look.WARN, wrap=True) if wrap else ElidedLabel(look=Look.WARN)
        self.label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.cancel_button = push_button(theme, STOP_WAITING, self._cancel)
        self.cancel_button.setAutoDefault(False)  # Return is meant for what had the focus before
        in_row((self.label, 1), self.cancel_button, within=self)
        self._timer = QTimer(self, singleShot=True, interval=WAIT_SAID_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def say(self, text: str, end: Callable[[], object]) -> None:
        """Says it for a moment; `end()` when the button is pressed."""
        self._end = end
        self.label.setText(text)
        self.cancel_button.setEnabled(not self.isVisible() or self.cancel_button.isEnabled())
        self.show()
        self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        announce(self, self.label.text())
        self.shown.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shown.emit(False)

    def _cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self._end()


class _Said(ElidedLabel):
    """A sentence, of which a long name is shortened in its middle, and nothing else but the end. One that has
    no room in its line takes a second one below it, for as long as it is said.
    """

    _settles: QTimer | None = None

    def __init__(self) -> None:
        super().__init__(least=LEAST_SAID)
        self._settles = QTimer(self, singleShot=True, interval=0)  # a bar gives its parts their room in steps
        self._settles.timeout.connect(self._take_lines)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._settle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def _settle(self) -> None:
        if self._settles is not None:
            self._settles.start()

    def give_line_back(self) -> None:
        if self._settles is not None:
            self._settles.stop()
        self.setMinimumHeight(0)

    def _take_lines(self) -> None:
        """No more than it needs: what is above has less room meanwhile."""
        lines = len(self.lines()) if self.contentsRect().width() >= LEAST_SAID else 1
        self.setMinimumHeight(lines * self.fontMetrics().lineSpacing() if lines > 1 else 0)

    def lines(self) -> Sequence[str]:
        """What there is room for, in two lines."""
        text, metrics, room = self._shortened(), self.fontMetrics(), self.contentsRect().width()
        if metrics.horizontalAdvance(text) <= room:
            return [text]
        first, *rest = lines_of(text, self.font(), max(room, 1))
        return [first, metrics.elidedText("".join(rest), Qt.TextElideMode.ElideRight, room)]

    def shown(self) -> str:
        return "".join(self.lines())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, room, high = QPainter(self), self.contentsRect(), self.fontMetrics().lineSpacing()
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setLayoutDirection(direction(self.text()))
        lines = self.lines() if room.height() >= 2 * high else [self._in_one()]
        if len(lines) > 1:  # else Qt puts it in the middle, as that of the buttons beside it
            room.adjust(0, (room.height() - len(lines) * high) // 2, 0, 0)
            room.setHeight(high)
        for words in lines:
            painter.drawText(room, self.alignment(), words)
            room.translate(0, high)
        painter.end()

    def _in_one(self) -> str:
        room = self.contentsRect().width()
        return self.fontMetrics().elidedText(self._shortened(), Qt.TextElideMode.ElideRight, room)

    def _tip(self) -> None:
        cut = self.shown() != self.text()
        self.setToolTip(tooltip(self.text()) if cut else "")
        self.setAccessibleDescription("Shortened on the screen" if cut else "")

    def _shortened(self) -> str:
        text, metrics, room = self.text(), self.fontMetrics(), self.contentsRect().width()
        over = metrics.horizontalAdvance(text) - room
        longest = max(text.split(" "), key=len)
        if over > 0 and len(longest) > _LONG_NAME:
            wide = metrics.horizontalAdvance(longest)
            least = metrics.averageCharWidth() * _LONG_NAME
            short = metrics.elidedText(longest, Qt.TextElideMode.ElideMiddle, max(wide - over, least))
            text = text.replace(longest, short, 1)
        return text


class Toast(QFrame):
    """One per window, a line in its status bar, where it stands over nothing, or two where that has no room
    for all of it; what these cannot hold is shortened. In a dialog it has several lines.

    It goes by itself, but not while the mouse is over it or the keyboard in it. It never takes the focus.
    Screen readers hear it as an announcement. `changed()` when it comes, goes, or is of another width;
    `said()` when it says something; `over()` when nothing of it is said any more. One within a dialog is the
    `echo` of the window's, which is not shown as long as that one is: they go together, the dialog's is not
    announced, and a dialog that closes gives what it says back to the window.
    """

    changed = Signal()
    said = Signal()
    over = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, echo: "Toast | None" = None) -> None:
        super().__init__(parent)
        self.setProperty("toast", True)
        self._echoes = echo
        self._of_place = self._is_lent = False
        self._undoes = ""
        """What can still be undone, where something else was said since."""
        self.label = FoldedLabel() if echo is not None else _Said()
        wraps = self.label.sizePolicy()
        wraps.setHorizontalPolicy(QSizePolicy.Policy.Maximum)
        self.label.setSizePolicy(wraps)
        self.action_button = push_button(theme, UNDO, self._press)
        self.other_button = push_button(theme, "", self._press_other)
        self.close_button = tool_button(theme, Icon.CLOSE, "Dismiss", self.dismiss, colour="on_tip")
        parts = (self.label, self.other_button, self.action_button, self.close_button)
        above = 0 if echo is None else 4
        in_row(*parts, within=self, margins=(12, above, 4, above), spacing=12)
        place = QSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        if echo is not None:
            place.setRetainSizeWhenHidden(True)  # so that nothing moves when it goes
            place.setVerticalPolicy(QSizePolicy.Policy.Preferred)
            place.setHeightForWidth(True)
            self.setMinimumHeight(_IN_DIALOG)
            echo.over.connect(self.hide)
        self.setSizePolicy(place)
        self._act: Callable[[], object] = lambda: None
        self._other: Callable[[], object] = lambda: None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._expire)
        self._lent = LentFocus(self)
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def show_message(
        self,
        text: str,
        action: str = "",
        act: Callable[[], object] = lambda: None,
        *,
        other: tuple[str, Callable[[], object]] = ("", lambda: None),
        of_place: bool = False,
        beside: bool = False,
    ) -> None:
        """Say `text` instead of what it said; `action` ("Undo") is a button, which calls `act`, and so is the
        `other`. What is true only `of_place`, where the person is now, goes when they leave it. `Beside`
        what can still be undone it stands before that, whose buttons stay.
        """
        told = text
        if len(text) > _MOST_SAID:  # a name of any length within: what was done to it stands at the end
            text = f"{text[: _MOST_SAID // 2]}…{text[-_MOST_SAID // 2 :]}"
        can_undo = (not self.isHidden() or self._is_lent) and self.action_button.text() == UNDO
        if beside and can_undo:
            self._undoes = self._undoes or self.label.text()
            text, action, act = f"{text} · {self._undoes}", UNDO, self._act
            other = self.other_button.text(), self._other
        else:
            self._undoes = ""
        self._act, self._of_place = act, of_place and not self._undoes
        also, self._other = other
        self.label.setText(text)
        text = self.label.text()  # which a label can show
        self.setAccessibleName(text)
        for button, words in ((self.action_button, action), (self.other_button, also)):
            button.setText(words)
            button.setAccessibleName(words)
            button.setVisible(bool(words))
        self._is_lent = False
        self.show()
        self.changed.emit()
        self._timer.start(SHOWN_MS)
        if self._echoes is None:
            announce(self, told if self._undoes else text)
        self.said.emit()

    @property
    def _of(self) -> "Toast | None":
        """The window's, which may go before a dialog does."""
        return self._echoes if self._echoes is not None and isValid(self._echoes) else None

    def leave_place(self) -> None:
        """The person is elsewhere now."""
        if self._of_place:
            self.dismiss()

    def dismiss(self) -> None:
        """Says it no more, here or in a dialog."""
        self._is_lent = False
        self._timer.stop()
        self._lent.give_back()
        self.hide()
        self.over.emit()
        if (of := self._of) is not None:
            of.dismiss()

    def echo(self) -> None:
        """Says what the window's does, in its place."""
        of = self._of
        if of is not None and not of.isHidden():
            other = of.other_button.text(), of.other_button.click
            self.show_message(of.label.text(), of.action_button.text(), of.action_button.click, other=other)
            of.lend()

    def fits(self, width: int, lines: int) -> bool:
        """Whether all that it says goes into so many lines, where it is as wide."""
        beside = self.sizeHint().width() - self.label.sizeHint().width()
        return not isinstance(self.label, FoldedLabel) or self.label.fits(width - beside, lines)

    def fold_to(self, lines: int) -> None:
        """Says it in so many lines at most."""
        if isinstance(self.label, FoldedLabel):
            self.label.fold_to(lines)

    def lend(self) -> None:
        """Another one says it."""
        self._is_lent = True
        self._timer.stop()
        self.hide()

    def take_back(self) -> None:
        """Says it again, where it is not over."""
        if self._is_lent:
            self._is_lent = False
            self.show()
            self.changed.emit()
            self._timer.start(SHOWN_MS // 2)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self.isVisible():
            self._timer.start(SHOWN_MS // 2)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        of = self._of
        if of is not None and not self.isHidden() and not event.spontaneous():  # its dialog was closed
            self.hide()
            of.take_back()
        if isinstance(self.label, _Said):
            self.label.give_line_back()
        self.changed.emit()

    def _expire(self) -> None:
        if self.isAncestorOf(self.window().focusWidget() or self.window()):
            self._timer.start(SHOWN_MS // 2)
        else:
            self.dismiss()

    def _press(self) -> None:
        act = self._act
        self.dismiss()
        act()

    def _press_other(self) -> None:
        act = self._other
        self.dismiss()
        act()


_ICONS = {
    Tone.NEUTRAL: Icon.INFO,
    Tone.ACCENT: Icon.INFO_FILL,
    Tone.OK: Icon.SHIELD_OK,
    Tone.WARN: Icon.WARNING_FILL,
    Tone.BAD: Icon.SHIELD_BAD,
}


_DASH = "— "
"""What a rest begins with, right behind its headline."""


class Banner(QFrame):
    """How things stand: icon, bold headline, plain rest on the same line ("— 184,220 entries verified"), dim
    detail below, and buttons at the right. Where the headline does not fit in one line, or rest or detail in
    two, "More" shows the whole of them, in the place of the buttons where there is little room; in a low
    window the first line is all until then. Or how far a long work is, with a Cancel button, which emits
    `cancelled` and disables itself until the next verdict.

    Screen readers hear its first line when it comes, and when it says something else in sight. Of a `steady`
    one, which is always there, its coming is no news.
    """

    cancelled = Signal()
    lowered = Signal(bool)
    """The window has become low, or is no more."""

    def __init__(self, theme: Theme, *, steady: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone, self._low, self._steady = Tone.NEUTRAL, False, steady
        self._news = self._heard = self._told = ""
        self._announced = QTimer(self, singleShot=True, interval=0)  # once, when all of it has been set
        self._announced.timeout.connect(self._announce)
        self._buttons = QWidget()
        self._shrinking: list[QPushButton] = []
        self.setProperty("card", True)
        self._icon = IconLabel(theme, 24)
        self._headline = FoldedLabel(look=Look.STRONG, most=1, even=True)
        wraps = self._headline.sizePolicy()
        wraps.setHorizontalPolicy(QSizePolicy.Policy.Preferred)
        self._headline.setSizePolicy(wraps)
        self._rest = FoldedLabel(fewest=_FEWEST)
        keep_room(self._rest)
        self._detail = FoldedLabel(look=Look.DIM, even=True)
        self.more_button = push_button(theme, "More", kind=Kind.FLAT)
        self.more_button.setProperty("small", True)
        self.more_button.setCheckable(True)
        self.more_button.hide()
        self.more_button.toggled.connect(self._unfold)
        self._name_more()
        self._bar = ProgressBar()
        self._bar.hide()
        self.cancel_button = push_button(theme, "Cancel", self._cancel)
        self.cancel_button.hide()

        self._line = in_row(self._headline, (self._rest, 1), spacing=_BEHIND)
        self._line.setAlignment(self._headline, Qt.AlignmentFlag.AlignTop)
        self._words = in_column(None, self._line, self._detail, self._bar, None, spacing=3)
        self._row = in_row(within=self, margins=(16, 8, 10, 8))
        self._row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        self._row.addSpacing(_APART[0])
        add_layout(self._row, self._words, 1)
        self._row.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignBottom)
        self._row.addSpacing(_APART[1])
        self._row.addWidget(self.cancel_button)
        self._row.addWidget(self._buttons)
        self._ends = in_row(within=self._buttons)
        self._main: QWidget | None = None
        self._buttons.hide()
        self._keep_height()

    def add_button(self, button: QWidget, *, shrinks: bool = False) -> None:
        """Put `button` at the right end, where it is hidden while progress shows; the main one stays the
        last, as in dialogs.

        What shrinks is a QPushButton with an icon, or with short words that it keeps. It loses its words
        where the banner's own would be cut; icon, tool tip and accessible name stay.
        """
        if self._main is None or button.property("kind") == Kind.PRIMARY:
            self._ends.addWidget(button)
        else:
            self._ends.insertWidget(self._ends.indexOf(self._main), button)
            button.stackUnder(self._main)
        if button.property("kind") == Kind.PRIMARY:
            self._main = button
        self._buttons.setVisible(not self.is_busy())
        if shrinks and isinstance(button, QPushButton):
            self._shrinking.append(button)

    def let_shrink(self, button: QPushButton) -> None:
        """One that is a part of what was added."""
        self._shrinking.append(button)

    def headline(self) -> str:
        """The bold line and what follows it, as a user reads it."""
        rest = "" if self.is_busy() else self._told
        return " ".join(filter(None, (self._headline.text(), rest)))

    def detail(self) -> str:
        """The dim line, or how far the work is."""
        return self._rest.text() if self.is_busy() else self._detail.text()

    def tone(self) -> Tone:
        return self._tone

    @property
    def is_low(self) -> bool:
        """Whether its first line is all of it."""
        return self._low

    def is_busy(self) -> bool:
        return not self._bar.isHidden()

    def show_verdict(
        self,
        tone: Tone,
        headline: str,
        rest: str = "",
        detail: str = "",
        icon: str | None = None,
        *,
        news: str = "",
    ) -> None:
        """`news` is what is heard in place of the first line, where that is not what is new."""
        self._set(tone, icon or _ICONS[tone], headline, rest, detail, busy=False, news=news)

    def show_progress(self, headline: str, done: int, total: int, detail: str = "") -> None:
        """Say how far a long work is; `total` 0 means that nobody knows, `detail` carries the rate."""
        if not self.is_busy():
            self.cancel_button.setEnabled(True)
        # The bar takes the place of the dim line: the banner stays as high, and nothing below it moves.
        self._set(Tone.ACCENT, Icon.RUNNING, headline, detail, "", busy=True)
        self._bar.show_progress(done, total)

    def forget(self) -> None:
        """It is gone: should it come again, that is news, though it says the same."""
        self._heard = ""

    def _set(
        self, tone: Tone, icon: str, headline: str, rest: str, detail: str, *, busy: bool, news: str = ""
    ) -> None:
        if (tone is Tone.BAD) != (self._tone is Tone.BAD):
            for part in (self, self._detail):
                set_property(part, "alarm", tone is Tone.BAD)
        # What one reads on stays open while it says how long ago that was, or how much of it is new.
        stays = not busy and (tone, headline) == (self._tone, self._headline.text())
        self._tone = tone
        self._icon.show_icon(icon, tone)
        self._headline.setText(headline)
        self._told = rest
        self._say_rest()
        self._rest.setVisible(bool(rest))
        self._detail.setText(detail)
        self.more_button.setChecked(self.more_button.isChecked() and stays)
        self._name_more()
        self._show_detail()
        self._bar.setVisible(busy)
        self._bar.setAccessibleName(headline)
        self.cancel_button.setVisible(busy)
        self._buttons.setVisible(self._ends.count() > 0 and not busy)
        if self.more_button.isChecked():
            self._unfold(True)
        self.setAccessibleName(self.headline())
        self.setAccessibleDescription(self.detail())
        self._news = news
        self._hear(is_news=self.isVisible())

    def _hear(self, *, is_news: bool) -> None:
        if is_news:
            self._announced.start()
        elif self._steady:
            self._heard = self._what_is_new()

    def _what_is_new(self) -> str:
        """What makes it worth saying: how long ago something was, or how far it is, does not."""
        return f"{self._tone.value} {self._headline.text()} {self._news}"

    def _announce(self) -> None:
        new = self._what_is_new()
        if self.isVisible() and self._headline.text() and new != self._heard:
            self._heard = new
            words = self._headline.text() if self.is_busy() else self._news or self.headline()
            announce(self, words, at_once=self._tone is Tone.BAD and not self._news)

    def event(self, event: QEvent) -> bool:
        shares = event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.Resize}
        if shares:
            self._share_width()
        done = super().event(event)
        if shares:
            self._stand()
            # Its own button takes no word away for which there is room without it.
            own = 0 if self.more_button.isHidden() else self.more_button.width() + self._row.spacing()
            headline, rest, detail_ = (
                label.is_long_at(label.width() + own) for label in (self._headline, self._rest, self._detail)
            )
            detail = bool(self._detail.text()) and (self._low or detail_)
            cut = headline or rest
            unfolded = self.more_button.isChecked()
            self.more_button.setVisible(cut or detail or unfolded)
            hidden = self._headline.is_long and not unfolded
            set_tip(self._headline, self._headline.text() if hidden else "")
        return done

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.window().installEventFilter(self)
        self._leave_room()
        self._hear(is_news=not self._steady)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._leave_room()
        return super().eventFilter(watched, event)

    def _leave_room(self) -> None:
        """One line where the window is low, so that rows are seen below it."""
        low = self.window() is not self and self.window().height() < LOW
        if low != self._low:
            self._low = low
            self._headline.fold_to(2 if low else 1)  # two lines of a low banner take no more than its buttons
            self._rest.fold_to(1 if low else 2)
            self._row.setContentsMargins(16, 4 if low else 8, 10, 4 if low else 8)
            self._row.setSpacing(4 if low else 8)
            self._ends.setSpacing(6 if low else 8)
            self._keep_height()
            self._show_detail()
            self.lowered.emit(low)

    def _keep_height(self) -> None:
        """A `steady` one is as high for a detail of one line or none as for two: nothing below it moves."""
        line = self._detail.fontMetrics().lineSpacing()
        lines = 2 * _BORDER + 16 + 2 * 3 + 3 * line if self._steady else 0
        self.setMinimumHeight(44 if self._low else max(54, lines))

    def _show_detail(self) -> None:
        in_one_line = self._low and not self.more_button.isChecked()
        self._detail.setVisible(bool(self._detail.text()) and not in_one_line)
        middle = Qt.AlignmentFlag.AlignVCenter
        self._line.setAlignment(self._headline, middle if in_one_line else Qt.AlignmentFlag.AlignTop)
        self._row.setAlignment(self.more_button, middle if in_one_line else Qt.AlignmentFlag.AlignBottom)

    def _unfold(self, on: bool) -> None:
        self.more_button.setText("Less" if on else "More")
        self._name_more()
        room, at_the_end = self._words.geometry().width(), self._buttons.width() + self._row.spacing()
        alone = on and room < _VERDICT and not self._buttons.isHidden()
        self._buttons.setHidden(alone or self.is_busy() or not self._ends.count())
        self._put_below(on and self._in_one_line() > room + alone * at_the_end)
        for label in (self._headline, self._rest, self._detail):
            label.unfold(on)
        self._show_detail()

    def _own_room(self) -> int:
        """What "More" takes of the row."""
        return self.more_button.sizeHint().width() + self._row.spacing()

    def _in_one_line(self) -> int:
        """The width of headline and rest beside each other."""
        width = self._rest.fontMetrics().horizontalAdvance(self._told)
        return self._headline.sizeHint().width() + max(width, self._rest.sizeHint().width()) + _BEHIND

    def _put_below(self, on: bool) -> None:
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        if on != (self._line.direction() == down):
            self._line.setDirection(down if on else across)
            self._line.setSpacing(3 if on else _BEHIND)
            self._say_rest()

    def _say_rest(self) -> None:
        """In a line of its own it goes on without a dash."""
        is_below = self._line.direction() == QBoxLayout.Direction.TopToBottom
        said = self._told.removeprefix(_DASH) if is_below else self._told
        if said != self._rest.text():
            self._rest.setText(said)

    def _stand(self) -> None:
        """The rest is a line of its own where that is enough: a second line beside the headline would begin
        at another place than all below it.
        """
        if not self.more_button.isChecked():
            own = self._own_room()
            room = self._words.geometry().width() + (0 if self.more_button.isHidden() else own)
            if self._detail.is_long_at(room):  # else its coming and going would be what it comes and goes by
                room -= own
            below = self._rest.fontMetrics().horizontalAdvance(self._told.removeprefix(_DASH)) + 1
            has_line = not self._low and not self.is_busy() and below <= room
            self._put_below(has_line and self._in_one_line() > room)

    def _name_more(self) -> None:
        """Its one word says neither of what nor that nothing but words comes."""
        less = self.more_button.isChecked()
        of = f": {self._headline.text()}" if self._headline.text() else ""
        self.more_button.setAccessibleName(f"{self.more_button.text()} of this notice{of}")
        self.more_button.setToolTip("Show its beginning alone" if less else "Show all that this notice says")

    def _share_width(self) -> None:
        """Words on the buttons, the first of them before the others, where there is room for a verdict beside
        them, however long this one is: they do not come and go with it.
        """
        shrinking = [button for button in self._shrinking if not button.isHidden()]
        if not shrinking or self.is_busy():
            return
        # Not what the row asks for: "More" would come and go with the words that it takes from the buttons.
        # In a low window nearly all have it, so that all go by its room.
        around = self._row.contentsMargins()
        others = around.left() + around.right() + self._icon.width() + sum(_APART) + 2 * self._row.spacing()
        others += self._buttons.sizeHint().width() + (self._own_room() if self._low else 0)
        wanted = others + _VERDICT + sum(map(missing_words, shrinking))
        give_way(wanted, self.width(), shrinking)
        for button in shrinking:
            button.setToolTip("" if button.text() else str(button.property("words")))
            if button.text() and button.text() == button.property(SHORT):  # and leave the verdict its room
                button.setIconSize(QSize(0, 0))

    def _cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self._told = "Stopping…"
        self._say_rest()
        self._rest.show()
        self.cancelled.emit()
