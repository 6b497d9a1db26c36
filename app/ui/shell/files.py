"""Opening, creating and migrating files, in the background and with a sentence when it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app import paths
from app.services.text import counted
from app.settings import Settings
from app.ui.shell.busy import Busy
from app.ui.theme import Theme
from models.errors import FileMissing, NeedsCopy, SqlDump, TenantAdminError
from models.progress import Progress, Stop

# Services and dialogs are imported where they are used: mostly on the job's thread, with the window painted.
if TYPE_CHECKING:
    from app.services.files.describe import OpenedFile
    from app.services.files.find import Candidate
    from app.services.files.importing import Imported
    from models.local.migrations import Applied

SUFFIXES = " ".join(f"*{suffix}" for suffix in paths.DATABASE_SUFFIXES)
DATABASE_FILES = f"Databases ({SUFFIXES});;All files (*)"
DUMPS = "SQL dumps (*.sql);;All files (*)"
DEMO_ROWS = 20_000


class FileWork(QObject):
    """What is done with whole files, in the background. `say(text)` shows a toast."""

    def __init__(
        self,
        theme: Theme,
        settings: Settings,
        busy: Busy,
        *,
        clock: Callable[[], int],
        say: Callable[[str], None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._theme = theme
        self._settings = settings
        self._busy = busy
        self._clock = clock
        self._say = say
        self._window = window

    def _ask_existing(self, title: str, folder: str, filters: str) -> Path | None:
        from app.ui.widgets.dialogs import ask_open  # noqa: PLC0415

        return ask_open(self._window, title, folder, filters)

    def _ask_new(self, title: str, start: Path, filters: str = "") -> Path | None:
        """A name that nothing has yet, or that the work itself refuses."""
        from app.ui.widgets.dialogs import ask_save  # noqa: PLC0415

        chosen = ask_save(self._window, title, str(start), filters, replace=False)
        return None if chosen is None else chosen[0]

    def _confirm(
        self, title: str, sentence: str, action: str, agreed: Callable[[], None], **items: Any
    ) -> None:
        """Asks for a yes to what destroys nothing; `items` are those of `ConfirmDialog`."""
        from app.ui.widgets.dialogs import ConfirmDialog  # noqa: PLC0415

        ConfirmDialog(
            self._theme, title, sentence, action=action, danger=False, parent=self._window, **items
        ).open_once(agreed)


class Files(FileWork):
    """What opens a file: `opened(OpenedFile)` when it can be shown, `not_opened()` when it cannot.

    `is_opening` says that one is on its way.
    """

    opened = Signal(object)
    not_opened = Signal()
    is_opening = False

    def open(
        self, path: Path, *, read_only: bool = False, force_writable: bool = False, imported: bool = False
    ) -> None:
        """Opens a file, or the database in a folder; what is open stays until then."""

        def work(progress: Progress, cancelled: Stop) -> OpenedFile:
            from app.services.files.opening import open_path  # noqa: PLC0415

            opened = open_path(path, read_only=read_only, force_writable=force_writable)
            return replace(opened, imported=imported)

        self.is_opening = True
        self._busy.run(
            f"Opening {path.name}…",
            work,
            on_done=self._opened,
            on_failed=lambda error: self._not_opened(path, error),
            can_cancel=False,
        )

    def ask_open(self) -> None:
        path = self._ask_existing("Open a database", self._folder(), DATABASE_FILES)
        if path is not None:
            self.open(path)

    def ask_open_folder(self) -> None:
        from app.ui.widgets.dialogs import choose_folder  # noqa: PLC0415

        choose_folder(self._window, "Open a wrangler project", Path(self._folder()), self.open)

    def ask_import(self) -> None:
        dump = self._ask_existing("Import a D1 export", self._folder(), DUMPS)
        if dump is not None:
            self.ask_import_target(dump)

    def ask_import_target(self, dump: Path) -> None:
        """Asks for the new file that an SQL dump is imported into."""
        title, start = f"Import {dump.name} into a new database", dump.with_suffix(".sqlite")
        target = self._ask_new(title, start, DATABASE_FILES)
        if target is not None:
            self.import_dump(dump, target)

    def import_dump(self, dump: Path, target: Path) -> None:
        """Imports an SQL dump into a new file and opens it; never over an existing one."""

        def work(progress: Progress, cancelled: Stop) -> Imported:
            from app.services.files.importing import import_dump  # noqa: PLC0415

            return import_dump(dump, target, progress=progress, cancelled=cancelled)

        def done(imported: Imported) -> None:
            rows = counted(sum(imported.rows.values()), "row")
            self._say(f"{rows} imported from {dump.name}")
            self.open(imported.path, imported=True)

        self._busy.run(f"Importing {dump.name}…", work, on_done=done)

    def ask_create(self) -> None:
        start = Path(self._folder(), "foundation.sqlite")
        path = self._ask_new("Create a database", start, DATABASE_FILES)
        if path is not None:
            self.create(path)

    def create(self, path: Path) -> None:
        """Makes a new database with all migrations and opens it; never over an existing file."""

        def work(progress: Progress, cancelled: Stop) -> Path:
            from app.services.files.opening import create  # noqa: PLC0415

            return create(path, now=self._clock())

        self._busy.run(f"Creating {path.name}…", work, on_done=self.open, can_cancel=False)

    def explore_demo(self) -> None:
        """Opens the sample data, which is made the first time."""
        path = paths.state_dir() / "sample" / "sample.sqlite"
        if paths.exists(path):
            self.open(path)
            return

        def work(progress: Progress, cancelled: Stop) -> Path:
            from app.services.demo import create_demo  # noqa: PLC0415

            path.parent.mkdir(parents=True, exist_ok=True)
            create_demo(path, rows=DEMO_ROWS, now=self._clock(), progress=progress, cancelled=cancelled)
            return path

        self._busy.run("Making sample data…", work, on_done=self.open)

    def ask_migrate(self, path: Path, pending: Sequence[str], agreed: Callable[[], None]) -> None:
        """Names what is pending and where the copy goes; calls `agreed` when the person says yes."""
        count = counted(len(pending), "migration")
        self._confirm(
            f"Apply {count}?",
            f"{path.name} gets the tables and columns that it lacks. Before that, a copy of it is put beside "
            f"it, in {path.parent}.",
            f"Apply {count}",
            agreed,
            items=pending,
            listed="Pending migrations",
        )

    def migrate(self, path: Path) -> None:
        """Applies what is pending, after a copy of the file was taken, and opens it again either way."""

        def work(progress: Progress, cancelled: Stop) -> Applied:
            from app.services.files.opening import migrate  # noqa: PLC0415

            return migrate(path, now=self._clock())

        def done(applied: Applied) -> None:
            kept = f"; the file as it was is {applied.backup.name}" if applied.backup else ""
            self._say(f"{counted(len(applied.names), 'migration')} applied{kept}")
            self.open(path)

        def failed(error: TenantAdminError) -> None:
            self._busy.runner.failed.emit(error)
            self.open(path)

        self._busy.run(
            f"Applying migrations to {path.name}…",
            work,
            on_done=done,
            on_failed=failed,
            can_cancel=False,
        )

    def _opened(self, opened: OpenedFile) -> None:
        self.is_opening = False
        self._settings.add_recent_file(opened.path)
        self.opened.emit(opened)

    def _not_opened(self, path: Path, error: TenantAdminError) -> None:
        from app.services.files.find import SeveralDatabases  # noqa: PLC0415

        self.is_opening = False
        self.not_opened.emit()
        if isinstance(error, SeveralDatabases):
            self._ask_which(error.candidates)
        elif isinstance(error, NeedsCopy):
            self._confirm("Open a copy?", str(error), "Open a copy", lambda: self._open_copy(path))
        elif isinstance(error, SqlDump):
            self._confirm("Import this dump?", str(error), "Import…", lambda: self.ask_import_target(path))
        else:
            if isinstance(error, FileMissing):
                self._settings.remove_recent_file(path)
            self._busy.runner.failed.emit(error)

    def _ask_which(self, candidates: Sequence[Candidate]) -> None:
        from app.ui.shell.dialogs import ChooseDatabaseDialog  # noqa: PLC0415

        dialog = ChooseDatabaseDialog(
            self._theme, candidates, self._clock(), utc=self._settings.utc_times, parent=self._window
        )
        dialog.chosen.connect(lambda candidate: self.open(candidate.path))
        dialog.open_once()

    def _open_copy(self, path: Path) -> None:
        target = paths.state_dir() / "copies" / f"{path.stem}.{self._clock()}{path.suffix}"

        def work(progress: Progress, cancelled: Stop) -> Path:
            from app.services.files.opening import snapshot_copy  # noqa: PLC0415

            target.parent.mkdir(parents=True, exist_ok=True)
            snapshot_copy(path, target)
            return target

        self._busy.run(f"Copying {path.name}…", work, on_done=self.open, can_cancel=False)

    def _folder(self) -> str:
        recent = self._settings.recent_files
        return str(recent[0].parent if recent else Path.home())
