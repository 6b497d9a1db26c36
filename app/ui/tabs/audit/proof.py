"""The proof of the selected entry for somebody else, asked for in the window."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.services.chain.evidence import GoingAlong, NotCovered, Proof, find_proof, going_along, write_proof
from app.services.records.summary import summary
from app.services.text import byte_size, counted, tenant_name
from app.ui.session.outcome import Outcome
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.file_dialogs import ask_new_folder
from app.ui.widgets.formatting import absolute_time, grouped
from app.workers.scan_pool import store_and_verifier
from models.errors import TenantAdminError
from models.progress import Monitor

_CHARGED_FOR_EACH = 3
"""It is verified, and its size is read before it is written."""


Verify = Callable[[Callable[[Outcome], object]], object]
"""Verifies all chains, and tells what was found."""


def ask_proof(tab: RecordTab, verify: Verify) -> None:
    """Looks for a checkpoint that covers it first: where none does, nobody needs to choose a folder before
    `verify` has made one.
    """
    seq = tab.list.current_id()
    if isinstance(seq, int):
        _look(tab, verify, seq)


def _look(tab: RecordTab, verify: Verify, seq: int) -> None:
    store, _ = store_and_verifier()
    where = tab.context.opened.where

    def find(monitor: Monitor) -> tuple[Proof, GoingAlong | None]:
        proof = find_proof(where, store, seq)
        return proof, going_along(where, proof)

    tab.context.job(
        f"Looking for what proves entry {grouped(seq)}…",
        find,
        on_done=partial(_say_what_goes, tab),
        on_failed=partial(_say_why_not, tab, verify, seq),
    )


def _say_what_goes(tab: RecordTab, found: tuple[Proof, GoingAlong | None]) -> None:
    """Whoever is given the proof reads the other entries as well: that is agreed to first."""
    proof, along = found
    if (proof.most if along is None else along.entries) < 2:
        _ask_folder(tab, proof)
        return
    tenant, number = tenant_name(proof.tenant), proof.checkpoint.number
    of_them = (
        f"Up to {counted(proof.most, 'entry', 'entries')} of {tenant}"
        if along is None
        else f"{counted(along.entries, 'entry', 'entries')} of {tenant}, {byte_size(along.size)} of payloads,"
    )
    at = absolute_time(proof.checkpoint.at, tab.context.settings.utc_times)
    sentence = (
        f"{of_them} can be read by whoever gets the proof: this entry and all later ones up to checkpoint "
        f"{number:,} of {at}, the nearest.\n\nEach hash is computed from its entry's payload and cannot be "
        "checked without it. A new checkpoint would be further away, since it always covers the last entry. "
        "To keep a proof small, verify all chains right after the entry is written."
    )
    ConfirmDialog(
        tab.context.theme,
        f"{of_them.split(' of ', 1)[0]} go along with the proof",
        sentence,
        action="Choose a folder…",
        danger=False,
        parent=tab,
    ).open_in_turn(partial(_ask_folder, tab, proof))


def _say_why_not(tab: RecordTab, verify: Verify, seq: int, error: TenantAdminError) -> None:
    if not isinstance(error, NotCovered):
        tab.context.runner.failed.emit(error)
        return

    def verified(outcome: Outcome) -> None:
        if outcome.checkpoint is not None:  # else the verdict says why
            _look(tab, verify, seq)

    dialog = ConfirmDialog(
        tab.context.theme, error.heading, str(error), action="Verify and export", danger=False, parent=tab
    )
    dialog.open_in_turn(partial(verify, verified))


def _ask_folder(tab: RecordTab, proof: Proof) -> None:
    opened = tab.context.opened
    start = opened.folder / f"{opened.stem} entry {proof.seq}"
    folder = ask_new_folder(
        tab.context.theme, tab, f"Export the proof of entry {grouped(proof.seq)} to a new folder", start
    )
    if folder is not None:
        rows = _CHARGED_FOR_EACH * proof.most
        tab.context.when_agreed(rows, partial(_write, tab, proof, folder), tab)


def _write(tab: RecordTab, proof: Proof, folder: Path) -> None:
    context = tab.context
    where, now, by = context.opened.where, context.clock(), context.settings.actor

    def work(monitor: Monitor) -> int:
        write = partial(write_proof, where, *store_and_verifier(), proof, folder, in_words=summary)
        return write(now=now, by=by, monitor=monitor)

    context.job(
        f"Exporting the proof to {folder.name}…",
        work,
        on_done=lambda entries: context.say(f"{proof.said(entries)}: exported to {folder.name}", folder),
    )
