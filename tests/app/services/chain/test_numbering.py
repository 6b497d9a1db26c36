"""Whether an entry of ours would take a number that the platform's gateway gives next."""

from collections.abc import Sequence

import apsw
import pytest
from peewee import BaseQuery

from app.services.chain.append import Batch, Event, Numbering, append
from app.services.chain.cautions import Agreed, Caution
from app.services.chain.checkpoints.rows import rows_of
from app.services.chain.reading import last_entry, last_numbers
from app.services.chain.rules import HIGHEST_SEQ
from app.services.chain.verify.verification import ENDS
from app.services.chain.where import InDatabase
from models.engine import Database, Rows, Statement, Usage, raw
from models.errors import RowChanged
from models.local.database import LocalDatabase
from models.status import DAY
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.gateway import append_by_tenant
from tests.fixtures.plain_engine import PlainEngine
from tests.fixtures.retaining import planned, retain

OLD = NOW - 90 * DAY - 3_600
OURS = '{"actor":"ops"}'


def number(database: LocalDatabase, seqs: dict[str, range], payload: str = "{}") -> None:
    for tenant, numbers in seqs.items():
        database.connection().executemany(
            "INSERT INTO audit_chain (seq, tenant_id, event_type, payload, previous_hash, hash, created_at) "
            "VALUES (?, ?, 'x', ?, ?, ?, ?)",
            [(seq, tenant, payload, ("0" if seq == 1 else "f") * 64, "f" * 64, NOW) for seq in numbers],
        )


def numbered_through(engine: Database) -> int:
    with rows_of(InDatabase(engine)) as rows:
        return rows.numbered_through()


def test_an_entry_of_another_chain_takes_the_only_tenant_s_next_number(
    engine: Database, database: LocalDatabase
) -> None:
    number(database, {"aurora": range(1, 41)})
    sentence = str(Numbering(engine).caution(["system"]))
    assert "gives next to “aurora”;" in sentence and "change something of “aurora”" in sentence
    assert Numbering(engine).caution(["aurora"]) is None
    assert Numbering(engine).caution(["system", "aurora"]) is None, "which goes on behind"


def test_a_new_tenant_begins_at_one_where_older_numbers_are_free(
    engine: Database, database: LocalDatabase
) -> None:
    number(database, {"aurora": range(30, 41), "borealis": range(1, 4)})
    assert "to “aurora”;" in str(Numbering(engine).caution(["system"]))
    assert "to “aurora”;" in str(Numbering(engine).caution(["borealis"]))
    sentence = str(Numbering(engine).caution(["borealis", "system"]))
    assert "gives next to “aurora” and “borealis”;" in sentence
    assert "change something of one of them here" in sentence, "the one that is changed last goes on"


@pytest.mark.parametrize(
    "seqs",
    [
        {},
        {"aurora": range(1, 41, 2), "borealis": range(2, 41, 2)},
        {"aurora": range(1, 41), "system": range(41, 42)},
    ],
)
def test_numbers_across_tenants_are_nobody_s_own(
    engine: Database, database: LocalDatabase, seqs: dict[str, range]
) -> None:
    number(database, seqs)
    assert Numbering(engine).caution(["system"]) is None


def test_a_chain_that_begins_in_the_middle_was_not_numbered_by_its_tenant(
    engine: Database, database: LocalDatabase, sql: apsw.Connection
) -> None:
    number(database, {"aurora": range(1, 31), "borealis": range(31, 36)})
    sentence = str(Numbering(engine).caution(["aurora", "borealis", "system"]))
    assert "to “borealis” and “aurora”;" in sentence, "whose next one was taken already, and is then again"
    sql.execute("UPDATE audit_chain SET previous_hash = ? WHERE seq = 31", ("0" * 64,))
    assert Numbering(engine).caution(["aurora", "borealis", "system"]) is None


def test_what_is_no_number_is_nobody_s(engine: Database, database: LocalDatabase) -> None:
    """The ledger's counter is there, as in every file of the platform."""
    sql = database.connection()
    sql.execute("DROP TABLE audit_chain")
    sql.execute(
        "CREATE TABLE audit_chain (seq, tenant_id TEXT, event_type TEXT, payload TEXT, previous_hash TEXT,"
        " hash TEXT, created_at INTEGER)"
    )
    for seq in ("abc", 1.5):
        sql.execute("INSERT INTO audit_chain (seq, tenant_id) VALUES (?, 'acme')", (seq,))
    assert Numbering(engine).caution(["system"]) is None
    assert last_numbers(engine)[:2] == (None, "abc")
    assert last_entry(engine) == 0
    sql.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_chain', 'abc')")
    assert last_numbers(engine)[:2] == ("abc", "abc")
    assert numbered_through(engine) == 0
    for number in (5, 9, "xyz"):
        sql.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('Audit_chain', ?)", (number,))
    assert last_numbers(engine)[0] == numbered_through(engine) == 9, "as a verification has it"
    assert engine.rows(raw(*ENDS[2])) == [("9",)]
    for stored, number in ((11.9, 11), (9e30, HIGHEST_SEQ)):
        sql.execute("UPDATE sqlite_sequence SET seq = ? WHERE seq = 9 OR seq = 11.9", (stored,))
        assert last_numbers(engine)[0] == number, "as SQLite takes it"
        assert engine.rows(raw(*ENDS[2])) == [(str(number),)]


def test_a_long_name_is_cut(engine: Database, database: LocalDatabase) -> None:
    number(database, {"a" * 5_000: range(1, 31)})
    assert len(str(Numbering(engine).caution(["b" * 5_000]))) < 1_200


def test_entries_of_ours_alone_are_no_gateway_s(engine: Database, database: LocalDatabase) -> None:
    number(database, {"aurora": range(1, 41)}, OURS)
    assert Numbering(engine).caution(["system"]) is None


def test_numbers_that_are_lost_already_are_not_taken(
    engine: Database, database: LocalDatabase, sql: apsw.Connection
) -> None:
    number(database, {"aurora": range(1, 41)})
    sql.execute("DELETE FROM audit_chain WHERE seq = 40")
    assert Numbering(engine).caution(["system"]) is None


def test_every_such_entry_waits_for_a_person_where_that_is_asked_for(
    engine: Database, database: LocalDatabase, sql: apsw.Connection
) -> None:
    number(database, {"aurora": range(1, 41)})
    agreed = Agreed(asks=True)
    paused, renamed = Event("system", "run_paused", {"actor": "ops"}), Event("aurora", "x", {"actor": "ops"})

    def write(event: Event, *statements: Statement) -> None:
        append(engine, lambda: Batch(statements, [event]), now=NOW, agreed=agreed)

    for _ in range(2):
        write(renamed)
        with pytest.raises(Caution, match="“aurora”") as met:
            write(paused)
        agreed.add(met.value)
        with pytest.raises(RowChanged):
            write(paused, Statement(raw("SELECT 1"), expect=0))
        with pytest.raises(Caution):  # that was another act
            write(paused)
        agreed.add(met.value)
        write(paused)
        write(paused)  # the number is taken already
    tenants = [row[0] for row in sql.execute("SELECT tenant_id FROM audit_chain WHERE seq > 40 ORDER BY seq")]
    assert tenants == ["aurora", "system", "system"] * 2
    assert agreed.asks
    number(database, {"aurora": range(47, 48)})  # of somebody else, and not behind its last
    write(paused)
    assert not agreed.asks, "no gateway numbers here"


def test_retention_says_it_before_each_run_and_after(engine: Database, sql: apsw.Connection) -> None:
    append_by_tenant(sql, "aurora", OLD, OLD, OLD + DAY, NOW)
    assert planned(engine).caution is None, "its report is in the chain of the only tenant"
    assert retain(engine).removed["audit_chain"] == 2
    append_by_tenant(sql, "aurora", NOW)
    append_by_tenant(sql, "borealis", OLD, OLD)  # whose first numbers are free now
    assert "“aurora”" in str(planned(engine).caution)
    result = retain(engine)
    assert result.removed["audit_chain"] and "“aurora”" in str(result.caution)
    with pytest.raises(apsw.ConstraintError):
        append_by_tenant(sql, "aurora", NOW)
    chains.append(sql, "aurora", [NOW])  # the way out
    append_by_tenant(sql, "aurora", NOW)
    assert chains.problems(sql) == []
    assert planned(engine, days=400).caution is not None, "for a run of another day"


@pytest.mark.parametrize("first", [41, 60])
def test_what_is_older_than_the_newest_entries_tells_who_numbers_too(
    engine: Database, database: LocalDatabase, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """Two tenants' entries are told in the chain of `system`, however many there are, and whatever went."""
    monkeypatch.setattr("app.services.chain.append.NEWEST", 10)
    number(database, {"aurora": range(1, 41), "borealis": range(first, 91)})
    database.connection().execute(f"UPDATE audit_chain SET previous_hash = '{'0' * 64}' WHERE seq = 41")
    numbering = Numbering(engine)
    assert numbering.told_in == "system"
    assert (numbering.caution(["system"]) is None) == (first == 41), "it begins as no gateway's tenant does"
    database.connection().execute(f"UPDATE audit_chain SET payload = '{OURS}' WHERE tenant_id = 'aurora'")
    assert Numbering(engine).told_in == ("system" if first == 41 else "borealis")


class Counted(PlainEngine):
    """Where each row that is read costs something."""

    usage, asked = Usage(), 0

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        self.asked += sum("is_apart" in query.sql()[0] for query in queries)
        return super().read_batch(queries)


def test_what_is_told_and_cautioned_is_read_once(database: LocalDatabase) -> None:
    number(database, {"aurora": range(1, 41), "borealis": range(50, 61)})
    engine = Counted(database.path)
    with engine.connection_context():
        numbering = Numbering(engine)
        assert numbering.told_in == "system"
        assert "to “borealis”;" in str(numbering.caution(["system"]))
    assert engine.asked == 1
