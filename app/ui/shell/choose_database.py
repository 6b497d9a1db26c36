"""Which of several databases in a folder is meant."""

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.services.files.find import Candidate
from app.ui.theme import Kind, Theme
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import Cell, StaticColumn, StaticTable
from app.ui.widgets.formatting import absolute_time, counted, grouped, relative_time, shortened
from app.ui.widgets.labels import ElidedLabel, Look

_COLUMNS = (
    StaticColumn("File", mono=True),
    StaticColumn("Tables", number=True),
    StaticColumn("Tenants", number=True),
    StaticColumn("Rows", number=True),
    StaticColumn("Changed", dim=True),
)
_HEAD, _TAIL = 14, 18


class ChooseDatabaseDialog(Dialog):
    """`ChooseDatabaseDialog(theme, candidates, now, *, utc=False, parent=None)`; at least one candidate.

    `chosen(Candidate)` is emitted when the person opens one, before the dialog closes. Wrangler's file names
    tell a person nothing, so each file comes with what it holds; the first one given is selected.
    """

    chosen = Signal(Candidate)

    def __init__(
        self,
        theme: Theme,
        candidates: Sequence[Candidate],
        now: int,
        *,
        utc: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        folder = Path(os.path.commonpath([candidate.path.parent for candidate in candidates]))
        super().__init__(
            theme,
            "Which database?",
            f"There are {counted(len(candidates), 'database')} of the platform. Choose the one to open.",
            parent=parent,
        )
        self.setMinimumWidth(680)
        self._candidates = tuple(candidates)
        rows = [_row(candidate, folder, now, utc) for candidate in candidates]
        self.table = StaticTable(theme, "Databases", _COLUMNS, rows)
        self.path = ElidedLabel(look=Look.DIM, mode=Qt.TextElideMode.ElideMiddle)
        self.path.setAccessibleName("Path")
        self.add_widget(self.table)
        self.add_widget(self.path)
        self.cancel_button = push_button(theme, "Cancel")
        self.open_button = push_button(theme, "Open", kind=Kind.PRIMARY)
        self.open_button.setDefault(True)
        self.cancel_button.clicked.connect(self.reject)
        self.open_button.clicked.connect(self._choose)
        self.set_buttons([self.cancel_button, self.open_button])
        self.table.opened.connect(lambda _: self._choose())
        self.table.selection_changed.connect(self._show_path)
        self.table.select_row(0)
        self.table.setFocus()

    def candidate(self) -> Candidate | None:
        """The one that is selected."""
        selected = self.table.selected_rows()
        return self._candidates[self.table.source_row(selected[0])] if selected else None

    def _show_path(self) -> None:
        candidate = self.candidate()
        self.path.setText("" if candidate is None else str(candidate.path))
        self.open_button.setEnabled(candidate is not None)

    def _choose(self) -> None:
        candidate = self.candidate()
        if candidate is not None:
            self.chosen.emit(candidate)
            self.accept()


def _row(candidate: Candidate, folder: Path, now: int, utc: bool) -> tuple[Cell, ...]:
    path = str(candidate.path)
    return (
        Cell(shortened(str(candidate.path.relative_to(folder)), _HEAD, _TAIL), tip=path, whole=path),
        Cell(grouped(len(candidate.tables)), len(candidate.tables), tip=", ".join(candidate.tables)),
        Cell(grouped(candidate.tenants), candidate.tenants),
        Cell(grouped(candidate.rows), candidate.rows),
        Cell(
            relative_time(candidate.modified_at, now),
            candidate.modified_at,
            tip=absolute_time(candidate.modified_at, utc),
        ),
    )
