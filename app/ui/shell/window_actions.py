"""The actions of the whole window: what they are called, what calls them, and when they apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.ui.theme import Mode, Theme
from app.ui.theme.icons import Icon

if TYPE_CHECKING:
    from app.ui.shell.context import Context

ACTIONS = (
    ("open", "&Open…", Icon.OPEN, "Ctrl+O"),
    ("open_folder", "Open a &wrangler project…", Icon.FOLDER, "Ctrl+Shift+O"),
    ("create", "&New database…", Icon.NEW_FILE, "Ctrl+N"),
    ("import", "&Import a D1 export…", Icon.IMPORT, ""),
    ("demo", "&Explore sample data", Icon.DEMO, ""),
    ("info", "Data&base info…", Icon.DATABASE, "Ctrl+I"),
    ("export", "E&xport…", Icon.EXPORT, "Ctrl+E"),
    ("save_copy", "&Save a copy…", Icon.COPY, "Ctrl+Shift+S"),
    ("restore", "Restore from a co&py…", Icon.HISTORY, ""),
    ("retention", "Data &retention…", Icon.RETENTION, ""),
    ("close", "&Close file", Icon.CLOSE, "Ctrl+W"),
    ("quit", "&Quit", Icon.STOP, "Ctrl+Q"),
    ("undo", "&Undo", Icon.UNDO, "Ctrl+Z"),
    ("redo", "&Redo", Icon.REFRESH, "Ctrl+Shift+Z"),
    ("filter", "&Filter", Icon.FILTER, "Ctrl+F"),
    ("preferences", "&Preferences…", Icon.SETTINGS, "Ctrl+,"),
    ("refresh", "Re&fresh", Icon.REFRESH, "F5"),
    ("about", "&About Tenant Admin", Icon.INFO, ""),
)
WITH_A_FILE = ("info", "close", "refresh", "filter", "export", "save_copy", "restore", "retention")
OPENING = ("open", "open_folder", "create", "import", "demo")
TABS = ("Users", "Audit chain", "Webhooks", "Notifications", "Planning runs")
MODES = ((Mode.SYSTEM, "Theme of the system"), (Mode.LIGHT, "Light"), (Mode.DARK, "Dark"))


class WindowActions(QObject):
    """`by_name` holds an action for each of ACTIONS; `run` says what each of them does."""

    def __init__(self, theme: Theme, run: Mapping[str, Callable[[], object]], window: QWidget) -> None:
        super().__init__(window)
        self.by_name: dict[str, QAction] = {}
        for name, text, icon, shortcut in ACTIONS:
            action = QAction(text, window)
            theme.bind_icon(action, icon)
            if shortcut:
                action.setShortcut(QKeySequence(shortcut))
            action.triggered.connect(lambda _=False, name=name: run[name]())
            window.addAction(action)
            self.by_name[name] = action

    def update(self, context: Context | None) -> None:
        """Enables what applies to the open file, or to none."""
        for name in WITH_A_FILE:
            self.by_name[name].setEnabled(context is not None)
        if context is not None and context.opened.read_only:
            self.by_name["restore"].setEnabled(False)
        stack = context.history.stack if context is not None else None
        for name, possible, text in (
            ("undo", stack is not None and stack.canUndo(), stack.undoText() if stack else ""),
            ("redo", stack is not None and stack.canRedo(), stack.redoText() if stack else ""),
        ):
            self.by_name[name].setEnabled(possible)
            self.by_name[name].setText(f"&{name.capitalize()}{f' “{text}”' if text else ''}")

    def add(self, menu: QMenu, names: Iterable[str]) -> None:
        """Adds actions to a menu; an empty name is a line between two."""
        for name in names:
            if name:
                menu.addAction(self.by_name[name])
            else:
                menu.addSeparator()

    def fill(
        self,
        bar: QMenuBar,
        *,
        record: Callable[[QMenu], None],
        show_tab: Callable[[int], None],
        set_mode: Callable[[Mode], None],
    ) -> None:
        """Makes the menu bar. `record(menu)` fills the menu of the tab in sight each time it is shown."""
        self.add(
            bar.addMenu("&File"),
            (*OPENING, "", "info", "export", "save_copy", "restore", "retention", "", "close", "quit"),
        )
        self.add(bar.addMenu("&Edit"), ("undo", "redo", "filter", "preferences"))
        record_menu = bar.addMenu("&Record")
        record_menu.aboutToShow.connect(lambda: record(record_menu))
        view = bar.addMenu("&View")
        self.add(view, ("refresh", ""))
        for position, name in enumerate(TABS):
            action = view.addAction(name)
            action.setShortcut(QKeySequence(f"Ctrl+{position + 1}"))
            action.triggered.connect(lambda _=False, position=position: show_tab(position))
        view.addSeparator()
        for mode, text in MODES:
            view.addAction(text).triggered.connect(partial(lambda mode, _=False: set_mode(mode), mode))
        self.add(bar.addMenu("&Help"), ("about",))
