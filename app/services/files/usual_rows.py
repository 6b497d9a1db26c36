"""Rows written as SQL without a look at each value's kind, which takes half of the time: where their columns
hold what they hold in the first ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import apsw

from app.services.records.export import as_sql, literal

_WIDE: Final = 100
"""Columns beyond which nothing is tried: what tells their kinds would nest too deeply."""

_MARKS: Final = {"text": 2, "blob": 2, "integer": 0, "real": 0}
"""The kinds of value that one column may hold, and how many quotation marks stand around each."""


class UsualRow:
    """What such a row is made of; `columns` are expressions of its columns, with whether they are never NULL,
    and `kinds` what each holds.

    `line` gives two values, as `line` and `marks`: the row's values, NULL where they are of other kinds, and
    how many quotation marks stand around them. Where more of these are found, some stand in a text, and what
    was given is wrong: `double_marks` is for that.
    """

    def __init__(self, columns: Mapping[str, bool], kinds: Sequence[str]) -> None:
        self._kinds = dict(zip(columns, kinds, strict=True))
        self._never_null = columns
        self.has_marks = False
        self.line = self._line()

    @classmethod
    def of(
        cls, connection: apsw.Connection, columns: Mapping[str, bool], source: str, values: Mapping[str, Any]
    ) -> "UsualRow | None":
        """That of the rows of `source`, a FROM with its `values`; None where a column is of many kinds."""
        if len(columns) > _WIDE:
            return None
        each = ", ".join(f"typeof({column}) AS c{at}" for at, column in enumerate(columns))
        asked = ", ".join(f"group_concat(DISTINCT c{at})" for at in range(len(columns)))
        sql = f"SELECT {asked} FROM (SELECT {each} {source})"  # noqa: S608
        found = connection.execute(sql, values).fetchall()[0]
        kinds = [{*str(told or "null").split(",")} - {"null"} or {"text"} for told in found]
        return cls(columns, [min(some) for some in kinds]) if all(len(some) == 1 for some in kinds) else None

    def double_marks(self) -> None:
        """From now on those in texts are written as SQL writes them, which takes a while for each text."""
        self.has_marks = True
        self.line = self._line()

    def _line(self) -> str:
        fits, marks = " AND ".join(self._fits()), " + ".join(["0", *self._marks()])
        return f"iif({fits}, concat({', '.join(self._parts())}), NULL) AS line, {marks} AS marks"

    def _parts(self) -> Iterator[str]:
        """What is joined to the values with the commas between them: a thousand at most."""
        before = ""
        for column, kind in self._kinds.items():
            text = f"replace({column}, '''', '''''')" if self.has_marks else column
            match kind, self._never_null[column]:
                case "text", True:
                    yield from (literal(f"{before}'"), text)
                    before = "',"
                    continue
                case "text", _:
                    value = f"ifnull('''' || {text} || '''', 'NULL')"
                case "integer", _:
                    value = f"ifnull({column}, 'NULL')"
                case _:
                    value = as_sql(column)
            yield from (literal(before), value)
            before = ","
        yield literal(before.removesuffix(","))

    def _fits(self) -> Iterator[str]:
        for column, kind in self._kinds.items():
            if self._never_null[column]:
                yield f"typeof({column}) = '{kind}'"
            else:
                yield f"typeof({column}) IN ('{kind}', 'null')"

    def _marks(self) -> Iterator[str]:
        for column, kind in self._kinds.items():
            if _MARKS[kind]:
                yield str(_MARKS[kind]) if self._never_null[column] else f"2 * ({column} IS NOT NULL)"
