"""The window's actions, each declared once, and the menus and the tool bar that they stand in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Slot
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QMenu,
    QSizePolicy,
    QStyleOptionToolButton,
    QToolBar,
    QToolButton,
    QWidget,
)
from shiboken6 import Shiboken

from app.services.text import apart, quoted, visible
from app.ui.shell.global_search import SHORTCUT
from app.ui.theme import MODES, Icon, Kind, Mode
from app.ui.widgets.actions import WAITS, ActionSpec, give_letters
from app.ui.widgets.buttons import BESIDE_WORDS, BUTTON, Choice, framed_button
from app.ui.widgets.formatting import first_line, shortened, tooltip
from app.ui.widgets.labels import set_tip
from app.ui.widgets.later import later
from app.ui.widgets.picker import Picker
from models.engine import Capability
from models.errors import FileOrName

if TYPE_CHECKING:  # a workspace is made when a file is opened
    from app.services.opened import Opened
    from app.ui.shell.window import MainWindow
    from app.ui.shell.workspace import Workspace
    from app.ui.tabs.common.record_tab import RecordTab

OPENING = ("open", "open_folder", "connect", "create", "import", "demo")
NAME_SHOWN = 28
"""Characters of an open file's name, the middle of which is left out."""
FOLDER_SHOWN = 48
"""Characters of a recent file's folder, the middle of which is left out."""
WIDE = 880
"""Points of the window's width from which there is room for a long tenant's name."""


def add_actions(window: MainWindow) -> None:
    files, no_file = window.files, partial(_no_file, window)

    def cannot_restore() -> str | None:
        cannot = lacks(Capability.RESTORE)()  # for good, whether writes are locked or not
        return cannot or (None if window.context is None else window.context.cannot_write)

    def lacks(capability: Capability) -> Callable[[], str | None]:
        return lambda: no_file() if window.context is None else window.context.lacks(capability)

    def nothing_to(what: str) -> Callable[[], str | None]:
        def refuse() -> str | None:
            context = window.context
            cannot = None if context is None else context.cannot_write
            coming = context is not None and (context.turns or context.runner.is_writing)
            if coming or _next(window, what):
                return cannot
            of_restore = context is not None and window.settings.restored.get(context.opened.kept_by)
            way = " “Way back…” below the rows leads to before the restore." if of_restore else ""
            return f"There is nothing to {what}.{way if what == 'undo' else ''}"

        return refuse

    def of_file(act: Callable[[Workspace], object]) -> Callable[[], object]:
        return lambda: window.workspace and act(window.workspace)

    def no_row() -> str | None:
        if window.workspace is None:
            return no_file()
        return None if window.workspace.has_row else "Select a row first."

    def no_rows() -> str | None:
        """The same of what takes all that are selected."""
        is_there = window.workspace is not None and window.workspace.has_selection
        return None if is_there else no_row()

    def one_alone() -> str | None:
        return no_file() if window.workspace is None else window.workspace.one_alone

    def no_export() -> str | None:
        return no_file() if window.workspace is None else window.workspace.cannot_export

    def copy_as(form: str) -> Callable[[], object]:
        return of_file(lambda file: file.current().copy_rows(form))

    def of_value(words: str) -> Callable[[], str]:
        def with_column() -> str:
            column = "" if window.workspace is None else window.workspace.column_of_keys
            return f"{words} ({column.replace('&', '&&')})" if column else words

        return with_column

    by_value = of_value("Filter &by this value")
    copy_one = of_file(lambda file: file.current().copy_value())
    filter_one = of_file(lambda file: file.current().filter_by_current())
    words_to_export = partial(_export_words, window)
    select_all = of_file(lambda file: file.with_current(lambda page: page.table.selectAll()))
    export = of_file(lambda file: file.go_on_in_current(lambda page: page.export()))
    save_copy = of_file(lambda file: files.ask_save_copy(file.context.opened))
    export_sql = of_file(lambda file: files.ask_export_sql(file.context.opened, file.scope.tenant_id))
    restore = of_file(lambda file: files.ask_restore(file.context.opened.path))
    travel = of_file(lambda file: window.time_travel.ask(file.context))
    retain = of_file(lambda file: file.retention.ask(file.scope.tenant_id))
    filter_rows = of_file(lambda file: file.focus_in_current(lambda page: page.find_words()))
    refresh = of_file(lambda file: file.refresh_all())
    tenants = of_file(lambda file: file.show_tenants())
    connect, lock_words = window.connecting.ask_connect, partial(_lock_words, window)
    edit = of_file(lambda file: window.connecting.edit(file.context.opened))
    preferences, about, logs = partial(_preferences, window), partial(_about, window), partial(_logs, window)
    shortcuts, show_help = partial(_shortcuts, window), partial(_help, window)
    undo_words, redo_words = partial(_words, window, "undo"), partial(_words, window, "redo")
    project, sql = "Open a &wrangler project…", "Export database as SQ&L…"
    no_copy = lacks(Capability.BACKUP)
    for spec in (
        ActionSpec("open", "&Open…", Icon.OPEN, files.ask_open, shortcut="Ctrl+O", kind=Kind.PRIMARY),
        ActionSpec("open_folder", project, Icon.FOLDER, files.ask_open_folder, shortcut="Ctrl+Shift+O"),
        ActionSpec("connect", "Connect to &D1…", Icon.WEBHOOK, connect),
        ActionSpec("edit_connection", "&Edit the connection…", Icon.EDIT, edit, partial(_not_kept, window)),
        ActionSpec("create", "&New database…", Icon.NEW_FILE, files.ask_create, shortcut="Ctrl+N"),
        ActionSpec("import", "&Import a D1 export…", Icon.IMPORT, files.ask_import),
        ActionSpec("demo", "Explore s&ample data", Icon.DEMO, files.explore_demo),
        ActionSpec("info", "Data&base info…", Icon.DATABASE, of_file(_database_info), no_file, "Ctrl+I"),
        ActionSpec(
            "export", words_to_export, Icon.EXPORT, export, no_export, "Ctrl+E", about=words_to_export
        ),
        ActionSpec("save_copy", "&Save a copy…", Icon.COPY, save_copy, no_copy, "Ctrl+Shift+S"),
        ActionSpec("export_sql", sql, Icon.EXPORT, export_sql, no_copy),
        ActionSpec("restore", "Restore from a co&py…", Icon.HISTORY, restore, cannot_restore),
        ActionSpec("time_travel", "&Time Travel…", Icon.HISTORY, travel, lacks(Capability.TIME_TRAVEL)),
        ActionSpec("retention", "Data &retention…", Icon.RETENTION, retain, no_file),
        ActionSpec("unlock", lock_words, Icon.LOCK, window.turn_lock, partial(_no_lock, window)),
        ActionSpec("close", "&Close database", Icon.CLOSE, window.ask_close_file, no_file, "Ctrl+W"),
        ActionSpec("quit", "&Quit", None, window.ask_close, shortcut="Ctrl+Q"),
        ActionSpec("undo", undo_words, Icon.UNDO, window.undo, nothing_to("undo"), "Ctrl+Z"),
        ActionSpec("redo", redo_words, Icon.REFRESH, window.redo, nothing_to("redo"), "Ctrl+Shift+Z"),
        ActionSpec("copy", "&Copy rows", Icon.COPY, copy_as("text"), no_rows, "Ctrl+C", of_table=True),
        ActionSpec("copy_csv", "&CSV", None, copy_as("csv"), no_rows),
        ActionSpec("copy_json", "&JSON lines", None, copy_as("json"), no_rows),
        ActionSpec("copy_sql", "&SQL inserts", None, copy_as("sql"), no_rows),
        ActionSpec("copy_this_value", of_value("Copy this &value"), None, copy_one, no_row, "Ctrl+Shift+C"),
        ActionSpec("select_all", "Select &all rows", None, select_all, one_alone, "Ctrl+A", of_table=True),
        ActionSpec("filter_by_this_value", by_value, None, filter_one, no_row, "Ctrl+Shift+F"),
        ActionSpec("filter", "&Filter", Icon.FILTER, filter_rows, no_file, "Ctrl+F"),
        ActionSpec("search", "&Search everything", Icon.SEARCH, window.search.focus, no_file, SHORTCUT),
        ActionSpec("menu", "&Menu of what has the focus", None, _open_menu, shortcut="Shift+F10"),
        ActionSpec("preferences", "&Preferences…", Icon.SETTINGS, preferences, shortcut="Ctrl+,"),
        ActionSpec("refresh", "Re&fresh", Icon.REFRESH, refresh, no_file, "F5"),
        ActionSpec("tenant", "C&hoose a tenant", None, window.choose_tenant, no_file, "Ctrl+Shift+T"),
        ActionSpec("tenants", "&Tenants", Icon.TENANTS, tenants, no_file, "Ctrl+T"),
        *(_mode_act(window, mode, f"&{words}") for mode, words in MODES),
        ActionSpec("help", "&Help", Icon.INFO, show_help, shortcut="Shift+F1", in_dialogs=True),
        ActionSpec("shortcuts", "&Keyboard shortcuts", Icon.INFO, shortcuts, shortcut="F1", in_dialogs=True),
        ActionSpec("logs", "Open the &log folder", Icon.FOLDER, logs),
        ActionSpec("about", "&About Tenant Admin", Icon.INFO, about),
    ):
        window.commands.add(spec)


def add_tab_actions(window: MainWindow) -> None:
    """Declares one for each tab, once: their titles are known when the first file is open."""
    from app.ui.tabs.common.declared import TABS  # noqa: PLC0415 - the window appears before the tables are loaded

    def show(position: int) -> None:
        if window.workspace is not None:
            window.workspace.go(position)
            window.workspace.focus_in_current()

    def shown(position: int) -> bool:
        return window.workspace is not None and window.workspace.position == position

    for position, tab in enumerate(TABS):
        name, run, keys = f"tab_{position}", partial(show, position), f"Ctrl+{position + 1}"
        if name not in window.commands.names():
            no_file = partial(_no_file, window)
            checked = partial(shown, position)
            spec = ActionSpec(name, f"&{tab.table.title}", None, run, no_file, keys, checked=checked)
            window.commands.add(spec)


def tab_actions(window: MainWindow) -> list[str]:
    """The names of those that are there."""
    return [name for name in window.commands.names() if name.startswith("tab_")]


class _BarLeft(QObject):
    """Gives the keys back to the list where the menu bar was left with them, or has taken them from all: Qt
    forgets who had them when a second menu is opened.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.KeyPress and cast("QKeyEvent", event).key() == Qt.Key.Key_Escape:
            self.look()
        return False

    @Slot()
    def look(self) -> None:
        later(self, 0, self._give_back)

    def _give_back(self) -> None:
        window = cast("MainWindow", self.parent())  # not kept: PySide keeps what filters
        workspace, bar = window.workspace, window.menuBar()
        is_left = window.isActiveWindow() and QApplication.activePopupWidget() is None
        has_none = QApplication.focusWidget() in {None, bar} and bar.activeAction() is None
        if workspace is not None and is_left and has_none:
            workspace.focus_in_current()


def fill_menus(window: MainWindow) -> None:
    """Makes the menu bar. Those of the tab in sight and of the tabs are filled each time they are shown."""
    bar, fill = window.menuBar(), partial(window.commands.fill, is_opening=False)
    left = _BarLeft(window)
    bar.installEventFilter(left)
    of_file = (
        "info",
        "edit_connection",
        "unlock",
        "export",
        "export_sql",
        "save_copy",
        "restore",
        "time_travel",
        "retention",
    )
    fill(bar.addMenu("&File"), (*OPENING, "", *of_file, "", "close", "quit"))
    edit, copy_as = bar.addMenu("&Edit"), QMenu("C&opy rows as", bar)
    edit.aboutToShow.connect(window.commands.update)  # what is selected decides
    fill(edit, ("undo", "redo", "", "copy"))
    edit.addMenu(copy_as)
    fill(copy_as, ("copy_csv", "copy_json", "copy_sql"))
    fill(
        edit,
        ("copy_this_value", "select_all", "", "filter_by_this_value", "filter", "search", "", "preferences"),
    )
    record, view = bar.addMenu("&Record"), bar.addMenu("&View")
    record.aboutToShow.connect(lambda: _fill_record(record, window))
    view.aboutToShow.connect(lambda: _fill_view(view, window))
    fill(bar.addMenu("&Help"), ("help", "shortcuts", "logs", "", "about"))
    for menu in bar.findChildren(QMenu):
        menu.aboutToHide.connect(left.look)


class _MenuButton(QToolButton):
    """Down opens its menu, as that of a pick list opens its list. Its words keep away from its icon, which Qt
    puts nearer to them here than in a push button.
    """

    def initStyleOption(self, option: QStyleOptionToolButton) -> None:
        super().initStyleOption(option)
        option.text = f" {option.text}"

    def sizeHint(self) -> QSize:
        return super().sizeHint() + QSize(self.fontMetrics().horizontalAdvance(" "), 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.showMenu()
        else:
            super().keyPressEvent(event)


class ToolBar(QToolBar):
    """Which database is open, the search, and in `tenants` the tenant that every tab, count, export and
    verification is scoped to.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__("Main", window, movable=False)
        self._low = False
        self._window = window
        self.setObjectName("main")
        self.database_button = _MenuButton()
        self.database_button.setProperty("framed", True)
        self.database_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.database_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.database_button.setFixedHeight(BUTTON)
        self.database_button.setAccessibleName("Database")
        self.database_button.setMinimumWidth(130)
        self.database_button.setIconSize(BESIDE_WORDS)
        self.database_button.setIcon(window.theme.icon(Icon.DATABASE, "accent"))
        menu = QMenu(self.database_button)
        menu.aboutToShow.connect(lambda: window.show_recent(partial(self._fill_database_menu, menu)))
        self.database_button.setMenu(menu)
        self.tenants = Picker(window.theme, "Tenant", "All tenants", search_hint="Search tenants")
        self.tenants.foot = "How all tenants stand", partial(window.commands.trigger, "tenants")
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        for widget in (self.database_button, self.tenants, spacer, window.search):
            self.addWidget(widget)
        for name in ("refresh", "preferences"):
            self.addWidget(framed_button(window.commands.action(name)))

    def set_low(self, low: bool) -> None:
        """Gives its margins to the rows of a low window."""
        self._low = low
        around = 6 if low else 12  # alike on all sides: Qt takes those at the left for those on top
        if (layout := self.layout()) is not None:
            layout.setContentsMargins(around, around, around, around)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The room for a tenant's name goes by the window, not by the name: nothing moves with it."""
        super().resizeEvent(event)
        self.tenants.setFixedWidth(200 if self.width() >= WIDE else 130)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:  # which sets them again
            self.set_low(self._low)

    def show_file(self, opened: Opened | None) -> None:
        """Names what is open; None for nothing."""
        self.database_button.setText(
            "Open…" if opened is None else shortened(opened.place, NAME_SHOWN // 2, NAME_SHOWN // 2)
        )
        set_tip(self.database_button, "" if opened is None else opened.whole_place)
        self.tenants.setEnabled(opened is not None)
        self._window.search.setEnabled(opened is not None)

    def offer_tenants(self, names: Sequence[str]) -> None:
        self.tenants.set_choices([Choice(name, apart(name)) for name in names])

    def _fill_database_menu(
        self, menu: QMenu, recent: Sequence[FileOrName], production: Collection[str]
    ) -> None:
        menu.clear()
        commands = self._window.commands
        commands.fill(menu, (*OPENING, *([""] if recent else [])))
        for place in recent:
            text = f"{place} — {'PRODUCTION · ' if place in production else ''}live D1 database"
            if isinstance(place, Path):
                text = f"{place.name} — {shortened(str(place.parent), FOLDER_SHOWN // 2, FOLDER_SHOWN // 2)}"
            action = menu.addAction(visible(text).replace("&", "&&"))
            action.setToolTip(tooltip(str(place)))
            action.triggered.connect(partial(lambda place, _=False: self._window.open(place), place))
        commands.fill(menu, ("", "close"))


def _fill_record(menu: QMenu, window: MainWindow) -> None:
    menu.clear()
    if window.workspace is not None:
        _fill_with_current(menu, window.workspace, lambda page: page.commands.fill(menu))


def _fill_with_current(menu: QMenu, workspace: Workspace, fill: Callable[[RecordTab], object]) -> None:
    """Where the tab in sight is still built, as soon as it is there, in the menu that is open already. The
    menu holds its acts no longer than it is in sight: their keys would work as long, or, where they are those
    of another tab, too, none of both.
    """
    workspace.turned.connect(lambda: _empty(menu), Qt.ConnectionType.SingleShotConnection)
    waiting = menu.addAction("One moment…")
    waiting.setEnabled(False)
    menu.setProperty(WAITS, True)

    def filled(page: RecordTab) -> None:
        menu.setProperty(WAITS, None)
        if Shiboken.isValid(waiting):  # else it has been filled for another tab since
            menu.removeAction(waiting)
            fill(page)

    workspace.with_current(filled, menu)


def _empty(menu: QMenu) -> None:
    menu.clear()


def _fill_view(menu: QMenu, window: MainWindow) -> None:
    menu.clear()
    window.commands.update()  # the preferences choose the theme, too
    tabs = [name for name in window.commands.names() if name.startswith("tab_")]
    modes = [mode.value for mode, _ in MODES]
    window.commands.fill(menu, ("refresh", "tenant", "tenants", "", *tabs, *([""] if tabs else []), *modes))
    if window.workspace is not None:
        menu.addSeparator()
        _fill_with_current(menu, window.workspace, partial(_add_header_menus, menu))


def _add_header_menus(menu: QMenu, page: RecordTab) -> None:
    from app.ui.tabs.common.record_tab import OF_VIEWS  # noqa: PLC0415 - made with a workspace

    page.commands.fill(menu, (*OF_VIEWS, ""))
    page.add_header_menus(menu)
    give_letters(menu)


def _preferences(window: MainWindow) -> None:
    from app.ui.shell.dialogs import PreferencesDialog  # noqa: PLC0415

    were_utc = window.settings.utc_times

    def refresh() -> None:
        if window.workspace is not None and window.settings.utc_times != were_utc:
            window.workspace.refresh()  # days begin at another time; nothing else is read otherwise

    dialog = PreferencesDialog(window.theme, window.settings, window)
    window.when_nothing_tells(dialog, dialog.say_nothing_tells)
    dialog.open_once(refresh)


def _database_info(file: Workspace) -> None:
    from app.ui.shell.dialogs import DatabaseInfoDialog  # noqa: PLC0415

    context = file.context
    origin = context.settings.copy_of.get(context.opened.kept_by)

    def show(info: Opened) -> None:
        DatabaseInfoDialog(context.theme, info, file.window(), copy_of=origin).open_once()

    context.runner.read(lambda database: context.opened.with_counts(), on_done=show)


def _about(window: MainWindow) -> None:
    from app.ui.shell.dialogs import AboutDialog  # noqa: PLC0415

    AboutDialog(window.theme, window).open_once()


def _help(window: MainWindow) -> None:
    from app.ui.shell.help import HelpWindow  # noqa: PLC0415
    from app.ui.widgets.dialogs import stand_beside  # noqa: PLC0415

    shown = window.findChild(HelpWindow)
    if shown is None:
        shown = HelpWindow(window.theme, window)
        shown.put_beside(window.frameGeometry())
    if not shown.isVisible():
        if shown.frameGeometry().intersects(window.frameGeometry()):  # which has moved since
            shown.put_beside(window.frameGeometry())
        stand_beside(shown)
    # What it tells of is looked for at once: these keys go from tab to tab behind it, too.
    shown.addActions([window.commands.action(name) for name in tab_actions(window)])
    shown.raise_()
    shown.activateWindow()


def _open_menu() -> None:
    """Qt itself heeds the menu key alone."""
    focused = QApplication.focusWidget()
    if focused is not None:
        centre = focused.rect().center()
        reason = QContextMenuEvent.Reason.Keyboard
        QApplication.sendEvent(focused, QContextMenuEvent(reason, centre, focused.mapToGlobal(centre)))


def _shortcuts(window: MainWindow) -> None:
    """The keys of what is in front: of the tab in sight and the window, or of a dialog."""
    from app.ui.shell.dialogs import ShortcutsDialog  # noqa: PLC0415
    from app.ui.widgets.dialogs import keys_of  # noqa: PLC0415

    front = QApplication.activeModalWidget() or QApplication.activeWindow()
    if isinstance(front, QDialog):
        if not isinstance(front, ShortcutsDialog):
            here = [(front.windowTitle(), *pair) for pair in keys_of(front)]
            ShortcutsDialog(window.theme, here, front).open_once()
        return

    def show(page: RecordTab | None = None) -> None:
        if page is not None and not page.isVisible():  # one has gone on before it was whole
            return
        without = window.commands.of_tables() if page is not None and not page.table.isVisible() else []
        if page is not None and page.one_alone:
            without.append("select_all")
        keys = [("Everywhere", *pair) for pair in window.commands.shortcuts(without)]
        if page is not None:  # first what can be done with what is in sight
            keys[:0] = page.keys()
        ShortcutsDialog(window.theme, keys, window).open_once()

    if window.workspace is None:
        show()
    else:
        window.workspace.go_on_in_current(show)  # a turn later: what shows a tab takes long enough


def _logs(window: MainWindow) -> None:
    from app import bugs, paths  # noqa: PLC0415

    folder = bugs.log_file().parent
    if not paths.is_dir(folder):
        window.toast.show_message(f"No log has been written yet; it would be in {folder}.")
    else:
        window.show_folder(bugs.log_file())


def _mode_act(window: MainWindow, mode: Mode, words: str) -> ActionSpec:
    def choose() -> None:
        window.theme.set_mode(mode)
        window.settings.theme = mode.value
        window.commands.update()

    return ActionSpec(mode.value, words, None, choose, checked=lambda: window.theme.mode is mode)


def _no_file(window: MainWindow) -> str | None:
    return None if window.workspace is not None else "Open a database first."


def _export_words(window: MainWindow) -> str:
    """Of what is in sight: of a list its rows, of the page of all tenants what one of them has."""
    words = "Export…" if window.workspace is None else window.workspace.export_words
    return words.replace("x", "&x", 1)


def _not_kept(window: MainWindow) -> str | None:
    context = window.context
    if context is None:
        return "Open a database first."
    if context.opened.database.withdrawn is None:
        return "Only a live database that is opened by a kept connection has one."
    return None if context.outside.refusal is None else "It is another by now; open the database again first."


def _no_lock(window: MainWindow) -> str | None:
    context = window.context
    if context is None:
        return "Open a database first."
    if not context.lock.needed:
        return "Only the writes of a live database are locked."
    is_refused = context.opened.read_only or context.outside.refusal is not None
    return context.cannot_write if is_refused else None


def _lock_words(window: MainWindow) -> str:
    lock = None if window.context is None else window.context.lock
    is_unlocked = lock is not None and lock.needed and not lock.is_locked
    return "Loc&k writes" if is_unlocked else "Unloc&k writes…"


def _next(window: MainWindow, what: str) -> str:
    """What would be undone or done again; empty when there is nothing."""
    history = window.context.history if window.context is not None else None
    return "" if history is None else history.next_undo if what == "undo" else history.next_redo


def _words(window: MainWindow, what: str) -> str:
    act = visible(first_line(_next(window, what), 80)).replace("&", "&&")
    return f"&{what.capitalize()}" + (f" {quoted(act)}" if act else "")
