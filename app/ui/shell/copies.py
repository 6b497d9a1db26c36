"""Copies of the open file: one saved, and one put back once a person has seen what that changes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from app.itemmodels.columns import Tone
from app.services.records.tables import DECLARED, title_of
from app.services.text import counted
from app.ui.shell.files import SUFFIXES, FileWork
from app.ui.theme import Theme
from app.ui.widgets.data_table import Cell, StaticColumn, StaticTable
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.formatting import grouped
from app.ui.widgets.labels import Label, Look
from models.errors import TenantAdminError
from models.progress import Progress, Stop

if TYPE_CHECKING:  # loaded on the job's thread
    from app.services.files.restoring import Offer, Restored

COPIES = f"Databases and SQL dumps ({SUFFIXES} *.sql);;All files (*)"

_COLUMNS = (
    StaticColumn("What"),
    StaticColumn("Now", number=True),
    StaticColumn("In the copy", number=True),
    StaticColumn("Change", number=True, dim=True),
)

_LOOKS = {"OTHER": Look.WARN, "CONTRADICTED": Look.BAD}
"""How a copy stands to what checkpoints say, by its name; else dim."""


class Copies(FileWork):
    """What saves a copy of a file, and puts one back.

    `leaving()` comes before a file's content is replaced, when everything that has it open must close;
    `replaced(path)` when it can be opened again, whether the restore succeeded or not.
    """

    leaving = Signal()
    replaced = Signal(object)

    def ask_save(self, path: Path) -> None:
        target = self._ask_new("Save a copy", path.with_name(f"{path.stem} copy{path.suffix}"))
        if target is not None:
            self.save(path, target)

    def save(self, path: Path, target: Path) -> None:
        """Writes what the file holds now to a new file, also while others write to it."""

        def work(progress: Progress, cancelled: Stop) -> Path:
            from app.services.files.opening import snapshot_copy  # noqa: PLC0415

            return snapshot_copy(path, target)

        self._busy.run(
            f"Saving {target.name}…",
            work,
            on_done=lambda copy: self._say(f"Saved and checked: {copy.name}"),
            can_cancel=False,
        )

    def ask_restore(self, path: Path) -> None:
        source = self._ask_existing("Restore from a copy", str(path.parent), COPIES)
        if source is not None:
            self.offer(path, source)

    def offer(self, path: Path, source: Path) -> None:
        """Checks the copy and shows what a restore would change; nothing is changed before that is agreed."""
        now = self._clock()

        def work(progress: Progress, cancelled: Stop) -> tuple[TemporaryDirectory[str], Offer]:
            from app.services.files import restoring  # noqa: PLC0415
            from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

            scratch = restoring.scratch(path)
            try:
                return scratch, restoring.offer(
                    path,
                    source,
                    Path(scratch.name),
                    *store_and_verifier(),
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
        dialog = RestoreDialog(self._theme, offer, path, self._window)
        dialog.accepted.connect(lambda: self._restore(path, scratch, offer))
        dialog.rejected.connect(scratch.cleanup)
        dialog.open_once()

    def _restore(self, path: Path, scratch: TemporaryDirectory[str], offer: Offer) -> None:
        actor, now = self._settings.actor, self._clock()

        def work(progress: Progress, cancelled: Stop) -> Restored:
            from app.services.files import restoring  # noqa: PLC0415
            from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

            # The person opened the file for writing, whoever else has it open.
            try:
                return restoring.carry_out(
                    path,
                    offer,
                    *store_and_verifier(),
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

        self.leaving.emit()
        self._busy.run(f"Restoring {path.name}…", work, on_done=done, on_failed=failed)


class RestoreDialog(ConfirmDialog):
    """Accepted is the person's agreement to restore `path`. Where the copy's own chain does not hold, or it
    is of another database than the file's checkpoints, nothing can be pressed before the person has said that
    it is meant.
    """

    def __init__(self, theme: Theme, offer: Offer, path: Path, parent: QWidget | None = None) -> None:
        prepared = offer.prepared
        super().__init__(
            theme,
            f"Restore {path.name}?",
            f"What it holds is replaced by what {prepared.source.name} holds. The file as it is now is kept "
            f"beside it, in {path.parent}, and can be restored in the same way.",
            action="Restore",
            parent=parent,
        )
        self.setMinimumWidth(560)
        tables = [table for table in DECLARED if table in prepared.after or prepared.before.get(table)]
        tables += [table for table in prepared.after if table not in DECLARED]
        rows = [_row(table, prepared.before.get(table), prepared.after.get(table)) for table in tables]
        self.tables = StaticTable(theme, "What changes", _COLUMNS, rows, most=9)
        self.add_widget(self.tables)
        report = offer.report
        held = f"{counted(report.entries, 'entry', 'entries')} of {counted(len(report.tenants), 'tenant')}"
        found = "holds:" if offer.holds else f"does not hold: {counted(report.found, 'finding')} in"
        look = Look.OK if offer.holds else Look.BAD
        self.chain = Label(f"The audit chain of the copy {found} {held}.", look, wrap=True)
        self.add_widget(self.chain)
        if offer.known is not None:
            look = _LOOKS.get(offer.known.name, Look.DIM)
            self.add_widget(Label(offer.standing or offer.known, look, wrap=True))
        doubt = "it is of another database" if offer.holds else "its audit chain does not hold"
        self.agreement = QCheckBox(f"I mean this, although {doubt}", self)
        self.agreement.setVisible(offer.needs_agreement)
        self.agreement.setChecked(not offer.needs_agreement)
        self.agreement.toggled.connect(self._update)
        if offer.needs_agreement:
            self.add_widget(self.agreement)
        self._update()

    def _update(self) -> None:
        ready = self.agreement.isChecked()
        self.confirm_button.setEnabled(ready)
        self.confirm_button.setToolTip("" if ready else "Tick the box above first.")


def _row(table: str, before: int | None, after: int | None) -> tuple[Cell, ...]:
    name = Cell(title_of(table))
    if before is None or after is None:
        return name, _count(before), _count(after), Cell("")
    change = after - before
    said = f"{'+' if change > 0 else '−'}{grouped(abs(change))}" if change else "same"
    return name, _count(before), _count(after), Cell(said, change, Tone.WARN if change < 0 else None)


def _count(number: int | None) -> Cell:
    return Cell("not readable", -1, Tone.WARN) if number is None else Cell(grouped(number), number)
