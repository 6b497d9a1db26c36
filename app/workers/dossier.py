"""Writes a planning run as a document, in this thread."""

from pathlib import Path
from typing import Any

from app.services.opened import Opened
from app.services.runs.run_dossier import DossierForm, DossierOf, pieces
from app.workers.scan_pool import store_and_verifier
from models.local.atomic import expected_errors, replacing, require_place
from models.progress import Monitor


def save_dossier(
    opened: Opened, run_id: Any, target: Path, form: DossierForm, *, every: bool, now: int, monitor: Monitor
) -> int:
    """Writes it beside `target`, whose place it takes when it is whole; its size in bytes.

    Raises `NotFound`, `Cancelled`, and the storage errors of both files.
    """
    database = opened.database
    known = store_and_verifier()[0].verdicts.last(opened.where)
    of = DossierOf(run_id, opened.place, known, now, form, every=every)
    with database.connection_context(), database.cancellable(monitor.cancelled), expected_errors(target):
        require_place(target)
        with replacing(target) as building:
            with building.open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
                for piece in pieces(database, of, monitor):
                    stream.write(piece)
            return building.stat().st_size
