"""When retention last ran, by whomever, as the audit chain tells it."""

from dataclasses import replace

import apsw

from app.services.retention.clock import LAST_RUNS, last_run
from models.engine import Database
from models.schema import inspect
from models.status import DAY
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.inserting import INTO_AUDIT_CHAIN
from tests.fixtures.retaining import retain


def test_the_last_sound_report_tells_it(engine: Database, sql: apsw.Connection) -> None:
    assert last_run(engine) is None
    chains.append(sql, "acme", [NOW - 95 * DAY, NOW - 92 * DAY, NOW - 20 * DAY, NOW - 11 * DAY])
    for now in (NOW - 2 * DAY, NOW):
        assert retain(engine, now=now).total == 1
        assert last_run(engine) == now
    payload = '{"actor":"mallory"}'
    values = "(9000, 'system', 'retention_completed', ?, 'x', 'y', ?)"
    sql.execute(INTO_AUDIT_CHAIN + values, (payload, NOW + DAY))
    assert last_run(engine) == NOW, "that does not hold"


def test_it_is_asked_where_an_index_leads_to_it(engine: Database, sql: apsw.Connection) -> None:
    assert LAST_RUNS.fits(inspect(engine))
    assert not replace(LAST_RUNS, columns=(*LAST_RUNS.columns, "no_such")).fits(inspect(engine))
    sql.execute("DROP INDEX idx_audit_type")
    assert not LAST_RUNS.fits(inspect(engine))
    sql.execute("DROP TABLE audit_chain")
    assert not LAST_RUNS.fits(inspect(engine))
