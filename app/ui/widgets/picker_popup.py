"""The list under a picker, with its search."""

from collections.abc import Sequence

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
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter
from PySide6.QtWidgets import (
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
from app.ui.widgets.picker import Choice

ROW = 30
_PAD, _GAP = 10, 24
_SHOWN, _EDGE = 12, 6
_SEARCH_FROM = 12

Index = QModelIndex | QPersistentModelIndex


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


class PickerPopup(QFrame):
    """`PickerPopup(theme, picker, hint)`: a search field and the list; `chosen(key)` when one was chosen.

    `model` holds the choices that the search keeps.
    """

    chosen = Signal(object)

    def __init__(self, theme: Theme, picker: QWidget, hint: str) -> None:
        super().__init__(picker, Qt.WindowType.Popup)
        self.model = ChoiceModel(self)
        self.field = QLineEdit()
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(hint)
        field_icons(theme, self.field, Icon.SEARCH)
        self.list = QListView()
        self.list.setAccessibleName(picker.accessibleName())
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setModel(self.model)
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

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Offer these; a long list can be searched."""
        self._is_long = len(choices) > _SEARCH_FROM
        self.model.set_choices(choices)

    def open_below(self, picker: QWidget, key: str | None) -> None:
        """Show the list under `picker`, at `key`, which is ticked."""
        self._delegate.chosen = key
        self.field.clear()
        self._search("")
        self.field.setVisible(self._is_long)
        row = max(0, self.model.row_of(key))
        self.list.setCurrentIndex(self.model.index(row))
        self._place(picker)
        self.show()
        (self.field if self._is_long else self.list).setFocus(Qt.FocusReason.PopupFocusReason)
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
        self.model.search(text)
        found = self.model.rowCount()
        self.nothing.setVisible(not found)
        if found:
            # With a search, "any" is rarely meant when something else matches.
            first = 1 if text and found > 1 and self.model.choice(0).key is None else 0
            self.list.setCurrentIndex(self.model.index(first))

    def _choose(self, index: Index) -> None:
        if index.isValid():
            self.chosen.emit(self.model.choice(index.row()).key)

    def _place(self, picker: QWidget) -> None:
        model = self.model
        rows = model.rowCount()
        option = QStyleOptionViewItem()
        option.initFrom(self.list)
        sample = range(0, rows, max(1, rows // 200))
        hints = [self._delegate.sizeHint(option, model.index(row)) for row in sample]
        row_height = hints[0].height() if hints else ROW
        widest = max((hint.width() for hint in hints), default=0) + 24
        screen = (picker.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        self.list.setFixedHeight(row_height * min(_SHOWN, max(1, rows)) + 4)
        width = min(max(picker.width(), widest), 480)
        # Summed up here: a field that has never been shown does not know the style's height yet.
        self.field.setFixedHeight(max(32, self.field.fontMetrics().height() + 14))
        height = self.list.height() + 2 * _EDGE
        if self._is_long:
            height += self.field.height() + _EDGE
        self.setFixedSize(width, height)
        below = picker.mapToGlobal(QPoint(0, picker.height() + 2))
        box = QRect(below, self.size())
        if box.bottom() > screen.bottom():
            box.moveBottom(picker.mapToGlobal(QPoint(0, -2)).y())
        if box.right() > screen.right():
            box.moveRight(screen.right())
        self.move(max(screen.left(), box.left()), max(screen.top(), box.top()))
