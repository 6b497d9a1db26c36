"""A tenant is chosen, event types are ticked; what is new is asked for."""

from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QAccessible, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui.tabs.common.form_fields import EventsField, PriceLine, TenantField
from app.ui.theme import Theme
from app.ui.widgets.dialogs import WIDTH
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.ears import Heard
from tests.fixtures.seen import cut
from tests.fixtures.window import added


def test_a_tenant_is_chosen_and_a_new_one_asked_for(qtbot: QtBot) -> None:
    field = added(qtbot, TenantField(["acme-corp", "globex"], None))
    assert field.value() == "" and field.check(field.value()) == "Choose a tenant."
    assert field.name.isHidden()
    field.box.setCurrentIndex(1)
    assert field.value() == "globex" and field.check(field.value()) == ""
    field.box.setCurrentIndex(2)
    assert not field.name.isHidden() and field.check(field.value()) == "The tenant is missing."
    field.name.setText("ACME-corp")
    assert field.check(field.value()) == "There is a tenant acme-corp already; choose it."
    assert field.agree.isHidden()
    field.name.setText("initech")
    assert field.value() == "initech" and field.alike.isHidden() and field.agree.isVisibleTo(field)
    field.name.setText("R&D-acme")
    assert field.agree.words == "Create the tenant “R&D-acme”" and "R&&D" in field.agree.text()
    field.name.setText("acme-corb")
    assert field.alike.text().startswith("acme-corp is there, which is much like this.")
    field.name.setText(" initech ")
    assert field.value() == "initech"
    field.box.setCurrentIndex(0)
    assert field.alike.isHidden() and field.agree.isHidden()
    spaced = added(qtbot, TenantField(["acme", "acme "], "acme "))
    assert spaced.value() == "acme " and spaced.check(spaced.value()) == ""


def test_a_name_that_is_typed_is_no_tenant_until_its_box_is_ticked(qtbot: QtBot, theme: Theme) -> None:
    form = added(qtbot, FormDialog(theme, "New user"))
    field = TenantField(["acme-corp"], None)
    form.add_field("tenant_id", "Tenant", field, field.check)
    submitted = list[object]()
    form.submitted.connect(lambda: submitted.append(form.values()["tenant_id"]))
    form.open()
    qtbot.waitUntil(form.isActiveWindow)
    field.box.setCurrentIndex(1)
    qtbot.keyClicks(field.name, "initech")
    assert form.is_dirty() and field.agree.accessibleDescription() == ""
    for part in (field.name, field.agree):  # Return goes to the box, and does no more there
        qtbot.keyClick(part, Qt.Key.Key_Return)
        assert field.agree.hasFocus() and not submitted
    assert field.agree.accessibleDescription().startswith("This tenant is not there yet.")
    qtbot.keyClick(field.agree, Qt.Key.Key_Space)
    assert field.agree.accessibleDescription() == ""
    field.name.setText("initecj")  # another name is agreed to again
    form.action_button.click()
    assert not submitted
    field.agree.click()
    form.action_button.click()
    assert submitted == ["initecj"]
    form.set_clean()


def test_who_can_have_no_records_is_not_offered_and_an_erased_one_is_named(qtbot: QtBot) -> None:
    there = ["", "acme-corp", "gone", "system"]
    field = added(qtbot, TenantField(there, "gone", frozenset({"gone"})))
    assert field.value() == "" and [field.box.itemText(at) for at in range(field.box.count())][:1] == [
        "acme-corp"
    ]
    field.box.setCurrentIndex(1)
    field.name.setText("system")
    assert "the whole database" in field.check(field.value()) and field.agree.isHidden()
    field.name.setText("gone")
    assert field.alike.text() == "gone was erased; it would be a tenant again."
    assert field.agree.words == "Create the tenant “gone” again"
    assert field.check(field.value()).startswith("This tenant is not there yet.")
    field.agree.click()
    assert field.check(field.value()) == ""


def wheel(part: QWidget, turned: int) -> None:
    """Turns the mouse's wheel over it."""
    middle, none = QPointF(part.rect().center()), QPoint()
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    where = part.mapToGlobal(middle)
    QApplication.sendEvent(
        part, QWheelEvent(middle, where, none, QPoint(0, turned), buttons, keys, phase, False)
    )


def test_keys_and_wheel_step_over_a_new_tenant_and_the_list_asks_its_name(qtbot: QtBot, theme: Theme) -> None:
    form = added(qtbot, FormDialog(theme, "New user"))
    field = TenantField(["acme-corp"], "acme-corp")
    form.add_field("tenant_id", "Tenant", field, field.check)
    form.open()
    qtbot.waitUntil(form.isActiveWindow)
    field.box.setFocus()
    qtbot.keyClick(field.box, Qt.Key.Key_Down)
    assert field.name.isVisible() and field.box.hasFocus()
    qtbot.keyClick(field.box, Qt.Key.Key_Up)
    assert field.box.currentText() == "acme-corp" and field.name.isHidden()
    wheel(field.box, -120)
    assert field.name.isVisible() and field.box.hasFocus()
    wheel(field.box, 120)
    assert field.box.currentText() == "acme-corp" and field.name.isHidden()
    field.box.showPopup()
    qtbot.keyClick(field.box.view(), Qt.Key.Key_Down)
    qtbot.keyClick(field.box.view(), Qt.Key.Key_Return)
    assert field.name.hasFocus()
    form.set_clean()


def test_no_value_is_wider_than_its_form(qtbot: QtBot, theme: Theme) -> None:
    long = "W" * 1_000_000
    form = added(qtbot, FormDialog(theme, "New user", f"User of {long[:400]}", action="Save"))
    field = TenantField([long, "acme-corp"], long)
    form.add_field("tenant_id", "Tenant", field, field.check)
    form.open()
    field.box.setCurrentIndex(2)
    field.name.setText(long[:70])
    qtbot.waitUntil(lambda: form.width() == WIDTH and not cut(form))
    form.set_clean()


def test_the_tenant_in_view_is_chosen(qtbot: QtBot) -> None:
    field = added(qtbot, TenantField(["acme-corp"], "globex"))
    assert field.value() == field.box.currentText() == "globex"


def test_event_types_are_ticked_and_others_warned_of(qtbot: QtBot) -> None:
    known = {"run_started": "A run has begun.", "run_killed": ""}
    field = EventsField(known, "*", "run_killed, run_strated,run_killed")
    qtbot.addWidget(field)
    assert field.value() == "run_killed, run_strated,run_killed"  # untouched is as it is stored
    assert field.boxes["run_killed"].isChecked() and field.other.text() == "run_strated"
    assert field.boxes["run_started"].words == "run_started – A run has begun."
    assert not field.warning.isHidden()
    field.other.clear()
    assert field.value() == "run_killed" and field.warning.isHidden()
    field.boxes["run_started"].click()
    assert field.value() == "run_started,run_killed"
    field.all.click()
    assert field.value() == "*" and not field.boxes["run_started"].isEnabled()


def test_an_event_type_that_nobody_knows_is_kept_when_that_is_agreed_to(qtbot: QtBot) -> None:
    field = added(qtbot, EventsField({"run_started": "A run has begun."}, "*", "deploy_done"))
    assert not field.is_unfinished and field.check(field.value()) == ""  # it is stored
    field.other.setText("deploy_done, run_strated, run_started")
    assert field.is_unfinished and "Tick the box" in field.check(field.value())
    assert field.agree.words == "Save “run_strated” all the same"
    assert field.warning.text().endswith("Did you mean “run_started”?")
    field.other.setText("run_strated")
    field.agree.click()
    assert field.check(field.value()) == "" and field.value() == "run_strated"
    field.other.setText("run_stranded")
    assert field.is_unfinished and field.focusProxy() is field.agree
    field.all.click()
    assert not field.is_unfinished


def test_what_the_tenant_s_parts_are_for_and_what_is_wrong_is_heard_where_the_focus_is(
    qtbot: QtBot, theme: Theme, heard: Heard
) -> None:
    form = added(qtbot, FormDialog(theme, "New user"))
    field = TenantField(["acme-corp"], None)
    form.add_field("tenant_id", "Tenant", field, field.check)
    form.open()
    qtbot.waitUntil(form.isActiveWindow)

    def described() -> str:
        focused = QApplication.focusWidget()
        assert focused is not None
        interface = QAccessible.queryAccessibleInterface(focused)
        return interface.text(QAccessible.Text.Description)

    field.box.setFocus()
    assert described() == "Tenant"
    form.action_button.click()
    assert field.box.hasFocus() and described() == "Tenant – Choose a tenant."
    assert heard.words == ["Choose a tenant."]
    field.box.setCurrentIndex(1)
    form.action_button.click()
    assert field.name.hasFocus() and described() == "The tenant is missing."
    assert field.box.accessibleDescription() == "Tenant"
    qtbot.keyClicks(field.name, "initech")
    assert described() == field.name.placeholderText()
    form.action_button.click()
    assert field.agree.hasFocus() and described().startswith("This tenant is not there yet.")
    field.agree.click()
    assert described() == ""
    field.box.setCurrentIndex(0)
    field.box.setFocus()
    assert described() == "Tenant"
    form.set_clean()


@pytest.mark.parametrize(("height", "keeps"), [(800, True), (400, False)])
def test_a_price_that_is_not_told_yet_takes_no_room_from_a_form_on_a_low_screen(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, height: int, keeps: bool
) -> None:
    """Which is as high as the screen lets it, so that no button moves there either."""
    screen = SimpleNamespace(availableGeometry=lambda: QRect(0, 0, 640, height))
    monkeypatch.setattr(PriceLine, "screen", lambda line: screen)
    database = SimpleNamespace(charges=True)
    context: Any = SimpleNamespace(opened=SimpleNamespace(database=database))
    line = added(qtbot, PriceLine(context))
    assert line.sizePolicy().retainSizeWhenHidden() == keeps
    assert (line.minimumHeight() >= 3 * line.fontMetrics().lineSpacing()) == keeps
