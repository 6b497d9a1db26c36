"""An action in its menu, in its button and by its keys."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtWidgets import QDialog, QLineEdit, QMenu, QTableWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.ui.shell.window import MainWindow
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.actions import Actions, ActionSpec, ButtonIn
from tests.conftest import NOW
from tests.fixtures.window import added, open_file


class Page(QWidget):
    """A tab of a field and a table, with an action on a single key and one on a chord."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.done: list[str] = []
        self.why: str | None = None
        self.field, self.table = QLineEdit(), QTableWidget(2, 1)
        column = QVBoxLayout(self)
        column.addWidget(self.field)
        column.addWidget(self.table)
        self.commands = Actions(theme, self.table, self)
        for name, keys in (("pause", "P"), ("edit", "Ctrl+B")):
            how = {"shortcut": keys, "button_in": ButtonIn.INSPECTOR}
            self.commands.add(ActionSpec(name, f"&{name}", Icon.EDIT, self.act(name), self.refuse, **how))  # type: ignore[arg-type]
        self.button = self.commands.button("pause")
        column.addWidget(self.button)
        self.commands.update()

    def act(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)

    def refuse(self) -> str | None:
        return self.why


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> Page:
    page = added(qtbot, Page(theme))
    page.show()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    return page


def test_a_letter_acts_in_the_table_and_is_typed_into_a_field(qtbot: QtBot, page: Page) -> None:
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_P)
    page.field.setFocus()
    qtbot.keyClick(page.field, Qt.Key.Key_P)
    assert (page.done, page.field.text()) == (["pause"], "p")
    qtbot.keyClick(page.field, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert page.done == ["pause", "edit"], "a chord acts wherever the focus is"
    held = [key.autoRepeat() for key in page.findChildren(QShortcut)]
    held += [key.autoRepeat() for key in page.findChildren(QAction)]
    assert held and not any(held), "a key that is held acts once"


def test_what_cannot_apply_says_why_everywhere_and_does_nothing(qtbot: QtBot, page: Page) -> None:
    page.why = "It is <b>done</b> already."
    page.commands.update()
    menu = QMenu(page)
    page.commands.fill(menu)
    for shown in (page.button, page.commands.action("pause"), menu.actions()[0]):
        assert not shown.isEnabled() and "It is &lt;b&gt;done&lt;/b&gt; already." in shown.toolTip()
    page.commands.trigger("pause")
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_P)
    assert page.done == []
    page.why = None
    page.commands.update()
    assert page.button.isEnabled() and "pause (P)" in page.button.toolTip()


def test_without_a_file_the_window_says_what_is_missing(qtbot: QtBot, theme: Theme) -> None:
    window = added(qtbot, MainWindow(theme, Settings(), lambda: NOW))
    waiting = {name for name in window.commands.names() if not window.commands.action(name).isEnabled()}
    assert waiting >= {"info", "export", "save_copy", "restore", "retention", "close", "refresh", "search"}
    for name in waiting - {"undo", "redo"}:
        assert "Open a database first." in window.commands.action(name).toolTip(), name
    assert "There is nothing to undo." in window.commands.action("undo").toolTip()
    keys = [window.commands.action(name).shortcut().toString() for name in window.commands.names()]
    assert len({key for key in keys if key}) == len([key for key in keys if key]), "each key has one meaning"


@pytest.mark.slow
def test_what_the_engine_cannot_do_is_disabled_with_a_reason(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file(qtbot, window, demo_path)
    assert window.context is not None and window.workspace is not None
    names = ("export_sql", "save_copy", "restore")
    assert all(window.commands.action(name).isEnabled() for name in names)
    monkeypatch.setattr(window.context.opened.database, "capabilities", frozenset())
    window.commands.update()
    for name in names:
        assert not window.commands.action(name).isEnabled()
        assert "this database" in window.commands.action(name).toolTip().lower()


def test_a_letter_stands_on_its_button_and_ends_nothing(qtbot: QtBot, theme: Theme) -> None:
    table = added(qtbot, QTableWidget())
    commands = Actions(theme, table, table)
    commands.add(ActionSpec("pause", "Pause", None, lambda: None, shortcut="P", button_in=ButtonIn.INSPECTOR))
    commands.add(ActionSpec("delete", "Delete", None, lambda: None, shortcut="Del", ends=True))
    commands.update()
    assert [commands.button(name).text() for name in ("pause", "delete")] == ["Pause (P)", "Delete"]
    assert commands.button("pause").accessibleName() == "Pause"
    many = True
    commands.add(ActionSpec("verify", lambda: "Verify these" if many else "Verify this", None, lambda: None))
    button = commands.button("verify")
    many = False
    commands.update()
    assert (button.text(), button.accessibleName()) == ("Verify this", "Verify this")
    with pytest.raises(ValueError, match="kill would be done by the letter K alone"):
        ActionSpec("kill", "Kill", None, lambda: None, shortcut="K", ends=True)
    with pytest.raises(ValueError, match="verify has no button that the letter V stands on"):
        ActionSpec("verify", "Verify", None, lambda: None, shortcut="V")


def test_an_act_that_ends_behind_another_window_leaves_the_focus_on_no_other_act(
    qtbot: QtBot, page: Page
) -> None:
    """A button has the focus of its window then, but not of the program."""
    column = page.layout()
    assert column is not None
    column.addWidget(page.commands.button("edit"))
    page.button.setFocus()
    other = added(qtbot, QLineEdit())
    other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    assert page.focusWidget() is page.button and not page.button.hasFocus()
    page.commands.show_button("pause", False)
    assert page.focusWidget() is page.table


def test_a_letter_typed_for_a_dialog_that_is_just_coming_is_not_the_tables(qtbot: QtBot, page: Page) -> None:
    page.table.setFocus()
    coming = QDialog(page)
    coming.open()
    page.activateWindow()  # as until the system gives the dialog the keys
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_P)
    assert page.done == []
    coming.reject()
    page.activateWindow()
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_P)
    assert page.done == ["pause"]


def test_what_is_on_has_a_tick_in_its_menu_and_its_icon_on_its_button(qtbot: QtBot, theme: Theme) -> None:
    page, is_on = added(qtbot, Page(theme)), [True]
    page.commands.add(
        ActionSpec("inspector", "&Inspector", Icon.INFO, lambda: None, checked=lambda: is_on[0])
    )
    page.commands.update()
    action, menu = page.commands.action("inspector"), added(qtbot, QMenu())
    menu.addAction(action)
    menu.setFixedSize(200, 60)

    def marked() -> bool:
        """Whether anything stands before its words."""
        image = menu.grab().toImage()
        return any(image.pixelColor(x, y).lightness() < 120 for x in range(8, 34) for y in range(6, 28))

    assert not action.icon().isNull() and marked()
    is_on.clear()
    is_on.append(False)
    page.commands.update()
    assert not marked(), "no icon, as of what can only be done"
