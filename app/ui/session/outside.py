"""What other programs do to the open database, and to the connection it was opened by."""

from collections.abc import Callable
from functools import partial
from typing import cast

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication

from app.workers.runner import Runner
from models import errors
from models.engine import Capability, Database, LostEntry

Displaced = errors.FileMoved | errors.LogMissing
"""Why the file in its place is not what is shown."""

KEPT_MS = 2_000
"""How soon it is seen that a connection was changed; each write looks by itself."""


class Outside(QObject):
    """Asks every `Database.look_seconds` from `start()` on, where the engine can tell, and where that costs
    something as long as the program is in front, or when it comes back: `written` when another program has
    written to the database, `displaced(Displaced)` when the file was moved or replaced or its log is gone,
    and with None when it is in its place again; `error` is which of them holds now. `went_back` when the
    audit chain ends at a lower number than it did, or another entry stands in the place of its last one, with
    the number of the last one now; `lost_entries`, while that is told, are those that are gone. While one
    question waits it asks no other unless somebody wants the answer; behind a long write they would pile up.

    `withdrawn(ConnectionGone)` when the connection by which a live database was opened is another or gone,
    which takes no request, and with None when it is as it was; `refusal` is which of them holds now.
    """

    written = Signal()
    withdrawn = Signal(object)
    displaced = Signal(object)
    went_back = Signal(object)

    def __init__(self, runner: Runner, database: Database, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner, self._database = runner, database
        self._can_tell = Capability.OUTSIDE_CHANGES in database.capabilities
        self._version: int | None = None
        self.error: Displaced | None = None
        self.lost_entries: tuple[LostEntry, ...] = ()
        self._asked, self._is_late = 0, False
        self._poll = QTimer(self, interval=int(database.look_seconds * 1000))
        self._poll.timeout.connect(self._due)
        self.refusal: errors.ConnectionGone | None = None
        self._kept = QTimer(self, interval=KEPT_MS)
        self._kept.timeout.connect(self._look_at_connection)

    def start(self) -> None:
        """What is written from now on is a change."""
        if self._database.withdrawn is not None:
            self._kept.start()
        if not self._can_tell:
            return
        self._poll.start()
        self._database.is_watched = True
        if not self._database.costs:
            self.look()
        else:
            self._version = 0  # the first rows tell the rest
            program = cast("QGuiApplication", QGuiApplication.instance())
            program.applicationStateChanged.connect(self._come_back)
            self._runner.failed_with.connect(self._hear)

    def _hear(self, error: errors.TenantAdminError) -> None:
        """What is missing now was there when the database was opened: others have changed its tables, or have
        brought it back to before.
        """
        if isinstance(
            error, errors.TableMissing | errors.ColumnMissing | errors.RowChanged | errors.BroughtBack
        ):
            self.look(everything=isinstance(error, errors.BroughtBack))
        elif isinstance(error, errors.WritesLocked):
            self.look_why()
        elif isinstance(error, errors.ConnectionGone):
            self._withdraw(error)

    @Slot()
    def look_why(self) -> None:
        """Where a reading has found an earlier state, and the engine has locked its writes."""
        if self._database.went_back is not None:
            self.look()

    def _look_at_connection(self) -> None:
        """One look at a time: while the readers wait for a slow database the others would pile up."""

        def look(database: Database) -> errors.ConnectionGone | None:
            return None if database.withdrawn is None else database.withdrawn()

        def told(error: errors.ConnectionGone | None) -> None:
            self._kept.start()
            self._withdraw(error)

        self._kept.stop()
        self._runner.read(look, on_done=told, on_failed=lambda error: self._kept.start())

    def _withdraw(self, error: errors.ConnectionGone | None) -> None:
        if str(error) != str(self.refusal):
            self.refusal = error
            self.withdrawn.emit(error)

    def _due(self) -> None:
        in_front = QGuiApplication.applicationState() is Qt.ApplicationState.ApplicationActive
        self._is_late = self._database.costs and not in_front
        if not self._is_late:
            self.look()

    @Slot(Qt.ApplicationState)
    def _come_back(self, state: Qt.ApplicationState) -> None:
        """Looks at once where that is due, and no sooner than usual after that."""
        if self._is_late and state is Qt.ApplicationState.ApplicationActive and self._poll.isActive():
            self._is_late = False
            self._poll.start()
            self.look()

    def stop(self) -> None:
        self._poll.stop()
        self._kept.stop()

    def look(self, then: Callable[[], object] | None = None, *, everything: bool = False) -> None:
        """Looks now; calls `then` when all that was written until now is known. Each look asks for some of
        the ends that were verified, one at `everything` for all.
        """
        if everything:
            self._database.looks_at_all = True
        elif then is None and self._asked:
            return
        then = then or (lambda: None)
        if not self._can_tell:
            then()
            return

        def told(version: int) -> None:
            self._displace(None)
            self._answer(then, version)

        def failed(error: errors.TenantAdminError) -> None:
            if isinstance(error, errors.FileMoved | errors.LogMissing):
                self._displace(error)
            self._answer(then, self._version)

        self._asked += 1
        # The writer's connection sees every other connection's commits, and not its own.
        look = partial(self._runner.write, lambda database: database.outside_changes(), only_looks=True)
        look(on_done=told, on_failed=failed)

    def _displace(self, error: Displaced | None) -> None:
        before, self.error = self.error, error
        if type(error) is not type(before):
            self.displaced.emit(error)

    def _answer(self, then: Callable[[], object], version: int | None) -> None:
        self._asked -= 1
        before, self._version = self._version, version
        if before is not None and version != before:
            self.written.emit()
        ends_at, self._database.went_back = self._database.went_back, None
        self.lost_entries, self._database.lost_entries = self._database.lost_entries, ()
        if ends_at is not None:
            self.went_back.emit(ends_at)
        self.lost_entries = ()
        then()
