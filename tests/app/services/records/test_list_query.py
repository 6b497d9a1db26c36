"""A query reaches another process as what it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.records.list_query import ListQuery
from app.services.records.tables import Scope

values = st.none() | st.text() | st.integers() | st.floats(allow_nan=False) | st.binary()
texts = st.text(st.characters(), max_size=20)  # lone surrogates as well
queries = st.builds(
    ListQuery,
    table=st.sampled_from(["users", "audit_chain"]),
    scope=st.builds(Scope, st.none() | texts),
    text=texts,
    choices=st.lists(st.tuples(texts, st.lists(values, max_size=3).map(tuple)), max_size=3).map(tuple),
    since=st.none() | st.integers(),
    until=st.none() | st.integers(),
    sort=st.none() | texts,
    descending=st.booleans(),
    ranks=st.lists(st.lists(texts, max_size=3).map(tuple), max_size=3).map(tuple),
)


@pytest.mark.slow
@given(queries)
def test_it_comes_back_equal(query: ListQuery) -> None:
    assert ListQuery.of(json.loads(json.dumps(query.document()))) == query


@pytest.mark.parametrize("value", [1, 1.0, "1", b"1", None])
def test_a_value_keeps_its_type(value: object) -> None:
    query = ListQuery("users", choices=(("email", (value,)),))  # type: ignore[arg-type]
    found = ListQuery.of(json.loads(json.dumps(query.document()))).choices[0][1][0]
    assert (type(found), found) == (type(value), value)
