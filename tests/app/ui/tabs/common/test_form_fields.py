"""A tenant is chosen, event types are ticked; what is new is asked for."""

from pytestqt.qtbot import QtBot

from app.services import text
from app.ui.tabs.common.form_fields import EventsField, TenantField
from app.ui.widgets.form_dialog import checked
from tests.fixtures.window import added


def test_a_tenant_is_chosen_and_a_new_one_asked_for(qtbot: QtBot) -> None:
    field = added(qtbot, TenantField(["acme-corp", "globex"], None))
    check = field.check(checked(text.tenant_id))
    assert field.value() == "" and check(field.value()) == "Choose a tenant."
    assert field.name.isHidden()
    field.box.setCurrentIndex(1)
    assert field.value() == "globex" and check(field.value()) == ""
    field.box.setCurrentIndex(2)
    assert not field.name.isHidden() and check(field.value()) == "The tenant is missing."
    field.name.setText("ACME-corp")
    assert check(field.value()) == "There is a tenant acme-corp already; choose it."
    field.name.setText("initech")
    assert (field.value(), check(field.value())) == ("initech", "") and field.alike.isHidden()
    field.name.setText("acme-corb")
    assert check(field.value()) == "" and not field.alike.isHidden()
    assert field.alike.text().startswith("acme-corp is there, which is much like this.")
    field.box.setCurrentIndex(0)
    assert field.alike.isHidden()


def test_the_tenant_in_view_is_chosen(qtbot: QtBot) -> None:
    field = added(qtbot, TenantField(["acme-corp"], "globex"))
    assert field.value() == field.box.currentText() == "globex"


def test_event_types_are_ticked_and_others_warned_of(qtbot: QtBot) -> None:
    field = EventsField(["run_started", "run_killed"], "*", "run_killed, run_strated,run_killed")
    qtbot.addWidget(field)
    assert field.value() == "run_killed, run_strated,run_killed"  # untouched is as it is stored
    assert field.boxes["run_killed"].isChecked() and field.other.text() == "run_strated"
    assert not field.warning.isHidden()
    field.other.clear()
    assert field.value() == "run_killed" and field.warning.isHidden()
    field.boxes["run_started"].click()
    assert field.value() == "run_started,run_killed"
    field.all.click()
    assert field.value() == "*" and not field.boxes["run_started"].isEnabled()
