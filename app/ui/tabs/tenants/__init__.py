"""All tenants as a page of the window: how each of them stands, and the way to one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from app.itemmodels.columns import Bars, Row
from app.services.chain.checkpoint import Checkpoint
from app.services.records.change import Change
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists, Newer
from app.services.records.tables import AUDIT_CHAIN
from app.services.tenants import overview
from app.services.tenants.listing import ALL_TENANTS, FAILING, NEED, WHICH, TenantLists
from app.services.tenants.overview import SHOWN, TenantDetail, TenantRow, of_tenants
from app.services.text import visible
from app.ui.session.outcome import Asked
from app.ui.tabs.common import declared
from app.ui.tabs.common.declared import TabSpec
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.tenants import export_erase, words
from app.ui.tabs.tenants.export_erase import verify
from app.ui.tabs.tenants.inspector import ChainPart, EraseFloor, LatestPart, NumbersPart
from app.ui.tabs.webhooks.faring import bars_of
from app.ui.theme import Icon, Kind, Theme, Tone
from app.ui.widgets.actions import ActionSpec, ButtonIn, OwnKeys, give_letters
from app.ui.widgets.buttons import Choice
from app.ui.widgets.cell_delegate import PAD, is_right
from app.ui.widgets.count_chips import FoldingChips
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.filter_row import DateRange, Span
from app.ui.widgets.formatting import absolute_time, relative_time
from app.ui.widgets.labels import Label, Look
from app.workers.scan_pool import store_and_verifier
from models import engine, errors


class TotalsRow(QWidget):
    """`show_totals({column number: words})`; words go on into the columns beside them that have none."""

    def __init__(self, theme: Theme, table: DataTable) -> None:
        super().__init__()
        self._theme, self._table = theme, table
        self._words: Mapping[int, str] = MappingProxyType({})
        self.setAccessibleName("Totals")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        columns = table.horizontalHeader()
        for changed in (columns.sectionResized, columns.sectionMoved, columns.geometriesChanged):
            changed.connect(self.update)
        table.horizontalScrollBar().valueChanged.connect(self.update)
        theme.changed.connect(self.update)

    def show_totals(self, words: Mapping[int, str]) -> None:
        self._words = words
        self.setAccessibleDescription(self.said())
        self.update()

    def said(self) -> str:
        """All of it, whatever columns are in sight."""
        titles = (
            str(self._table.model().headerData(column, Qt.Orientation.Horizontal)) for column in self._words
        )
        return ", ".join(
            f"{title}: {words}" for title, words in zip(titles, self._words.values(), strict=True)
        )

    def sizeHint(self) -> QSize:
        return QSize(100, self.fontMetrics().height() + 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._theme.colour("dim"))
        columns, model = self._table.horizontalHeader(), self._table.model()
        left = self._table.viewport().mapTo(self._table, self._table.viewport().rect().topLeft()).x()
        middle = Qt.AlignmentFlag.AlignVCenter
        for column, said in self._words.items():
            if columns.isSectionHidden(column) or columns.sectionSize(column) <= columns.minimumSectionSize():
                continue  # of icons alone there are no words either
            place = left + columns.sectionViewportPosition(column)
            room = QRect(place + PAD, 0, columns.sectionSize(column) - 2 * PAD, self.height())
            right = is_right(
                model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
            )
            shown = self.fontMetrics().elidedText(
                visible(said), Qt.TextElideMode.ElideRight, max(0, room.width())
            )
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            painter.drawText(room, middle | side | Qt.AlignmentFlag.AlignAbsolute, shown)
        painter.end()


WORK, EXPORT, ERASE, VERIFY = "work_in_tenant", "export_data", "erase", "verify_all"

_EMPTY = ("No tenants yet", "Each that any table mentions is listed here.")
TENANTS_TAB = TabSpec(ALL_TENANTS, Icon.TENANTS, _EMPTY, dates=True, any_time="Any activity")
_CHIPS = {"": "All", NEED: "Need a look", FAILING: "Webhook failing"}
_LAST = "The latest time in any of its rows"
_NO_PROOF = (
    "The audit chain is broken, so nobody could tell afterwards whether what went was right. Put it "
    "right first."
)
_BROKEN = "The last verification found something wrong; verify again to see in which chains."

_ROOM_FOR_CHIPS = 1_060
"""The width from which on chips stand beside the filter's text, and not a list of them."""

Then = Callable[[Any], object]
"""What is done with the tab that a number, an entry or a day leads to."""


class TenantsTab(RecordTab):
    """`tenant_wanted(name)` to work in one; `lead(name, table, then)` to what it has in a table;
    `erase_wanted(erasure)` when a person agreed to that; `left()` by Escape.
    """

    spec = TENANTS_TAB
    opens = WORK
    export_words = "Export data…"
    one_alone = "Tenants are selected one at a time."
    tenant_wanted = Signal(str)
    lead = Signal(str, str, object)
    erase_wanted = Signal(object)
    left = Signal()
    _tenants: TenantLists
    _shown_generation = 0
    _known_before: frozenset[str] | None = None
    """The names that there were before others wrote, until it is known which have come."""
    _checkpoints: Sequence[Checkpoint] = ()
    _had_places = 0
    """For bars, when its columns were fitted."""

    def make_lists(self) -> Lists:
        self._tenants = TenantLists(self.context.opened)
        return self._tenants

    def listen(self) -> None:
        self.chips = FoldingChips(self.context.theme, "State")
        self._offer_chips()
        self.filters.share_with(self.chips)
        self.table.setSelectionMode(self.table.SelectionMode.SingleSelection)
        self.table.before_all = self._say_one_alone
        self.table.columns.set_widest(self.model.column_of("chain"), (words.WIDEST,))
        self.table.columns.set_short(self.model.column_of("chain"), words.LEAST)
        self.table.columns.set_widest(
            self.model.column_of("webhooks"), words.FARING, icon=False, bars=self._places_for_bars
        )
        super().listen()
        self.chips.changed.connect(lambda _: self.filters_changed())
        self.new_rows.behind = "The list has changed"  # others do that, and what is found of chains
        self.context.verdict.changed.connect(self._hear_verdict)
        self.context.delivered.connect(self._delivered)
        self.list.loaded.connect(self._fit_to_bars)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.chips.stand_among(self.width() < _ROOM_FOR_CHIPS)

    def _places_for_bars(self) -> int:
        return SHOWN if any(one.attempts for one in self._tenants.at_hand().values()) else 0

    def _fit_to_bars(self, _: int) -> None:
        """Once the first was sent from here its bars need room beside the words."""
        if (places := self._places_for_bars()) != self._had_places:
            self._had_places = places
            self.table.columns.fit_unless_arranged()

    def special_columns(self) -> declared.Special:
        def of(answer: Callable[[TenantRow], Any]) -> Callable[[Any, Row], Any]:
            # What is known of a chain is at hand before the rows are read again.
            return lambda value, row: answer(self._tenants.at_hand().get(row[-1].name, row[-1]))

        def bars(one: TenantRow) -> Bars | None:
            return bars_of(one.attempts, SHOWN) if one.attempts else None

        def counts(name: str) -> dict[str, Any]:
            return {"text": of(partial(words.count, name)), "tooltip": of(partial(words.no_table, name))}

        now = self.context.clock
        return {
            "users": counts("users"),
            "entries": counts("entries"),
            "name": {"text": of(words.called), "tooltip": of(words.titled), "monospace": False, "dim": False},
            "chain": {
                "text": of(lambda one: words.state(one, now(), self.context.verdict)),
                "tone": of(lambda one: words.looks(one)[0]),
                "icon": of(lambda one: words.looks(one)[1]),
                "tooltip": of(self._verified),
            },
            "unread": counts("unread") | {"hint": "Notifications that nobody has read"},
            "webhooks": {
                "text": of(words.webhooks),
                "tone": of(lambda one: Tone.BAD if one.failing else None if one.active else Tone.NEUTRAL),
                "bars": of(bars),
                "tooltip": of(words.fares),
                "hint": "Active ones, and how many of them failed when this program sent to them last. "
                "Higher bars took longer; a stub below the line failed.",
            },
            "runs": {"hint": "Planning runs, where they name their tenant"},
            "first": {"dim": True, "hint": "The earliest time in any of its rows"},
            "last": {"hint": _LAST},
        }

    def build_inspector(self) -> None:
        context, inspector = self.context, self.inspector
        self.numbers, self.chain, self.latest = (
            NumbersPart(context.theme),
            ChainPart(context),
            LatestPart(context),
        )
        for part in (self.numbers, self.chain, self.latest):
            inspector.add_widget(part)
        self.floor = EraseFloor(self.commands.button(ERASE))
        inspector.set_floor(self.floor)
        self.numbers.leads.connect(lambda table: self._lead(table, None))
        self.chain.show_days.connect(
            lambda first, last: self._lead(AUDIT_CHAIN.name, partial(_of_days, first, last))
        )
        self.chain.verify.connect(self._verify_new)
        self.chain.show_checkpoints.connect(
            lambda: self._lead(AUDIT_CHAIN.name, lambda tab: tab.commands.trigger("checkpoints"))
        )
        for shows in (self.chain, self.latest):
            shows.show_entry.connect(
                lambda seq: self._lead(AUDIT_CHAIN.name, lambda tab: tab.show_record(seq))
            )

    def below_filters(self) -> Sequence[QWidget]:
        self.unsaid = Label(_BROKEN, Look.DIM, wrap=True)
        self.unsaid.hide()
        return (self.unsaid,)

    def below_rows(self) -> Sequence[QWidget]:
        self.totals = TotalsRow(self.context.theme, self.table)
        return (self.totals,)

    def add_acts(self) -> None:
        one = partial(self.selection.refusal, single=True, writes=False)
        row, inspector = ButtonIn.FILTER_ROW, ButtonIn.INSPECTOR
        for spec in (
            ActionSpec(
                WORK,
                "Work in this tenant",
                Icon.TENANTS,
                self._work,
                one,
                kind=Kind.PRIMARY,
                button_in=inspector,
            ),
            ActionSpec(EXPORT, self.export_words, Icon.EXPORT, self.export, one, button_in=inspector),
            ActionSpec(
                VERIFY, "Verify all", Icon.VERIFY, self.verify_all, self._refuse_verify, button_in=row
            ),
            ActionSpec(
                ERASE, "Erase…", Icon.DELETE, self._erase, self._refuse_erase, kind=Kind.OUTLINED, ends=True
            ),
        ):
            self.commands.add(spec)

    # what it shows

    def load(self, database: engine.Database, record_id: Any) -> TenantDetail:
        row = self._tenants.at_hand().get(record_id)
        if row is None:
            raise errors.NotFound("tenant")
        context = self.context
        return overview.read(
            database,
            context.opened.schema,
            context.lists,
            row,
            now=context.clock(),
            day_of=self.chain.day_of(),
            days=not context.costs,
        )

    def show_details(self, record: TenantDetail) -> None:
        row = record.row
        parts = [words.titled(row) or ""]
        now, utc = self.context.clock(), self.context.settings.utc_times
        parts.append("" if row.first is None else f"since {absolute_time(row.first, utc)[:10]}")
        parts.append("no activity" if row.last is None else f"last activity {relative_time(row.last, now)}")
        self.inspector.set_header(
            words.called(row), " · ".join(filter(None, parts)), words.chip(row, self.context.verdict)
        )
        self.numbers.show_numbers(row)
        self.chain.show_chain(record, self._checkpoint_of(row.name))
        self.latest.show_latest(record)
        self.floor.show_counts(row, self._refuse_erase(), utc=utc)

    def _checkpoint_of(self, tenant: str) -> Checkpoint | None:
        return next((one for one in reversed(self._checkpoints) if tenant in one.tenants), None)

    def _verified(self, one: TenantRow) -> str:
        if one.erased is not None:
            return words.erased(one, self.context.settings.utc_times)
        if one.verified_at is None:
            looks = "Verify the audit chain to see how it stands."
            return looks if one.has_chain else "It has no audit chain."
        looked = "Verified" if one.holds else "Looked at"
        return f"{looked} {absolute_time(one.verified_at, self.context.settings.utc_times)}"

    def _show_past(self, record_id: object, record: Any) -> None:
        """A tenant's own chain is shown instead."""

    # its list

    def narrowed(self, query: ListQuery) -> ListQuery:
        key = self.own_filter()
        return replace(query, choices=(*query.choices, (WHICH, (key,)))) if key else query

    def lists_of_tenants(self) -> bool:
        return False

    def own_filter(self) -> str:
        return self.chips.key() or ""

    def set_own_filter(self, key: str) -> None:
        self.chips.set_key(key or None)

    def own_words(self, key: str) -> str:
        return _CHIPS[key]

    def clear_filters(self) -> None:
        self.set_own_filter("")
        super().clear_filters()
        self.filters_changed()

    def readings(self) -> tuple[int, int]:
        """A list that is filtered is made of what was read."""
        return self._tenants.readings

    def reload(self) -> None:
        """How all of them stand now; the one that is selected is read again with them."""
        self._tenants.known = words.known_now(self.context.verdict)
        self._tenants.forget()
        self._read_checkpoints()
        self._read()

    def hear(self, change: Change, initiator: object) -> None:
        if change.bulk:
            self.current.let_go()
        if self.shows_any_of(change.tables):
            self.list.asked()
            self._stale = True
            self.activate()

    def shows_any_of(self, tables: frozenset[str]) -> bool:
        return any(table.name in tables for table in of_tenants(self.context.opened.schema.stored))

    def changed_outside(self) -> None:
        self.list.others_wrote()
        if self.context.costs:
            self.new_rows.written()
        elif self._known_before is None:
            self._known_before = frozenset(self._tenants.at_hand())

    def _loaded(self, total: int) -> None:
        super()._loaded(total)
        query, _ = self.list.all_keys()
        said = words.totals(self._tenants.totals(query), is_broken=self.context.verdict.is_broken)
        self.totals.show_totals({self.model.column_of(name): text for name, text in said.items()})
        known = self._tenants.known
        self.unsaid.setVisible(known.names_none)
        if self._tenants.generation != self._shown_generation:
            self._shown_generation = self._tenants.generation
            self._offer_chips()
            self._tell_new()
            if self.context.costs:  # else that was read when the file was opened
                rows = self._tenants.at_hand().values()
                self.context.erased = frozenset(row.name for row in rows if row.erased is not None)
            self.current.reload()
        if words.known_now(self.context.verdict) != known:  # it came while they were read
            self._judge()

    def _tell_new(self) -> None:
        before, self._known_before = self._known_before, None
        rows = self._tenants.at_hand()
        if before is not None and (new := [row for name, row in rows.items() if name not in before]):
            latest = max(new, key=lambda row: row.last or 0)
            self.new_rows.tell(Newer(len(new), latest.name, None))

    def _offer_chips(self) -> None:
        counts = self._tenants.of_chips
        self.chips.set_chips([Choice(key or None, label, counts[key]) for key, label in _CHIPS.items()])

    def _delivered(self) -> None:
        """How webhooks fare stands here, too; read again where that costs nothing."""
        if not self.context.costs:
            self.list.others_wrote()
            self._stale = True
            self.activate()

    def _hear_verdict(self) -> None:
        self.list.others_wrote()  # it comes by itself, while one reads
        self._judge()

    def _judge(self) -> None:
        """Another verification has told of chains. What was read of rows stays, unless entries came since."""
        lists, known = self._tenants, words.known_now(self.context.verdict)
        if self.list.is_behind:
            self.list.others_wrote()  # what was held for the person stays so
        if known == lists.known or not lists.generation:
            self.table.viewport().update()  # one may just have begun, or have ended without a verdict
            if (shown := self.current.whole()) is not None:
                self.show_details(shown)
            return
        through = lists.known.through
        lists.judge(known)
        self.table.viewport().update()
        behind = known.through != through and any(
            (row.head or 0) > known.through for row in lists.at_hand().values()
        )
        if behind and not self.context.costs:
            self._stale = True
            self.activate()
        elif not self.asks_first:
            self._read_checkpoints()
            self.list.show(self.query())

    def _read_checkpoints(self) -> None:
        """Those of this database; none where they cannot be read, as their own dialog says."""
        where = self.context.opened.where

        def show(found: Sequence[Checkpoint]) -> None:
            if found != self._checkpoints:
                self._checkpoints = found
                self.current.reload()

        read = lambda _: store_and_verifier()[0].checkpoints(where)  # noqa: E731
        self.context.runner.job(read, on_done=show, on_failed=lambda error: None)

    # what is done

    @property
    def _name(self) -> str | None:
        name = self.list.current_id()
        return name if isinstance(name, str) else None

    def _work(self) -> None:
        if (name := self._name) is not None:
            self.tenant_wanted.emit(name)

    def _lead(self, table: str, then: Then | None) -> None:
        if (name := self._name) is not None:
            self.lead.emit(name, table, then)

    def _say_one_alone(self) -> bool:
        self.context.say(self.one_alone, of_place=True)
        return False

    def own_keys(self) -> OwnKeys:
        return self.spec.table.title, (
            (("Return",), "Work in this tenant"),
            (("Esc",), "Leave the list of tenants"),
        )

    def refuse_export(self) -> str | None:
        return self.commands.refusal(EXPORT)

    def export(self) -> None:
        if (name := self._name) is None:
            return
        go = partial(export_erase.ask_export, self.context, name, self.window())
        row = self._tenants.at_hand().get(name)
        if row is not None and row.entries and self._checkpoint_of(name) is None:
            export_erase.ask_without_checkpoint(self.context, go, self.window())
        else:
            go()

    def _erase(self) -> None:
        if (name := self._name) is not None:
            export_erase.ask_erase(self.context, name, self.erase_wanted.emit, self.window())

    def _refuse_erase(self) -> str | None:
        row = self._tenants.at_hand().get(self._name or "")
        if row is not None and row.erased is not None:
            return f"{words.erased(row, self.context.settings.utc_times)}; nothing of it is left."
        cannot = export_erase.cannot_erase(self.context, self._name)
        if cannot is None and self.context.verdict.is_broken:  # no checkpoint is made of it
            cannot = _NO_PROOF
        return cannot or self.selection.refusal(single=True, writes=False)

    def verify_all(self) -> None:
        archive = self.context.settings.retention_archive.get(self.context.opened.kept_by)
        verify(self.context, Asked(archive=archive), self.window())

    def _verify_new(self) -> None:
        verify(self.context, Asked(new_alone=True), self.window())

    def _refuse_verify(self) -> str | None:
        running = "A verification is under way." if self.context.verdict.is_asked else None
        verdict = self.context.verdict
        lost = verdict.knew_entries or verdict.was_known  # which a verification finds
        return running or (None if lost else self.context.without(AUDIT_CHAIN.name))

    def copy_rows(self, form: str = "text") -> None:
        """As they are shown: they are rows of no table."""
        if form == "text":
            self.table.copy_selection()
        else:
            self.context.say("A tenant is copied as text: its own rows are exported (Export data…).")

    def open_row_menu(self, index: QModelIndex, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.commands.fill(menu, (WORK, EXPORT, "", VERIFY, "", ERASE))
        if index.isValid():
            menu.addSeparator()
            menu.addAction("Copy row", self.copy_rows)
        menu.addSeparator()
        self.add_header_menus(menu)
        give_letters(menu)
        menu.popup(where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves the page; from the inspector it leads back to the rows first."""
        inside = self.inspector.isAncestorOf(self.focusWidget() or self)
        if event.key() == Qt.Key.Key_Escape and not inside:
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _of_days(first: Any, last: Any, tab: RecordTab) -> None:
    values = tab.filters.values()
    tab.filters.set_values(replace(values, dates=DateRange(Span.CUSTOM, first, last)))
