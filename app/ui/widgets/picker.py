"""A combo box whose list can be searched: pick lists, and the choice of the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
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
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.itemmodels.columns import Role
from app.services.text import visible
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import field_icons
from app.ui.widgets.formatting import grouped
from app.ui.widgets.labels import Label, Look

ROW = 30
_PAD, _GAP = 10, 24
_SHOWN, _EDGE = 12, 6
_SEARCH_FROM = 12

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry: its key (None is "any"), the words shown, how many rows it would leave (None: not shown)."""

    key: str | None
    label: str
    count: int | None = None


class ChoiceModel(QAbstractListModel):
    """The choices whose label contains the search text; Role.KEY, Role.WHOLE (the count as text)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Choice, ...] = ()
        self._folded: tuple[str, ...] = ()
        self._shown: list[Choice] = []
        self._needle = ""

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Replace the choices, keeping the search."""
        self._all = tuple(choices)
        self._folded = tuple(choice.label.casefold() for choice in choices)
        self.search(self._needle)

    def search(self, text: str) -> None:
        """Keep the choices whose label contains `text` anywhere, in any case."""
        self._needle = text.strip().casefold()
        self.beginResetModel()
        pairs = zip(self._all, self._folded, strict=True)
        self._shown = [choice for choice, folded in pairs if self._needle in folded]
        self.endResetModel()

    def choice(self, row: int) -> Choice:
        """The choice shown at `row`."""
        return self._shown[row]

    def row_of(self, key: str | None) -> int:
        """The row at which `key` is shown, or -1."""
        return next((row for row, choice in enumerate(self._shown) if choice.key == key), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        choice = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return visible(choice.label)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            count = "" if choice.count is None else f", {grouped(choice.count)}"
            return f"{visible(choice.label)}{count}"
        if role == Role.WHOLE:
            return "" if choice.count is None else grouped(choice.count)
        return choice.key if role == Role.KEY else None


class ChoiceDelegate(QStyledItemDelegate):
    """The label at the left, its count at the right."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self.chosen: str | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        words = option.fontMetrics.horizontalAdvance(str(index.data()))
        count = option.fontMetrics.horizontalAdvance(str(index.data(Role.WHOLE)))
        height = max(ROW, option.fontMetrics.height() + 12)
        return QSize(words + count + _GAP + 2 * _PAD + 16, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, rect = self._theme, option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.colour("hover"))
        inner = rect.adjusted(_PAD, 0, -_PAD, 0)
        painter.setFont(option.font)
        if index.data(Role.KEY) == self.chosen:
            tick = theme.pixmap(Icon.CHECK, "accent", 16, option.widget.devicePixelRatioF())
            painter.drawPixmap(inner.x() - 4, rect.y() + (rect.height() - 16) // 2, tick)
        inner.adjust(16, 0, 0, 0)
        count = str(index.data(Role.WHOLE))
        painter.setPen(theme.colour("dim"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count)
        room = inner.width() - option.fontMetrics.horizontalAdvance(count) - (8 if count else 0)
        word = option.fontMetrics.elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, room)
        painter.setPen(theme.colour("text"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, word)


class Picker(QComboBox):
    """`Picker(theme, name, any_label, *, search_hint="Search", parent=None)`.

    `set_choices(choices)` fills the list below "any_label" (key None) and keeps the choice, even one that is
    not among them; `key()` and `set_key(key)` read and set it; `picked(object)` carries the key the user
    chose. The list opens with click, Space, Return or Down, or by typing; long lists have a search field,
    which finds a substring in any case. Return chooses, Escape closes and leaves all as it was. The wheel
    changes nothing.
    """

    picked = Signal(object)

    def __init__(
        self,
        theme: Theme,
        name: str,
        any_label: str,
        *,
        search_hint: str = "Search",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._any = any_label
        self._preferred = 0
        self._key: str | None = None
        self._choices: tuple[Choice, ...] = ()
        self.setAccessibleName(name)
        self.choices = ChoiceModel(self)
        self.popup = _Popup(theme, self, search_hint)
        self.addItem(any_label)
        self.set_choices(())

    def set_choices(self, choices: Sequence[Choice], any_count: int | None = None) -> None:
        """Offer these, in this order, below "any"."""
        self._choices = (Choice(None, self._any, any_count), *choices)
        self.choices.set_choices(self._choices)
        self._show_choice()

    def set_preferred_width(self, width: int) -> None:
        """As wide as this where there is room, whatever is chosen."""
        self._preferred = width
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(max(hint.width(), self._preferred), hint.height())

    def key(self) -> str | None:
        """The chosen key; None is "any"."""
        return self._key

    def set_key(self, key: str | None) -> None:
        """Choose without emitting `picked`; a key that is not offered (yet) is kept and shown as it is."""
        self._key = key
        self._show_choice()

    def pick(self, key: str | None) -> None:
        """Choose as the user does."""
        self.popup.hide()
        if key != self._key:
            self.set_key(key)
            self.picked.emit(key)

    def is_long(self) -> bool:
        """Whether the list is long enough for a search field."""
        return len(self._choices) > _SEARCH_FROM

    def showPopup(self) -> None:
        self.popup.open_below(self, self._key)

    def hidePopup(self) -> None:
        self.popup.hide()
        super().hidePopup()

    def minimumSizeHint(self) -> QSize:
        return QSize(96, super().minimumSizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        opening = (
            Qt.Key.Key_Down,
            Qt.Key.Key_Up,
            Qt.Key.Key_Space,
            Qt.Key.Key_Return,
            Qt.Key.Key_Enter,
            Qt.Key.Key_F4,
        )
        if event.key() in opening:
            self.showPopup()
        elif event.text().isprintable() and event.text().strip() and not event.modifiers() & _COMMANDS:
            self.showPopup()
            self.popup.type(event.text())
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _show_choice(self) -> None:
        label = next((c.label for c in self._choices if c.key == self._key), self._key or self._any)
        self.setItemText(0, visible(label))
        self.setToolTip("")
        self.popup.set_chosen(self._key)


_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


class _Popup(QFrame):
    """The search field and the list under a picker."""

    def __init__(self, theme: Theme, picker: Picker, hint: str) -> None:
        super().__init__(picker, Qt.WindowType.Popup)
        self._picker = picker
        self.field = QLineEdit()
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(hint)
        field_icons(theme, self.field, Icon.SEARCH)
        self.list = QListView()
        self.list.setAccessibleName(picker.accessibleName())
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setModel(picker.choices)
        self._delegate = ChoiceDelegate(theme, self.list)
        self.list.setItemDelegate(self._delegate)
        self.nothing = Label("Nothing matches.", Look.DIM)
        self.nothing.setContentsMargins(8, 8, 8, 8)
        # A style sheet does not reach the background of a pop-up window, so a frame fills it.
        frame = QFrame()
        frame.setProperty("popup", True)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(frame)
        column = QVBoxLayout(frame)
        column.setContentsMargins(_EDGE, _EDGE, _EDGE, _EDGE)
        column.setSpacing(_EDGE)
        column.addWidget(self.field)
        column.addWidget(self.nothing)
        column.addWidget(self.list)
        self.field.textChanged.connect(self._search)
        self.list.clicked.connect(self._choose)
        self.field.installEventFilter(self)
        self.list.installEventFilter(self)

    def set_chosen(self, key: str | None) -> None:
        """Tick this key."""
        self._delegate.chosen = key

    def open_below(self, picker: QWidget, key: str | None) -> None:
        """Show the list under `picker`, at `key`."""
        self.field.clear()
        self._search("")
        self.field.setVisible(self._picker.is_long())
        row = max(0, self._picker.choices.row_of(key))
        self.list.setCurrentIndex(self._picker.choices.index(row))
        self._place(picker)
        self.show()
        (self.field if self._picker.is_long() else self.list).setFocus(Qt.FocusReason.PopupFocusReason)
        self.list.scrollTo(self.list.currentIndex(), QListView.ScrollHint.EnsureVisible)

    def type(self, text: str) -> None:
        """Go on with what was typed before the list was open."""
        if self.field.isVisible():
            self.field.insert(text)
        else:
            self.list.keyboardSearch(text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self.list.currentIndex())
                return True
            if key == Qt.Key.Key_Escape:
                self.hide()
                return True
            moves = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
            if watched is self.field and key in moves:
                self.list.event(event)
                return True
        return super().eventFilter(watched, event)

    def _search(self, text: str) -> None:
        self._picker.choices.search(text)
        found = self._picker.choices.rowCount()
        self.nothing.setVisible(not found)
        if found:
            # With a search, "any" is rarely meant when something else matches.
            first = 1 if text and found > 1 and self._picker.choices.choice(0).key is None else 0
            self.list.setCurrentIndex(self._picker.choices.index(first))

    def _choose(self, index: Index) -> None:
        if index.isValid():
            self._picker.pick(self._picker.choices.choice(index.row()).key)

    def _place(self, picker: QWidget) -> None:
        rows = self._picker.choices.rowCount()
        option = QStyleOptionViewItem()
        option.initFrom(self.list)
        sample = range(0, rows, max(1, rows // 200))
        model = self._picker.choices
        hints = [self._delegate.sizeHint(option, model.index(row)) for row in sample]
        row_height = hints[0].height() if hints else ROW
        widest = max((hint.width() for hint in hints), default=0) + 24
        screen = (picker.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        self.list.setFixedHeight(row_height * min(_SHOWN, max(1, rows)) + 4)
        width = min(max(picker.width(), widest), 480)
        # Summed up here: a field that has never been shown does not know the style's height yet.
        self.field.setFixedHeight(max(32, self.field.fontMetrics().height() + 14))
        height = self.list.height() + 2 * _EDGE
        if self._picker.is_long():
            height += self.field.height() + _EDGE
        self.setFixedSize(width, height)
        below = picker.mapToGlobal(QPoint(0, picker.height() + 2))
        box = QRect(below, self.size())
        if box.bottom() > screen.bottom():
            box.moveBottom(picker.mapToGlobal(QPoint(0, -2)).y())
        if box.right() > screen.right():
            box.moveRight(screen.right())
        self.move(max(screen.left(), box.left()), max(screen.top(), box.top()))
