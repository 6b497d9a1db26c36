"""What a tab shows beside its table of the records that are selected, and when that is folded away."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.itemmodels.columns import Row
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.tables import AUDIT_CHAIN, Scope
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.session.lock import ANOTHER
from app.ui.tabs.common.declared import TabSpec
from app.ui.tabs.common.list_controller import ListController
from app.ui.tabs.common.selection import ALL_GONE, GONE, CurrentRecord, Selection
from app.ui.widgets.actions import Actions
from app.ui.widgets.announcing import announce
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.filter_row import AT_MOST, FilterRow
from app.ui.widgets.panes import Inspector, MasterDetail
from models.errors import DamagedFile, NotFound, TenantAdminError, TokenRefused

if TYPE_CHECKING:
    from app.services.records.history import Named, PastEntry
    from app.ui.tabs.common.many import ManyPart
    from app.ui.tabs.common.past import PastPart

_READ_LAST = "This is what was read last."
GONE_READ = f"{GONE} {_READ_LAST}"
MAY_BE_OWN = "It is not there now, perhaps by your last change, which is not known to be saved."
NARROW = 1000
"""The width in pixels below which a table with an inspector beside it is hard to read."""


def _say_deleted(gone: int) -> str:
    """Of several selected, where others are there."""
    return f"{gone:,} of those selected {'was' if gone == 1 else 'were'} deleted by another program."


class InspectedTab(QWidget):
    """The part of `RecordTab` that its inspector is about, whose signals of it are told there."""

    jump = Signal(str, object)
    details_shown = Signal(object)
    everyone_wanted = Signal()
    spec: ClassVar[TabSpec]
    narrow: ClassVar[int] = NARROW
    context: Context
    scope: Scope
    table: DataTable
    list: ListController
    model: VirtualTableModel
    selection: Selection
    current: CurrentRecord
    inspector: Inspector
    _edited: object = None
    """The id of a record that was changed by a form, until the list has it, or another one is shown."""
    _shown: object = None
    """The id of the record that was shown last."""
    _gone_of_many = 0
    """How many of several selected were said to be gone."""
    filters: FilterRow
    commands: Actions
    past: "PastPart | None"
    many: "ManyPart | None"
    _shows_many: bool
    _master_detail: MasterDetail

    def show_details(self, record: Any) -> None:
        """Fills the inspector with a record that `load` has read."""
        raise NotImplementedError

    def words_of_values(self) -> Mapping[str, Callable[[Any], str]]:
        """For a value of a column that is not told as it is stored, where several records are told of."""
        return {}

    def show_acts_of_many(self) -> None:
        """Shows the buttons of what may be done with several records."""

    def named_in_history(self, record_id: Any, record: Any) -> "Named | None":
        """How the audit chain's entries name a record that `load` has read; None for one that none can."""
        from app.services.records.history import Named  # noqa: PLC0415 - rows show before

        return Named.of(record_id)

    @property
    def is_narrow(self) -> bool:
        return self.width() < self.narrow

    def fold_inspector(self, folded: bool) -> None:
        """Folds what stands beside the table away, or shows it, until something else is chosen."""
        self.context.settings.inspector_folded.set(self.is_narrow, folded)
        self.fold(folded)

    def fold_as_chosen(self) -> None:
        chosen = self.context.settings.inspector_folded.get(self.is_narrow)
        self.fold(self.is_narrow if chosen is None else chosen)

    def fold(self, folded: bool) -> None:
        if folded == self._master_detail.is_folded:
            return
        if folded and self._master_detail.isAncestorOf(QApplication.focusWidget() or self):
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        self._master_detail.fold(folded)
        self._say_selected()
        self.commands.update()

    def _show_act(self, name: str) -> None:
        """In place of an act whose letter was pressed: the button that the letter stands on, and what is
        selected.
        """
        if not self._master_detail.is_folded:
            self.commands.trigger(name)
            return
        self.fold_inspector(False)
        self.context.say(f"Press the key again: {self.commands.said(name)}.", of_place=True)

    def _enter_inspector(self) -> None:
        if self._master_detail.is_folded:
            self.fold_inspector(False)
        self.inspector.enter()

    def _keep_gone(self) -> None:
        """What was read stays, and is said to be there no more; nothing can be done to it."""
        may_be_own = self.context.unsettled.error is not None
        is_known, self.selection.gone = bool(self.selection.gone), MAY_BE_OWN if may_be_own else GONE
        if self.list.selected_count() <= 1:
            self._shows_many = False
            said = f"{MAY_BE_OWN} {_READ_LAST}" if may_be_own else GONE_READ
            self.inspector.show_gone(said)
            if not is_known:
                announce(self.inspector, said)
        self.commands.update()

    def _not_read(self, error: TenantAdminError) -> None:
        row = self.table.chosen().row()
        shown = self.model.record(row) or self.model.former(row)
        if isinstance(error, NotFound) and shown is not None and self.list.selected_count() == 1:
            self._show_gone_row(shown)
            return
        self.selection.gone = ""
        if isinstance(error, DamagedFile):
            self.context.meet_damage()
        self.inspector.show_failure(str(error), again=error.is_retriable)
        if isinstance(error, TokenRefused):
            self.inspector.offer(ANOTHER, self.context.token.wanted.emit)

    def _show_gone_row(self, row: Row) -> None:
        """Of a record that was deleted before it was read what the list has of it."""
        is_known, self.selection.gone = bool(self.selection.gone), GONE
        self._shows_many = False
        many = self._many_part()
        many.show_row(row)
        self.inspector.show_gone_row(self._main_words(), GONE_READ)
        if not is_known:
            announce(self.inspector, GONE_READ)
        self.commands.update()

    def _main_words(self) -> str:
        """What names the current record in the list."""
        at = next((at for at, one in enumerate(self.model.columns) if one.name == self.spec.table.main), 0)
        return str(self.table.chosen().siblingAtColumn(at).data() or "")

    def _show_selection(self) -> None:
        """Several records are never shown as one."""
        count, was_many, whole = self.list.selected_count(), self._shows_many, self.current.whole()
        gone = self.selection.gone_count if count > 1 else 0
        self._shows_many |= count > 1  # until another one is shown, which may still have to be read
        if count > 1:
            said = f"{counted(count, *self.spec.table.noun)} selected"
            if self.model.estimated and len(self.selection.records()) < count:
                said += f", {AT_MOST}"
            warning = ALL_GONE if gone == count else _say_deleted(gone) if gone else ""
            if gone > self._gone_of_many:
                announce(self.inspector, warning)
            self._many_part().show_soon()
            self.show_acts_of_many()
            self.commands.update()  # how many can be pressed is asked next
            self.inspector.show_many(said, "Each button acts on those that it applies to.", warning)
        elif was_many and count and whole is not None:
            self._shows_many = False
            self._show_record(self.current.record_id, whole)
        elif was_many and not count:  # another list, of which nobody has chosen a row yet
            self._show_no_record()
        self._gone_of_many = gone
        self._say_selected()

    def _say_selected(self) -> None:
        """Above the rows, where the inspector that says it is folded away."""
        count = self.list.selected_count()
        self.filters.set_selected(count if count > 1 and self._master_detail.is_folded else 0)

    def _many_part(self) -> "ManyPart":
        """Made with the first selection of several: the tab shows before."""
        if self.many is None:
            from app.ui.tabs.common.many import ManyPart  # noqa: PLC0415

            self.many = ManyPart(self.context, self.selection, self.list, self.words_of_values())
            self.inspector.set_many(self.many)
        return self.many

    def _show_no_record(self) -> None:
        self.selection.gone = ""
        self.inspector.show_empty(of_none=not self.model.rowCount(), gone=self._edited is not None)

    def _show_waiting(self) -> None:
        """Whose record is still being read: acts are on the one selected, not on the one shown before."""
        if self.list.selected_count() != 1:
            return  # several are shown as such at once
        self.inspector.show_waiting(self._main_words())

    def _show_fewer(self) -> None:
        if self._shows_many:
            self._show_selection()

    def _show_past(self, record_id: object, record: Any) -> None:
        """Made with the first record that is shown: the tab shows before."""
        if self.past is None:
            from app.services.records.history import is_kept  # noqa: PLC0415
            from app.ui.tabs.common.past import PastPart  # noqa: PLC0415

            if self.spec.table is AUDIT_CHAIN or not is_kept(self.context.opened.schema):
                return
            self.past = PastPart(self.context, self._open_entry)
            self.inspector.add_below(self.past)
        self.past.show_past_of(self.named_in_history(record_id, record))

    def _open_entry(self, entry: "PastEntry") -> None:
        """In the audit chain, which may be another tenant's by now."""
        if self.scope.tenant_id not in (None, entry.tenant_id):
            self.everyone_wanted.emit()
        self.jump.emit(AUDIT_CHAIN.name, entry.seq)

    def _show_record(self, record_id: object, record: Any) -> None:
        self.selection.gone = ""
        if record_id != self._edited:
            self._edited = None
        with self.inspector.drawn_at_once():
            self.show_details(record)
            self._show_past(record_id, record)
            self.inspector.show_record()
            if record_id != self._shown:  # read again, it stays where it is being read
                self._shown = record_id
                self.inspector.begin()
        self._show_selection()
        self.commands.update()
        self.details_shown.emit(record_id)
