"""The proof of the selected entry for somebody else, asked for in the window."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.services.chain.proving import NotCovered, Proof, find_proof, write_proof
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import ErrorDialog, ask_new_folder
from app.ui.widgets.formatting import grouped
from app.workers.scan_pool import store_and_verifier
from models.errors import TenantAdminError
from models.progress import Monitor

_CHARGED_FOR_EACH = 3
"""It is verified, and its size is read before it is written."""


def ask_proof(tab: RecordTab, verify: Callable[[], object]) -> None:
    """Looks for a checkpoint that covers it first: where none does, nobody needs to choose a folder, and
    `verify()` makes one.
    """
    seq = tab.list.current_id()
    if isinstance(seq, int):
        store, _ = store_and_verifier()
        where = tab.context.opened.where
        tab.context.job(
            f"Looking for what proves entry {grouped(seq)}…",
            lambda monitor: find_proof(where, store, seq),
            on_done=partial(_ask_folder, tab),
            on_failed=partial(_say_why_not, tab, verify),
        )


def _say_why_not(tab: RecordTab, verify: Callable[[], object], error: TenantAdminError) -> None:
    if not isinstance(error, NotCovered):
        tab.context.runner.failed.emit(error)
        return
    doors = [("Verify all chains", verify)]
    ErrorDialog(tab.context.theme, str(error), tab, title=error.heading, doors=doors).open_once()


def _ask_folder(tab: RecordTab, proof: Proof) -> None:
    opened = tab.context.opened
    start = opened.folder / f"{opened.stem} entry {proof.seq}"
    folder = ask_new_folder(tab, f"Export the proof of entry {grouped(proof.seq)} to a new folder", start)
    if folder is not None:
        rows = _CHARGED_FOR_EACH * proof.most
        tab.context.when_agreed(rows, partial(_write, tab, proof, folder), tab)


def _write(tab: RecordTab, proof: Proof, folder: Path) -> None:
    context = tab.context
    where, now = context.opened.where, context.clock()

    def work(monitor: Monitor) -> int:
        return write_proof(where, *store_and_verifier(), proof, folder, now=now, monitor=monitor)

    context.job(
        f"Exporting the proof to {folder.name}…",
        work,
        on_done=lambda entries: context.say(f"{proof.said(entries)}: exported to {folder.name}", folder),
    )
