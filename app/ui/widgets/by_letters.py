"""Going through a table by letters, as through an inbox."""

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, Qt
from PySide6.QtGui import QKeyEvent

from app.ui.widgets.data_table import DataTable

_ALONE = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
_FLAGS = QItemSelectionModel.SelectionFlag


class ByLetters(QObject):
    """`ByLetters(table)`: while the table has the focus, J goes on to the next row and K back to the one
    before. X picks a row out, or lets it go again; from then on J and K leave what is selected as it is,
    until something is selected otherwise.
    """

    def __init__(self, table: DataTable) -> None:
        super().__init__(table)
        self._table = table
        self._picks = self._is_picking = False
        self._keys = {Qt.Key.Key_J: self.go_on, Qt.Key.Key_K: self.go_back, Qt.Key.Key_X: self.pick}
        table.installEventFilter(self)
        table.selection_changed.connect(self._look)

    def go_on(self) -> None:
        self._move(1)

    def go_back(self) -> None:
        self._move(-1)

    def pick(self) -> None:
        """The current row joins those picked out, or leaves them."""
        index, selected = self._table.currentIndex(), self._table.selected_ranges()
        if not index.isValid():
            self._table.enter()
            return
        is_first = selected == [range(index.row(), index.row() + 1)] and not self._is_picking
        self._picks = True
        if not is_first:
            self._table.selectionModel().select(index, _FLAGS.Toggle | _FLAGS.Rows)
        self._picks, self._is_picking = False, True

    def let_be(self) -> None:
        """What is selected has been dealt with: J and K select again."""
        self._is_picking = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        act = self._keys.get(Qt.Key(event.key()))
        if act is None or event.modifiers() not in _ALONE:
            return False
        if act != self.pick or not event.isAutoRepeat():  # one that is held leads on, and picks once
            act()
        return True

    def _move(self, by: int) -> None:
        table, current = self._table, self._table.currentIndex()
        if not current.isValid():
            table.enter()
            return
        row = current.row() + by
        if not 0 <= row < table.model().rowCount():
            return
        if self._is_picking and table.selectionModel().hasSelection():
            self._picks = True
            index = table.model().index(row, current.column())
            table.selectionModel().setCurrentIndex(index, _FLAGS.NoUpdate)
            self._picks = False
        else:
            table.select_row(row)

    def _look(self) -> None:
        self._is_picking = self._is_picking and self._picks
