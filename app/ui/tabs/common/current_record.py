"""The current record of a list, read whole as the selection moves: the detail beside the master."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.ui.tabs.common.list_controller import ListController
from app.workers.runner import Runner, Task
from models.errors import TenantAdminError


class CurrentRecord(QObject):
    """`CurrentRecord(runner, rows, load, parent)`; `load(database, record_id)` reads one record.

    `came(record_id, record)` when the record that was selected last has been read, `left()` when nothing is
    selected any more or the record has gone. `record_id` is the one wanted, None for none; `reload()` reads
    it again.
    """

    came = Signal(object, object)
    left = Signal()

    def __init__(
        self,
        runner: Runner,
        rows: ListController,
        load: Callable[..., Any],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._rows = rows
        self._load = load
        self._reading: Task | None = None
        self._read: tuple[object, Any] | None = None
        self._waiting: tuple[object, Callable[[Any], object]] | None = None
        self.record_id: object = None
        rows.view.selection_changed.connect(self._follow)
        rows.model.dataChanged.connect(self._rows_came)
        rows.lost.connect(self._leave)

    def whole(self) -> Any | None:
        """What was read of the current record; None while it is on its way."""
        if self._read is not None and self._read[0] == self._rows.current_id():
            return self._read[1]
        return None

    def when_whole(self, use: Callable[[Any], object]) -> None:
        """Calls `use` with the record that is current now, as soon as it has been read and announced."""
        wanted = self._rows.current_id()
        if self._read is not None and self._read[0] == wanted:
            use(self._read[1])
        elif wanted is not None:
            self._waiting = (wanted, use)

    def reload(self) -> None:
        """Reads it again, if there is one."""
        record_id = self.record_id
        if record_id is None:
            return
        self._stop_reading()
        self._reading = self._runner.read(
            self._load, record_id, on_done=partial(self._came, record_id), on_failed=self._gone
        )

    def _follow(self) -> None:
        record_id = self._rows.current_id()
        if not self._rows.view.selectionModel().hasSelection():
            # A neighbour is current when the selected row has gone, but nobody has chosen it.
            self._leave()
        elif record_id is not None and record_id != self.record_id:
            self.record_id = record_id
            self.reload()

    def _leave(self) -> None:
        self._stop_reading()
        self.record_id = None
        self.left.emit()

    def _rows_came(self) -> None:
        """A record chosen before its row was at hand, by End or from elsewhere, can be read now."""
        record_id = self._rows.current_id()
        if record_id is not None and record_id != self.record_id:
            self._follow()

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _came(self, record_id: object, record: Any) -> None:
        self._read = (record_id, record)
        self.came.emit(record_id, record)
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting[0] == record_id:
            waiting[1](record)

    def _gone(self, error: TenantAdminError) -> None:
        self.record_id = self._read = None
        self.left.emit()
