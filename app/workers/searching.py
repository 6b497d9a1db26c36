"""Reads the texts of runs into a temporary store, in this thread."""

from app.services.records.run_search import RunTexts
from app.services.records.tables import Scope
from models.engine import Database
from models.local.text_store import TextStore
from models.progress import Monitor


def read_texts(database: Database, scope: Scope, monitor: Monitor) -> RunTexts:
    """Raises as `RunTexts.read` does; nothing is left of it then."""
    texts = RunTexts(TextStore(), scope)
    try:
        with database.connection_context(), database.cancellable(monitor.cancelled):
            texts.read(database, monitor)
    except BaseException:
        texts.close()
        raise
    return texts
