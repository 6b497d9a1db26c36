"""JSON of any size and shape is shown, never fails, and is copied as stored."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.services.runs.contents import LARGE, indented
from app.ui.theme import Theme
from app.ui.widgets.json_view import JsonModel, JsonView, Literal, Obj, parse
from app.ui.widgets.labels import in_column
from tests.fixtures.window import added


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> JsonView:
    view = JsonView(theme)
    qtbot.addWidget(view)
    return view


def rows(model: JsonModel, parent: QModelIndex | None = None) -> list[tuple[str, str]]:
    above = parent or QModelIndex()
    places = range(model.rowCount(above))
    return [(str(model.index(r, 0, above).data()), str(model.index(r, 1, above).data())) for r in places]


def test_text_is_laid_out_and_copied_as_stored(view: JsonView) -> None:
    stored = '{"a":1.10,"b":[true]}'
    view.set_json(stored)
    assert view.text_view.toPlainText() == '{\n  "a": 1.10,\n  "b": [\n    true\n  ]\n}'
    view.copy_button.click()
    assert QGuiApplication.clipboard().text() == stored
    view.set_json("no JSON\0 behind it")  # as which most programs end what they paste
    view.copy_button.click()
    assert QGuiApplication.clipboard().text() == "no JSON␀ behind it"


def test_tree(theme: Theme) -> None:
    model = JsonModel(theme, parse('{"a": 1.10, "a": null, "deep": {"b": [true, "x"]}, "e": []}'))
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert rows(model) == [("a", "1.10"), ("a", "null"), ("deep", "{ 1 member }"), ("e", "[ 0 items ]")]
    deep = model.index(2, 0)
    assert rows(model, deep) == [("b", "[ 2 items ]")]
    assert rows(model, model.index(0, 0, deep)) == [("0", "true"), ("1", '"x"')]


@pytest.mark.parametrize(("text", "shown"), [("7", "7"), ('"seven"', '"seven"'), ("null", "null")])
def test_a_bare_value_is_one_row(theme: Theme, text: str, shown: str) -> None:
    assert rows(JsonModel(theme, parse(text))) == [("", shown)]


def test_toggle(qtbot: QtBot, view: JsonView) -> None:
    view.set_json("[1]")
    assert not view.tree_button.isChecked()
    qtbot.mouseClick(view.tree_button, Qt.MouseButton.LeftButton)
    assert view.tree_button.isChecked()
    view.set_json("no json")
    assert not view.tree_button.isChecked()
    assert view.note.text() == "This is not valid JSON; it is shown as stored."
    assert not view.tree_button.isEnabled()
    view.set_json("[2]")
    assert view.tree_button.isChecked()
    said = [QAccessible.queryAccessibleInterface(one) for one in (view.tree_button, view.text_button)]
    assert {one.role() for one in said} == {QAccessible.Role.RadioButton}, "one of two, no boxes to tick"
    assert [bool(one.state().checked) for one in said] == [True, False]
    qtbot.mouseClick(view.text_button, Qt.MouseButton.LeftButton)
    assert [bool(one.state().checked) for one in said] == [False, True] and view.text_view.isVisibleTo(view)


def test_deep_nesting_is_text(view: JsonView) -> None:
    view.set_json("[" * 60_000 + "]" * 60_000)
    assert not view.tree_button.isEnabled()
    assert "nests too deep" in view.note.text()


def test_huge_numbers_show_as_written(view: JsonView) -> None:
    view.set_json('{"n": ' + "9" * 5000 + "}")
    assert "9" * 5000 in view.text_view.toPlainText()
    assert view.tree_button.isEnabled()


@pytest.mark.slow
def test_large_text_shows_its_start_and_all_on_demand(view: JsonView) -> None:
    text = '"' + "x" * LARGE + '"'
    view.set_json(text)
    assert len(view.text_view.toPlainText()) < LARGE / 2
    assert "262,146 characters" in view.note.text()
    view.all_button.click()
    assert view.text_view.toPlainText().replace("\n", "") == text


@pytest.mark.parametrize("many", ["\n", '"\n', "\\", ' "a": \n'])
def test_what_is_no_json_is_shown_in_one_look(view: JsonView, many: str) -> None:
    """Each of these took, or might take, the square of its length: a minute at a standstill."""
    text = "{" + many * (200_000 // len(many))
    view.set_json(text)
    shown = view.text_view.toPlainText()
    assert shown.replace("\n", "") == text.replace("\n", "") and view.note.text().startswith(
        "This is not valid JSON"
    )


def test_hidden_characters_show(view: JsonView) -> None:
    view.set_json('"a\u202eb"')
    assert view.text_view.toPlainText() == r'"a\u202eb"'


def test_text_stands_from_left_to_right_in_any_script(qtbot: QtBot, view: JsonView) -> None:
    stored = '{"id":1,"המפתח":"הערך"}'
    view.set_json(stored)
    text = view.text_view
    shown, cursor = text.toPlainText(), text.textCursor()
    places = []
    for part in ("{", '"המפתח"', '"הערך"'):
        cursor.setPosition(shown.index(part))
        places.append(text.cursorRect(cursor).x())
    assert places[0] < places[1] < places[2]
    text.selectAll()
    text.copy()
    assert QGuiApplication.clipboard().text() == indented(stored)


def test_nothing(view: JsonView) -> None:
    view.set_json("[1]")
    view.set_json(None)
    assert view.text_view.toPlainText() == ""
    assert not view.copy_button.isEnabled()


def test_numbers_and_repeated_keys_stay_as_written() -> None:
    value = parse('{"a": 0.30, "a": 1e999, "b": ' + "9" * 5000 + "}")
    assert isinstance(value, Obj)
    assert value.members[:2] == [("a", "0.30"), ("a", "1e999")]
    assert value.members[2][1] == Literal("9" * 5000)


@pytest.mark.parametrize("text", ["", "{", "nope", '{"a": }', "[1,]", "\ud800"])
def test_no_json(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_too_deep_is_said() -> None:
    with pytest.raises(RecursionError):
        parse("[" * 100_000 + "]" * 100_000)


def test_indented() -> None:
    laid_out = '{\n  "a": [\n    1,\n    "x, y: {z}"\n  ],\n  "e": {},\n  "l": []\n}'
    assert indented('{"a":[1,"x, y: {z}"],"e":{},"l":[ ]}') == laid_out


def test_indented_keeps_what_is_deep_on_a_line_and_pauses() -> None:
    pauses = list[int]()
    many = f'{{"a":[{",".join(["{}"] * 1_500)},{{"b":[1,2]}}]}}'
    lines = indented(many, lambda: pauses.append(1), deepest=2).split("\n")
    assert lines[:3] == ["{", '  "a": [', "    {},"]
    assert lines[-3:] == ['    {"b": [1, 2]}', "  ]", "}"]
    assert len(lines) == 1_505 and pauses


def test_indented_takes_any_depth_and_broken_text() -> None:
    assert indented("[" * 50_000).count("[") == 50_000
    assert indented('{"a": "half') == '{\n  "a": "half'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(json_values)
def test_indented_changes_only_the_space_between(value: object) -> None:
    assert json.loads(indented(json.dumps(value))) == value


def test_it_is_as_high_as_its_text_up_to_a_bound(qtbot: QtBot, theme: Theme) -> None:
    view, host = JsonView(theme), QWidget()
    in_column(view, QLabel("below"), within=host)
    qtbot.addWidget(host)
    host.show()

    def fits() -> bool:
        return view.text_view.verticalScrollBar().maximum() == 0

    view.set_json('{"a": 1}')
    low = view.sizeHint().height()
    view.set_json(json.dumps({str(number): number for number in range(10)}))
    assert low < view.sizeHint().height()
    host.resize(400, host.minimumSizeHint().height())
    qtbot.waitUntil(fits)
    view.set_json(json.dumps({str(number): number for number in range(99)}))
    lines = host.minimumSizeHint().height() / view.text_view.fontMetrics().lineSpacing()
    assert lines < 20, "a long text leaves room for what stands below it"


def test_what_holds_nothing_is_not_said_to_be_unfolded(qtbot: QtBot, theme: Theme) -> None:
    view = added(qtbot, JsonView(theme))
    view.set_json('{"limits": {"pivots": 3}, "language": "en"}')
    view.show_tree(True)
    view.show()
    heard = QAccessible.queryAccessibleInterface(view.tree)
    cells = [heard.child(place) for place in range(heard.childCount())]
    unfolded = [cell.text(QAccessible.Text.Name) for cell in cells if cell.state().expanded]
    assert "limits" in unfolded and not {"pivots", "language", '"en"', "3"}.intersection(unfolded)
