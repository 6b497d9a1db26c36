"""The lines that users are to be made of, with what is made of each, or why nothing is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QWidget

from app.itemmodels.columns import DESCRIPTION, DISPLAY, ROOT, TOOLTIP, Column, Index, Role, Tone, header
from app.services.records.adding import Judged, Sheet
from app.services.text import counted, shown_tenant, visible
from app.ui.session.context import Context
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.file_dialogs import ask_save
from app.ui.widgets.formatting import first_line
from app.ui.widgets.labels import Label, Look
from app.workers.export import save
from models.progress import Monitor

_COLUMNS: Final = (Column("", "Line", right=True), Column("", "Becomes"), Column("", "Tenant, or reason"))
_WHY: Final = 2
_WHOLE: Final = {TOOLTIP, DESCRIPTION, int(Role.WHOLE)}
_CHOOSE: Final = "Choose a line to read all of it here."
_LONGEST: Final = 300
_ROWS: Final = 5
_LOOKED_AT: Final = 100
"""Rows whose words say how wide a column is."""
WIDTH: Final = 780


class LinesModel(QAbstractTableModel):
    """Reads what was found of a line when it is shown: there may be 100,000."""

    def __init__(self) -> None:
        super().__init__()
        self._found = Judged((), ())
        self._places: tuple[int, ...] = ()

    def show_lines(self, found: Judged | None, *, bad_alone: bool = False) -> None:
        self.beginResetModel()
        self._found = found or Judged((), ())
        bad = tuple(range(-1, -len(self._found.bad) - 1, -1))
        self._places = bad if bad_alone else self._found.places
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._places)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and 0 <= section < len(_COLUMNS):
            return header(_COLUMNS[section]).get(int(role))
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        place, column = self._places[index.row()], index.column()
        is_bad = place < 0
        if role == DISPLAY:
            return self._text(place, column)
        if column == _WHY and role in _WHOLE:
            return self._whole(place)
        if role == Role.TONE and column > 0:
            return Tone.BAD if is_bad else Tone.OK if column < _WHY else None
        if role == Role.ICON and column == 1:
            return Icon.BAD if is_bad else Icon.OK
        return None

    def _text(self, place: int, column: int) -> str:
        if column == 0:
            found = self._found
            return f"{found.good_lines[place] if place >= 0 else found.bad[~place].line:,}"
        if column == 1:
            return "a user" if place >= 0 else "nothing"
        return first_line(self._whole(place), _LONGEST)

    def _whole(self, place: int) -> str:
        if place < 0:
            return visible(self._found.bad[~place].why)
        tenant, email, beside = self._found.good[place]
        parts = [f"{visible(email)}, of {shown_tenant(tenant)}"]
        parts += [f"{visible(name)}: {visible(value) or '(empty)'}" for name, value in (beside or {}).items()]
        return " · ".join(parts)


class LinesTable(DataTable):
    """Of one height whatever it shows. The last column has the room that is left; `whole`, which its owner
    places below, has all that the current line says, wrapped.
    """

    acts_on_cells = False
    _wanted: list[int] | None = None
    """How wide each column would be, where that is known of the lines shown."""
    rows = _ROWS
    """How many it has room for."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Lines and what becomes of them")
        self._lines = LinesModel()
        self._lines.setParent(self)
        self.setSortingEnabled(False)
        self.setModel(self._lines)
        titles = self.horizontalHeader()
        titles.setStretchLastSection(False)
        titles.setSectionsMovable(False)
        titles.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        titles.setResizeContentsPrecision(_LOOKED_AT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.whole = Label(_CHOOSE, Look.DIM, wrap=True, selectable=True)
        self.whole.setMinimumHeight(2 * self.whole.fontMetrics().lineSpacing())  # else all below it moves
        self.whole.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.selection_changed.connect(self._show_whole)

    def _show_whole(self) -> None:
        current = self.currentIndex().siblingAtColumn(_WHY)
        whole = str(current.data(int(Role.WHOLE))) if current.isValid() else _CHOOSE
        if whole != self.whole.text():
            self.whole.setText(whole)

    def show_lines(self, found: Judged | None, *, bad_alone: bool = False) -> None:
        self._lines.show_lines(found, bad_alone=bad_alone)
        self._wanted = None
        self._fit()
        self._show_whole()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._wanted = None
        super().changeEvent(event)

    def _fit(self) -> None:
        """What the columns want is asked once of these lines: it takes a hundred, and the room changes
        several times when an act begins.
        """
        room, titles = self.viewport().width(), self.horizontalHeader()
        if self._wanted is None:
            columns = range(len(_COLUMNS))
            self._wanted = [max(self.sizeHintForColumn(one), titles.sectionSizeHint(one)) for one in columns]
        for column, wanted in enumerate(self._wanted):
            self.setColumnWidth(column, max(0, room) if column == _WHY else wanted)
            room -= wanted

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._height(self.rows))

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self._height(self.rows))

    def _height(self, rows: int) -> int:
        row = self.verticalHeader().defaultSectionSize()
        return self.horizontalHeader().sizeHint().height() + row * rows + 2 * self.frameWidth()


def save_wrong(
    context: Context, sheet: Sheet, found: Judged, path: Path, saved: Callable[[], object] = lambda: None
) -> None:
    """Writes all lines that make no user, with the reasons; `saved` is called when they are there."""

    def work(monitor: Monitor) -> None:
        save(path, found.bad_lines(sheet))

    said = f"{counted(len(found.bad), 'line')} saved to {path.name}"

    def done(_: None) -> None:
        saved()
        context.say(said, path)

    context.job(f"Saving to {path.name}…", work, on_done=done)


def ask_save_wrong(
    parent: QWidget, context: Context, sheet: Sheet, found: Judged, saved: Callable[[], object] = lambda: None
) -> bool:
    """Whether they are to be saved, to where the person says; `saved` as in `save_wrong`."""
    start = str(context.opened.folder / "users-not-created.csv")
    chosen = ask_save(parent, "Save the wrong lines", start, "CSV (*.csv)")
    if chosen is not None:
        save_wrong(context, sheet, found, chosen[0], saved)
    return chosen is not None


class LeftOutDialog(Dialog):
    """Says after the act which lines have made no user: they can be saved, and else go with it."""

    def __init__(self, context: Context, sheet: Sheet, found: Judged, parent: QWidget | None = None) -> None:
        lines = counted(len(found.bad), "line")
        sentence = (
            f"{counted(len(found.good), 'user')} created. Save what is left with the reasons, correct it, "
            "and import it again."
        )
        super().__init__(context.theme, f"{lines} left out", sentence, parent=parent)
        self.setMinimumWidth(WIDTH)
        self._context, self._sheet, self._found = context, sheet, found
        self.table = LinesTable(context.theme)
        self.table.show_lines(found, bad_alone=True)
        self.table.rows = min(_ROWS, len(found.bad))
        self.add_widget(self.table, 1)
        self.add_widget(self.table.whole)
        self.save_button = self.set_answer("Save the wrong lines…", self._save, cancel="Close")
        self.save_button.setFocus()

    def _save(self) -> None:
        if ask_save_wrong(self, self._context, self._sheet, self._found):
            self.accept()
