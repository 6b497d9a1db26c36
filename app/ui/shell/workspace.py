"""One open file: its notices, its five tabs and its retention, which begin and end together."""

from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QEnterEvent, QIcon, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QApplication, QBoxLayout, QLineEdit, QMainWindow, QMenu, QTabBar, QWidget

from app.services.opened import tenants
from app.services.records.change import MANY, Change
from app.services.records.list_query import ListQuery
from app.services.records.tables import (
    AUDIT_CHAIN,
    EVERYONE,
    NOTIFICATIONS,
    OFF,
    PLANNING_PARKED_IDEAS,
    PLANNING_RUNS,
    Scope,
    Table,
)
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.session.lock import what_became
from app.ui.session.outside import Displaced
from app.ui.shell import notices
from app.ui.shell.held_keys import HeldKeys
from app.ui.shell.tenants_place import TenantsPlace, Trail
from app.ui.tabs.common.declared import TABS, TabSpec, done_by
from app.ui.tabs.common.record_tab import EXPORT_ROWS, RecordTab
from app.ui.theme import Kind
from app.ui.widgets.actions import CHORD, FUNCTIONS, HELD, WAITS, keys_of_act
from app.ui.widgets.announcing import announce
from app.ui.widgets.formatting import grouped
from app.ui.widgets.labels import Label, Look, in_column
from app.ui.widgets.later import later
from app.ui.widgets.tab_order import release
from app.ui.widgets.tab_pages import PagePlace, TabPages
from app.workers.memory import tidy_as_it_goes
from models import engine, errors, progress

if TYPE_CHECKING:
    from app.services.live.connections import NamedConnection
    from app.ui.shell.desktop_notice import Arrivals
    from app.ui.shell.retention import Retention
    from app.ui.shell.verification import SelfVerification

_REST = (
    "app.services.records.users",
    "email_validator",
    "app.ui.shell.desktop_notice",
    "app.ui.tabs.common.exporting",
    "app.ui.shell.retention",
    "app.ui.shell.verification",
)

_FOR_QUESTIONS = (
    "app.services.tenants.erasing",
    "app.services.tenants.listing",
    "app.ui.tabs.tenants",
    "app.ui.shell.search_results",
    "app.ui.tabs.users.adding",
    "app.ui.tabs.notifications.composing",
    "app.services.files.restoring",
    "app.ui.tabs.runs.page",
    "app.ui.widgets.drawing",
    "app.ui.tabs.runs.charts",
)
"""What a person may soon ask for, where it takes long to load and little room; before each what it needs."""

_TENANTS = len(TABS)
"""The position of the page of all tenants, which has no tab."""
_POSITIONS = {spec.table.name: position for position, spec in enumerate(TABS)}
_UNREAD = (("read", OFF),)


NARROW = 760
"""Points of width below which the tabs show words alone."""

_EMPTY_MS = 100
"""How long an open file may show nothing while its rows are read."""

_MOMENT_MS = 300
"""And how long it may be empty without a word."""

KEYS_MS = 3_000
"""How long keys for a tab wait for its rows."""

AROUND_MS = 50
"""After the tab in sight has its rows: they are to be painted before anything else is loaded."""

AHEAD_MS = 10
"""Between two parts of what nobody has asked for yet, of up to 20 ms each: a tab that is looked at for the
first time is there, and nobody is held up by more than one part meanwhile.
"""


def _take_focus(page: RecordTab) -> None:
    page.take_focus()


class _TabBar(QTabBar):
    """`approached()` when the pointer comes to it."""

    approached = Signal()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.approached.emit()


class Workspace(QWidget):
    """The tabs of one file, kept up to date with what this and other programs write.

    What a person asks the window for by a button here is a signal: `door_wanted(Door)`,
    `connect_wanted(NamedConnection)` through a running `wrangler dev`, `everyone_wanted` for all tenants.
    `tenant_wanted(name)` to work in one; `erase_wanted(erasure)` when a person agreed to that.
    `tenants_found(ids)` when they have been read again; `shield(icon, colour, words, tip)`. `turned()` when
    another page is in sight, `acted()` when an act of a tab begins.
    A tab is built when it is first asked for, because all five take longer than everything else in the
    opening of a file; or, a part at a time, when all that belongs to that is done.
    """

    door_wanted = Signal(object)
    back_wanted = Signal(object)
    connect_wanted = Signal(object)
    tenants_found = Signal(object)
    retention_status = Signal(str)
    shield = Signal(str, str, str, str)
    everyone_wanted = Signal()
    tenant_wanted = Signal(str)
    erase_wanted = Signal(object)
    turned = Signal()
    acted = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        context.setParent(self)
        tidy_as_it_goes()
        self.scope = EVERYONE
        """The tenant that every tab is restricted to, or none."""
        self.is_settled = self._to_begin = False
        self._refreshed = 0
        """How often all was read again."""
        self._unread: int | None = None
        """Notifications, as they were counted last; None while they are."""
        self._beginning = QTimer(self, singleShot=True, interval=0)
        self._beginning.timeout.connect(self._begin)
        self._around = QTimer(self, singleShot=True, interval=AROUND_MS)
        self._around.timeout.connect(self._look_around)
        self.tabs, bar = TabPages(), _TabBar()
        bar.approached.connect(self._look_round)
        bar.currentChanged.connect(self._release_focus)  # before the pages turn, as QTabWidget hears it later
        self.tabs.setTabBar(bar)
        self.tabs.setDocumentMode(True)
        bar.setDrawBase(False)  # which that has set
        self.setAccessibleName(context.opened.place)  # heard until the rows are there
        self.tabs.setAccessibleName("Tables of the database")
        self.tabs.tabBar().setAccessibleName("Tables of the database")
        self.tabs.setUsesScrollButtons(False)  # titles are shortened where a window is narrow
        self.tabs.setElideMode(Qt.TextElideMode.ElideMiddle)  # the count stays in sight
        self.notices = notices.of_opened(context, self.door_wanted.emit)
        context.damaged.connect(self._say_damaged, Qt.ConnectionType.SingleShotConnection)
        in_column(*self.notices, (self.tabs, 1), within=self, spacing=0)
        self._built: dict[int, RecordTab] = {}
        self._moments: dict[int, Label] = {}
        self._begun: dict[int, Generator[None]] = {}
        """Tabs that are being built, a part at a time."""
        self._wanted = defaultdict[int, list[Callable[[RecordTab], object]]](list)
        """What is done with them as soon as they are."""
        self._keys = HeldKeys(self, self._is_for_others)
        self._to_focus: Callable[[RecordTab], object] = _take_focus
        self._waiting: QMenu | None = None
        """What was opened last to show what there is of it."""
        self._build_on = QTimer(self, interval=0)
        self._build_on.timeout.connect(self._build_part)
        self._ahead = QTimer(self, interval=AHEAD_MS)
        self._ahead.timeout.connect(self._go_ahead)
        self._to_load = deque(_FOR_QUESTIONS)
        self._looks_round = self._may_go_ahead = False
        """Whether a person has come to the tabs; and whether all is done that is for the first of them."""
        self._pages = list[QBoxLayout]()
        for spec in TABS:
            page = self._make_page()
            self.tabs.addTab(page, context.theme.icon(spec.icon, "dim"), spec.table.title)
        self._below = QWidget(self)  # which takes it along also where it ends before that is placed
        """What comes while a person reads, at the foot of the tab in sight: it moves no rows there."""
        self._below.hide()
        self._said_below = in_column(within=self._below, spacing=0)
        if context.opened.file is not None:
            self._say_below(notices.RestoredNotice(context, self.back_wanted.emit, self._below))
        if context.can(engine.Capability.SETTLES):
            self._say_below(notices.UnsettledNotice(context, self._below))
            self._say_below(notices.PauseNotice(context, self._below))
            self._say_below(notices.TokenNotice(context, self._below))
            self._say_below(notices.FoundNotice(context, self._below))
            self._say_below(notices.LostEntryNotice(context, self._below))
        there = (spec.table.name in context.opened.schema.columns for spec in TABS)
        self.tabs.setCurrentIndex(next((page for page, has in enumerate(there) if has), 0))
        self.tenants = TenantsPlace(context.theme, self.tabs, self._make_page)
        self.tabs.currentChanged.connect(lambda _: self._tab_shown())
        self.trail = Trail(self.tabs, self._go_back, context.say)
        self.tenants.turned.connect(self._tab_shown)
        context.runner.changed.connect(self._changed)
        context.outside.written.connect(self._written_outside)
        context.outside.went_back.connect(self._went_back)
        context.outside.displaced.connect(self._say_displaced)
        notices.TablesWatch(context).told.connect(self._say_tables)
        context.tables_changed.connect(self._tables_changed)
        for changed in (context.lock.changed, context.unsettled.changed, context.closed):
            changed.connect(self._update_acts)
        context.unsettled.settled.connect(self._settled)
        context.unsettled.outdated.connect(self.refresh)
        context.pause.changed.connect(self._paused)
        context.token.changed.connect(self._token_changed)
        context.outside.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the window is narrow the tabs' words need the room of their icons."""
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        if narrow is not self.tabs.tabIcon(0).isNull():
            for page, spec in enumerate(TABS):
                self.tabs.setTabIcon(page, QIcon() if narrow else self.context.theme.icon(spec.icon, "dim"))

    def _make_page(self) -> QWidget:
        page = PagePlace(self.tabs)
        page.resized.connect(self._place_said)
        self._pages.append(in_column(within=page, spacing=0))
        return page

    @property
    def position(self) -> int:
        """That of the page in sight."""
        return _TENANTS if self.tenants.is_shown else self.tabs.currentIndex()

    def go(self, position: int) -> None:
        """To the page of a tab."""
        self.tenants.leave(back=False)
        self.tabs.setCurrentIndex(position)

    def _go_back(self, position: int) -> None:
        self.go(position)
        self.focus_in_current()

    def start(self) -> None:
        """Fills the tab in sight, once the event loop has had its turn: the window stood still long enough.
        The rest is looked at when the tab has its rows, or cannot have them.
        """
        self.setUpdatesEnabled(False)
        self._to_begin = True
        self._beginning.start()

    def _begin(self) -> None:
        self.with_current(self._begin_with)

    def _begin_with(self, page: RecordTab) -> None:
        if not self._to_begin or page is not self._built.get(self.position):
            return
        self._to_begin = False
        self._fill(page, self)
        if page.asks_first:
            self._around.start()
        if not self.context.costs:  # else behind the rows, which are shown by three requests
            self._count_unread()
        if self.context.can(engine.Capability.SETTLES):
            self.context.unsettled.ask()
        if not isinstance(QApplication.focusWidget(), QLineEdit):  # in which one has begun to write
            page.take_focus()

    def _fill(self, page: RecordTab, held: QWidget) -> None:
        """Shows a new tab, when its empty table has its rows: a turn of the event loop later, as these are
        drawn when they are laid out; else all would be drawn without them first.
        """
        show = _hold(held)
        for answered in (page.list.loaded, page.list.failed):
            answered.connect(lambda _: later(held, 0, show), Qt.ConnectionType.SingleShotConnection)
        page.activate()

    def pages(self) -> Sequence[RecordTab]:
        """The tabs, in order; those that were not asked for yet are built now."""
        return [self._page(position) for position in range(self.tabs.count())]

    def current(self) -> RecordTab:
        return self._page(self.position)

    @property
    def column_of_keys(self) -> str:
        """That of the tab in sight, which is not built for this either; empty where it has none yet."""
        page = self._built.get(self.position)
        return "" if page is None else page.column_of_keys()

    @property
    def in_sight(self) -> tuple[str, object]:
        """The table of the tab in sight, which is not built for this, and its current record. The page of all
        tenants has none before it is built.
        """
        page = self._built.get(self.position)
        if page is not None:
            return page.spec.table.name, page.list.current_id()
        return TABS[self.position].table.name if self.position < _TENANTS else "", None

    @property
    def has_row(self) -> bool:
        """Whether the tab in sight, which is not built for this, has a current row."""
        page = self._built.get(self.position)
        return page is not None and page.table.currentIndex().isValid()

    @property
    def export_words(self) -> str:
        """What its export is called."""
        page = self._built.get(self.position)
        return EXPORT_ROWS if page is None else page.export_words

    @property
    def cannot_export(self) -> str | None:
        """Why there is nothing to export, as a sentence."""
        page = self._built.get(self.position)
        return None if page is None else page.refuse_export()

    @property
    def one_alone(self) -> str | None:
        """Why not all rows of it can be selected, as a sentence."""
        page = self._built.get(self.position)
        return None if page is None else page.one_alone or None

    @property
    def has_selection(self) -> bool:
        """Whether it has selected rows, be one of them current or not."""
        page = self._built.get(self.position)
        return page is not None and bool(page.table.selected_ranges())

    def set_tenant(self, tenant: str | None) -> None:
        self.scope, self.context.opened.database.in_sight = Scope(tenant), tenant
        for position, page in self._built.items():
            if position != _TENANTS:
                page.set_scope(self.scope)
        self.with_current(lambda page: page.activate())
        self._count_unread()
        self._tell_broken()

    def begin_in(self, tenant: str) -> None:
        """Restricts the tabs of a file that was opened just now, none of which is built."""
        self.scope, self.context.opened.database.in_sight = Scope(tenant), tenant

    def _tell_broken(self) -> None:
        if self.is_settled:
            self.broken.set_beside(self._is_beside(), self.scope.tenant_id)
            self._pages[self.position].addWidget(self._below)
            self._below.show()
            self._place_said()

    def _place_said(self) -> None:
        for said in self._below.findChildren(notices.Notice):
            said.stand_in(self.tabs.currentWidget().height())

    def choose_tenant(self, tenant: str | None) -> None:
        self.tenants.leave(back=False)
        self.set_tenant(tenant)
        self.focus_in_current()

    def focus_rows(self) -> bool:
        """Gives them the focus, where they are in sight; whether they were."""
        page = self._built.get(self.position)
        if page is None or not page.table.isVisible():
            return False
        page.take_focus()
        return True

    def refresh(self) -> None:
        """Reads again what the tabs show; those out of sight do it when they are looked at."""
        self._refreshed += 1
        for page in self._built.values():
            page.mark_stale()
        self.with_current(lambda page: page.activate())
        self._count_unread()
        self._read_tenants()

    def refresh_all(self) -> None:
        """The same, as it is now, and looks at what lists do not tell, whether the tables are others, say.

        It looks first: what others have written until then is in the rows that are read, and not new any
        more. Behind an act that takes its time nobody waits for that.
        """
        for page in self._built.values():
            page.list.refreshed()
        before, is_writing = self._refreshed, self.context.runner.is_writing

        def read() -> None:
            if self._refreshed == before:  # else it was, since others have written
                self.refresh()

        self.context.outside.look(None if is_writing else read, everything=True)
        self.context.verdict.may_be_another.emit()  # by a command, say, which asks no database here
        if "retention" in vars(self):
            self.retention.look()
        if is_writing:
            self.refresh()

    def jump(self, table: str, record_id: object) -> None:
        self._turn_to(table, lambda page: page.show_record(record_id))

    def elsewhere(self, tables: frozenset[str]) -> Table | None:
        """The first of these with a tab, where none of them is in sight."""
        shown = [spec.table for spec in TABS if spec.table.name in tables and spec.table is not AUDIT_CHAIN]
        return next(iter(shown), None) if self.current().spec.table not in shown else None

    def turn_to(self, table: str) -> None:
        self._turn_to(table, lambda page: page.take_focus())

    def _follow(self, table: str, record_id: object) -> None:
        """To what a record leads to, with a way back."""
        self.trail.lead(partial(self.jump, table, record_id))

    def step_back(self) -> bool:
        """What Escape does where nothing that has the focus has a use for it, in the tab or beside it: from
        the page of all tenants, from a record that fills its tab, to the rows, and from them to where one
        was led from; whether there was a way.
        """
        if self.tenants.is_shown:
            self.tenants.leave()
            return True
        page = self._built.get(self.position)
        return (page is not None and (page.step_back() or page.lead_to_rows())) or self.trail.back()

    def say_where(self, event: QKeyEvent) -> bool:
        """Says of keys that nothing had a use for which tabs have acts by them, be they built or not; whether
        there are such tabs.
        """
        here = self._built.get(self.position)
        if here is None or event.isAutoRepeat() or (keys := keys_of_act(event)) is None:
            return False
        own = here.commands.with_key(event)
        if own is not None:  # else the tab itself had it
            here.say_where_to_press(own)
            return True
        found = done_by(keys)
        if not found or here.commands.purpose_of(keys):
            return False
        *others, last = (title for title, _ in found)
        places = f"{', '.join(others)} and {last}" if others else last
        said, purposes = keys.toString(QKeySequence.SequenceFormat.NativeText), {what for _, what in found}
        if len(purposes) == 1:  # else it is another one in each
            said = f"{purposes.pop()} ({said})"
        self.context.say(f"{said} is for {places}, not for {here.spec.table.title}.", of_place=True)
        return True

    def turn_back(self, table: str, record_id: object, tab: int) -> None:
        """To where a person was before the file was written again; `tab` is what the page of tenants, which
        has none, leads back to.
        """
        if table not in _POSITIONS:
            self.tabs.setCurrentIndex(tab)
            self.tenants.show()
        elif table in self.context.opened.schema.columns:
            self.tabs.setCurrentIndex(_POSITIONS[table])
            if record_id is not None:
                self.with_current(lambda page: page.show_record(record_id))

    def show_matches(self, table: str, text: str) -> None:
        self._turn_to(table, lambda page: page.set_filter_text(text))

    def search_texts(self, text: str) -> None:
        """Looks for it in what runs say, which no list has."""
        self._turn_to(PLANNING_RUNS.name, lambda page: page.search_texts(text))

    def show_history(self, table: str, record_id: str) -> None:
        """Shows what the audit chain says of a record, whose entries may lie in the chain of `system`."""
        if table == PLANNING_RUNS.name and self.scope != EVERYONE:
            self.everyone_wanted.emit()
        self._turn_to(AUDIT_CHAIN.name, lambda page: page.show_history(record_id))

    @cached_property
    def retention(self) -> "Retention":
        """Loaded with the rest, after the tab in sight has its rows."""
        from app.ui.shell.retention import Retention  # noqa: PLC0415

        retention = Retention(self.context, self)
        retention.status.connect(self.retention_status)
        retention.chain_wanted.connect(self.show_verdict)
        self.context.lock.changed.connect(retention.check)
        return retention

    @cached_property
    def arrivals(self) -> "Arrivals":
        from app.ui.shell.desktop_notice import Arrivals  # noqa: PLC0415

        return Arrivals(self.context, self._open_notification, self)

    def _open_notification(self, record_id: object) -> None:
        window = self.window()
        if window.isMinimized():  # which no activating brings back
            window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.raise_()
        window.activateWindow()
        self.jump(NOTIFICATIONS.name, record_id)
        self.with_current(lambda page: page.take_focus())  # the keys of triage are the rows'

    @cached_property
    def verification(self) -> "SelfVerification":
        from app.ui.shell.verification import SelfVerification  # noqa: PLC0415

        verification = SelfVerification(self.context, self)
        verification.said.connect(self.shield)
        return verification

    def show_tenants(self) -> None:
        """How all of them stand, at the one in which a person works."""
        if not self.tenants.is_shown:
            self.tenants.show()
            if self.scope.tenant_id is not None:
                wanted = self.scope.tenant_id
                self.with_current(lambda page: page.show_record(wanted))

    def _lead(self, tenant: str, table: str, then: Callable[[RecordTab], object] | None) -> None:
        """To what a tenant has in a table."""
        self.tenant_wanted.emit(tenant)
        self._turn_to(table, then or (lambda page: page.take_focus()))

    def show_verdict(self) -> None:
        self._turn_to(AUDIT_CHAIN.name, lambda page: page.show_findings())

    def ask_start_over(self) -> None:
        """Leads to where a person says that an earlier state is right as it is."""
        from app.services.chain.checkpoints.signing import Way  # noqa: PLC0415 - few say so

        self._turn_to(AUDIT_CHAIN.name, lambda page: page.panel.open_checkpoints().lead_to(Way.START_OVER))

    def stop(self) -> None:
        """Ends what runs for this file; nothing is delivered after it."""
        self._beginning.stop()
        self._around.stop()
        self._build_on.stop()
        self._ahead.stop()
        self._keys.drop()
        self._wanted.clear()
        for begun in list(self._begun.values()):
            begun.close()
        if "verification" in vars(self):
            self.verification.stop()
        if "retention" in vars(self):
            self.retention.stop()
        for page in self._built.values():
            page.stop()
        self.context.stop()

    def _page(self, position: int) -> RecordTab:
        if position not in self._built:
            deque(self._parts(position), maxlen=0)
        return self._built[position]

    def _parts(self, position: int) -> Generator[None]:
        """Builds what there is not yet of a tab, in parts that are too short to be felt."""
        return self._begun.setdefault(position, self._build(position))

    def _build(self, position: int) -> Generator[None]:
        page = self._pages[position].parentWidget()
        try:
            made = _tab_class(position)
            yield
            tab = made(self.context, page, in_parts=True)
            tab.hide()  # else it comes into sight with its page, whether it is whole or not
            yield from self._parts_of(tab)
        finally:
            self._begun.pop(position, None)
        if position == _TENANTS:
            self._listen_to_tenants(tab)
        else:
            tab.set_scope(self.scope)
        tab.commands.begun.connect(self.acted)
        tab.new_rows.read_wanted.connect(self.refresh)
        tab.jump.connect(self._follow)
        tab.history_wanted.connect(partial(self.show_history, tab.spec.table.name))
        tab.everyone_wanted.connect(self.everyone_wanted)
        tab.way_out = self._way_out(tab.spec.table.name)
        for answered in (tab.list.loaded, tab.list.failed):
            answered.connect(self._answered)
        if (said := self._moments.pop(position, None)) is not None:
            said.hide()
            said.deleteLater()
        self._pages[position].insertWidget(0, tab, 1)
        tab.lower()  # it is heard before what stands below it
        self._built[position] = tab
        tab.show()
        for then in self._wanted.pop(position, ()):
            then(tab)

    @staticmethod
    def _parts_of(tab: RecordTab) -> Iterator[None]:
        try:
            yield from tab.parts
            yield  # what shows it takes as long as the longest of them
        except GeneratorExit:
            tab.take_along()
            raise

    def _listen_to_tenants(self, tab: Any) -> None:
        tab.tenant_wanted.connect(self.tenant_wanted)
        tab.erase_wanted.connect(self.erase_wanted)
        tab.lead.connect(self._lead)
        tab.left.connect(self.tenants.leave)

    def with_current(self, then: Callable[[RecordTab], object], waiting: QMenu | None = None) -> None:
        """Does something with the tab in sight: at once, or as soon as it is built. A person's next key finds
        it whole, also in a menu that is `waiting` for it, unless another list, a dialog or the window takes
        it; until then there is nothing to click on.
        """
        position = self.position
        if position in self._built:
            then(self._built[position])
        else:
            self._wanted[position].append(then)
            self._build_on.start()
            self._waiting = waiting or self._waiting
            self._keys.follow(self._waiting)

    def focus_in_current(self, focus: Callable[[RecordTab], object] = _take_focus) -> None:
        """Gives it to what is in the tab in sight, unless a person has gone on while that was built."""
        before, self._to_focus = QApplication.focusWidget(), focus

        def go(page: RecordTab) -> None:
            # What was asked for before would take it, and the last one would find it gone.
            if focus is self._to_focus and QApplication.focusWidget() in (None, before):
                focus(page)

        self.with_current(go)

    def go_on_in_current(self, then: Callable[[RecordTab], object]) -> None:
        """As `with_current`, for what may end the file: not within what builds the tab, which would go."""
        if self.position in self._built:
            then(self._built[self.position])
        else:
            self.with_current(lambda page: later(page, 0, partial(then, page)))

    def _build_part(self) -> None:
        self._build_on.stop()
        position = self.position
        if position in self._built:
            self._keys.give()
        elif next(self._parts(position), self) is self:
            self._give_keys(self._built[position])
        else:
            self._build_on.start()

    def _look_round(self) -> None:
        """A person comes to the tabs, or has gone to another one: what they may ask for is made ready."""
        if not self._looks_round:
            self._looks_round = True
            if self._may_go_ahead:
                self._ahead.start()

    def _give_keys(self, page: RecordTab) -> None:
        """When it has its rows, or cannot have them: Down in a list without any would do nothing."""

        def give() -> None:
            if self._built.get(self.position) is page:  # else they are for another one by now
                self._keys.give()

        once = Qt.ConnectionType.SingleShotConnection
        for answered in (page.list.loaded, page.list.failed):
            answered.connect(lambda _: give(), once)
        later(self, KEYS_MS, give)

    def _go_ahead(self) -> None:
        """A part of the next tab that is not there yet, while nobody waits for another one; then the next of
        what may be asked for. On this thread: beside another one that loads, each call of Qt would wait.
        Until somebody looks round only the tab that takes the longest: the others take 12 MB.
        """
        if self._build_on.isActive():
            return
        self._ahead.stop()  # a bug in it is told once
        tabs = range(self.tabs.count()) if self._looks_round else (_POSITIONS[AUDIT_CHAIN.name],)
        missing = [position for position in tabs if position not in self._built]
        to_load = self._to_load if self._looks_round else deque[str]()
        if missing:
            next(self._parts(missing[0]), None)
        elif to_load:
            import_module(to_load.popleft())
        if missing or to_load:
            self._ahead.start()

    def _is_for_others(self, event: QKeyEvent) -> bool:
        """Whether a list, a dialog or the window takes it; what the window does with a tab asks for that."""
        popup = QApplication.activePopupWidget()
        if popup is not None or QApplication.activeModalWidget() is not None:
            return popup is None or not popup.property(WAITS)
        if event.key() in HELD:
            return True
        focused = QApplication.focusWidget()
        elsewhere = focused is not None and not (focused is self or self.isAncestorOf(focused))
        if elsewhere and not event.modifiers() & CHORD and event.key() not in FUNCTIONS:
            return True  # what is written in the tool bar, say
        keys = QKeySequence(event.keyCombination())
        window = cast("QMainWindow", self.window())
        if any(keys == QKeySequence.mnemonic(menu.text()) for menu in window.menuBar().actions()):
            return True
        of_tables = Qt.ShortcutContext.WidgetShortcut  # which only say what a table does with them
        return any(
            keys in action.shortcuts() and action.shortcutContext() is not of_tables
            for action in window.actions()
        )

    def _way_out(self, table: str) -> tuple[str, Callable[[], object]] | None:
        """What helps where a table is missing that such a file should have."""
        door = notices.to_what_lacks(self.context)
        cannot = door is notices.Door.MIGRATE and self.context.lacks(engine.Capability.MIGRATE)
        if cannot or table not in self.context.opened.schema.missing_tables:
            return None
        return door.value, partial(self.door_wanted.emit, door)

    def _turn_to(self, table: str, then: Callable[[Any], object]) -> None:
        """Brings the tab of a table into sight, where it has one; parked ideas have a window of their own."""
        if table == PLANNING_PARKED_IDEAS.name:
            self._turn_to(PLANNING_RUNS.name, lambda page: then(page.open_parked_ideas()))
        elif table in _POSITIONS:
            self.go(_POSITIONS[table])
            self.with_current(then)

    def _release_focus(self) -> None:
        if not self.tabs.tabBar().hasFocus():
            release(self.tabs)

    def _tab_shown(self) -> None:
        self._look_round()
        self._keys.drop()
        self._tell_broken()
        self.turned.emit()
        position = self.position
        if position not in self._built:
            held = self.tabs.currentWidget()
            _hold(held)
            self.with_current(partial(self._fill, held=held))
            later(held, _MOMENT_MS, partial(self._say_moment, position))
        else:
            page = self._built[position]
            if page.list.shown is None:  # made ahead of this: a key finds rows there as well
                self._keys.follow(None)
                self._give_keys(page)
            page.activate()
        if not self.tabs.tabBar().hasFocus():  # else the arrow keys go on from tab to tab
            self.focus_in_current()
        if self._to_begin:  # before the first tab was whole
            self._beginning.start()

    def _say_moment(self, position: int) -> None:
        """That a page in sight is not empty, but still being made, as on a computer that is busy."""
        if position in self._built or position != self.position or position in self._moments:
            return
        title = TABS[position].table.title if position < _TENANTS else "Tenants"
        said = self._moments[position] = Label(f"{title}: one moment…", Look.DIM)
        said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages[position].insertWidget(0, said, 1)
        announce(said, said.text())

    def _changed(self, change: Change, initiator: object) -> None:
        for page in self._built.values():
            page.hear(change, initiator)
        if NOTIFICATIONS.name in change.tables and not self._count_on(change):
            self._count_unread()
        if change.bulk or not change.chains <= set(self.context.tenants) - self.context.erased:
            self._read_tenants()

    def _written_outside(self) -> None:
        for page in self._built.values():
            page.changed_outside()
        if not self.context.costs:  # else what is new is offered, also in a chain that went back once
            self.refresh()

    @Slot(object)
    def _went_back(self, ends_at: int) -> None:
        """What is shown may be what is gone."""
        self.refresh()

    def _say_below(self, notice: notices.Notice, at: int = -1) -> None:
        self._said_below.insertWidget(at, notice)
        notice.stand_in(self.tabs.currentWidget().height())

    def _say_damaged(self) -> None:
        notice = notices.DamageNotice(self.context.theme, self.door_wanted.emit, self._below)
        self._say_below(notice, 0)
        notice.show()

    @cached_property
    def _displaced(self) -> notices.DisplacedNotice:
        notice = notices.DisplacedNotice(self.context.theme, self.door_wanted.emit, self._below)
        self._say_below(notice, 0)
        return notice

    def _say_displaced(self, error: Displaced | None) -> None:
        self._displaced.say(error)
        self._update_acts()

    @cached_property
    def _tables(self) -> notices.TablesNotice:
        notice = notices.TablesNotice(self.context, self.door_wanted.emit, self._below)
        self._say_below(notice)
        return notice

    def _say_tables(self, are_others: bool) -> None:
        if are_others or "_tables" in vars(self):
            self._tables.setVisible(are_others)

    def _tables_changed(self) -> None:
        self._update_acts()
        self.refresh()

    def _update_acts(self) -> None:
        for page in self._built.values():
            page.commands.update()

    def says(self, error: errors.TenantAdminError) -> bool:
        return error in (self.context.unsettled.error, self.context.pause.error)

    def _settled(self, saved: bool | None, act: str) -> None:
        undoes = bool(saved) and self.context.history.next_undo == act
        self.context.say(what_became(saved, act), undoes=undoes)

    def _paused(self) -> None:
        if self.context.pause.error is None:
            self.refresh()

    def _token_changed(self) -> None:
        """What could not be read by the one that was refused is read by the other."""
        if self.context.token.error is None:
            self.refresh()
            for page in self._built.values():
                page.current.try_again()

    def _answered(self, _: object) -> None:
        """The first tab that is asked has its rows, or cannot have them; perhaps before the beginning."""
        if not self.is_settled:
            self._around.start()

    def _look_around(self) -> None:
        if self.is_settled:
            return
        self.is_settled = True
        if self.context.costs:
            self._count_unread()
        self.context.ask_what_can_follow()
        self.context.ask_who_was_erased()
        self._pages[self.position].addWidget(self._below)
        self._say_below(notices.InterruptedNotice(self.context, self._below))
        ask = self.door_wanted.emit
        notice = notices.ContinuationNotice(self.context, self.show_verdict, self._below, ask=ask)
        notice.look(self.context.opened.imported)
        beside = self._is_beside()
        self.broken = notices.BrokenNotice(
            self.context, notice, self.show_verdict, self._below, beside=beside
        )
        said_below = [self.broken, notice]
        if self.context.opened.database.withdrawn is not None:
            said_below.append(notices.ConnectionNotice(self.context, self.door_wanted.emit, self._below))
        for said in said_below:
            self._say_below(said)
        self._tell_broken()
        if self.context.opened.can_be_forced:
            self.context.runner.job(
                self._find_server, on_done=self._offer_server, on_failed=lambda error: None
            )
        begin = self._begin_the_rest
        self.context.runner.job(_load_the_rest, on_done=begin, on_failed=begin)

    def _find_server(self, monitor: progress.Monitor) -> "NamedConnection | None":
        from app.services.live.dev_server import serving  # noqa: PLC0415 - few files are in use

        return serving(self.context.opened.path)

    def _offer_server(self, connection: "NamedConnection | None") -> None:
        """What a running `wrangler dev` has open can be changed through it, without stopping it."""
        if connection is not None:
            through = partial(self.connect_wanted.emit, connection)
            self.notices[0].add_button("Open through wrangler dev", through, Kind.PRIMARY)

    def _begin_the_rest(self, _: object) -> None:
        """Whether it could be loaded or not: each part loads what it still needs, and says what it cannot."""
        self.retention.start()
        self.verification.start()
        self.arrivals.start()
        self._may_go_ahead = True
        self._ahead.start()

    def _is_beside(self) -> bool:
        return self.position != _POSITIONS[AUDIT_CHAIN.name]

    def _read_tenants(self) -> None:
        self.context.runner.read(tenants, on_done=self._show_tenants, on_failed=lambda error: None)
        self.context.ask_who_was_erased()

    def _show_tenants(self, tenants: Sequence[str]) -> None:
        self.context.tenants = tuple(tenants)
        self.tenants_found.emit(tenants)

    def _count_on(self, change: Change) -> bool:
        """Counts by the change itself, where each row that is read costs something and it tells them all."""
        rows = change.by_table.get(NOTIFICATIONS.name, ())
        is_told = rows and len(rows) <= MANY and NOTIFICATIONS.name not in change.bulk
        if self._unread is None or not (self.context.costs and is_told and self.scope == EVERYONE):
            return False
        images = [(image, by) for row in rows for image, by in ((row.before, -1), (row.after, 1))]
        self._unread += sum(by for image, by in images if image is not None and image.get("read") in OFF)
        self._show_unread(max(0, self._unread))
        return True

    def _count_unread(self) -> None:
        opened, self._unread = self.context.opened, None
        few = not self.context.is_much(opened.sizes.get(NOTIFICATIONS.name, 0))
        if NOTIFICATIONS.name in self.context.gone:
            self._show_unread(None)
        elif few and self.context.without(NOTIFICATIONS.name) is None:
            self.context.runner.read(
                self.context.lists.count,
                ListQuery(NOTIFICATIONS.name, self.scope, choices=_UNREAD),
                on_done=self._show_unread,
                on_failed=lambda error: None,
            )

    def _show_unread(self, count: int | None) -> None:
        """None where there is nothing to count."""
        position, title = _POSITIONS[NOTIFICATIONS.name], NOTIFICATIONS.title
        self._unread = count
        self.tabs.setTabText(position, f"{title}  {grouped(count)}" if count else title)
        self.tabs.setTabToolTip(position, "" if count is None else counted(count, "unread notification"))


def _hold(held: QWidget) -> Callable[[], None]:
    """Leaves what is drawn as it is until the function given back is called, or a moment has passed."""
    show = partial(held.setUpdatesEnabled, True)
    held.setUpdatesEnabled(False)
    later(held, _EMPTY_MS, show)
    return show


def _tab_class(position: int) -> type[RecordTab]:
    if position < _TENANTS:
        return load_tab(TABS[position])
    from app.ui.tabs.tenants import TenantsTab  # noqa: PLC0415 - few look at all of them

    return TenantsTab


def load_tab(spec: TabSpec) -> type[RecordTab]:
    """The tab's class; takes as long as importing what the tab needs."""
    module, _, name = spec.tab_class.partition(":")
    return cast("type[RecordTab]", getattr(import_module(f"app.ui.tabs.{module}"), name))


def _load_the_rest(monitor: progress.Monitor) -> None:
    """What a person may ask for next is loaded while they look at the first rows."""
    for spec in TABS:
        load_tab(spec)
    for name in _REST:
        import_module(name)
