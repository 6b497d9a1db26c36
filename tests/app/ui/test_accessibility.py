"""Everything has a name and can be reached by the keyboard, in every tab and every dialog."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import __version__
from app.services.users import UserRecord
from app.ui.context import Context
from app.ui.dialogs.about import AboutDialog
from app.ui.dialogs.preferences import PreferencesDialog
from app.ui.dialogs.user import EditUserDialog, NewUserDialog
from app.ui.dialogs.webhook import WebhookDialog
from app.ui.main_window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.widgets.confirm_dialog import ConfirmDialog
from app.ui.widgets.error_dialog import BugDialog, ErrorDialog
from tests.conftest import NOW
from tests.fixtures.window import ask, choose, go, open_file

MOST = 80
"""More presses of Tab than any page has stops."""


def focusable(root: QWidget) -> Iterator[QWidget]:
    """What Tab can stop at, as far as it is in sight and in use."""
    for widget in [root, *root.findChildren(QWidget)]:
        policy = widget.focusPolicy()
        inner = isinstance(widget, QScrollBar | QHeaderView) or isinstance(widget.parent(), QLineEdit)
        if (
            bool(policy.value & Qt.FocusPolicy.TabFocus.value)
            and widget.focusProxy() is None
            and widget.isVisibleTo(root)
            and widget.isEnabled()
            and not inner
            and widget is not root
        ):
            yield widget


def described(widget: QWidget) -> str:
    where = []
    step: QWidget | None = widget
    while step is not None:
        where.append(type(step).__name__)
        step = step.parentWidget()
    return " in ".join(where[:5])


def nameless(root: QWidget) -> list[str]:
    """The controls that a screen reader could not name."""
    found = []
    for widget in focusable(root):
        if isinstance(widget, QTabBar):
            named = all(widget.tabText(place) for place in range(widget.count()))
        else:
            interface = QAccessible.queryAccessibleInterface(widget)
            named = bool(interface and interface.text(QAccessible.Text.Name).strip())
        if not named:
            found.append(described(widget))
    return found


def reached(root: QWidget, key: Qt.Key, qtbot: QtBot) -> list[QWidget]:
    """Where Tab stops, from where the focus is until it is there again."""
    start = QApplication.focusWidget()
    assert start is not None and (root is start or root.isAncestorOf(start))
    stops = [start]
    for _ in range(MOST):
        qtbot.keyClick(QApplication.focusWidget(), key)
        now = QApplication.focusWidget()
        assert now is not None
        if now is start:
            return stops
        assert now not in stops, f"Tab goes round without {described(start)}, at {described(now)}"
        stops.append(now)
    raise AssertionError(f"Tab never came back: {[described(stop) for stop in stops[-6:]]}")


def unreached(root: QWidget, stops: list[QWidget]) -> list[str]:
    """Controls that Tab passes over; of a group of exclusive buttons one stop is enough."""
    missing = []
    for widget in focusable(root):
        exclusive = isinstance(widget, QAbstractButton) and (widget.group() or widget.autoExclusive())
        if widget not in stops and not exclusive:
            missing.append(described(widget))
    return missing


@pytest.mark.parametrize("place", range(5))
def test_each_tab_is_named_and_reached(qtbot: QtBot, window: MainWindow, demo_path: Path, place: int) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    page.table.setFocus()
    assert nameless(window) == []
    forward = reached(window, Qt.Key.Key_Tab, qtbot)
    assert page.table in forward and page.filters.text in forward
    assert unreached(window, forward) == []
    page.table.setFocus()
    assert set(reached(window, Qt.Key.Key_Backtab, qtbot)) == set(forward)


def test_the_findings_of_a_verification_are_reached_and_left(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 100")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified, timeout=20_000):
        page.verify()
    page.table.setFocus()
    stops = reached(window, Qt.Key.Key_Tab, qtbot)
    assert page.findings.table in stops and page.verify_button in stops
    assert nameless(window) == []


def test_the_first_page_is_named_and_reached(qtbot: QtBot, window: MainWindow) -> None:
    first = next(focusable(window.welcome))
    first.setFocus()
    stops = reached(window, Qt.Key.Key_Tab, qtbot)
    assert nameless(window) == [] and unreached(window, stops) == []


USER = UserRecord("usr_1", "acme-corp", "ada@acme-corp.example", True, NOW, NOW)
DIALOGS: dict[str, Callable[[Context], QDialog]] = {
    "new user": lambda context: NewUserDialog(context, "acme-corp"),
    "edit user": lambda context: EditUserDialog(context, USER),
    "new webhook": lambda context: WebhookDialog(context, tenant="acme-corp"),
    "preferences": lambda context: PreferencesDialog(context.theme, context.settings),
    "about": lambda context: AboutDialog(context.theme, __version__),
    "error": lambda context: ErrorDialog(context.theme, "It did not work."),
    "bug": lambda context: BugDialog(context.theme, "RuntimeError\nx.py:1 in f"),
    "delete": lambda context: ConfirmDialog(
        context.theme, "Delete?", "They go.", action="Delete", items=["a", "b"], total=2
    ),
    "typed": lambda context: ConfirmDialog(
        context.theme, "Delete?", "All of it goes.", action="Delete", typed="acme-corp"
    ),
}


@pytest.mark.parametrize("name", DIALOGS)
def test_each_dialog_is_named_and_reached(qtbot: QtBot, context: Context, name: str) -> None:
    dialog = DIALOGS[name](context)
    qtbot.addWidget(dialog)
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    assert dialog.windowTitle() and nameless(dialog) == []
    assert QApplication.focusWidget() is not None, "something has the focus at first"
    stops = reached(dialog, Qt.Key.Key_Tab, qtbot)
    assert unreached(dialog, stops) == []
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not dialog.isVisible(), "Escape leaves it"


def test_tables_let_tab_go_on(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    for view in window.findChildren(QAbstractItemView):
        assert not view.tabKeyNavigation(), described(view)
    for field in window.findChildren(QPlainTextEdit):
        assert field.tabChangesFocus(), described(field)


def test_every_icon_alone_says_what_it_does(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    for place in range(5):
        page = go(qtbot, window, place)
        choose(qtbot, page, 0)
    for button in window.findChildren(QAbstractButton):
        inner = isinstance(button.parent(), QLineEdit | QTabBar) or button.objectName().startswith("qt_")
        if not button.text() and not inner and isinstance(button, QToolButton):
            assert button.toolTip() and button.accessibleName(), described(button)


def test_labels_of_data_never_take_markup(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "UPDATE users SET email = '<img src=x>@b.example', id = '<b>' WHERE rowid = 1")
    page = open_file(qtbot, window, demo_path)
    page.set_filter_text("<img")
    qtbot.waitUntil(lambda: page.filters.count_text() == "1 user")
    choose(qtbot, page, 0)
    for label in window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or not label.text(), label.text()
