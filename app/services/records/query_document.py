"""A list's query as plain data, which another process can be given: names and values, never SQL."""

from typing import Any

from app.services.records.list_query import ListQuery, Value
from app.services.scope import Scope

Document = dict[str, Any]
"""What JSON can hold."""


def document(query: ListQuery) -> Document:
    """The query as data; bytes are written as `{"bytes": hex}`."""
    return {
        "table": query.table,
        "tenant": query.scope.tenant_id,
        "text": query.text,
        "choices": [[name, [_plain(value) for value in values]] for name, values in query.choices],
        "since": query.since,
        "until": query.until,
        "sort": query.sort,
        "descending": query.descending,
    }


def query_of(data: Document) -> ListQuery:
    """The query that `document` was made of, equal to it."""
    return ListQuery(
        table=data["table"],
        scope=Scope(data["tenant"]),
        text=data["text"],
        choices=tuple((name, tuple(map(_value, values))) for name, values in data["choices"]),
        since=data["since"],
        until=data["until"],
        sort=data["sort"],
        descending=data["descending"],
    )


def _plain(value: Value) -> Any:
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _value(plain: Any) -> Value:
    return bytes.fromhex(plain["bytes"]) if isinstance(plain, dict) else plain
