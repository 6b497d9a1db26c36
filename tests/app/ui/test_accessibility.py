"""Everything in the window has a name and can be reached by the keyboard."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QTabBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from tests.fixtures.keyboard import (
    backwards,
    described,
    focusable,
    heard_late,
    nameless,
    reached,
    spoken,
    unreached,
    unspoken,
)
from tests.fixtures.window import ask, choose, go, is_settled, open_file, press


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("place", range(5))
def test_each_tab_is_named_and_reached(qtbot: QtBot, window: MainWindow, demo_path: Path, place: int) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    page.table.setFocus()
    assert nameless(window) == [] and unspoken(window) == []
    assert "\n".join(heard_late(window)) == ""
    forward = reached(window, Qt.Key.Key_Tab, qtbot)
    assert page.table in forward and page.filters.text in forward
    assert unreached(window, forward) == []
    page.table.setFocus()
    assert set(reached(window, Qt.Key.Key_Backtab, qtbot)) == set(forward)
    page.set_filter_text("zzzz")
    qtbot.waitUntil(page.clear_button.isVisible)
    assert unspoken(window) == []
    page.table.setFocus()
    assert page.clear_button in reached(window, Qt.Key.Key_Tab, qtbot)


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("size", ((1280, 800), (900, 560)))
@pytest.mark.parametrize("place", range(5))
def test_tab_goes_down_as_one_sees_it_with_notices_and_a_filter_that_came_late(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int, size: tuple[int, int]
) -> None:
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 100")
    window.settings.verify_by_itself = True
    window.resize(*size)
    page = open_file(qtbot, window, demo_path, read_only=True)
    context, workspace = page.context, window.workspace
    assert workspace is not None
    qtbot.waitUntil(lambda: context.verdict.is_broken and not context.verdict.is_running)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    page.exact.add("seq" if place == 1 else "id", page.list.current_id())
    qtbot.waitUntil(lambda: page.filters.count.text().split()[:1] == ["1"])
    page.fold_inspector(False)
    choose(qtbot, page, 0)
    workspace.notices[0].add_button("Later than all else", lambda: None)
    qtbot.waitUntil(lambda: is_settled(window))
    page.table.setFocus()
    stops = reached(window, Qt.Key.Key_Tab, qtbot)
    inside = [stop for stop in stops if page.inspector.isAncestorOf(stop)]  # which may scroll meanwhile
    assert unreached(window, stops) == []
    assert backwards(window, [stop for stop in stops if stop not in inside]) == []
    first = stops.index(window._bar.database_button)
    stops = stops[first:] + stops[:first]
    chips = page.exact.chips()
    late = workspace.notices[0].findChildren(QPushButton)[-1]
    foot: QWidget = page.findings if isinstance(page, AuditTab) else workspace.broken
    above: list[QWidget] = [page.verify_button] if isinstance(page, AuditTab) else []
    at_foot = [stop for stop in stops if foot.isAncestorOf(stop)]
    last = [*at_foot, window.shield]
    wanted = [late, workspace.tabs.tabBar(), *above, page.filters.text, *chips, page.table, *last]
    assert [stop for stop in stops if stop in wanted] == wanted
    assert stops[-1] is window.shield
    behind = len(stops) - len(last)
    assert inside and stops[behind - len(inside) : behind] == inside
    window.shield.setFocus()
    back = reached(window, Qt.Key.Key_Backtab, qtbot)
    assert back == stops[::-1]


@pytest.mark.slow
def test_the_findings_of_a_verification_are_reached_and_left(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 100")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified):
        page.verify()
    page.table.setFocus()
    stops = reached(window, Qt.Key.Key_Tab, qtbot)
    assert page.findings.table in stops and page.verify_button in stops
    assert nameless(window) == []
    assert stops[stops.index(page.verify_split.arrow) + 1] is page.filters.text
    assert stops[stops.index(page.findings.table) + 1] is window.shield, "at the foot"
    page.findings.table.setFocus()
    page.findings.go_to_first()
    qtbot.waitUntil(lambda: page.current.whole() is not None and page.list.current_id() == 100)
    with qtbot.waitSignal(page.verified):
        qtbot.keyClick(page.findings.table, Qt.Key.Key_V)  # as its button says beside it
    window.resize(900, 560)
    qtbot.waitUntil(page.pane.pages.isVisible)
    page.pane.show_findings()
    page.table.setFocus()
    stops = reached(window, Qt.Key.Key_Tab, qtbot)
    _, findings = page.pane.pages.buttons()
    assert stops[stops.index(findings) + 1] is page.findings.table


def test_the_first_page_is_named_and_reached(qtbot: QtBot, window: MainWindow) -> None:
    first = next(focusable(window.welcome))
    first.setFocus()
    stops = reached(window, Qt.Key.Key_Tab, qtbot)
    assert nameless(window) == [] and unreached(window, stops) == []


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("place", range(5))
def test_every_value_of_the_inspector_is_said_with_its_caption(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    names = [name for _, name, _, _ in spoken(page.inspector)]
    assert page.fields._fields, "there is something to say"
    for field in page.fields._fields:
        start = field.value.split("\n", 1)[0][:100] or "—"
        assert any(name.startswith(f"{field.label}: {start}") for name in names), field.label
    assert page.inspector.title.text() in names


@pytest.mark.slow
def test_tables_let_tab_go_on(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    for view in window.findChildren(QAbstractItemView):
        assert not view.tabKeyNavigation(), described(view)
    for field in window.findChildren(QPlainTextEdit):
        assert field.tabChangesFocus(), described(field)


@pytest.mark.slow
def test_every_icon_alone_says_what_it_does(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    for place in range(5):
        page = go(qtbot, window, place)
        choose(qtbot, page, 0)
    for button in window.findChildren(QAbstractButton):
        inner = isinstance(button.parent(), QLineEdit | QTabBar) or button.objectName().startswith("qt_")
        if not button.text() and not inner and isinstance(button, QToolButton):
            assert button.toolTip() and button.accessibleName(), described(button)


@pytest.mark.slow
def test_labels_of_data_never_take_markup(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "UPDATE users SET email = '<img src=x>@b.example', id = '<b>' WHERE rowid = 1")
    page = open_file(qtbot, window, demo_path)
    page.set_filter_text("<img")
    qtbot.waitUntil(lambda: page.filters.count.text() == "1 user")
    choose(qtbot, page, 0)
    for label in window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or not label.text(), label.text()


def _shown(menu: QMenu) -> list[str]:
    """What it has on the screen."""
    return [act.text().replace("&", "") for act in menu.actions() if act.text() and act.isVisible()]


def _heard(menu: QMenu) -> list[str]:
    """What a screen reader finds in it."""
    items = QAccessible.queryAccessibleInterface(menu)
    found = [items.child(place) for place in range(items.childCount())]
    names = [item.text(QAccessible.Text.Name) for item in found if not item.state().invisible]
    return [name for name in names if name]


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("place", (0, 1, 4))
def test_menus_that_share_acts_are_heard_whole_whichever_was_first(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    page.table.setFocus()
    for keys in ("Alt+R", "Shift+F10", "Alt+R", "Shift+F10"):
        press(keys)
        qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu) and len(_shown(menu)) > 4
        assert _heard(menu) == _shown(menu), keys
        qtbot.keyClick(menu, Qt.Key.Key_Escape)
        page.table.setFocus()


@pytest.mark.slow
def test_nothing_speaks_of_a_file_that_was_closed(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)

    def told() -> str:
        parts = (window.statusBar(), window._bar, window.menuBar())
        interfaces = [QAccessible.queryAccessibleInterface(one) for part in parts for one in in_sight(part)]
        return "\n".join(one.text(kind) for one in interfaces if one is not None for kind in _SAID)

    assert str(demo_path) in told()
    press("Ctrl+W")
    qtbot.waitUntil(lambda: window.workspace is None)
    assert demo_path.name not in told()


_SAID = (QAccessible.Text.Name, QAccessible.Text.Description, QAccessible.Text.Value)


def in_sight(part: QWidget) -> list[QWidget]:
    return [one for one in (part, *part.findChildren(QWidget)) if one.isVisible()]


@pytest.mark.slow
def test_cells_that_are_shortened_or_relative_are_described_whole(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    user = choose(qtbot, page, 0)
    page.table.horizontalHeader().showSection(page.model.column_of("id"))
    table, columns = QAccessible.queryAccessibleInterface(page.table), page.model.columnCount()
    count = table.childCount() // (page.model.rowCount() + 1)  # the headers are children, too
    cells = [table.child(count + place) for place in range(columns)]
    told = {one.text(QAccessible.Text.Name): one.text(QAccessible.Text.Description) for one in cells}
    assert user in told.values() and "acme-corp" not in told.values()
    ((stored,),) = ask(demo_path, "SELECT datetime(created_at, 'unixepoch') FROM users WHERE id = ?", user)
    assert any(stored[:10] in one for one in told.values()), told
