"""Dialogs: what they name, what they ask for, and that no edit is lost silently."""

from functools import partial
from itertools import permutations
from typing import Any, cast

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QLabel,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import delete, isValid

from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.tabs.common.form_fields import TenantField
from app.ui.theme import Theme
from app.ui.widgets.banner import Toast
from app.ui.widgets.dialogs import EDGE, WIDTH, BugDialog, ConfirmDialog, Dialog, ErrorDialog
from app.ui.widgets.form_dialog import FormDialog, LongForm
from app.ui.widgets.labels import LONGEST, text_box
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.errors import InvalidInput, TenantAdminError
from tests.fixtures.retaining import a_plan
from tests.fixtures.seen import cut
from tests.fixtures.window import added, child, is_settled, words


def test_confirm_names_what_goes_and_caps_the_list(qtbot: QtBot, theme: Theme) -> None:
    names = [f"person{number}@globex.example" for number in range(60)]
    dialog = ConfirmDialog(
        theme, "Delete users?", "They go.", action="Delete 1,204 users", items=names, total=1204
    )
    qtbot.addWidget(dialog)
    assert dialog.list.count() == 50
    assert dialog.list.item(0).text() == "person0@globex.example"
    assert dialog.more.text() == "and 1,154 more"
    assert dialog.confirm_button.text() == "Delete 1,204 users"


def test_a_title_that_fits_in_a_line_has_one(qtbot: QtBot, theme: Theme) -> None:
    title = "foundation-primary.sqlite cannot be opened"
    dialog = added(qtbot, ErrorDialog(theme, "It is in use.", title=title))
    dialog.open()
    assert dialog.width() > WIDTH and dialog.title.height() < 2 * dialog.title.fontMetrics().height()
    dialog = added(qtbot, ErrorDialog(theme, "It is in use.", title="A name of many words " * 4))
    dialog.open()
    assert dialog.width() == WIDTH and dialog.title.height() > 2 * dialog.title.fontMetrics().height()


def test_a_dialog_is_wider_before_it_scrolls(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dialog, "_room", QSize(592, 260))
    for sentence, wide in (("Few words.", WIDTH), ("It goes, and nothing brings it back. " * 30, 592)):
        dialog = added(qtbot, ConfirmDialog(theme, "Erase?", sentence, action="Erase"))
        dialog.open()
        assert dialog.width() == wide


def test_sentences_of_a_list_have_room_on_a_narrow_screen(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dialog, "_room", QSize(500, 400))
    items = ["the trigger users_touch calls a function that SQLite does not have: left out"] * 2
    asked = added(qtbot, ConfirmDialog(theme, "Import?", "Some.", action="Go", items=items, whole=True))
    asked.open()
    first, last = (asked.list.visualItemRect(asked.list.item(row)) for row in range(2))
    assert first.height() > 2 * asked.list.fontMetrics().height(), "it takes two lines"
    assert last.bottom() <= asked.list.viewport().height()


def test_a_danger_is_not_confirmed_by_return(qtbot: QtBot, theme: Theme) -> None:
    dialog = added(qtbot, ConfirmDialog(theme, "Delete?", "It goes.", action="Delete"))
    dialog.open()
    with qtbot.waitSignal(dialog.rejected, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)


def test_what_is_typed_is_in_sight_where_there_is_little_room(qtbot: QtBot, theme: Theme) -> None:
    items = [f"user-{number}@acme.example" for number in range(148)]
    dialog = ConfirmDialog(
        theme, "Delete?", "It goes. " * 60, action="Delete", items=items, typed="6 tenants"
    )
    added(qtbot, dialog)
    dialog.setMaximumHeight(320)
    dialog.show()

    def is_seen() -> bool:
        place = dialog.typed.rect().translated(dialog.typed.mapTo(dialog, QPoint()))
        return not dialog.typed.visibleRegion().isEmpty() and dialog.rect().contains(place)

    qtbot.waitUntil(is_seen)
    assert dialog.focusWidget() is dialog.typed


def test_a_name_is_typed_where_the_focus_is_and_then_confirmed_by_return(qtbot: QtBot, theme: Theme) -> None:
    dialog = added(qtbot, ConfirmDialog(theme, "Delete?", "It goes.", action="Delete", typed="café"))
    dialog.open()
    assert dialog.focusWidget() is dialog.typed
    qtbot.keyClick(dialog.typed, Qt.Key.Key_Return)
    assert dialog.isVisible() and dialog.problem.isVisible()
    assert dialog.problem.text() == "Type “café” first."
    qtbot.keyClicks(dialog.focusWidget(), "caf")
    assert not dialog.problem.isVisible()
    assert dialog.cancel_button.isDefault() and not dialog.confirm_button.isEnabled()
    assert "To confirm, type “café”." in words(dialog)
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    assert dialog.isVisible(), "what was typed is not thrown away"
    dialog.typed.insert("e\u0301")  # as a Mac's file names are
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)


def test_a_long_sentence_is_cut_before_it_is_laid_out(qtbot: QtBot, theme: Theme) -> None:
    dialog = added(qtbot, ErrorDialog(theme, "word " * 1_000_000))
    assert len(dialog.sentence.text()) == LONGEST + 1 and dialog.sentence.text().endswith("…")
    dialog.close()


def test_a_dialog_with_more_to_say_keeps_its_buttons_on_the_screen(qtbot: QtBot, theme: Theme) -> None:
    dialog = added(qtbot, ConfirmDialog(theme, "Delete?", "It goes.", action="Delete"))
    dialog.open()
    room = dialog.screen().availableGeometry()
    dialog.move(40, room.bottom() - dialog.height() - 20)
    dialog.sentence.setText("It goes, and so does what refers to it. " * 20)
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    assert dialog.height() > 200 and room.contains(dialog.geometry())
    after = added(qtbot, ConfirmDialog(theme, "Delete?", "It goes.", action="Delete"))
    after.open()
    after.put_at(QRect(dialog.geometry().topLeft(), room.size() - QSize(100, 60)))
    assert room.contains(after.geometry())


def test_few_words_leave_room_for_two_lines_of_buttons(qtbot: QtBot, theme: Theme) -> None:
    doors = [(f"{'Restore from a copy' * 2} {number}…", lambda: None) for number in range(3)]
    dialog = added(qtbot, ErrorDialog(theme, "The file is damaged.", doors=doors))
    dialog.open()
    qtbot.waitUntil(lambda: cut(dialog) == [], timeout=5_000)


def test_error_is_plain_text(qtbot: QtBot, theme: Theme) -> None:
    dialog = ErrorDialog(theme, "The file <b>x</b>\u202e is gone.")
    dialog.open_once()
    assert dialog.sentence.text() == "The file <b>x</b>\\u202e is gone."
    assert dialog.sentence.textFormat() == Qt.TextFormat.PlainText
    with qtbot.waitSignal(dialog.destroyed):
        dialog.close_button.click()


def test_a_question_gives_the_keys_back_to_the_window_that_had_them(qtbot: QtBot, theme: Theme) -> None:
    owner, beside = added(qtbot, QWidget()), added(qtbot, QWidget())
    for window in (owner, beside):
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
    dialog = ConfirmDialog(theme, "Undo this?", "", action="Undo", danger=False, parent=owner)
    dialog.open_once(owner.activateWindow)  # as the system does
    qtbot.waitUntil(dialog.isActiveWindow)
    dialog.confirm_button.click()
    qtbot.waitUntil(beside.isActiveWindow)


def test_what_comes_late_waits_until_nothing_else_is_asked(qtbot: QtBot, theme: Theme) -> None:
    owner = added(qtbot, QWidget())
    owner.show()
    asked, late, needless = (ConfirmDialog(theme, f"{n}?", "", action="Go", parent=owner) for n in range(3))
    asked.open_once()
    late.open_in_turn()
    needless.open_in_turn()
    assert QApplication.activeModalWidget() is asked and not late.isVisible()
    needless.reject()
    asked.reject()
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is late)
    late.reject()
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is None and not isValid(needless))


@pytest.mark.matrix
@pytest.mark.parametrize("order", [*permutations(range(3))], ids=str)
def test_whichever_of_three_dialogs_goes_the_one_in_front_has_the_keys(
    qtbot: QtBot, theme: Theme, order: tuple[int, ...]
) -> None:
    owner, there = added(qtbot, QWidget()), list[QWidget]()
    owner.show()
    owner.activateWindow()
    qtbot.waitUntil(owner.isActiveWindow)
    for number in range(3):
        dialog = ConfirmDialog(theme, f"{number}?", "", action="Yes", danger=False, parent=owner)
        dialog.open_once()
        qtbot.waitUntil(dialog.isActiveWindow)
        there.append(dialog)
    dialogs = list(there)
    *first, last = order
    for number in first:
        there.remove(dialogs[number])
        dialogs[number].close()
        qtbot.waitUntil(there[-1].isActiveWindow, timeout=5_000)
    dialogs[last].close()  # then a window manager, which is lacking here, gives the keys to the window
    qtbot.waitUntil(lambda: not any(map(isValid, dialogs)))


def test_bug_details_are_copied_whole(qtbot: QtBot, theme: Theme) -> None:
    dialog = added(qtbot, BugDialog(theme, "Traceback\nValueError: \u202e"))
    assert "done in part or not at all" in dialog.sentence.text()  # which nobody can know
    dialog.copy_button.click()
    assert QGuiApplication.clipboard().text() == "Traceback\nValueError: \u202e"
    assert dialog.text.toPlainText() == "Traceback\nValueError: \\u202e"


def make_form(qtbot: QtBot, theme: Theme) -> tuple[FormDialog, QLineEdit]:
    dialog = added(qtbot, FormDialog(theme, "New user", action="Create user"))
    field = QLineEdit()
    dialog.add_field("email", "E-mail", field, lambda text: "" if "@" in str(text) else "An e-mail has an @.")
    dialog.add_field("active", "Active", QCheckBox("Active"))
    dialog.open()
    return dialog, field


def test_form_says_what_is_wrong_and_submits_what_is_right(qtbot: QtBot, theme: Theme) -> None:
    dialog, field = make_form(qtbot, theme)
    assert field.accessibleDescription() == ""
    with qtbot.assertNotEmitted(dialog.submitted):
        dialog.action_button.click()
    assert field.accessibleDescription() == "An e-mail has an @."
    qtbot.keyClicks(field, "zoe@acme.example")
    assert field.accessibleDescription() == ""
    with qtbot.waitSignal(dialog.submitted, timeout=0):
        dialog.action_button.click()
    assert dialog.values() == {"email": "zoe@acme.example", "active": False}
    assert dialog.isVisible()


def test_form_asks_of_a_single_choice_and_unedited_closes_at_once(qtbot: QtBot, theme: Theme) -> None:
    picked, _ = make_form(qtbot, theme)
    box = child(picked, QCheckBox)
    box.setChecked(True)
    with qtbot.assertNotEmitted(picked.rejected):
        qtbot.keyClick(picked, Qt.Key.Key_Escape)
    child(picked, ConfirmDialog).reject()
    box.setChecked(False)
    with qtbot.waitSignal(picked.rejected, timeout=0):
        qtbot.keyClick(picked, Qt.Key.Key_Escape)
    dialog, _ = make_form(qtbot, theme)
    with qtbot.waitSignal(dialog.rejected, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)


def test_form_asks_before_it_loses_an_edit(qtbot: QtBot, theme: Theme) -> None:
    dialog, field = make_form(qtbot, theme)
    qtbot.keyClicks(field, "z")
    with qtbot.assertNotEmitted(dialog.rejected):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        first = child(dialog, ConfirmDialog)
        assert first.cancel_button.text() == "Keep editing"
        assert first.sentence.text() == "What you have changed is not saved: E-mail."
        with qtbot.waitSignal(first.destroyed):
            qtbot.keyClick(first, Qt.Key.Key_Escape)
        dialog.close()
    assert dialog.isVisible()
    assert field.text() == "z"
    with qtbot.waitSignal(dialog.rejected, timeout=0):
        child(dialog, ConfirmDialog).confirm_button.click()
    assert not dialog.isVisible()


def test_form_accepts_with_edits_without_asking(qtbot: QtBot, theme: Theme) -> None:
    dialog, field = make_form(qtbot, theme)
    qtbot.keyClicks(field, "z@x")
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        dialog.accept()
    assert not dialog.isVisible()


def test_form_shows_what_a_service_said_until_the_next_edit(qtbot: QtBot, theme: Theme) -> None:
    dialog, field = make_form(qtbot, theme)

    def places() -> set[QPoint]:
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        return {button.mapTo(dialog, QPoint()) for button in (dialog.action_button, dialog.cancel_button)}

    before = places()
    dialog.set_busy(True)
    dialog.wait_line.say("Waiting for the answer: 3 s", lambda: None)
    qtbot.waitUntil(lambda: places() == before, timeout=5_000)  # so a second click falls on the same button
    dialog.set_busy(False)
    dialog.set_problem("This e-mail is taken. " * 9)
    qtbot.waitUntil(lambda: places() == before, timeout=5_000)
    assert dialog.problem.isVisible() and not dialog.says_waits
    qtbot.keyClicks(field, "a@b")
    assert not dialog.problem.isVisible()


def test_a_form_is_as_high_as_before_when_nothing_is_wrong_any_more(qtbot: QtBot, theme: Theme) -> None:
    dialog, field = make_form(qtbot, theme)
    height = dialog.height()
    qtbot.keyClicks(field, "z")
    qtbot.waitUntil(lambda: dialog.height() > height)
    qtbot.keyClicks(field, "@a")
    qtbot.waitUntil(lambda: dialog.height() == height)


def test_sentences_to_decide_by_can_be_read_to_their_end(qtbot: QtBot, theme: Theme) -> None:
    long = "3 texts of broken UTF-8, kept byte for byte; " * 4
    dialog = added(qtbot, ConfirmDialog(theme, "Import?", "", action="Import", items=[long], whole=True))
    dialog.open()
    room = dialog.list.visualItemRect(dialog.list.item(0))
    lines = room.height() // dialog.list.fontMetrics().height()
    assert lines * room.width() > dialog.list.fontMetrics().horizontalAdvance(long)
    assert room.bottom() <= dialog.list.viewport().height()


def test_a_form_stays_until_its_act_has_answered(qtbot: QtBot, theme: Theme) -> None:
    form, acts = FormDialog(theme, "Edit"), list[dict[str, Any]]()
    qtbot.addWidget(form)
    form.add_field("name", "Name", QLineEdit("a"))
    form.open()
    form.write(lambda **heard: acts.append(heard))
    qtbot.keyClick(form, Qt.Key.Key_Escape)
    form.close()
    assert form.isVisible(), "what comes of the act is told here"
    acts[0]["on_failed"](TenantAdminError("No."))
    assert form.problem.text() == "No."
    qtbot.keyClick(form, Qt.Key.Key_Escape)
    assert not form.isVisible()


def test_a_form_that_is_refused_has_the_focus_where_it_is_mended(qtbot: QtBot, theme: Theme) -> None:
    form, field = make_form(qtbot, theme)
    field.setText("a@b")
    acts = list[dict[str, Any]]()
    for error, key in ((InvalidInput("email", "Taken."), "email"), (TenantAdminError("No."), None)):
        form.action_button.setFocus()
        qtbot.waitUntil(form.action_button.hasFocus)
        form.write(lambda **heard: acts.append(heard))
        assert not form.action_button.hasFocus()
        acts[-1]["on_failed"](error)
        assert (field if key else form.action_button).hasFocus()
        assert field.selectedText() == ("a@b" if key else field.selectedText())
    form.set_clean()


def test_what_was_refused_is_forgotten_when_another_field_is_edited(qtbot: QtBot, theme: Theme) -> None:
    form, field = make_form(qtbot, theme)
    tenant = TenantField(["acme-corp", "globex"], "acme-corp")
    form.add_field("tenant_id", "Tenant", tenant, tenant.check)
    field.setText("a@b")
    acts = list[dict[str, Any]]()
    form.write(lambda **heard: acts.append(heard))
    acts[0]["on_failed"](InvalidInput("email", "acme-corp has it already."))
    assert field.accessibleDescription() == "acme-corp has it already."
    tenant.box.setCurrentIndex(1)
    assert field.accessibleDescription() == "" and not field.property("invalid")
    form.set_clean()


def test_an_empty_field_is_not_reproached_before_the_action(qtbot: QtBot, theme: Theme) -> None:
    form = added(qtbot, FormDialog(theme, "New user"))
    tenant = TenantField(["acme-corp"], "acme-corp")
    form.add_field("tenant_id", "Tenant", tenant, tenant.check)
    form.open()
    qtbot.waitUntil(form.isActiveWindow)
    tenant.box.setCurrentIndex(1)
    assert tenant.name.hasFocus() and tenant.name.accessibleDescription() == ""
    form.action_button.click()
    assert tenant.name.accessibleDescription() == "The tenant is missing."
    assert tenant.name.property("invalid") and not tenant.box.property("invalid")
    tenant.box.setCurrentIndex(0)
    assert not tenant.name.property("invalid") and tenant.name.accessibleDescription() == ""
    form.set_clean()


def test_a_dialog_stays_out_of_the_corner_that_it_is_in_for_a_moment(qtbot: QtBot, theme: Theme) -> None:
    """Window systems show a window there, before they put it where it belongs."""
    dialog = added(qtbot, Dialog(theme, "Title", "A sentence."))
    dialog.show()
    dialog.move(0, 0)
    assert dialog._meant_x > EDGE
    dialog._keep_on_screen()
    assert dialog.pos() == QPoint(0, 0), "it is not held there"
    dialog._shown_at -= 1
    dialog._keep_on_screen()
    assert dialog.y() > 0, "its frame would be above the screen"


class Flashes(QObject):
    """Notes what is shown as a window although it is a part of one."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.seen: list[QObject] = []
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        shown = event.type() == QEvent.Type.Show and isinstance(watched, QLabel | QAbstractButton)
        if shown and cast(QWidget, watched).isWindow():
            self.seen.append(watched)
        return False


def test_no_part_of_a_dialog_is_a_window_for_a_moment(qtbot: QtBot, theme: Theme, qapp: QApplication) -> None:
    flashes = Flashes(qapp)
    dialog = added(qtbot, FormDialog(theme, "Title", "A sentence."))
    dialog.add_field("key", "Label", QLineEdit(), hint="A hint.")
    dialog.add_field("other", "Label", QLineEdit())
    preview = added(qtbot, RetentionDialog(theme, a_plan(), file_name="a.sqlite", days=90))
    for shown in (dialog, preview):
        shown.open()
    qapp.removeEventFilter(flashes)
    assert not flashes.seen


def test_what_scrolls_by_itself_gives_way_on_a_low_screen_before_the_dialog_scrolls(
    qtbot: QtBot, theme: Theme
) -> None:
    dialog = added(qtbot, Dialog(theme, "Groups", "Of what the filters keep."))
    rows = [(Cell(str(number)),) for number in range(40)]
    table = StaticTable(theme, "Groups", [StaticColumn("Group")], rows, most=30)
    field = text_box(theme, "Request", "one line")
    field.setMinimumHeight(90)
    dialog.add_widget(table)
    dialog.add_widget(field)
    dialog.set_close_button()
    wished = table.sizeHint().height()
    assert wished > dialog.screen().availableSize().height()
    dialog.open()
    qtbot.waitUntil(lambda: dialog._scroll.verticalScrollBar().maximum() == 0 and table.given > 0)
    assert dialog.height() <= dialog._room.height()
    assert table.viewport().height() > 4 * table.rowHeight(0) and field.height() >= 90
    assert dialog.close_button.geometry().bottom() <= dialog.height()
    table.show_rows(rows[:3])
    qtbot.waitUntil(lambda: table.given == 0 and field.height() > 90)


def test_a_name_is_shortened_once_and_what_has_it_not_at_all(qtbot: QtBot, theme: Theme) -> None:
    names = {
        "a long idea of which the end is gone…": ("a long idea", "… · running"),
        "a.long.name.of.somebody@of.a.long.host.example": ("a.long", ".example · running"),
        "short": ("short", " · running"),
    }
    items = [f"{name} · running" for name in names]
    dialog = added(qtbot, ConfirmDialog(theme, "Delete?", "They go.", action="Delete", items=items))
    dialog.list.setFixedWidth(260)
    dialog.show()
    delegate = dialog.list.itemDelegate()
    assert isinstance(delegate, QStyledItemDelegate)
    for row, (begin, end) in enumerate(names.values()):
        option = QStyleOptionViewItem()
        delegate.initStyleOption(option, dialog.list.model().index(row, 0))
        assert option.text.startswith(begin) and option.text.endswith(end)
        assert option.text.count("…") == (begin != "short")
        assert dialog.list.fontMetrics().horizontalAdvance(option.text) < dialog.list.viewport().width()
        assert dialog.list.item(row).text() == items[row], "which a screen reader says whole"


@pytest.mark.slow
@pytest.mark.parametrize("width", [460, 800, 1100])
def test_a_dialog_says_whole_sentences_of_the_toast(qtbot: QtBot, theme: Theme, width: int) -> None:
    said = "Secret replaced. The old one is taken until this database is closed (there is no system keyring)."
    host = added(qtbot, QWidget())
    toast = Toast(theme, host)
    toast.show_message(said, "Undo")
    dialog = added(qtbot, ConfirmDialog(theme, "New secret", "Of Hooks 4.", action="Copy"))
    dialog.resize(width, dialog.height())
    dialog.show()
    dialog.echo(toast)
    shown = child(dialog, Toast)
    qtbot.waitUntil(lambda: shown.label.height() >= shown.label.heightForWidth(shown.label.width()))
    words = QRect(dialog.title.mapTo(dialog, QPoint()), dialog.title.sizeHint())
    assert shown.fits(shown.width(), 3) and not shown.geometry().intersects(words)
    assert dialog.rect().contains(shown.geometry())


@pytest.mark.parametrize("way", ["close", "dismiss"])
def test_a_dialog_may_outlive_the_toast_that_it_says(qtbot: QtBot, theme: Theme, way: str) -> None:
    host = QWidget()
    toast = Toast(theme, host)
    toast.show_message("Saved.", "Undo")
    dialog = added(qtbot, ConfirmDialog(theme, "New secret", "Of Hooks 4.", action="Copy"))
    dialog.show()
    dialog.echo(toast)
    delete(host)
    shown = child(dialog, Toast)
    if way == "close":  # by a call of ours: what fails beneath one ends the program on Python 3.11
        dialog.reject()
    else:
        shown.dismiss()
    assert not shown.isVisible()


def test_a_mistake_is_told_without_scrolling_on_a_low_screen(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BugDialog, "_room", QSize(592, 352))  # of a screen of 1,280 by 800 at 200 %
    box = added(qtbot, BugDialog(theme, "Traceback (most recent call last):"))
    box.open()
    assert not box._scrolls and box.text.height() >= 96


def _form(qtbot: QtBot, theme: Theme, focus: str, *, of_lines: bool = False) -> FormDialog:
    """Six fields, as far as a screen of 640 x 400 has room for them, with a hint each, or some `of_lines`."""
    form = added(qtbot, FormDialog(theme, "Park idea", "The run stays as it is.", action="Park"))
    for at, name in enumerate(("Idea", "Reason", "Months", "Note", "Tenant", "Mode")):
        hint = "So that one finds it again. " * (1 + at % 4 * 4 * of_lines)
        form.add_field(name.lower(), name, QLineEdit(), hint=hint)
    form.editor(focus).setFocus()
    form.open()
    qtbot.waitUntil(lambda: form._scroll.verticalScrollBar().maximum() > 0)
    return form


def test_a_dialog_opens_where_its_words_begin(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dialog, "_room", QSize(592, 352))
    for focus, has_it in (("reason", "Reason"), ("mode", "Idea")):
        form = _form(qtbot, theme, focus)
        qtbot.waitUntil(partial(is_settled, form))
        focused = form.focusWidget()
        assert focused is not None and focused.accessibleName() == has_it
        assert form._scroll.verticalScrollBar().value() == 0
        form.close()


def test_no_line_of_words_is_cut_through_where_a_dialog_scrolls_to_a_field(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dialog, "_room", QSize(592, 352))
    form = _form(qtbot, theme, "idea", of_lines=True)
    content, bar = form._scroll.widget(), form._scroll.verticalScrollBar()
    assert content is not None
    for name in ("months", "tenant", "mode", "note", "reason"):
        form.go_to(name)
        qtbot.waitUntil(partial(is_settled, form))
        assert not form.editor(name).visibleRegion().isEmpty()
        for label in form.findChildren(QLabel):
            if label.isVisible() and content.isAncestorOf(label):
                above = bar.value() - label.mapTo(content, QPoint()).y()
                many = round(label.height() / label.fontMetrics().lineSpacing())
                lines = above / label.height() * many
                assert above >= label.height() or above <= 0 or lines == int(lines), label.text()


def test_a_question_is_as_wide_as_what_it_names_and_its_list_as_low_as_the_screen_asks(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        f"https://hooks.northwind-clinics.example/in/{number} · northwind-clinics" for number in range(9)
    ]
    ask = partial(ConfirmDialog, theme, "Delete?", "They go. " * 9, action="Delete", items=names, typed="all")
    wide = added(qtbot, ask())
    wide.open()
    assert WIDTH < wide.width() < 620
    option = QStyleOptionViewItem()
    delegate = wide.list.itemDelegate()
    assert isinstance(delegate, QStyledItemDelegate)
    delegate.initStyleOption(option, wide.list.model().index(0, 0))
    assert option.text == names[0]
    high = wide.list.height()
    wide.close()
    monkeypatch.setattr(Dialog, "_room", QSize(592, 352))
    low = added(qtbot, ask())
    low.open()
    qtbot.waitUntil(partial(is_settled, low))
    assert low._scroll.verticalScrollBar().maximum() == 0, "the list scrolls alone"
    assert high > low.list.height() > 2 * low.list.sizeHintForRow(0)


def test_how_far_a_long_form_is_stands_below_its_buttons_and_leaves_no_hole(
    qtbot: QtBot, theme: Theme
) -> None:
    form = added(qtbot, LongForm(theme, "Move", "They go.", action="Move"))
    form.add_field("name", "Name", QLineEdit())
    form.open()
    qtbot.waitUntil(partial(is_settled, form))
    field, button = form.editor("name"), form.action_button
    high, top = form.height(), button.mapTo(form, QPoint()).y()
    assert top - field.mapTo(form, QPoint(0, field.height())).y() < 32
    form.set_busy(True)
    qtbot.waitUntil(lambda: form.height() > high)
    assert button.mapTo(form, QPoint()).y() == top < form.far.mapTo(form, QPoint()).y()
    form.set_busy(False)
    qtbot.waitUntil(lambda: form.height() == high)
