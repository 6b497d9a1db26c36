"""A combo box whose list can be searched: the choice of the tenant, of a view, of days.

And a combo box of words of any length.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QAbstractListModel, QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.itemmodels.columns import DISPLAY, ROOT, Index
from app.services.sought import sought
from app.services.text import counted
from app.ui.theme import Icon, Kind, Theme, set_property
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import Choice, field_icons, push_button
from app.ui.widgets.cell_delegate import in_middle
from app.ui.widgets.labels import Label, Look, in_column, name_choice

AROUND = 40
"""What margins and the arrow of a combo box take beside its words."""


class ChoiceBox(QComboBox):
    """What is chosen ends in an ellipsis where it has no room."""

    def short_words(self) -> str:
        """What stands there where the words have no room, as far as that has some."""
        return self.currentText()

    def paintEvent(self, event: QPaintEvent) -> None:
        # Not by Qt's hint, which stays that of the words it was first shown with.
        if self.width() >= self.fontMetrics().horizontalAdvance(self.currentText()) + AROUND:
            super().paintEvent(event)
            return
        from PySide6.QtWidgets import QStyle, QStyleOptionComboBox, QStylePainter  # noqa: PLC0415 - 8 ms of a start

        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(control, option, part, self).width()
        right = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(self.short_words(), right, room)
        painter.drawComplexControl(control, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)
_ENTER = {Qt.Key.Key_Return, Qt.Key.Key_Enter}
_OPENING = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Space, Qt.Key.Key_F4, *_ENTER}
_MOVING = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}
_TO_ENDS = {Qt.Key.Key_Home, Qt.Key.Key_End}
MARK = 3
"""Pixels of what marks the row where the keys are, at its left."""
_ROW, _PAD, _GAP = 30, 10, 24
_SHOWN, _EDGE = 12, 6
_FEWEST, _AROUND_ROWS = 3, 4
"""Rows that are in sight on a screen as low as that, and pixels of the list beside its rows."""
_LEAST, _LEAST_CHOSEN, _LEAST_NAMED = 84, 108, 124
"""The width of a box where room is short, and where something is chosen whose words need it, or nothing is,
and they say what it is of.
"""
_SEARCH_FROM = 6


class Picker(ChoiceBox):
    """The list opens with click, Space, Return or Down, or by typing. Typing searches it, for a substring in
    any case; the field for it is there at once where the list is long. Return chooses, Escape closes and
    leaves all as it was. The wheel changes nothing. Where there is room, it is at least `width` pixels wide,
    whatever is chosen; where there is little, "Any phase" is "Phase".

    `picked(object)` carries the key that the user chose.
    """

    picked = Signal(object)

    def __init__(
        self,
        theme: Theme,
        name: str,
        any_label: str,
        *,
        search_hint: str = "Search",
        width: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        """With its `parent` at once it is styled once, with the ten widgets that Qt makes within it."""
        super().__init__(parent)
        self._theme, self._any, self._hint, self._width = theme, any_label, search_hint, width
        self._key: str | None = None
        self._stands_for = ""
        self._choices: tuple[Choice, ...] = ()
        self.before: Callable[[Callable[[], None]], object] = lambda show: show()
        """What is to be done before the list opens, which then calls what it is given."""
        self.foot: tuple[str, Callable[[], object]] | None = None
        """The words of a button below the list, and what it does when that has closed."""
        name_choice(self, name)
        self.addItem(any_label)
        self.set_choices(())

    @cached_property
    def popup(self) -> "PickerPopup":
        """The list below it; made when it is first opened, because a window has many that never are."""
        popup = self._make_popup()
        popup.set_choices(self._choices)
        if self.foot is not None:
            popup.add_foot(*self.foot)
        return popup

    def _make_popup(self) -> "PickerPopup":
        return PickerPopup(self._theme, self, self._hint)

    def set_choices(self, choices: Sequence[Choice], any_count: int | None = None) -> None:
        """Offer these, in this order, below "any"; what is chosen stays so, even if it is not among them."""
        self._choices = (Choice(None, self._any, any_count), *choices)
        if "popup" in vars(self):
            self.popup.set_choices(self._choices)
        self._show_choice()

    def offers(self, key: str) -> bool:
        return any(choice.key == key for choice in self._choices)

    def add_choices(self, choices: Sequence[Choice]) -> None:
        """Offers these behind the others."""
        first, *others = self._choices
        self.set_choices([*others, *choices], first.count)

    def key(self) -> str | None:
        """The chosen key; None is "any"."""
        return self._key

    def set_key(self, key: str | None) -> None:
        """Choose without emitting `picked`; a key that is not offered (yet) is kept and shown as it is."""
        self._key = key
        self._show_choice()

    def ticked(self) -> str | None:
        """The key of the row at which the list opens."""
        return self._key

    def stand_for(self, words: str) -> None:
        """Is lit, and says where one is in place of what is chosen, which choosing anything leaves; that is
        over with "".
        """
        if words != self._stands_for:
            self._stands_for = words
            set_property(self, "lit", bool(words))
            self._show_choice()

    def pick(self, key: str | None) -> None:
        self._close()
        if key != self._key or self._stands_for:
            self.set_key(key)
            self.picked.emit(key)

    def showPopup(self) -> None:
        self._open()

    def _open(self, typed: str = "") -> None:
        def show() -> None:
            self.popup.open_at(self.ticked())
            if typed:
                self.popup.type(typed)

        self.before(show)

    def hidePopup(self) -> None:
        self._close()
        super().hidePopup()

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(self._width, 0))

    def minimumSizeHint(self) -> QSize:
        """A word that is chosen has its room, which says what the rows are kept by; else the one that says by
        what they may be.
        """
        is_any = self._key is None
        words = self.short_words() if is_any else self.currentText()
        wanted = self.fontMetrics().horizontalAdvance(words) + AROUND + 2
        most = _LEAST_NAMED if is_any else _LEAST_CHOSEN
        return QSize(max(_LEAST, min(most, wanted)), super().minimumSizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _OPENING:
            self.showPopup()
        elif _is_typed(event):
            self._open(event.text())
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def short_words(self) -> str:
        words = self.currentText()
        if words != self._any or not words.startswith("Any "):
            return words  # a person's own, as they wrote it
        rest = words.removeprefix("Any ")
        return f"{rest[:1].upper()}{rest[1:]}"

    def _show_choice(self) -> None:
        self.setItemText(0, self._stands_for or self._words_for(self._key))
        self.updateGeometry()

    def _words_for(self, key: str | None) -> str:
        return next(
            (choice for choice in self._choices if choice.key == key), Choice(key, key or self._any)
        ).shown

    def _close(self) -> None:
        if "popup" in vars(self):
            self.popup.hide()


class PickerPopup(QFrame):
    """The list under a picker and its search field; `model` holds the choices that the search keeps."""

    def __init__(self, theme: Theme, picker: Picker, hint: str) -> None:
        from PySide6.QtWidgets import QListView  # noqa: PLC0415 - 1 ms of a start

        super().__init__(picker, Qt.WindowType.Popup)
        self._theme, self._picker = theme, picker
        self._all: Sequence[Choice] = ()
        self.model = self._make_model()
        self.setAccessibleName(picker.accessibleName())
        self.field = QLineEdit(placeholderText=hint)
        self.field.setAccessibleName(hint if " " in hint else f"{hint} {picker.accessibleName()}".strip())
        field_icons(theme, self.field, Icon.SEARCH)
        self.list = QListView(uniformItemSizes=True)
        self.list.setAccessibleName(picker.accessibleName())
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setModel(self.model)
        self._delegate = self._make_delegate(theme)
        self.list.setItemDelegate(self._delegate)
        self.nothing = Label("Nothing matches.", Look.DIM)
        self.nothing.setContentsMargins(8, 8, 8, 8)
        # A style sheet does not reach the background of a pop-up window, so a frame fills it.
        frame = QFrame()
        frame.setProperty("popup", True)
        in_column(frame, within=self)
        edges = (_EDGE, _EDGE, _EDGE, _EDGE)
        parts = (self.field, self.nothing, self.list)
        self._column = in_column(*parts, within=frame, margins=edges, spacing=_EDGE)
        self.foot: QPushButton | None = None
        self.field.textChanged.connect(self._search)
        self.list.clicked.connect(self._choose)
        self.field.installEventFilter(self)
        self.list.installEventFilter(self)

    def _make_model(self) -> "RowsModel[Choice]":
        return RowsModel[Choice](self)

    def _make_delegate(self, theme: Theme) -> "ChoiceDelegate":
        return ChoiceDelegate(theme, self.model, self.list)

    def add_foot(self, words: str, run: Callable[[], object]) -> None:
        self.foot = push_button(self._theme, words, self.hide, kind=Kind.FLAT)
        self.foot.clicked.connect(run)
        self._column.addWidget(self.foot)

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Offer these, as far as the search keeps them; a long list can be searched. The cursor stays."""
        at = self.list.currentIndex()
        before = self.model.rows[at.row()].key if at.isValid() else None
        self._all = choices
        self._is_long = len(choices) > _SEARCH_FROM
        self._keep()
        if at.isValid():
            rows = (row for row, choice in enumerate(self.model.rows) if choice.key == before)
            self.list.setCurrentIndex(self.model.index(next(rows, 0)))

    def open_at(self, key: str | None) -> None:
        """Show the list with the cursor at `key`, which is ticked."""
        self._delegate.chosen = key
        self.field.clear()
        self._search()
        self.field.setVisible(self._is_long)
        rows = (row for row, choice in enumerate(self.model.rows) if choice.key == key)
        self.list.setCurrentIndex(self.model.index(next(rows, 0)))
        self._place()
        self.show()
        (self.field if self._is_long else self.list).setFocus(Qt.FocusReason.PopupFocusReason)
        self.list.scrollTo(self.list.currentIndex(), QAbstractItemView.ScrollHint.EnsureVisible)
        self._announce()

    def type(self, text: str) -> None:
        self.field.show()
        self._place()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.field.insert(text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in _ENTER:
                self._enter(self.list.currentIndex())
                return True
            if event.key() == Qt.Key.Key_Escape:
                self._give_up()
                return True
            to_end = event.key() in _TO_ENDS and not self.field.text()
            if watched is self.field and (to_end or event.key() in _MOVING):
                before = self.list.currentIndex().row()
                self.list.event(event)
                if self.list.currentIndex().row() != before:
                    self._announce()
                return True
            if watched is self.list and _is_typed(event):
                self.type(event.text())
                return True
        return super().eventFilter(watched, event)

    def _keep(self) -> None:
        typed = self.field.text().strip()
        wanted = sought(typed)
        found = [(choice, said) for choice in self._all if wanted in (said := sought(choice.label))]
        if typed:
            found.sort(key=lambda one: _how_far(typed, wanted, *one))
        self.model.show([choice for choice, _ in found])

    def _search(self) -> None:
        self._keep()
        found = self.model.rows
        self.nothing.setVisible(not found)
        # With a search, "any" is rarely meant when something else matches.
        first = 1 if self.field.text() and len(found) > 1 and found[0].key is None else 0
        self.list.setCurrentIndex(self.model.index(first))
        self._announce(counted(len(found), "result") if found else self.nothing.text())

    def _announce(self, found: str = "") -> None:
        """What was `found`, and the row that Return chooses, where the field has the focus, not the list."""
        if self.isVisible() and self.field.hasFocus():
            index = self.list.currentIndex()
            row = str(self.model.rows[index.row()]) if index.isValid() else ""
            announce(self.list, ". ".join(filter(None, (found.rstrip("."), row))))

    def _choose(self, index: Index) -> None:
        if index.isValid():
            self._picker.pick(self.model.rows[index.row()].key)

    def _enter(self, index: Index) -> None:
        """What Return does."""
        self._choose(index)

    def _give_up(self) -> None:
        """What Escape does."""
        self.hide()

    def _room_below(self) -> QSize:
        """What stands below the list takes."""
        return QSize(0, 0)

    def _place(self) -> None:
        picker, model = self._picker, self.model
        rows = len(model.rows)
        option = QStyleOptionViewItem()
        option.initFrom(self.list)
        sample = range(0, rows, max(1, rows // 200))
        hints = [self._delegate.sizeHint(option, model.index(row)) for row in sample]
        row_height = hints[0].height() if hints else _ROW
        widest = max((hint.width() for hint in hints), default=0) + 24
        screen = (picker.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        width = min(max(picker.width(), widest, self._room_below().width()), 480)
        # Summed up here: a field that has never been shown does not know the style's height yet.
        self.field.setFixedHeight(max(32, self.field.fontMetrics().height() + 14))
        height = 2 * _EDGE + self._room_below().height()
        if not self.field.isHidden():
            height += self.field.height() + _EDGE
        if self.foot is not None:
            self.foot.setFixedHeight(self.field.height())
            height += self.foot.height() + _EDGE
        above, below = picker.mapToGlobal(QPoint(0, -2)), picker.mapToGlobal(QPoint(0, picker.height() + 2))
        # As many as there is room for at one side of it; few where that is low, but then over it.
        room = max(above.y() - screen.top(), screen.bottom() - below.y()) - height - _AROUND_ROWS
        fitting = max(_FEWEST, room // row_height)
        self.list.setFixedHeight(row_height * min(_SHOWN, max(1, rows), fitting) + _AROUND_ROWS)
        height += self.list.height()
        self.setFixedSize(width, height)
        box = QRect(below, self.size())
        if box.bottom() > screen.bottom():
            box.moveBottom(above.y() if box.height() <= above.y() - screen.top() else screen.bottom())
        if box.right() > screen.right():
            box.moveRight(screen.right())
        self.move(max(screen.left(), box.left()), max(screen.top(), box.top()))


def _how_far(typed: str, wanted: str, choice: Choice, said: str) -> tuple[bool, ...]:
    """Sorts "any" first, then what is typed as it is spelled, in another spelling, and what begins with it:
    Return takes the first. `wanted` and `said` are both as `sought`.
    """
    return (choice.key is not None, choice.label != typed, said != wanted, not said.startswith(wanted))


def _is_typed(event: QKeyEvent) -> bool:
    """Whether the key writes a sign, other than a space."""
    return bool(event.text().strip()) and event.text().isprintable() and not event.modifiers() & _COMMANDS


class Shown(Protocol):
    """A row of a list: its words, and by `str` what a screen reader says of it."""

    @property
    def shown(self) -> str: ...


AnyRow = TypeVar("AnyRow", bound=Shown)


class RowsModel(QAbstractListModel, Generic[AnyRow]):
    """The rows of a list. It makes no items: thousands of them take their time, and those that PySide has
    made crash when a model lets go of them.
    """

    rows: Sequence[AnyRow] = ()

    def show(self, rows: Sequence[AnyRow]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = DISPLAY) -> str | None:
        if not index.isValid() or role not in {DISPLAY, Qt.ItemDataRole.AccessibleTextRole}:
            return None
        row = self.rows[index.row()]
        return row.shown if role == DISPLAY else str(row)


class ChoiceDelegate(QStyledItemDelegate):
    """The label at the left, its count at the right; `chosen` is ticked."""

    def __init__(self, theme: Theme, model: RowsModel[Choice], view: QWidget) -> None:
        super().__init__(view)
        self._theme, self._model = theme, model
        self.chosen: str | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        metrics, choice = option.fontMetrics, self._model.rows[index.row()]
        words = metrics.horizontalAdvance(choice.shown) + metrics.horizontalAdvance(choice.count_text)
        return QSize(words + _GAP + 2 * _PAD + 16, max(_ROW, metrics.height() + 12))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        from PySide6.QtWidgets import QStyle  # noqa: PLC0415 - 8 ms of a start

        theme, rect, choice = self._theme, option.rect, self._model.rows[index.row()]
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
            painter.fillRect(QRect(rect.topLeft(), QSize(MARK, rect.height())), theme.colour("accent"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.colour("hover"))
        inner = rect.adjusted(_PAD, 0, -_PAD, 0)
        painter.setFont(option.font)
        self.paint_mark(painter, QRect(inner.x() - 4, rect.y() + (rect.height() - 16) // 2, 16, 16), choice)
        inner.adjust(16, 0, 0, 0)
        count = choice.count_text
        painter.setPen(theme.colour("dim"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count)
        room = inner.width() - option.fontMetrics.horizontalAdvance(count) - (8 if count else 0)
        word = in_middle(option.fontMetrics, choice.shown, room)
        painter.setPen(theme.colour("text"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, word)

    def paint_mark(self, painter: QPainter, place: QRect, choice: Choice) -> None:
        """Says at the left whether it is chosen."""
        if choice.key == self.chosen:
            painter.drawPixmap(place.topLeft(), self.tick(painter, "accent", place.width()))

    def tick(self, painter: QPainter, colour: str, size: int) -> QPixmap:
        return self._theme.pixmap(Icon.CHECK, colour, size, painter.device().devicePixelRatioF())
