"""Buttons, and chips: a status as a word on a tinted pill."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, SignalInstance
from PySide6.QtGui import QAction, QCursor, QMouseEvent, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QCheckBox,
    QFrame,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets.clipboard import copy_text
from app.ui.widgets.formatting import EMPTY, first_line, grouped
from app.ui.widgets.labels import IconLabel, Label, Look, bounded, high_by_width, in_row, lines_of, set_tip

_COLOURS = {
    Kind.PRIMARY: "on_accent",
    Kind.DANGER: "on_bad",
    Kind.OUTLINED: "bad",
    Kind.FLAT: "accent",
    Kind.SECONDARY: "text",
}

BESIDE_WORDS = QSize(20, 16)
"""The size of an icon with words behind it: wider than it is, as the style leaves too little room."""


Handler = Callable[..., object] | SignalInstance | None
"""What a button does, if that is known when it is made."""


def push_button(
    theme: Theme,
    text: str,
    run: Handler = None,
    *,
    kind: Kind = Kind.SECONDARY,
    icon: str | None = None,
    tip: str = "",
) -> QPushButton:
    """`kind` says what it is for, `tip` is plain text of ours (never data)."""
    button = QPushButton(text)
    button.setProperty("kind", kind.value)
    button.setAutoDefault(False)
    button.setAccessibleName(text.replace("&", ""))
    button.setToolTip(tip)
    if text:
        button.setIconSize(BESIDE_WORDS)
    if icon is not None:
        button.setIcon(theme.icon(icon, _COLOURS[kind]))
    if run is not None:
        button.clicked.connect(run)
    return button


def give_menu(button: QPushButton, menu: QMenu) -> None:
    """What a button with words opens; the sign for it stands behind them."""
    button.setProperty("opens", True)
    button.setMenu(menu)


def set_kind(theme: Theme, button: QPushButton, kind: Kind, icon: str) -> None:
    """What a button with an icon is for from now on."""
    set_property(button, "kind", kind.value)
    button.setIcon(theme.icon(icon, _COLOURS[kind]))


class ElidedButton(QPushButton):
    """A push button with an icon, which shortens its words where there is little room for them; all of them
    are in the tool tip then.
    """

    def __init__(self, theme: Theme, words: str, icon: str | None, kind: Kind = Kind.SECONDARY) -> None:
        super().__init__()
        self.setProperty("kind", kind.value)
        self.setAutoDefault(False)
        self.setIconSize(BESIDE_WORDS)
        if icon is not None:
            self.setIcon(theme.icon(icon, "text"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_words(words)

    def set_words(self, words: str, tip: str = "") -> None:
        """Other words, and a plain `tip` that says more than they do."""
        self._words, self._tip = words, tip
        self.setText(words.replace("&", "&&"))
        self._say_whole()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._around() + self.fontMetrics().horizontalAdvance("MMM…"), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._say_whole()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.shown() == self._words:
            super().paintEvent(event)
            return
        from PySide6.QtWidgets import QStyle, QStyleOptionButton, QStylePainter  # noqa: PLC0415 - late: slow

        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.shown().replace("&", "&&")
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)

    def shown(self) -> str:
        """As many of the words as there is room for."""
        room = self.width() - self._around()
        fits = self.width() >= self.sizeHint().width()
        elided = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, room)
        return self._words if fits else elided

    def _say_whole(self) -> None:
        cut = "" if self.shown() == self._words else self._words
        set_tip(self, "\n".join(filter(None, (cut, self._tip))))

    def _around(self) -> int:
        return self.sizeHint().width() - self.fontMetrics().horizontalAdvance(self._words)


def tool_button(
    theme: Theme, icon: str, name: str, run: Handler = None, *, colour: str = "dim"
) -> QToolButton:
    """A small button that is only an icon; `name` is its tool tip and accessible name."""
    button = QToolButton()
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setProperty("small", True)
    button.setIconSize(QSize(16, 16))
    button.setIcon(theme.icon(icon, colour))
    if run is not None:
        button.clicked.connect(run)
    return button


def one_of_icons(theme: Theme, icon: str, name: str, run: Handler) -> QPushButton:
    """One of several beside each other that are only an icon, and of which one is chosen. A screen reader
    says so, as it does of no tool button: those are boxes to tick.
    """
    button = push_button(theme, "", run, icon=icon, tip=name)
    button.setIcon(theme.icon(icon, "dim"))
    button.setProperty("kind", "icon")
    button.setAccessibleName(name)
    button.setIconSize(QSize(16, 16))
    button.setCheckable(True)
    button.setAutoExclusive(True)
    return button


def lead_to_chosen(buttons: Sequence[QPushButton]) -> None:
    """Tab leads to the one of them that is chosen, and arrows from there, as in any bar of tabs. Qt does it
    when one has had the focus; before, each would be a stop.
    """

    def lead(chosen: QPushButton) -> None:
        for button in buttons:
            is_stop = button is chosen
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if is_stop else Qt.FocusPolicy.ClickFocus)

    for button in buttons:
        button.toggled.connect(lambda on, button=button: lead(button) if on else None)


BUTTON = 32


def framed_button(action: QAction) -> QToolButton:
    """A square button with the icon of an action, which it follows."""
    button = QToolButton()
    button.setProperty("framed", True)
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setFixedSize(BUTTON, BUTTON)
    return button


SHORT, KEEPS = "short", "keeps"
"""The properties of a button that say what it is called where there is no room for all of its words, and that
it is called so however little room there is, after all others have lost theirs.
"""


def share_words(row: QBoxLayout, room: int, buttons: Sequence[QPushButton]) -> None:
    """Lets `buttons` of a row, the last of them first, lose their words where it is wider than `room`.

    Only those with an icon do; it stays, and so do tool tip and accessible name. One that has `SHORT` words
    keeps these, if they fit.
    """
    give_way(row.minimumSize().width() + sum(map(missing_words, buttons)), room, buttons)


def give_way(wanted: int, room: int, buttons: Sequence[QPushButton]) -> None:
    """Lets `buttons`, the last of them first, lose words until what is `wanted` with all of them fits: first
    such as have short ones lose the rest, and only then one after the other all; at last those that keep
    their short ones lose the rest.
    """
    takes = {button: room_of_words(button) for button in buttons}
    words = {button: str(button.property("words") or "") for button in buttons}
    for only_to_short, keep in ((True, False), (False, False), (True, True)):
        for button in (one for one in reversed(buttons) if bool(one.property(KEEPS)) is keep):
            said = str(button.property(SHORT) or "") if only_to_short else ""
            stays = button.isHidden() or not (said if only_to_short else not button.icon().isNull())
            if wanted > room and not stays:
                wanted += button.fontMetrics().horizontalAdvance(said) - takes[button]
                takes[button], words[button] = button.fontMetrics().horizontalAdvance(said), said
    for button in buttons:
        show_words(button, words[button])


def room_of_words(button: QPushButton) -> int:
    """How much less room a button with an icon takes, or would take, without its words."""
    text = button.text()
    if text and text != button.property(SHORT):
        button.setProperty("words", text)
        button.setProperty("wide", button.sizeHint().width())
    return button.fontMetrics().horizontalAdvance(str(button.property("words") or ""))


def missing_words(button: QPushButton) -> int:
    """How much more room it would take with all of its words."""
    if button.isHidden() or (button.text() and button.text() != button.property(SHORT)):
        return 0
    wide = button.sizeHint().width()
    return int(button.property("wide") or wide) - wide


def set_words(button: QPushButton, words: str) -> None:
    """What it says from now on, where there is room for it."""
    if not button.text() or button.text() != button.property(SHORT) or button.property("words") != words:
        button.setText(words)


def show_words(button: QPushButton, words: str) -> None:
    """Shows these of the words that `room_of_words` has met, or none."""
    if button.text() != words:
        button.setText(words)
        button.setIconSize(BESIDE_WORDS if words else QSize(16, 16))


def field_icons(theme: Theme, field: QLineEdit, icon: str) -> None:
    """Give a text field a leading icon and a button that empties it, both in the theme's colours."""
    mark = field.addAction(theme.icon(icon, "dim"), QLineEdit.ActionPosition.LeadingPosition)
    # Not Qt's own button, which is black and looks through the system's icon themes first (6 ms).
    clear = field.addAction(theme.icon(Icon.CLOSE, "dim"), QLineEdit.ActionPosition.TrailingPosition)
    purpose = field.accessibleName() or field.placeholderText()
    mark.setText(purpose)
    clear.setText(f"Clear: {purpose}")
    clear.setToolTip("Clear")
    for button in field.findChildren(QToolButton):  # Qt gives them their actions' texts, but no names
        button.setAccessibleName(button.defaultAction().text())
        button.setAccessibleDescription("")
    clear.setVisible(False)
    clear.triggered.connect(field.clear)
    field.textChanged.connect(lambda text: clear.setVisible(bool(text)))


class SplitButton(QWidget):
    """`main` is the button, a primary one; `arrow` opens `menu`, which the owner fills. `others` names the
    menu for a screen reader.
    """

    def __init__(self, theme: Theme, main: QPushButton, others: str) -> None:
        super().__init__()
        self.main = main
        self.main.setProperty("joined", "left")
        self.arrow = push_button(theme, "", kind=Kind.PRIMARY, icon=Icon.CARET_DOWN, tip=others)
        self.arrow.setProperty("joined", "right")
        self.arrow.setAccessibleName(others)
        self.arrow.setIconSize(QSize(14, 14))
        self.menu = QMenu(self)
        self.menu.setAccessibleName(others)
        self.arrow.setMenu(self.menu)
        in_row(self.main, self.arrow, within=self, spacing=1)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        main.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What cannot be done can be done in no other way either."""
        if event.type() == QEvent.Type.EnabledChange and watched is self.main:
            self.arrow.setEnabled(self.main.isEnabled())
        return super().eventFilter(watched, event)


def copy_button(theme: Theme, text: str, content: Callable[[], str]) -> QPushButton:
    """A push button; `content()` is asked for when it is pressed."""
    return push_button(theme, text, lambda: copy_text(content()), icon=Icon.COPY)


Chip = tuple[str, Tone, str | None]
"""The word, tone and icon of a status."""

_LONGEST, _WORD = 28, 200


class StatusChip(QFrame):
    """A word on a tinted pill. It is never shortened, unless it is none: two of at most 28 characters fit
    beside each other.
    """

    def __init__(
        self, theme: Theme, text: str = "", tone: Tone = Tone.NEUTRAL, icon: str | None = None
    ) -> None:
        super().__init__()
        self._icon, self._word = IconLabel(theme, 14), Label()
        in_row(self._icon, self._word, within=self, margins=(8, 0, 8, 0), spacing=4)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set(text, tone, icon)

    def set(self, text: str, tone: Tone = Tone.NEUTRAL, icon: str | None = None) -> None:
        self._word.setText(first_line(text, _LONGEST) or EMPTY)
        self._icon.setVisible(icon is not None)
        if icon is not None:
            self._icon.show_icon(icon, tone)
        set_property(self._word, "look", Look.TEXT if tone is Tone.NEUTRAL else Look(tone.value))
        set_property(self, "chip", tone.value)

    def text(self) -> str:
        return self._word.text()


@dataclass(frozen=True, slots=True)
class Choice:
    """One to filter by: its key (None is "any"), its word, how many rows it would leave (None: not shown)."""

    key: str | None
    label: str
    count: int | None = None

    @property
    def shown(self) -> str:
        return bounded(self.label, longest=_WORD) or EMPTY

    @property
    def count_text(self) -> str:
        return "" if self.count is None else grouped(self.count)

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.shown, self.count_text)))


_BETWEEN = 8


ENDS = "ends"
"""The property of a button that does what ends something."""


_WIDEST_WORD = 160
"""Pixels that a word of a check box is sure of; one that has no more is broken."""


class CheckBox(QCheckBox):
    """Its `words` go on in another line where one has no room for them."""

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        high_by_width(self)
        self._sizes: dict[str, QSize] = {}
        """Of words that were measured in the font it has now: a form asks for them hundreds of times."""
        self.set_words(words)

    def set_words(self, words: str) -> None:
        self.words = words
        self.setAccessibleName(words)
        self.setText(self._wrapped(self.width()))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return self._around() + self._size_of(self.words) + QSize(1, 0)  # else its own line wraps

    def minimumSizeHint(self) -> QSize:
        widest = max((self._size_of(word).width() for word in self.words.split(" ")), default=0)
        return QSize(self._around().width() + min(widest, _WIDEST_WORD), self.sizeHint().height())

    def heightForWidth(self, width: int) -> int:
        return self._around().height() + self._size_of(self._wrapped(width)).height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        shown = self._wrapped(self.width())
        if shown != self.text():
            self.setText(shown)

    def _around(self) -> QSize:
        return super().sizeHint() - self._size_of(self.text())

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._sizes.clear()
        super().changeEvent(event)

    def _size_of(self, words: str) -> QSize:
        if words not in self._sizes:
            self._sizes[words] = self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, words)
        return self._sizes[words]

    def _wrapped(self, width: int) -> str:
        room = max(width - self._around().width(), _WIDEST_WORD)
        fits = self._size_of(self.words).width() < room  # asked each time that a dialog looks for its height
        lines = (self.words,) if fits else lines_of(self.words, self.font(), room)
        return "\n".join(line.strip() for line in lines).replace("&", "&&")


class Lines(QWidget):
    """Parts beside each other, in several lines where one has no room for all; none stands alone in the last,
    but for the third of three that are no answers.

    What a click there brings under the mouse does nothing that `ENDS` something until the mouse has moved or
    a moment has passed: the second click of two was for what stood there before.
    """

    _parts: Sequence[QWidget] = ()
    _placed: Mapping[QWidget, QRect] = {}
    _at_right = 0
    """How many of the last parts stand at the right end of their line."""
    _clicked: QPoint | None = None
    """Where the mouse was pressed, while it has not moved since."""

    def __init__(self, gap: int = _BETWEEN) -> None:
        super().__init__()
        self._gap = gap
        self._heights: dict[int, int] = {}
        high_by_width(self, QSizePolicy.Policy.Maximum)
        self.setMouseTracking(True)
        self._moment = QTimer(self, singleShot=True)
        self._moment.timeout.connect(self._revive)

    def set_parts(self, parts: Sequence[QWidget], *, at_right: int = 0) -> None:
        """The last `at_right` of them stand at the right end of their line."""
        self._parts, self._at_right = tuple(parts), at_right
        self._heights.clear()
        policy = self.sizePolicy()
        policy.setHorizontalPolicy(QSizePolicy.Policy.Expanding if at_right else QSizePolicy.Policy.Maximum)
        self.setSizePolicy(policy)
        for part in parts:
            put_away = part.isHidden() and part.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
            part.setParent(self)
            part.setHidden(put_away)
            part.raise_()  # heard in this order, whenever it was made
            part.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress:
            self._clicked = QCursor.pos()
        return super().eventFilter(watched, event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._revive()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """It comes here over what does nothing; a hand that clicks twice may tremble."""
        super().mouseMoveEvent(event)
        moved = event.globalPosition().toPoint() - (self._clicked or QPoint())
        if moved.manhattanLength() >= QApplication.startDragDistance():
            self._revive()

    def _revive(self) -> None:
        self._clicked = None
        self._moment.stop()
        for part in self._parts:
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)

    def parts(self) -> Sequence[QWidget]:
        """Those that are to be seen, in order."""
        return [part for part in self._parts if not part.isHidden()]

    def sizeHint(self) -> QSize:
        return self.size_of(self.parts())

    def size_of(self, parts: Sequence[QWidget]) -> QSize:
        """What they take in one line."""
        return self._together([_size_of(part) for part in parts])

    def _together(self, sizes: Sequence[QSize]) -> QSize:
        width = sum(size.width() + self._gap for size in sizes) - self._gap
        return QSize(max(0, width), max((size.height() for size in sizes), default=0))

    def minimumSizeHint(self) -> QSize:
        widest = max((_size_of(part).width() for part in self.parts()), default=0)
        return QSize(widest, self.sizeHint().height())

    def heightForWidth(self, width: int) -> int:
        """Kept while it is in sight: then Qt tells of each part that has changed."""
        known = self._heights.get(width) if self.isVisible() else None
        if known is None:
            known = max((place.bottom() + 1 for place in self._places(width)), default=0)
            self._heights[width] = known
        return known

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # a part has come or gone, or has other words
            self._heights.clear()
            self.updateGeometry()
            self._arrange()
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._heights.clear()
        self.updateGeometry()  # Qt says nothing of parts that come or go meanwhile
        self._arrange()

    def _places(self, width: int) -> list[QRect]:
        """Where the parts stand, in lines of this width."""
        sizes = {part: _size_of(part) for part in self.parts()}  # once each: a layout asks for this often
        lines, taken = list[list[QWidget]](), 0
        for part, size in sizes.items():
            if lines and taken + self._gap + size.width() <= width:
                lines[-1].append(part)
                taken += self._gap + size.width()
            else:
                lines.append([part])
                taken = size.width()
        # Of three acts, one above two would look worse; but an answer does not stand apart from the other.
        at_right = self._parts[len(self._parts) - self._at_right :]
        fewest = 1 if self._at_right else 2
        if len(lines) > 1 and len(lines[-1]) == 1 and len(lines[-2]) > fewest:
            beside = [lines[-2][-1], lines[-1][0]]
            stand_alike = (beside[0] in at_right) == (beside[1] in at_right)
            if stand_alike and self._together([sizes[part] for part in beside]).width() <= width:
                lines[-2:] = [lines[-2][:-1], beside]
        places, top = list[QRect](), 0
        for line in lines:
            whole, left = self._together([sizes[part] for part in line]), 0
            for part in line:
                size = sizes[part].boundedTo(QSize(width, whole.height()))
                spare = width - whole.width() if part in at_right else 0
                places.append(QRect(QPoint(left + spare, top + (whole.height() - size.height()) // 2), size))
                left += size.width() + self._gap
            top += whole.height() + _BETWEEN
        return places

    def _arrange(self) -> None:
        # Asked for where it matters alone: it waits for the screen's own server.
        mouse = None if self._clicked is None else self.mapFromGlobal(QCursor.pos())
        before = self._placed
        self._placed = dict(zip(self.parts(), self._places(self.width()), strict=True))
        for part, place in self._placed.items():
            was = before.get(part, QRect())
            if (
                mouse is not None
                and place.contains(mouse)
                and not was.contains(mouse)
                and part.property(ENDS)
            ):
                part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
                self._moment.start(2 * QApplication.doubleClickInterval())
            part.setGeometry(place)


def _size_of(part: QWidget) -> QSize:
    return part.sizeHint().expandedTo(part.minimumSize()).boundedTo(part.maximumSize())
