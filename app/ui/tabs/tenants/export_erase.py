"""What takes a tenant out of the file, as a folder or for good: asked about here, and done elsewhere.

And the verification of all tenants behind their list: what is found is in `context.verdict`.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.services.chain.rules import HEADLINES
from app.services.records.tables import title_of
from app.services.tenants import erasing
from app.services.text import counted, shown_tenant, visible
from app.ui.session import outcome
from app.ui.session.busy import ReadingText
from app.ui.session.context import Context
from app.ui.session.lock import or_ask
from app.ui.session.outcome import Asked, Outcome
from app.ui.session.verdict_words import headline
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import ConfirmDialog, ErrorDialog
from app.ui.widgets.file_dialogs import ask_new_folder
from models.engine import MOST_READ
from models.errors import Cancelled, TenantAdminError
from models.progress import Monitor

if TYPE_CHECKING:
    from app.services.tenants.bundle import TenantExported
    from app.services.tenants.erasing import Erasure


_NAME = "name another tenant, as the manifest says"
_UNKNOWN = "No checkpoint knows this chain yet"
_SIGN, _WITHOUT = "Sign one and export", "Export without one"
_NO_PROOF = (
    "Without a checkpoint nobody can tell the export from a forged chain. One that is signed first is "
    "exported with it."
)
_GOES = "All that it has goes for good, at once or not at all."
_COPY_OF_FILE = "A copy of the file is put beside it first, in this folder:\n{}"
_COPY_OF_ROWS = "A copy of all that goes is put first in this folder:\n{}"
_NO_UNDO = "What was done to it here before can no longer be undone."
_COPY_HOLDS = "That copy still holds all of it: delete it when nobody needs it any more."
_STAYS = (
    "A marker in its chain and an entry in that of system say what went; what other chains and the "
    "checkpoints say of it stays."
)


def ask_export(context: Context, tenant: str, window: QWidget) -> None:
    """Asks where to, and exports all that it has."""
    opened, words = context.opened, f"Export the data of {shown_tenant(tenant)} to a new folder"
    start = opened.folder / f"{opened.stem} {_file_name(tenant)}"
    if (folder := ask_new_folder(context.theme, window, words, start)) is not None:
        export(context, tenant, folder, window)


def ask_without_checkpoint(context: Context, go: Callable[[], object], window: QWidget) -> None:
    """Before a chain is exported that no checkpoint knows one is signed, unless a person does without. Then
    it goes on; where none could be signed the dialog that says so stays.
    """
    question = ConfirmDialog(context.theme, _UNKNOWN, _NO_PROOF, action=_SIGN, danger=False, parent=window)

    def sign() -> None:
        from app.ui.tabs.audit.dialogs import CheckpointsDialog  # noqa: PLC0415 - few have none

        box = CheckpointsDialog(context, window)

        def checked(outcome: Outcome) -> None:
            context.verdict.take(outcome)
            if outcome.checkpoint is not None:
                box.accept()
                go()

        box.listed.connect(lambda _: box.make_button.click(), Qt.ConnectionType.SingleShotConnection)
        box.checked.connect(checked)
        box.open_once()

    def without() -> None:
        question.reject()
        go()

    question.add_apart(push_button(context.theme, _WITHOUT, without))
    question.open_once(sign)


def export(context: Context, tenant: str, folder: Path, window: QWidget, most: int = MOST_READ) -> None:
    """Writes all that a tenant has into a new folder; asks where more than `most` rows of a live database are
    read for it.
    """
    opened, now, by = context.opened, context.clock, context.settings.actor
    words = ReadingText(f"Exporting {shown_tenant(tenant)} to {folder.name}")

    def work(monitor: Monitor) -> "TenantExported":
        from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415 - few export one
        from app.workers.tenants import export_tenant  # noqa: PLC0415

        charged = opened.database.charges
        before = partial(words.agreed, monitor.progress, most, opened.place, charged=charged)
        told = partial(export_tenant, before=before, monitor=monitor)
        return told(opened.where, tenant, folder, *store_and_verifier(), now=now, by=by)

    def done(exported: "TenantExported") -> None:
        said = f"{counted(exported.count, 'row')} of {shown_tenant(tenant)} exported to {folder.name}"
        if exported.lost_end is not None:
            said += f". {exported.lost_end.said}"
        elif exported.verdict is not None and not exported.holds:
            said += f"; {HEADLINES[exported.verdict].lower()}, as the report in it says"
        if exported.names_others:
            said += f"; {counted(exported.names_others, 'entry', 'entries')} of it {_NAME}"
        if exported.no_chain:
            said += f"; as rows alone. {exported.no_chain}"
        for table, rows in exported.virtual.items():
            said += f"; without {counted(rows, 'row')} of the virtual table {visible(table)}"
        if exported.beside:
            said += f"; {exported.said_of_those_beside}"
        if exported.unsigned:
            said += f"; without what checkpoints knew of it. {exported.unsigned}"
        elif exported.entries and not exported.checkpoints:
            said += "; no checkpoint knows its chain yet (Checkpoints… in the audit tab makes one)"
        context.say(said, folder)

    again = partial(export, context, tenant, folder, window)
    failed = or_ask(context.theme, again, window, context.runner.failed.emit)
    context.job(words, work, on_done=done, on_failed=failed)


def cannot_erase(context: Context, tenant: str | None) -> str | None:
    """Why none can be, or not this tenant, as a sentence."""
    return context.cannot_write or (None if tenant is None else erasing.why_never(tenant))


def ask_erase(
    context: Context,
    tenant: str,
    erase: "Callable[[Erasure], object]",
    window: QWidget,
    most: int = MOST_READ,
) -> None:
    """Counts what would go and shows that; `erase` is called where a person agrees to it. Asks where more
    than `most` rows of a live database are read for that.
    """
    opened, now = context.opened, context.clock()
    words = ReadingText(f"Counting what {shown_tenant(tenant)} has")

    def work(monitor: Monitor) -> "Erasure":
        database = opened.database
        with database.connection_context(), database.cancellable(monitor.cancelled):
            if rows := erasing.most_to_count(database, opened.sizes):
                words.agreed(monitor.progress, most, opened.place, rows, charged=database.charges)
            return erasing.plan(database, tenant, now=now)

    again = partial(ask_erase, context, tenant, erase, window)
    failed = or_ask(context.theme, again, window, context.runner.failed.emit)
    context.job(words, work, on_done=partial(_confirm, context, erase, window), on_failed=failed, asks=True)


def _confirm(
    context: Context, erase: "Callable[[Erasure], object]", window: QWidget, found: "Erasure"
) -> None:
    opened = context.opened
    if found.obstacle is not None or not found.tenant.strip():
        why = found.obstacle or "It has no name that could be typed; the command erases it."
        title = "This tenant cannot be erased"
        ErrorDialog(context.theme, f"{why} Nothing was erased.", window, title=title).open_in_turn()
        return
    of = _COPY_OF_ROWS if opened.file is None else _COPY_OF_FILE
    price = found.price(opened.place, charged=opened.database.charges) if found.reads else None
    ending = context.history.ending if opened.file is not None else _NO_UNDO
    goes = " ".join(filter(None, (_GOES, ending)))
    copied = f"{of.format(opened.folder)}\n{_COPY_HOLDS}"
    more = " ".join(filter(None, (_STAYS, found.caution)))
    paragraphs = filter(None, (goes, copied, more, price))
    ConfirmDialog(
        context.theme,
        f"Erase {shown_tenant(found.tenant)}?",
        "\n\n".join(paragraphs),
        action=f"Erase {counted(found.total, 'row')}",
        items=found.lines(title_of),
        whole=True,
        typed=found.tenant,
        parent=window,
    ).open_in_turn(partial(erase, found))


def _file_name(tenant: str) -> str:
    """A tenant's name as a part of a file's, as far as that can be."""
    return re.sub(r"[^\w.-]+", "-", tenant).strip("-.")[:60] or "tenant"


def verify(context: Context, asked: Asked, window: QWidget) -> None:
    """With progress and cancel in the status bar, and what was found in a toast. Where each row that is read
    is charged a person is asked before many. Nothing while another verification runs.
    """
    verdict = context.verdict
    if verdict.is_asked:
        return
    words = ReadingText("Verifying the chains of all tenants" if asked.is_whole else "Verifying what is new")
    work = outcome.verify(context, asked, on_cost=words.tell)

    def done(found: Outcome) -> None:
        with verdict.ending(asked=True):
            verdict.take(found)
        is_signed = found.checkpoint is not None
        _, head, _ = headline(found.report, found.asked.since, is_signed=is_signed)
        context.say(f"{head}, {found.report.tally}" if found.report.tally else head)

    def failed(error: TenantAdminError) -> None:
        with verdict.ending(asked=True):
            or_ask(context.theme, again, window, not_verified)(error)

    def again(most: int) -> None:
        verify(context, replace(asked, most=most), window)

    def not_verified(error: TenantAdminError) -> None:
        if not isinstance(error, Cancelled):
            verdict.fail(str(error), context.clock())
            context.runner.failed.emit(error)

    outcome.begin(context, lambda: context.job(words, work, on_done=done, on_failed=failed))
