"""Searching, choosing and giving up in the lists; chips by keyboard; phases."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QImage, QScreen
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.ui.tabs.runs.phase_scores import PhaseScore, PhaseScores
from app.ui.theme import Theme
from app.ui.widgets.buttons import Choice
from app.ui.widgets.count_chips import CountChips, FoldingChips
from app.ui.widgets.many_picker import ManyPicker
from app.ui.widgets.picker import Picker
from tests.fixtures.window import added, words


@pytest.fixture
def switcher(qtbot: QtBot, theme: Theme) -> Picker:
    switcher = added(qtbot, Picker(theme, "Tenant", "All tenants", search_hint="Search tenants"))
    names = [*(f"tenant-{number:05}" for number in range(10_000)), "Acme-Corp"]
    switcher.set_choices([Choice(name, name) for name in names])
    switcher.show()
    return switcher


def labels(switcher: Picker) -> list[str]:
    model = switcher.popup.model
    return [str(model.index(row).data()) for row in range(min(model.rowCount(), 50))]


def test_all_tenants_first(switcher: Picker) -> None:
    assert switcher.key() is None
    assert switcher.currentText() == "All tenants"
    assert labels(switcher)[0] == "All tenants"
    assert switcher.popup.model.rowCount() == 10_002


def test_a_choice_without_room_ends_in_an_ellipsis(qtbot: QtBot, theme: Theme) -> None:
    box, name = added(qtbot, Picker(theme, "Tenant", "All tenants")), "blue-harbor-logistics"
    box.setFixedWidth(130)
    box.show()
    box.grab()
    box.set_key(name)
    cut = box.grab().toImage()
    box.set_key(None)

    def as_painted(shown: str) -> QImage:
        box.set_key(shown)
        return box.grab().toImage()

    shorter = [f"{name[:length]}…" for length in range(5, len(name))]
    with_room = [one for one in shorter if box.fontMetrics().horizontalAdvance(one) < 96]
    assert cut in map(as_painted, with_room)


def test_without_room_for_any_phase_it_says_phase(qtbot: QtBot, theme: Theme) -> None:
    box = added(qtbot, Picker(theme, "Phase", "Any phase"))
    box.setFixedWidth(96)
    box.show()
    shown = box.grab().toImage()
    box.set_key("Phase")
    assert box.grab().toImage() == shown


def test_chips_among_pickers_are_one_as_wide_as_they_are(qtbot: QtBot, theme: Theme) -> None:
    chips = added(qtbot, FoldingChips(theme, "Status"))
    chips.set_chips(
        [Choice(None, "All", 9), *(Choice(name, name, 3) for name in ("running", "killed", "paused"))]
    )
    wide = chips.sizeHint().width()
    chips.resize(wide, 40)
    chips.show()
    assert not chips.picker.isVisible()
    chips.stand_among(True)
    assert chips.picker.isVisible() and chips.sizeHint().width() == chips.picker.sizeHint().width() < wide
    chips.stand_among(False)
    assert not chips.picker.isVisible() and chips.sizeHint().width() == wide


def test_search_finds_a_substring_and_return_chooses(qtbot: QtBot, switcher: Picker) -> None:
    switcher.showPopup()
    qtbot.keyClicks(switcher.popup.field, "e-corp")
    assert labels(switcher) == ["Acme-Corp"]
    with qtbot.waitSignal(switcher.picked, timeout=0) as caught:
        qtbot.keyClick(switcher.popup.field, Qt.Key.Key_Return)
    assert caught.args == ["Acme-Corp"]
    assert switcher.currentText() == "Acme-Corp"
    assert not switcher.popup.isVisible()


def test_what_is_typed_whole_comes_before_what_contains_it(qtbot: QtBot, switcher: Picker) -> None:
    names = ("aa-acme", "ACME", "acme-corp", "acme", "zz-acme")
    switcher.set_choices([Choice(name, name) for name in names])
    switcher.showPopup()
    qtbot.keyClicks(switcher.popup.field, "acme")
    assert [one.label for one in switcher.popup.model.rows] == [
        "acme",
        "ACME",
        "acme-corp",
        "aa-acme",
        "zz-acme",
    ]
    qtbot.keyClick(switcher.popup.field, Qt.Key.Key_Return)
    assert switcher.key() == "acme"


def test_typing_on_the_closed_box_searches(qtbot: QtBot, switcher: Picker) -> None:
    qtbot.keyClicks(switcher, "0")
    assert switcher.popup.isVisible()
    assert switcher.popup.field.text() == "0"


def test_typing_in_a_short_list_searches_it_too(qtbot: QtBot, theme: Theme) -> None:
    short = added(qtbot, Picker(theme, "Tenant", "All tenants"))
    short.set_choices([Choice(name, name) for name in ("acme", "blue-harbor-logistics", "caf\u00e9")])
    short.show()
    short.showPopup()
    assert not short.popup.field.isVisible() and short.popup.list.hasFocus()
    qtbot.keyClick(short.popup.list, "l")
    assert short.popup.field.hasFocus() and short.popup.rect().contains(short.popup.field.geometry())
    qtbot.keyClicks(short.popup.field, "OGIS")
    assert labels(short) == ["blue-harbor-logistics"]
    short.popup.field.setText("cafe\u0301")
    assert labels(short) == ["café"]
    qtbot.keyClick(short.popup.field, Qt.Key.Key_Escape)
    short.showPopup()
    assert not short.popup.field.isVisible() and len(labels(short)) == 4


@pytest.mark.slow
def test_escape_leaves_all_as_it_was(qtbot: QtBot, switcher: Picker) -> None:
    switcher.set_key("Acme-Corp")
    switcher.showPopup()
    with qtbot.assertNotEmitted(switcher.picked):
        qtbot.keyClicks(switcher.popup.field, "tenant-00042")
        qtbot.keyClick(switcher.popup.field, Qt.Key.Key_Escape)
    assert not switcher.popup.isVisible()
    assert switcher.key() == "Acme-Corp"
    assert switcher.currentText() == "Acme-Corp"


@pytest.mark.slow
def test_opening_again_starts_without_the_old_search(qtbot: QtBot, switcher: Picker) -> None:
    switcher.showPopup()
    qtbot.keyClicks(switcher.popup.field, "zzz")
    assert switcher.popup.model.rowCount() == 0
    assert switcher.popup.nothing.isVisible()
    qtbot.keyClick(switcher.popup.field, Qt.Key.Key_Escape)
    switcher.showPopup()
    assert switcher.popup.model.rowCount() == 10_002


@pytest.mark.slow
def test_home_and_end_go_through_the_list_while_nothing_is_typed(qtbot: QtBot, switcher: Picker) -> None:
    switcher.showPopup()
    popup = switcher.popup
    qtbot.keyClick(popup.field, Qt.Key.Key_End)
    assert popup.list.currentIndex().row() == popup.model.rowCount() - 1
    qtbot.keyClicks(popup.field, "0999")
    qtbot.keyClick(popup.field, Qt.Key.Key_Home)
    assert popup.field.cursorPosition() == 0


@pytest.mark.slow
def test_arrows_move_through_what_was_found(qtbot: QtBot, switcher: Picker) -> None:
    switcher.showPopup()
    qtbot.keyClicks(switcher.popup.field, "0999")
    found = labels(switcher)
    qtbot.keyClick(switcher.popup.field, Qt.Key.Key_Down)
    with qtbot.waitSignal(switcher.picked, timeout=0) as caught:
        qtbot.keyClick(switcher.popup.field, Qt.Key.Key_Return)
    assert caught.args == [found[1]]


def test_a_name_that_hides_something_is_shown_escaped(switcher: Picker) -> None:
    switcher.set_choices([Choice("a\u202eb", "a\u202eb")])
    switcher.set_key("a\u202eb")
    assert switcher.currentText() == r"a\u202eb"
    assert switcher.key() == "a\u202eb"


_NAMES = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu")


@pytest.fixture
def types(qtbot: QtBot, theme: Theme) -> ManyPicker:
    types = added(qtbot, ManyPicker(theme, "Type", "Any type", "types", width=140))
    types.set_choices(
        [Choice(name, name.title(), 4) for name in ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]]
    )
    types.show()
    return types


def states(types: ManyPicker) -> list[str]:
    """The rows that are checked."""
    model = types.popup.model
    rows = (model.index(row) for row in range(model.rowCount()))
    return [row.data() for row in rows if row.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked]


def test_several_are_checked_with_space_and_hold_with_return(qtbot: QtBot, types: ManyPicker) -> None:
    types.showPopup()
    field = types.popup.field
    assert states(types) == ["Any type"]
    with qtbot.assertNotEmitted(types.picked):
        for wanted in ("bee", "dog", "gnu"):
            qtbot.keyClicks(field, wanted)
            qtbot.keyClick(field, Qt.Key.Key_Space)
        assert "3 types checked · Return takes them" in words(types.popup)
        qtbot.keyClick(field, Qt.Key.Key_Space)
        qtbot.keyClicks(field, "e")
        qtbot.keyClick(field, Qt.Key.Key_Down)
        qtbot.keyClick(field, Qt.Key.Key_Space)  # Eel, behind Bee
        qtbot.keyClick(field, Qt.Key.Key_Space)
        qtbot.keyClicks(field, "a")
        qtbot.keyClick(field, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
        assert field.text() == "a "
        qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        qtbot.keyClick(field, Qt.Key.Key_Delete)
    assert states(types) == ["Bee", "Dog"]
    with qtbot.waitSignal(types.picked, timeout=0) as caught:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert caught.args == [("bee", "dog")] and types.keys() == ("bee", "dog")
    assert types.currentText() == "2 types"
    assert "Bee, Dog" in types.toolTip() and types.accessibleDescription() == "Type: Bee, Dog"


def test_escape_keeps_none_of_what_was_checked(qtbot: QtBot, types: ManyPicker) -> None:
    types.set_keys(["cat"])
    types.showPopup()
    with qtbot.assertNotEmitted(types.picked):
        qtbot.keyClick(types.popup.field, Qt.Key.Key_Space)  # takes the check of Cat away
        assert states(types) == ["Any type"]
        qtbot.keyClick(types.popup.field, Qt.Key.Key_Escape)
    assert types.keys() == ("cat",) and types.currentText() == "Cat" and not types.toolTip()
    assert types.accessibleDescription() == "Type"


def test_a_click_on_a_box_checks_and_one_on_words_keeps_that_alone(qtbot: QtBot, types: ManyPicker) -> None:
    types.showPopup()
    view = types.popup.list

    def press(row: int, x: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        place = view.visualRect(types.popup.model.index(row)).topLeft() + QPoint(x, 10)
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, keys, place)

    press(1, 12)
    assert types.popup.field.hasFocus()
    press(3, 60, Qt.KeyboardModifier.ControlModifier)
    assert types.popup.isVisible() and states(types) == ["Ant", "Cat"]
    heard = QAccessible.queryAccessibleInterface(view)
    cells = [heard.child(place) for place in range(heard.childCount())]
    assert all(cell.state().checkable for cell in cells)
    assert [cell.text(QAccessible.Text.Name) for cell in cells if cell.state().checked] == [
        "Ant, 4",
        "Cat, 4",
    ]
    with qtbot.waitSignal(types.picked, timeout=0) as caught:
        types.hidePopup()  # as a click elsewhere does
    assert caught.args == [("ant", "cat")]
    types.showPopup()
    press(2, 60)
    assert not types.popup.isVisible() and types.keys() == ("bee",)
    types.showPopup()
    press(4, 12)
    press(0, 12)
    assert states(types) == ["Any type"]
    types.hidePopup()
    assert types.keys() == () and types.currentText() == "Any type"


def test_many_choices_are_named_up_to_a_dozen(types: ManyPicker) -> None:
    types.set_keys([f"type-{number:02}" for number in range(15)])
    assert types.currentText() == "15 types"
    assert types.accessibleDescription().endswith("type-11, and 3 others")


def test_of_chips_several_are_chosen_with_ctrl(qtbot: QtBot, theme: Theme) -> None:
    chips = added(qtbot, FoldingChips(theme, "Status", "statuses"))
    chips.set_chips([Choice(None, "All", 9), *(Choice(name, name, 3) for name in ("new", "old", "odd"))])
    chips.resize(chips.sizeHint())
    chips.show()
    everything, new, old, odd = chips.buttons()
    qtbot.mouseClick(new, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(chips.changed, timeout=0):
        qtbot.mouseClick(odd, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    assert chips.keys() == ("new", "odd") and not everything.isChecked()
    assert isinstance(chips.picker, ManyPicker) and chips.picker.currentText() == "2 statuses"
    qtbot.mouseClick(odd, Qt.MouseButton.LeftButton)
    assert chips.keys() == ("odd",), "a click alone keeps that one"
    odd.setFocus()
    qtbot.waitUntil(odd.hasFocus)
    qtbot.keyClick(odd, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert old.hasFocus() and chips.keys() == ("odd",)
    qtbot.keyClick(old, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert chips.keys() == ("old", "odd")
    qtbot.keyClick(old, Qt.Key.Key_Left)
    assert chips.keys() == ("new",) and new.hasFocus()
    qtbot.keyClick(new, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert chips.keys() == () and everything.isChecked()
    qtbot.keyClick(new, Qt.Key.Key_End)
    assert chips.keys() == ("odd",)
    qtbot.keyClick(odd, Qt.Key.Key_Home)
    assert everything.isChecked() and not odd.isChecked()


@pytest.fixture
def chips(qtbot: QtBot, theme: Theme) -> CountChips:
    chips = added(qtbot, CountChips("Status"))
    chips.set_chips(
        [Choice(None, "All", 58), Choice("running", "Running", 6), Choice("killed", "Killed", 12)]
    )
    chips.show()
    return chips


def test_chips_show_counts_and_are_exclusive(qtbot: QtBot, chips: CountChips) -> None:
    assert [button.text() for button in chips.buttons()] == ["All 58", "Running 6", "Killed 12"]
    with qtbot.waitSignal(chips.changed, timeout=0) as caught:
        chips.buttons()[1].click()
    assert caught.args == ["running"]
    assert [button.isChecked() for button in chips.buttons()] == [False, True, False]
    roles = {QAccessible.queryAccessibleInterface(button).role() for button in chips.buttons()}
    assert roles == {QAccessible.Role.RadioButton}, "nobody ticks several"


def test_chips_without_room_take_another_line(qtbot: QtBot, chips: CountChips) -> None:
    widest = max(button.sizeHint().width() for button in chips.buttons())
    chips.resize(widest + 4, chips.heightForWidth(widest + 4))
    tops = [button.geometry().top() for button in chips.buttons()]
    assert tops == sorted(set(tops)), "one below the other"
    assert all(chips.rect().contains(button.geometry()) for button in chips.buttons())
    assert all(button.width() == button.sizeHint().width() for button in chips.buttons())
    chips.resize(2000, 40)
    assert {button.geometry().top() for button in chips.buttons()} == {0}


def test_chips_by_keyboard_are_one_stop(qtbot: QtBot, chips: CountChips) -> None:
    chips.buttons()[0].setFocus()
    qtbot.waitUntil(chips.buttons()[0].hasFocus)
    with qtbot.waitSignals([chips.changed, chips.changed], timeout=0):
        qtbot.keyClick(chips.buttons()[0], Qt.Key.Key_Right)
        qtbot.keyClick(chips.buttons()[1], Qt.Key.Key_End)
    assert chips.key() == "killed"
    stops = [bool(button.focusPolicy() & Qt.FocusPolicy.TabFocus) for button in chips.buttons()]
    assert stops == [False, False, True]


def test_new_counts_keep_the_choice_and_emit_nothing(qtbot: QtBot, chips: CountChips) -> None:
    chips.set_key("running")
    chips.set_chips([Choice(None, "All", 1_059), Choice("running", "Running", 7_007)])
    places = [button.geometry() for button in chips.buttons()]
    with qtbot.assertNotEmitted(chips.changed):
        chips.set_chips([Choice(None, "All", 59), Choice("running", "Running", 7)])
    assert [button.geometry() for button in chips.buttons()] == places, "fewer digits move nothing"
    assert chips.key() == "running"
    assert chips.buttons()[1].text() == "Running 7"
    with qtbot.assertNotEmitted(chips.changed):
        chips.set_chips([Choice(None, "All", 1)])
    assert chips.key() is None


@pytest.fixture
def phases(qtbot: QtBot, theme: Theme) -> PhaseScores:
    phases = added(qtbot, PhaseScores(theme))
    phases.set_scores(
        [PhaseScore("opportunity", 7.5, "v3"), PhaseScore("strategy"), PhaseScore("synthesis", None, "v1")]
    )
    phases.show()
    qtbot.waitExposed(phases)
    phases.activateWindow()
    return phases


def test_clicking_a_phase(qtbot: QtBot, phases: PhaseScores) -> None:
    with qtbot.waitSignal(phases.activated, timeout=0) as caught:
        qtbot.mouseClick(phases.button("synthesis"), Qt.MouseButton.LeftButton)
    assert caught.args == ["synthesis"]


def test_a_missing_phase_does_nothing(qtbot: QtBot, phases: PhaseScores) -> None:
    with qtbot.assertNotEmitted(phases.activated):
        qtbot.mouseClick(phases.button("strategy"), Qt.MouseButton.LeftButton)


def test_phases_by_keyboard_and_in_words(qtbot: QtBot, phases: PhaseScores) -> None:
    phases.button("opportunity").setFocus()
    qtbot.keyClick(phases.button("opportunity"), Qt.Key.Key_Down)
    assert phases.focusWidget() is phases.button("synthesis"), "the one without anything is passed over"
    with qtbot.waitSignal(phases.activated, timeout=0) as caught:
        qtbot.keyClick(phases.focusWidget(), Qt.Key.Key_Space)
    assert caught.args == ["synthesis"]
    words = [phases.button(name).accessibleName() for name in ("opportunity", "strategy", "synthesis")]
    assert words == [
        "opportunity: score 7.5, version 3",
        "strategy: nothing yet",
        "synthesis: no score, version 1",
    ]


def test_rows_beyond_those_of_the_platform_come_and_go(phases: PhaseScores) -> None:
    phases.set_scores([PhaseScore(f"phase & {number}", number, "v1") for number in range(40)])
    assert phases.button("phase & 39").isVisible() and phases.button("phase & 39").text() == "phase && 39"
    phases.set_scores([PhaseScore("opportunity", 70, "v1")])
    assert [label.text() for label in phases.findChildren(QLabel) if label.isVisible()] == ["70.0"]
    assert "version 1" in phases.button("opportunity").toolTip()


def test_a_choice_of_any_length_is_shown_by_its_start(qtbot: QtBot, theme: Theme) -> None:
    picker, huge = Picker(theme, "Tenant", "All tenants"), "w" * 10**6
    qtbot.addWidget(picker)
    picker.set_choices([Choice(huge, huge, 3)])
    picker.pick(huge)
    assert picker.key() == huge and picker.currentText() == "w" * 200 + "…"
    picker.popup.field.setText("www")
    words = [picker.popup.model.index(row).data() for row in range(picker.popup.model.rowCount())]
    assert words == ["w" * 200 + "…"]


@pytest.mark.parametrize("top", [40, 180, 300])
def test_the_list_of_a_picker_stands_on_a_low_screen(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch, top: int
) -> None:
    """As 800 lines are at 200 %: with a foot below twelve rows it was higher than that."""
    box = added(qtbot, Picker(theme, "Tenant", "All tenants"))
    box.set_choices([Choice(name, name) for name in map("tenant-{}".format, range(30))])
    box.popup.add_foot("Another one", lambda: None)
    screen = QRect(0, 0, 640, 400)
    monkeypatch.setattr(QScreen, "availableGeometry", lambda one: screen)
    box.move(20, top)
    box.show()
    qtbot.waitExposed(box)
    box.showPopup()
    shown, of_box = QRect(box.popup.pos(), box.popup.size()), QRect(box.mapToGlobal(QPoint()), box.size())
    shown.adjust(2, 2, -2, -2)  # the platform of the tests gives it a frame
    assert screen.contains(shown) and not shown.intersects(of_box)
    assert box.popup.list.height() >= 3 * 30
    assert box.popup.foot is not None and shown.height() > box.popup.foot.geometry().bottom()
