"""What records are called that the lines of the list name by their ids, as far as they are in sight."""

from functools import partial
from typing import Any

from PySide6.QtCore import QTimer

from app.services.records.change import Change
from app.services.records.summary import MOST, NAMES, Mentioned, Mentions, looked_up, summary, unnamed
from app.ui.tabs.common.record_tab import RecordTab

_SOON_MS = 100
_KEPT = 5_000


class Names:
    """`line(event_type, payload)` is the summary with the names that are known. The others are looked up,
    and shown then; not where each row is charged, where those alone are known whose entries were selected.
    """

    def __init__(self, tab: RecordTab) -> None:
        self._tab, self._context = tab, tab.context
        self._known: dict[str, str] = {}
        """By their ids; "" of one that is not there."""
        self._wanted: dict[tuple[str, str], None] = {}
        self._soon = QTimer(tab, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._look_up)
        self._context.runner.changed.connect(self._hear)

    def line(self, event_type: Any, payload: Any) -> str | None:
        if not self._context.costs:
            for name, record_id in unnamed(event_type, payload):
                if name in NAMES and record_id not in self._known:
                    self._wanted[name, record_id] = None
            if self._wanted and not self._soon.isActive():
                self._soon.start()
        return summary(event_type, payload, self._known)

    def learn(self, known: dict[str, str]) -> None:
        if known.items() - self._known.items():
            self._known |= known
            self._tab.model.repaint()

    def forget(self) -> None:
        """Others may have renamed any of them."""
        self._known.clear()

    def _hear(self, change: Change, initiator: object) -> None:
        for ids in change.ids.values():
            for record_id in ids:
                self._known.pop(str(record_id), None)

    def _look_up(self) -> None:
        asked = [*self._wanted][-MOST * 5 :]  # those that came into sight last
        self._wanted.clear()
        if len(self._known) > _KEPT:
            self._known.clear()
        mentions = Mentions(tuple(Mentioned(NAMES[name], record_id) for name, record_id in asked))
        read = partial(looked_up, mentions=mentions, schema=self._context.opened.schema)
        self._context.runner.read(read, on_done=self._found, on_failed=lambda error: None)

    def _found(self, mentions: Mentions) -> None:
        self.learn({record.id: record.title or "" for record in mentions.records})
