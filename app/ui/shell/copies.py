"""Copies of the open file: one saved, and one put back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from app import paths
from app.ui.shell.files import FileWork
from app.ui.widgets.dialogs import ask_open, ask_save
from models.errors import TenantAdminError
from models.progress import Progress, Stop

# The workers and the dialog are loaded when a copy is made or put back.
if TYPE_CHECKING:
    from app.services.files.restoring import Offer, Restored

COPIES = "Databases and SQL dumps (*.sqlite *.sqlite3 *.db *.sql);;All files (*)"


class Copies(FileWork):
    """What saves a copy of a file, and puts one back.

    `leaving(path)` comes before a file's content is replaced, when everything that has it open must close;
    `replaced(path)` when it can be opened again, whether the restore succeeded or not.
    """

    leaving = Signal(object)
    replaced = Signal(object)

    def ask_save(self, path: Path) -> None:
        start = str(path.with_name(f"{path.stem} copy{path.suffix}"))
        chosen = ask_save(self._window, "Save a copy", start, replace=False)
        if chosen is not None:
            self.save(path, chosen[0])

    def save(self, path: Path, target: Path) -> None:
        """Writes what the file holds now to a new file, also while others write to it."""

        def work(progress: Progress, cancelled: Stop) -> Path:
            from app.services.files.copying import snapshot_copy  # noqa: PLC0415

            return snapshot_copy(path, target)

        self._busy.run(
            f"Saving {target.name}…",
            work,
            on_done=lambda copy: self._say(f"Saved and checked: {copy.name}"),
            can_cancel=False,
        )

    def ask_restore(self, path: Path) -> None:
        source = ask_open(self._window, "Restore from a copy", str(path.parent), COPIES)
        if source is not None:
            self.offer(path, source)

    def offer(self, path: Path, source: Path) -> None:
        """Checks the copy and shows what a restore would change; nothing is changed before that is agreed."""
        now = self._clock()

        def work(progress: Progress, cancelled: Stop) -> tuple[TemporaryDirectory[str], Offer]:
            from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
            from app.services.files import restoring  # noqa: PLC0415
            from app.workers import scan_pool  # noqa: PLC0415

            scratch = restoring.scratch(path)
            try:
                return scratch, restoring.offer(
                    path,
                    source,
                    Path(scratch.name),
                    CheckpointStore(paths.checkpoints_dir()),
                    scan_pool.verify,
                    now=now,
                    progress=progress,
                    cancelled=cancelled,
                )
            except BaseException:
                scratch.cleanup()
                raise

        self._busy.run(
            f"Checking {source.name}…",
            work,
            on_done=lambda found: self._ask(path, *found),
        )

    def _ask(self, path: Path, scratch: TemporaryDirectory[str], offer: Offer) -> None:
        from app.ui.shell.restore import RestoreDialog  # noqa: PLC0415

        dialog = RestoreDialog(self._theme, offer, path.name, str(path.parent), parent=self._window)
        dialog.accepted.connect(lambda: self._restore(path, scratch, offer))
        dialog.rejected.connect(scratch.cleanup)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _restore(self, path: Path, scratch: TemporaryDirectory[str], offer: Offer) -> None:
        actor, now = self._settings.actor, self._clock()

        def work(progress: Progress, cancelled: Stop) -> Restored:
            from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
            from app.services.files.restoring import carry_out  # noqa: PLC0415
            from app.workers import scan_pool  # noqa: PLC0415

            # The person opened the file for writing, whoever else has it open.
            try:
                return carry_out(
                    path,
                    offer,
                    CheckpointStore(paths.checkpoints_dir()),
                    scan_pool.verify,
                    actor=actor,
                    now=now,
                    force=True,
                    progress=progress,
                    cancelled=cancelled,
                )
            finally:
                scratch.cleanup()

        def done(restored: Restored) -> None:
            self._say(f"Restored; the file as it was is {restored.kept.name}")
            self.replaced.emit(path)

        def failed(error: TenantAdminError) -> None:
            self._busy.runner.failed.emit(error)
            self.replaced.emit(path)

        self.leaving.emit(path)
        self._busy.run(f"Restoring {path.name}…", work, on_done=done, on_failed=failed)
