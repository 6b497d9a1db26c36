"""JSON exactly as it was written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.widgets.json_view import Literal, Obj, indented, parse


def test_numbers_and_repeated_keys_stay_as_written() -> None:
    value = parse('{"a": 0.30, "a": 1e999, "b": ' + "9" * 5000 + "}")
    assert isinstance(value, Obj)
    assert value.members[:2] == [("a", "0.30"), ("a", "1e999")]
    assert value.members[2][1] == Literal("9" * 5000)


@pytest.mark.parametrize("text", ["", "{", "nope", '{"a": }', "[1,]", "\ud800"])
def test_no_json(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_too_deep_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="too deep"):
        parse("[" * 100_000 + "]" * 100_000)


def test_indented() -> None:
    laid_out = '{\n  "a": [\n    1,\n    "x, y: {z}"\n  ],\n  "e": {},\n  "l": []\n}'
    assert indented('{"a":[1,"x, y: {z}"],"e":{},"l":[ ]}') == laid_out


def test_indented_takes_any_depth_and_broken_text() -> None:
    assert indented("[" * 50_000).count("[") == 50_000
    assert indented('{"a": "half') == '{\n  "a": "half'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_indented_changes_only_the_space_between(value: object) -> None:
    assert json.loads(indented(json.dumps(value))) == value
