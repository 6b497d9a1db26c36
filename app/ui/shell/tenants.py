"""All tenants: how each of them stands, and the way to one of them."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShortcut
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from app.itemmodels.columns import Column, Row, Tone
from app.itemmodels.listed import ListedModel
from app.services.chain.rules import BROKEN, SOUND, Verdict
from app.services.deliveries.log import DeliveryLog
from app.services.tenants import erasing, overview
from app.services.tenants.overview import KnownOfChains, TenantRow
from app.services.text import counted, folded, visible
from app.ui.session.busy import ReadingText
from app.ui.session.context import Context
from app.ui.session.lock import ask_to_read
from app.ui.session.verdict import FileVerdict
from app.ui.theme import Kind
from app.ui.theme.icons import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import Choice, field_icons, push_button
from app.ui.widgets.count_chips import CountChips
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.dialogs import ConfirmDialog, Dialog, ErrorDialog, ask_save
from app.ui.widgets.formatting import LONGEST_AGO, absolute_time, figure, relative_time
from app.ui.widgets.labels import Label, Look, in_row, set_tip
from models.engine import MOST_READ, Database
from models.errors import MuchToRead, TenantAdminError
from models.progress import Monitor

if TYPE_CHECKING:
    from app.services.tenants.bundle import TenantExported
    from app.services.tenants.erasing import Erasure
    from app.ui.session.outcome import Outcome

_SENTENCE = (
    "Opening one scopes every tab, count, export and verification to it. A tenant cannot be renamed: its "
    "audit chain, and every checkpoint that was signed of it, go by that name, so that under another one all "
    "of its entries would be missing."
)
_GOES = "All that it has goes for good, at once or not at all."
_STAYS = (
    "That copy still holds all of it: delete it when nobody needs it any more. A marker in its chain and an "
    "entry in that of system say what went; what other chains and the checkpoints say of it stays."
)
NAMES: Final = ("name", "users", "chain", "entries", "unread", "webhooks", "runs", "first", "last", "row")
_SIZE, _NARROW, _BESIDE = 1040, 720, 80
_HIGH, _LOW, _BESIDE_ROWS = 320, 180, 240
"""What the rows take at least, where the dialog is low, and what stands above and below them."""
_NEED, _FAILING = "need", "failing"
_ROW: Final = len(NAMES) - 1
_KEY = "tenants"


class TenantsDialog(Dialog):
    """`choose(name)` when a person opens one of them, `erase(file, erasure)` when they agree to that.
    `listed()` when they have been read.
    """

    listed = Signal()

    def __init__(
        self,
        context: Context,
        choose: Callable[[str], object],
        erase: "Callable[[Path, Erasure], object]",
        *,
        current: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(context.theme, "Tenants", _SENTENCE, parent=parent)
        room = _SIZE if parent is None else parent.width() - _BESIDE
        self.setMinimumWidth(min(_SIZE, max(_NARROW, room)))
        self._context, self._choose, self._name = context, choose, current
        self._is_closed = self._is_read = False
        self._window, self._erase = parent or self, erase
        theme, settings = context.theme, context.settings
        self.text = QLineEdit(placeholderText="Filter by tenant…")
        self.text.setAccessibleName("Filter the tenants")
        field_icons(theme, self.text, Icon.FILTER)
        self.chips = CountChips("Which tenants")
        self._offer_chips(())
        self.table = DataTable(
            theme,
            "Tenants",
            load=partial(settings.column_state.get, _KEY),
            save=partial(settings.column_state.set, _KEY),
        )
        self.table.acts_on_cells = False
        self.table.setSelectionMode(DataTable.SelectionMode.SingleSelection)
        self.table.setMinimumHeight(_HIGH)
        self.model = ListedModel(self._columns(), NAMES, self)
        self.model.said_of_column = self.table.said_of_column
        self.table.setModel(self.model)
        columns = self.table.columns
        for time in ("first", "last"):
            columns.set_widest(NAMES.index(time), (LONGEST_AGO,), icon=False)
        columns.set_main(0)
        columns.let_give_way([NAMES.index(name) for name in ("first", "runs", "entries", "users")])
        self.table.sortByColumn(NAMES.index("last"), Qt.SortOrder.DescendingOrder)
        self.state = Label("Reading…", Look.DIM, wrap=True)
        filters = QWidget()
        in_row((self.text, 1), self.chips, within=filters)
        self.add_widget(filters)
        self.add_widget(self.table, 1)
        self.add_widget(self.state)
        self.open_button = push_button(theme, "Open this tenant", self.open_current, kind=Kind.PRIMARY)
        self.close_button = push_button(theme, "Close", self.reject)
        tip = "All that it has, without secrets, and its chain as evidence that can be checked anywhere"
        self.export_button = push_button(theme, "Export data…", self._ask_export, icon=Icon.EXPORT, tip=tip)
        self.erase_button = push_button(theme, "Erase…", self._ask_erase, icon=Icon.DELETE)
        left = [self.export_button, self.erase_button]
        self.set_buttons([self.close_button, self.open_button], left=left)
        self.text.textChanged.connect(self._filter)
        self.chips.changed.connect(self._filter)
        self.table.opened.connect(lambda _: self.open_current())
        self.table.selection_changed.connect(self._offer)
        self.table.menu_requested.connect(self._menu)
        self.model.modelReset.connect(self._select)
        self.finished.connect(self._end)
        QShortcut(Qt.Key.Key_F5, self, self.read)
        QShortcut("Ctrl+F", self, self.text.setFocus)
        self.table.setFocus()
        self._offer()
        self.read()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """On a low screen the rows scroll, and not the title out of sight."""
        room = min(self.maximumHeight(), self._room.height())
        self.table.setMinimumHeight(max(_LOW, min(_HIGH, room - _BESIDE_ROWS)))
        super().resizeEvent(event)

    def read(self) -> None:
        """Reads how all of them stand now; the one that is selected stays so."""
        context = self._context
        self.state.setText("Reading…")
        known, kept_by = known_now(context.verdict), str(context.opened.kept_by)

        def look(database: Database) -> list[TenantRow]:
            return overview.overview(database, known, DeliveryLog(), kept_by)

        context.runner.read(look, on_done=self._show, on_failed=self._say_failure)

    def current(self) -> TenantRow | None:
        row = self.table.currentIndex().row()
        return self.model.shown[row][_ROW] if 0 <= row < len(self.model.shown) else None

    def open_current(self) -> None:
        if (chosen := self.current()) is not None:
            self.accept()
            self._choose(chosen.name)

    def _ask_export(self) -> None:
        if (chosen := self.current()) is None:
            return
        opened, words = self._context.opened, f"Export the data of {visible(chosen.name)}"
        folder = opened.folder / f"{opened.stem} {_file_name(chosen.name)}"
        if (found := ask_save(self, words, str(folder), replace=False)) is not None:
            self.accept()  # what it does is shown in the window
            export(self._context, chosen.name, found[0], self._window)

    @property
    def _cannot_erase(self) -> str | None:
        if self._context.opened.file is None:
            return erasing.WHY_NOT_LIVE
        return self._context.cannot_write

    def _ask_erase(self) -> None:
        """Counts what would go, and shows that."""
        chosen, context = self.current(), self._context
        if chosen is not None and self._cannot_erase is None:
            now = context.clock()

            count = partial(erasing.plan, tenant=chosen.name, now=now)
            context.runner.read(count, on_done=self._confirm, on_failed=self._say_failure)

    def _confirm(self, found: "Erasure") -> None:
        if self._is_closed:
            return
        name, path = visible(found.tenant), self._context.opened.path
        if found.obstacle is not None or not found.tenant.strip():
            why = found.obstacle or "It has no name that could be typed; the command erases it."
            title = "This tenant cannot be erased"
            ErrorDialog(self.theme, f"{why} Nothing was erased.", self, title=title).open_once()
            return
        sentence = f"{_GOES} A copy of the file is put beside it first, in {path.parent}. {_STAYS}"
        dialog = ConfirmDialog(
            self.theme,
            f"Erase {name}?",
            " ".join(filter(None, (sentence, found.caution))),
            action=f"Erase {counted(found.total, 'row')}",
            items=found.lines(),
            whole=True,
            typed=found.tenant,
            parent=self,
        )

        def agreed() -> None:
            self.accept()
            self._erase(path, found)

        dialog.open_once(agreed)

    def _columns(self) -> list[Column]:
        now, utc = self._context.clock, self._context.settings.utc_times

        def number(value: Any, row: Row) -> str:
            return "" if value is None else figure(value)

        def ago(value: Any, row: Row) -> str:
            return "" if value is None else relative_time(value, now())

        def moment(value: Any, row: Row) -> str | None:
            return None if value is None else absolute_time(value, utc)

        def of(answer: Callable[[TenantRow], Any]) -> Callable[[Any, Row], Any]:
            return lambda value, row: answer(row[_ROW])

        last = "The latest time in any of its rows"
        return [
            Column("name", "Tenant", of(_called), tooltip=of(_titled)),
            Column("users", "Users", number, right=True),
            Column(
                "chain",
                "Chain",
                of(self._chain),
                tone=of(lambda one: looks(one)[0]),
                icon=of(lambda one: looks(one)[1]),
                tooltip=of(self._verified),
            ),
            Column("entries", "Entries", number, right=True),
            Column("unread", "Unread", number, right=True, hint="Notifications that nobody has read"),
            Column(
                "webhooks",
                "Webhooks",
                of(_webhooks),
                tone=of(lambda one: Tone.BAD if one.failing else None),
                icon=of(lambda one: Icon.BAD if one.failing else None),
                tooltip=of(_fares),
                hint="Active ones, and how many of them failed when this program sent to them last",
            ),
            Column("runs", "Runs", number, right=True, hint="Planning runs, where they name their tenant"),
            Column("first", "First activity", ago, tooltip=moment, dim=True, hint="The earliest time"),
            Column("last", "Last activity", ago, tooltip=moment, hint=last),
        ]

    def _chain(self, one: TenantRow) -> str:
        if one.verified_at is None or one.newer or one.verdict not in SOUND:
            return one.chain
        return f"{one.chain} {relative_time(one.verified_at, self._context.clock())}"

    def _verified(self, one: TenantRow) -> str:
        if one.verified_at is None:
            return "Verify the audit chain to see how it stands." if one.entries else "It has no audit chain."
        utc = self._context.settings.utc_times
        return f"Verified {absolute_time(one.verified_at, utc)}"

    def _show(self, found: list[TenantRow]) -> None:
        if self._is_closed:
            return
        self._offer_chips(found)
        self.model.show([_values(one) for one in found])
        if not self._is_read:
            self._is_read = True
            self.table.columns.fit_unless_arranged()
        self.state.setText(overview.totals(found) + self._unsaid())
        self._said(len(found))
        self.listed.emit()

    def _unsaid(self) -> str:
        known = known_now(self._context.verdict)
        if known.is_broken and known.others is None and not known.verdicts:
            return "\nThe last verification found something wrong; verify again to see in which chains."
        return ""

    def _offer_chips(self, found: "list[TenantRow] | tuple[()]") -> None:
        need, failing = sum(one.is_in_need for one in found), sum(one.failing > 0 for one in found)
        self.chips.set_chips(
            [
                Choice(None, "All", len(found)),
                Choice(_NEED, "Need a look", need),
                Choice(_FAILING, "Webhook failing", failing),
            ]
        )

    def _filter(self) -> None:
        text, which = folded(self.text.text().strip()), self.chips.key()

        def keeps(row: Row) -> bool:
            one: TenantRow = row[_ROW]
            needed = which is None or (one.is_in_need if which == _NEED else one.failing > 0)
            return needed and one.has(text)

        self.model.keep(keeps)
        self._said(len(self.model.shown))

    def _select(self) -> None:
        """The one that was selected before, where it is still there."""
        names = [row[0] for row in self.model.shown]
        if names:
            self.table.select_row(names.index(self._name) if self._name in names else 0)
        self._offer()

    def _said(self, shown: int) -> None:
        announce(self.table, counted(shown, "tenant") if shown else "No tenant matches")

    def _offer(self) -> None:
        if (chosen := self.current()) is not None:
            self._name = chosen.name
        for button in (self.open_button, self.export_button):
            button.setEnabled(chosen is not None)
        cannot = self._cannot_erase
        self.erase_button.setEnabled(chosen is not None and cannot is None)
        set_tip(self.erase_button, cannot or "All that it has, behind a copy of the file")
        self.open_button.setDefault(True)

    def _menu(self, index: QModelIndex, where: QPoint) -> None:
        menu = QMenu(self)
        if index.isValid():
            menu.addAction("Open this tenant", self.open_current)
            menu.addAction("Export data…", self._ask_export)
            menu.addAction("Copy the row", self.table.copy_selection)
            menu.addSeparator()
        self.table.add_header_menus(menu)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    def _say_failure(self, error: TenantAdminError) -> None:
        if not self._is_closed:
            self.state.setText(str(error))

    def _end(self) -> None:
        self._is_closed = True


def export(context: Context, tenant: str, folder: Path, window: QWidget, most: int = MOST_READ) -> None:
    """Writes all that a tenant has into a new folder; asks where more than `most` rows of a live database are
    read for it.
    """
    opened, now, by = context.opened, context.clock(), context.settings.actor
    words = ReadingText(f"Exporting {visible(tenant)} to {folder.name}")

    def work(monitor: Monitor) -> "TenantExported":
        from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415 - few export one
        from app.workers.tenants import export_tenant  # noqa: PLC0415

        before = partial(words.agreed, monitor.progress, most, opened.place)
        told = partial(export_tenant, before=before, monitor=monitor)
        return told(opened.where, tenant, folder, *store_and_verifier(), now=now, by=by)

    def done(exported: "TenantExported") -> None:
        said = f"{counted(exported.count, 'row')} of {visible(tenant)} exported to {folder.name}"
        if not exported.holds:
            said += "; its chain does not hold, as the report in it says"
        context.say(said, folder)

    def failed(error: TenantAdminError) -> None:
        if isinstance(error, MuchToRead):
            again = partial(export, context, tenant, folder, window, error.most)
            ask_to_read(context.theme, error, again, window)
        else:
            context.runner.failed.emit(error)

    context.job(words, work, on_done=done, on_failed=failed)


def _file_name(tenant: str) -> str:
    """A tenant's name as a part of a file's, as far as that can be."""
    return re.sub(r"[^\w.-]+", "-", tenant).strip("-.")[:60] or "tenant"


def known_now(verdict: FileVerdict) -> KnownOfChains:
    """What is known of each tenant's chain in the window."""
    outcome = verdict.outcome
    if outcome is None:
        return overview.known_of(verdict.last)
    verdicts: Mapping[str, Verdict] = {one.tenant: one.verdict for one in outcome.report.tenants}
    if outcome.outdated or outcome.report.undecided:
        verdicts = {name: found for name, found in verdicts.items() if found in BROKEN}
    return KnownOfChains(
        outcome.at, outcome.through, verdicts, _others(verdict, outcome), is_broken=outcome.is_broken
    )


def _others(verdict: FileVerdict, outcome: "Outcome") -> Verdict | None:
    """What is known of those that a verification from a checkpoint on does not name."""
    return outcome.report.verdict if verdict.whole_stands and not outcome.outdated else None


def looks(one: TenantRow) -> tuple[Tone | None, str]:
    """Tone and icon of a chain's state."""
    if one.verdict is None:
        return None, Icon.SHIELD_OFF
    if one.verdict in SOUND:
        return Tone.OK, Icon.SHIELD_PART if one.newer else Icon.SHIELD_OK
    return (Tone.BAD, Icon.SHIELD_BAD) if one.verdict in BROKEN else (Tone.WARN, Icon.WARNING)


def _called(one: TenantRow) -> str:
    return visible(one.name) or "(empty)"


def _titled(one: TenantRow) -> str | None:
    return visible(" · ".join(filter(None, (one.title, one.plan)))) or None


def _webhooks(one: TenantRow) -> str:
    if not one.active:
        return "none"
    return figure(one.active) + (f" · {one.failing:,} failing" if one.failing else "")


def _fares(one: TenantRow) -> str | None:
    if not one.failing:
        return None
    return f"What was sent last from here to {counted(one.failing, 'webhook')} failed."


def _severity(one: TenantRow) -> int:
    """Sorted by it, what is broken comes first, and what nobody has verified before what holds."""
    if one.verdict is None:
        return int(one.entries > 0)
    return 0 if one.verdict in SOUND else list(Verdict).index(one.verdict)


def _values(one: TenantRow) -> Row:
    chain = (-_severity(one), -one.newer)
    webhooks = (one.failing, one.active)
    told = (one.name, one.users, chain, one.entries, one.unread, webhooks, one.runs, one.first, one.last)
    return (*told, one)
