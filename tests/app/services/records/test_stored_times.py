"""What a time is: the same in Python and in SQL, whatever answers."""

import json
from math import floor
from typing import Any

from peewee import SQL, Select

from app.services.records.stored_times import epoch_of, moment_in_sql
from models.engine import Database

AT = 1_795_000_000
NO_TIMES = (
    *(None, -1, -5.5, 253_402_300_800_000, 9e18, 9e300, -9e300, "", " ", "now", "NOW", "10:00", "10:00:00"),
    *("2460000.5", "1795000000", "2026-11", "2026-11-18T11:06:40+00", "2026-11-18 11", "2026-11-18 24:00"),
    *("2026-02-30", "2026-13-01", "1960-01-01", "1969-12-31T23:59:59Z", "0000-01-01", "0001-01-01"),
    *("2026-11-18 11:06:60", "2026-11-18 junk", "2026-11-18T11:06+15:00", "2026-11-18  11:06", "12026-11-18"),
    *("2026-11-18+02:00", "2026-11-18Z", "unixepoch", f"2026-11-18T11:06:40.{'1' * 80}"),
)
TIMES = (
    *(0, 0.5, 1, 1.5, AT, float(AT), 253_402_300_799, 253_402_300_800, AT * 1000 + 999, AT * 1000 + 0.5),
    *(
        "2026-11-18T11:06:40Z",
        "2026-11-18 11:06:40 Z",
        " 2026-11-18 ",
        "2026-11-18 11:06",
        "2026-11-18t11:06z",
    ),
    *("2026-11-18T11:06:40.5+02:00", "2026-11-18 11:06:40.123456789", "1970-01-01", "9999-12-31T23:59:59Z"),
    *("2026-11-18 11:06", "2024-02-29", "2026-11-18T00:30:00+01:00", "2026-11-18 11:06   -14:00"),
)


def test_python_and_sql_know_the_same_times(engine: Database) -> None:
    def in_sql(value: Any) -> Any:
        written = "9e300" if value == 9e300 else "-9e300" if value == -9e300 else json.dumps(value)
        stored = SQL("?", [value]) if isinstance(value, str) else SQL(written)
        ((found,),) = engine.rows(Select([], [moment_in_sql(stored)]))
        return found if found is None else floor(found)

    assert [one for one in NO_TIMES if epoch_of(one) is not None or in_sql(one) is not None] == []
    told = {one: (epoch_of(one), in_sql(one)) for one in TIMES}
    assert [one for one, (here, there) in told.items() if here is None or here != there] == [], told
