"""Opening, making, copying and restoring files, in the background and with a sentence when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app import paths
from app.services.text import counted, shown_tenant, utc_time
from app.settings import Settings
from app.ui.session.busy import Busy, ReadingText
from app.ui.theme import Theme
from app.workers.runner import WentWrong
from models import errors
from models.engine import MOST_READ
from models.progress import Monitor

# Services and dialogs are imported where they are used: mostly on the job's thread, with the window painted.
if TYPE_CHECKING:
    from app.services.chain.where import Where
    from app.services.files.describe import OpenedFile
    from app.services.files.exporting import Exported
    from app.services.files.find import SeveralDatabases
    from app.services.files.importing import Imported
    from app.services.files.restoring import Offer, Restored
    from app.services.live.fetching import Fetched
    from app.services.opened import Opened
    from app.services.tenants.erasing import Erasure
    from app.ui.session.context import Context
    from app.ui.widgets.dialogs import Door
    from models.engine import Database
    from models.files.atomic import WorkFolder

SUFFIXES = " ".join(f"*{suffix}" for suffix in paths.DATABASE_SUFFIXES)
DATABASE_FILES = f"Databases ({SUFFIXES});;All files (*)"
DUMPS = "SQL dumps (*.sql *.sql.gz);;All files (*)"
COPIES = f"Databases and SQL dumps ({SUFFIXES} *.sql *.sql.gz);;All files (*)"
DEMO_ROWS = 20_000


class Files(QObject):
    """What is done with whole files, and copies of live databases, in the background.

    `opened(OpenedFile)` when a file can be shown, `not_opened()` when it cannot; `is_opening` says that one
    is on its way. `leaving()` comes when a file's content was replaced, or is about to be, and what shows it
    must close; `ending` says what is lost by that, for who is asked before. `context_of` is what shows a
    file, if anything does. `when_free` shows a file by its name, once nothing stands before the one that is
    shown.
    """

    opened = Signal(object)
    not_opened = Signal()
    leaving = Signal()
    is_opening = False

    def __init__(
        self,
        theme: Theme,
        settings: Settings,
        busy: Busy,
        *,
        clock: Callable[[], int],
        say: Callable[..., None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._theme, self._settings, self._busy = theme, settings, busy
        self._clock, self._say, self._window = clock, say, window
        self.ending: Callable[[], str] = str
        self.context_of: Callable[[Path], Context | None] = lambda path: None
        self.when_free: Callable[[str, Callable[[], object]], object] = lambda name, show: show()
        self._shown: OpenedFile | None = None
        self._used: Path | None = None

    def open(
        self,
        path: Path,
        *,
        read_only: bool = False,
        force_writable: bool = False,
        imported: Imported | None = None,
        restored: Restored | None = None,
        said: str = "",
        notes: Sequence[str] = (),
        of: str = "what came in",
    ) -> None:
        """Opens a file, or the database in a folder; what is open stays until then, but for one that another
        was written over, whose log is in the other's way. `said` is what was done with it before, and `notes`
        what is to be known `of` that, for when it is in sight.
        """
        shown = self._shown
        if shown is not None and shown.database.on_disk.overwritten and shown.path == paths.resolved(path):
            self.leaving.emit()

        def work(monitor: Monitor) -> OpenedFile:
            from app.services.files.opening import open_path  # noqa: PLC0415

            opened = open_path(path, read_only=read_only, force_writable=force_writable)
            return replace(opened, imported=imported, restored=restored)

        self.is_opening = True
        failed = partial(self._not_opened, path)

        def done(opened: OpenedFile) -> None:
            self.when_free(path.name, partial(self._opened, said, notes, of, opened))

        self._busy.run(f"Opening {path.name}…", work, on_done=done, on_failed=failed, can_cancel=False)

    def open_again(self, path: Path, error: errors.TenantAdminError | None) -> None:
        """Opens the file where something else is in its place; or where its log is gone, which SQLite finds
        missing for as long as what shows the file has it open, so that is closed first.
        """
        is_log = isinstance(error, errors.LogMissing) and not isinstance(error, errors.FileEmptied)
        if is_log and self._shown is not None and self._shown.path == paths.resolved(path):
            self.leaving.emit()
        self.open(path)

    def ask_open(self) -> None:
        self._ask_existing("Open a database", DATABASE_FILES, self.open)

    def ask_open_folder(self) -> None:
        from app.ui.widgets.file_dialogs import choose_folder  # noqa: PLC0415

        choose_folder(self._theme, self._window, "Open a wrangler project", self._folder(), self.open)

    def ask_import(self) -> None:
        self._ask_existing("Import a D1 export", DUMPS, self.ask_import_target)

    def ask_import_target(self, dump: Path) -> None:
        """Asks for the new file that an SQL dump is imported into."""
        title = f"Import {dump.name} into a new database"
        start = dump.with_name(f"{dump.name.removesuffix('.gz').removesuffix('.sql')}.sqlite")
        self._ask_new(title, start, partial(self.import_dump, dump))

    def import_dump(self, dump: Path, target: Path, *, strict: bool = True) -> None:
        """Imports an SQL dump into a new file and opens it; never over an existing one.

        What cannot come in as it is written is asked about first: with `strict` nothing is made then.
        """

        def work(monitor: Monitor) -> Imported:
            from app.services.files.importing import import_dump  # noqa: PLC0415
            from app.workers.importing import build  # noqa: PLC0415

            told = partial(import_dump, monitor=monitor, build=build)
            return told(dump, target, strict=strict)

        def done(imported: Imported) -> None:
            from app.services.files.dump import sentences  # noqa: PLC0415

            rows = counted(sum(imported.rows.values()), "row")
            part = "" if imported.tenant is None else f", of the tenant {shown_tenant(imported.tenant)} alone"
            said = f"{rows} imported from {dump.name}{part}"
            # What was asked about has named the others, too.
            notes = (*sentences(imported.notes if strict else ()), *map(str, imported.dangling))
            self.open(imported.path, imported=imported, said=said, notes=notes)

        def failed(error: errors.TenantAdminError) -> None:
            from app.services.files.dump import NotWhole, sentences  # noqa: PLC0415

            if not isinstance(error, NotWhole):
                self._failed(None, _when_cancelled(error, errors.NothingMade))
                return
            self._confirm(
                "Import what can be imported?",
                f"{dump.name} cannot come in exactly as it is written. What is not listed comes in whole.",
                "Import the rest",
                lambda: self.import_dump(dump, target, strict=False),
                items=sentences(error.notes),
                listed="Left out, changed, or worth knowing",
                whole=True,
            )

        # What is counted are bytes of the dump, which says nothing of its rows.
        self._busy.run(f"Importing {dump.name}…", work, on_done=done, on_failed=failed, in_rows=False)

    def ask_create(self) -> None:
        self._ask_new("Create a database", self._folder() / "foundation.sqlite", self.create)

    def create(self, path: Path) -> None:
        """Makes a new database with all migrations and opens it; never over an existing file."""

        def work(monitor: Monitor) -> Path:
            from app.services.files.opening import create  # noqa: PLC0415

            return create(path, now=self._clock())

        self._busy.run(f"Creating {path.name}…", work, on_done=self.open, can_cancel=False)

    def explore_demo(self) -> None:
        """Opens the sample data, which is made the first time."""
        path = paths.state_dir() / "sample" / "sample.sqlite"
        if paths.exists(path):
            self.open(path)
            return

        def work(monitor: Monitor) -> Path:
            from app.services.demo import create_demo  # noqa: PLC0415

            paths.make_private(path.parent)
            create_demo(path, rows=DEMO_ROWS, now=self._clock(), monitor=monitor)
            return path

        self._busy.run("Making sample data…", work, on_done=self.open)

    def ask_migrate(self, opened: Opened, still_open: Callable[[], bool]) -> None:
        """Names what is pending and where the copy goes; migrates a file that is still open at the answer."""
        path, count = opened.path, counted(len(opened.pending), "migration")
        ending = self.ending()
        self._confirm(
            f"Apply {count}?",
            f"{path.name} gets the tables and columns that it lacks. Before that, a copy of it is put beside "
            f"it, in this folder:\n{path.parent}" + (f"\n{ending}" if ending else ""),
            f"Apply {count}",
            lambda: self._migrate(path) if still_open() else None,
            items=opened.pending,
            listed="Pending migrations",
        )

    def _migrate(self, path: Path) -> None:
        """Applies what is pending, after a copy of the file was taken."""

        def work(monitor: Monitor) -> tuple[str, Sequence[str]]:
            from app.services.files.opening import migrate  # noqa: PLC0415

            applied = migrate(path, now=self._clock())
            kept = f"; the file as it was is {applied.backup.name}" if applied.backup else ""
            return f"{counted(len(applied.names), 'migration')} applied{kept}", ()

        text = f"Applying migrations to {path.name}…"
        again = partial(self._migrate, path)
        self._rewrite(path, text, work, can_cancel=False, again=again)

    def ask_save_copy(self, opened: Opened) -> None:
        if (path := opened.file) is None:
            start = _outside(self._folder()) / f"{opened.stem} copy.sqlite"
            self._ask_new("Save a copy", start, partial(self.fetch, opened.database))
        else:
            start = path.with_name(f"{path.stem} copy{path.suffix}")
            self._ask_new("Save a copy", start, partial(self.save_copy, path))

    def fetch(self, database: Database, target: Path, most: int = MOST_READ) -> None:
        """Writes all that a live database holds to a new file; asks where more than `most` rows are read."""
        words = ReadingText(f"Saving {target.name}")

        def work(monitor: Monitor) -> Fetched:
            from app.services.live.fetching import fetch  # noqa: PLC0415

            before = partial(words.agreed, monitor.progress, most, database.place, charged=database.charges)
            return fetch(database, target, before=before, monitor=monitor)

        def done(fetched: Fetched) -> None:
            rows = counted(sum(fetched.rows.values()), "row")
            before = f"; {fetched.resumed:,} read before" if fetched.resumed else ""
            said = f"Saved and checked: {target.name}, {rows} ({fetched.used}{before})"
            self._say_written(said, fetched.notes, target)

        failed = self._or_ask(partial(self.fetch, database, target), None)
        self._busy.run(words, work, on_done=done, on_failed=failed)

    def _or_ask(
        self, again: Callable[[int], None], of: Path | None
    ) -> Callable[[errors.TenantAdminError], None]:
        """`or_ask` of work that reads, and else fails to read `of`."""
        from app.ui.session.lock import or_ask  # noqa: PLC0415

        return or_ask(self._theme, again, self._window, partial(self._failed, of))

    def save_copy(self, path: Path, target: Path) -> None:
        """Writes what the file holds now to a new file, also while others write to it."""
        self._busy.run(
            f"Saving {target.name}…",
            self._reading(path, partial(_copied, path, target)),
            on_done=lambda copy: self._say(f"Saved and checked: {copy.name}", copy),
            on_failed=lambda error: self._busy.runner.failed.emit(_when_cancelled(error, errors.NothingMade)),
            in_rows=False,
        )

    def ask_export_sql(self, opened: Opened, tenant: str | None) -> None:
        """Asks where to write the database as SQL, or of one tenant all that belongs to it."""
        folder = self._folder() if opened.file is None else opened.folder
        self._ask_export(opened.where, folder / opened.stem, tenant)

    def ask_salvage(self, path: Path) -> None:
        """The same of what can be read of a damaged file."""
        from app.services.chain.where import InFile  # noqa: PLC0415

        self._ask_export(InFile(path), path.with_suffix(""), None, readable=True)

    def _ask_export(self, where: Where, stem: Path, tenant: str | None, *, readable: bool = False) -> None:
        from app.ui.widgets.file_dialogs import ask_save  # noqa: PLC0415

        title = (
            "Export database as SQL"
            if tenant is None
            else f"Export the rows of {shown_tenant(tenant)} as SQL"
        )
        title = "Save what can be read as SQL" if readable else title
        start = f"{stem}{'' if tenant is None else ' one tenant'}.sql"
        found = ask_save(self._theme, self._window, title, start, DUMPS)
        if found is not None:
            self.export_sql(where, found[0], tenant, readable=readable)

    def export_sql(
        self,
        source: Where,
        target: Path,
        tenant: str | None,
        most: int = MOST_READ,
        *,
        readable: bool = False,
    ) -> None:
        """Writes what the file or live database holds now as SQL, in place of what is at `target`.

        Asks where more than `most` rows of a live one are read.
        """

        words = ReadingText(f"Exporting to {target.name}")

        def work(monitor: Monitor) -> Exported:
            from app.services.files.exporting import Wanted  # noqa: PLC0415
            from app.workers.export import export_database  # noqa: PLC0415

            before = partial(words.agreed, monitor.progress, most, source.name, charged=source.charges)
            told = partial(export_database, before=before, monitor=monitor)
            return told(source, target, Wanted(tenant, readable=readable), replace=True)

        def done(exported: Exported) -> None:
            said = f"{counted(exported.count, 'row')} exported to {target.name}"
            self._say_written(said, exported.notes, target)

        def failed(error: errors.TenantAdminError) -> None:
            if readable and source.file is not None and isinstance(error, errors.DamagedFile):
                error = errors.NothingReadable(source.file)
            self._or_ask(partial(self.export_sql, source, target, tenant), source.file)(error)

        in_place = self._reading(source, work)
        self._busy.run(words, in_place, on_done=done, on_failed=failed)

    def _say_written(self, said: str, notes: Sequence[str], target: Path) -> None:
        if notes:
            self._tell(said, "Not all of it is there, or not as D1 takes it:", notes)
        else:
            self._say(said, target)

    def _tell(self, said: str, sentence: str, notes: Sequence[str]) -> None:
        from app.ui.shell.dialogs import NotesDialog  # noqa: PLC0415

        NotesDialog(self._theme, said, sentence, notes, self._window).open_once()

    def ask_restore(self, path: Path) -> None:
        self._ask_existing("Restore from a copy", COPIES, partial(self.offer_restore, path))

    def offer_restore(self, path: Path, source: Path) -> None:
        """Checks the copy and shows what a restore would change; nothing is changed before that is agreed."""
        now = self._clock()

        def work(monitor: Monitor) -> tuple[WorkFolder, Offer]:
            from app.services.files import restoring  # noqa: PLC0415
            from app.workers.importing import build  # noqa: PLC0415
            from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

            own, scratch = store_and_verifier(), restoring.scratch(path)
            told = partial(restoring.offer, monitor=monitor, build=build)
            try:
                found = told(path, source, Path(scratch.name), *own, now=now)
                return scratch, replace(
                    found, prepared=restoring.compared(found.prepared, path, monitor.cancelled)
                )
            except BaseException:
                scratch.cleanup()
                raise

        self._busy.run(
            f"Checking {source.name}…",
            self._reading(path, work),
            on_done=lambda found: self._ask_agreement(path, *found),
            on_failed=lambda error: self._failed(source, _when_cancelled(error, errors.RewriteCancelled)),
            asks=True,
        )

    def _ask_agreement(self, path: Path, scratch: WorkFolder, offer: Offer) -> None:
        from app.ui.shell.dialogs import RestoreDialog  # noqa: PLC0415

        dialog = RestoreDialog(self._theme, offer, path, self._window, ending=self.ending())
        dialog.rejected.connect(scratch.cleanup)
        dialog.open_in_turn(lambda: self._restore(path, scratch, offer))

    def _restore(self, path: Path, scratch: WorkFolder, offer: Offer) -> None:
        actor, now = self._settings.actor, self._clock()

        restored: list[Restored] = []

        def work(monitor: Monitor) -> tuple[str, Sequence[str]]:
            from app.services.files import restoring  # noqa: PLC0415
            from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

            # The person opened the file for writing, whoever else has it open, and was told of its chain.
            carry_out = partial(restoring.carry_out, actor=actor, now=now, force=True, unrecorded=True)
            with scratch:
                done = carry_out(path, offer, *store_and_verifier(), monitor=monitor)
            restored.append(done)
            return f"Restored; the file as it was is {done.kept.name}", ()

        # The copy has the entry of this restore by then.
        again = partial(self.offer_restore, path, offer.prepared.source)
        text = f"Restoring {path.name}…"
        self._rewrite(path, text, work, in_rows=False, restored=restored, again=again)

    def erase_tenant(self, path: Path, erasure: Erasure) -> None:
        """Erases what was agreed to, behind a copy of the file."""
        actor, clock = self._settings.actor, self._clock

        def work(monitor: Monitor) -> tuple[str, Sequence[str]]:
            from app.services.files.opening import open_database  # noqa: PLC0415
            from app.workers.tenants import erase_with_what_is_kept  # noqa: PLC0415

            opened = open_database(path, force_writable=True)  # as the person had it open
            done = erase_with_what_is_kept(opened, erasure, actor=actor, now=clock, monitor=monitor)
            kept.append(opened.kept_by)
            return done.said, done.notes

        def forget() -> Sequence[str]:
            from app.ui.tabs.common.arrangement import forget_rows  # noqa: PLC0415

            return forget_rows(self._settings, kept[0])

        kept: list[errors.FileOrName] = []
        words = f"Erasing {shown_tenant(erasure.tenant)}…"
        again = partial(self.erase_tenant, path, erasure)
        self._rewrite(path, words, work, in_rows=False, of="the erasure", behind=forget, again=again)

    def _rewrite(
        self,
        path: Path,
        text: str,
        work: Callable[[Monitor], tuple[str, Sequence[str]]],
        *,
        can_cancel: bool = True,
        in_rows: bool = True,
        of: str = "it",
        behind: Callable[[], Sequence[str]] = list,
        restored: Sequence[Restored] = (),
        again: Callable[[], object] | None = None,
    ) -> None:
        """Has `work` rewrite the file, while nothing here has it open; then closes it, says what was done and
        what is to be known `of` that, with what is done `behind` it, and opens it again. What came of a
        restore is `restored` then. Where nothing was changed, all that is shown stays as it is, with its
        undo, and what may go well later is offered `again`.

        Nothing else can be begun meanwhile.
        """

        from app.ui.widgets.dialogs import WaitDialog  # noqa: PLC0415

        wait = WaitDialog(self._theme, text, self._window, can_cancel=can_cancel, in_rows=in_rows)
        context = self.context_of(path)
        could_write = context is not None and not context.opened.read_only
        open_again = partial(self.open, path, force_writable=could_write)  # whoever else has it open

        def done(result: tuple[str, Sequence[str]]) -> None:
            said, notes = result
            self._leave(context)
            wait.done(WaitDialog.DialogCode.Accepted)
            if restored:  # a notice says it, which stays
                said = ""
            open_again(said=said, notes=[*notes, *behind()], of=of, restored=next(iter(restored), None))

        def failed(error: errors.TenantAdminError) -> None:
            may_be_done = error.is_undecided or isinstance(error, WentWrong)
            if may_be_done:
                self._leave(context)
            wait.done(WaitDialog.DialogCode.Rejected)
            if again is not None and error.is_retriable and not may_be_done:
                self.show_failure(error, path, again=again)
            else:
                self._busy.runner.failed.emit(_when_cancelled(error, errors.RewriteCancelled))
            if may_be_done:
                open_again()
            elif context is not None:
                context.outside.look()  # others may have written meanwhile

        wait.open_once()
        begin = self._busy.runner.job if context is None else context.runner.apart
        job = begin(
            self._in_place(path, work), on_progress=wait.show_progress, on_done=done, on_failed=failed
        )
        wait.cancelled.connect(job.cancel)

    def _leave(self, context: Context | None) -> None:
        if context is not None:
            self.leaving.emit()

    def _in_place(self, of: Path | Where, work: Callable[..., Any]) -> Callable[[Monitor], Any]:
        """Work which, of the file that is shown, is not begun where another was put in its place."""
        shown = self._shown

        def checked(monitor: Monitor) -> Any:
            if shown is not None and of in {shown.path, shown.where}:
                shown.database.require_in_place()
            return work(monitor)

        return checked

    def _reading(self, of: Path | Where, work: Callable[..., Any]) -> Callable[[Monitor], Any]:
        """The same of work that only reads the file. Closed meanwhile, that leaves its log to whoever reads
        last, and a child that is ended to nobody.
        """
        shown, in_place = self._shown, self._in_place(of, work)

        def released(monitor: Monitor) -> Any:
            try:
                return in_place(monitor)
            finally:
                if shown is not None and of in {shown.path, shown.where}:
                    shown.database.release()

        return released

    def _opened(self, said: str, notes: Sequence[str], of: str, opened: OpenedFile) -> None:
        self.is_opening, self._shown, self._used = False, opened, None
        self._settings.add_recent(opened.path)
        self.opened.emit(opened)
        if notes:
            self._tell(said, f"About {of}:", notes)
        elif said:
            self._say(said)

    def _not_opened(self, path: Path, error: errors.TenantAdminError) -> None:
        from app.services.files.find import SeveralDatabases  # noqa: PLC0415

        self.is_opening = False
        self.not_opened.emit()
        if isinstance(error, SeveralDatabases):
            self._ask_which(error)
        elif isinstance(error, errors.NeedsCopy):
            self._confirm("Open a copy?", str(error), "Open a copy", lambda: self._open_copy(path))
        elif isinstance(error, errors.SqlDump):
            sentence = (
                f"{path.name} is an SQL dump, which is text, not a database. It comes into a new one, for "
                "which you choose a name next."
            )
            self._confirm("Import this dump?", sentence, "Import…", lambda: self.ask_import_target(path))
        else:
            if isinstance(error, errors.FileMissing):
                self._settings.remove_recent(path)
                self.not_opened.emit()  # it is no longer offered
            self.show_failure(error, path, opening=True)

    def _failed(self, of: Path | None, error: errors.TenantAdminError) -> None:
        """What helps against damage is offered for the file that was read, whichever is open."""
        if isinstance(error, errors.UnreadableFile):
            self.show_failure(error, of)
        else:
            self._busy.runner.failed.emit(error)

    def show_failure(
        self,
        error: errors.TenantAdminError,
        path: Path | None,
        *,
        opening: bool = False,
        again: Callable[[], object] | None = None,
        doors: Sequence[Door] = (),
    ) -> None:
        """Says what did not work, with a button for what can be done about it, before them `doors`; `path` is
        the file meant.
        """
        if isinstance(error, WentWrong):  # a bug has its own dialog
            return
        from app.ui.widgets.dialogs import ErrorDialog  # noqa: PLC0415

        shown = [*([] if again is None else [("Try again", again)]), *doors]
        shown += self._doors(error, path, opening=opening)
        title = f"{path.name} cannot be opened" if opening and path is not None else error.heading
        ErrorDialog(self._theme, str(error), self._window, title=title, doors=shown).open_once()

    def _doors(self, error: errors.TenantAdminError, path: Path | None, *, opening: bool) -> Iterator[Door]:
        if path is not None:
            if isinstance(error, errors.FileReplaced | errors.LogMissing):
                yield "Open again", partial(self.open_again, path, error)
            if opening and isinstance(error, errors.FileLocked):
                yield "Open again", partial(self.open, path)
            if isinstance(error, errors.UnreadableFile | errors.FileEmptied):
                yield "Restore from a copy…", partial(self.ask_restore, path)
            if isinstance(error, errors.UnreadableFile) and not isinstance(
                error, errors.LogLeftBehind | errors.NothingReadable
            ):
                yield "Save what can be read…", partial(self.ask_salvage, path)
            if opening and not isinstance(error, errors.FileMissing):
                yield "Show in folder", path
        if opening or isinstance(error, errors.FileMissing):
            yield "Open another…", self.ask_open
        if isinstance(error, errors.EmptyFile):
            yield "New database…", self.ask_create

    def _ask_which(self, found: SeveralDatabases) -> None:
        from app.ui.shell.dialogs import ChooseDatabaseDialog  # noqa: PLC0415

        dialog = ChooseDatabaseDialog(
            self._theme,
            found.candidates,
            self._clock(),
            besides=found.besides,
            utc=self._settings.utc_times,
            parent=self._window,
        )
        dialog.open_once(lambda: self.open(dialog.candidate().path))

    def _open_copy(self, path: Path) -> None:
        """The window says of which file it is a copy whenever that is open."""
        of = utc_time(self._clock()).replace(":", ".")
        target = paths.state_dir() / "copies" / f"{path.stem} (copy, {of}){path.suffix}"

        def work(monitor: Monitor) -> Path:
            paths.make_private(target.parent)
            return _copied(path, target, monitor)

        def done(copy: Path) -> None:
            self._settings.copy_of.set(copy, path)
            self.open(copy)

        failed = partial(self._failed, path)
        self._busy.run(f"Copying {path.name}…", work, on_done=done, on_failed=failed, in_rows=False)

    def _ask_existing(self, title: str, filters: str, chosen: Callable[[Path], object]) -> None:
        from app.ui.widgets.file_dialogs import ask_open  # noqa: PLC0415

        path = ask_open(self._theme, self._window, title, str(self._folder()), filters)
        if path is not None:
            self._used = path.parent
            chosen(path)

    def _ask_new(self, title: str, start: Path, chosen: Callable[[Path], object]) -> None:
        """Asks for a name that nothing has yet, and offers one."""
        from app.ui.widgets.file_dialogs import ask_save  # noqa: PLC0415

        found = ask_save(self._theme, self._window, title, str(start), DATABASE_FILES, replace=False)
        while found is not None and paths.exists(found[0]):
            taken = f"{found[0].name} is there already — {title}"
            found = ask_save(self._theme, self._window, taken, str(found[0]), DATABASE_FILES, replace=False)
        if found is not None:
            self._used = found[0].parent
            chosen(found[0])

    def _confirm(
        self, title: str, sentence: str, action: str, agreed: Callable[[], object], **items: Any
    ) -> None:
        """Asks for a yes to what destroys nothing; `items` are those of `ConfirmDialog`."""
        from app.ui.widgets.dialogs import ConfirmDialog  # noqa: PLC0415

        ConfirmDialog(
            self._theme, title, sentence, action=action, danger=False, parent=self._window, **items
        ).open_once(agreed)

    def _folder(self) -> Path:
        """That of the last answer, of the file that is open, or of the one opened last."""
        recent = (place.parent for place in self._settings.recent if isinstance(place, Path))
        return self._used or next(recent, paths.home())


def _when_cancelled(error: errors.TenantAdminError, so: type[errors.Cancelled]) -> errors.TenantAdminError:
    """It, or, where it says only that a person has cancelled, what that means."""
    return so() if type(error) is errors.Cancelled else error


def _outside(folder: Path) -> Path:
    """The project's own folder where it is one in which wrangler keeps what it works with."""
    inside = [at for at, part in enumerate(folder.parts) if part == ".wrangler"]
    return Path(*folder.parts[: inside[0]]) if inside else folder


def _copied(path: Path, target: Path, monitor: Monitor) -> Path:
    from app.services.files.opening import snapshot_copy  # noqa: PLC0415

    return snapshot_copy(path, target, monitor)
