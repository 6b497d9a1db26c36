"""From the selected entry to those beside it in its tenant's chain."""

from functools import partial

from app.services.chain.reading import Inspection, entry_beside
from app.services.records.record import AuditDetail
from app.services.text import tenant_name
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.formatting import grouped


class Beside:
    """`before()` goes to the entry that the selected one continues, `behind()` to the next; at an end it says
    so.
    """

    def __init__(self, tab: RecordTab) -> None:
        self._tab = tab

    def before(self) -> None:
        self._tab.current.when_whole(partial(self._look, behind=False))

    def behind(self) -> None:
        self._tab.current.when_whole(partial(self._look, behind=True))

    def refuse(self) -> str | None:
        one = self._tab.list.selected_count() == 1 and isinstance(self._tab.list.current_id(), int)
        return None if one else "Select one entry first."

    def _look(self, record: AuditDetail, *, behind: bool) -> None:
        done = partial(self._found, record.inspection, behind)
        self._tab.context.runner.read(entry_beside, record.inspection.seq, behind=behind, on_done=done)

    def _found(self, entry: Inspection, behind: bool, found: int | None) -> None:
        if found is None:
            which, whose = "last" if behind else "first", tenant_name(entry.tenant)
            said = f"Entry {grouped(entry.seq)} is the {which} of {whose} in this database."
            self._tab.context.say(said)
        elif self._tab.list.current_id() == entry.seq:
            self._tab.list.jump(found, on_missing=partial(self._tab.show_record, found))
