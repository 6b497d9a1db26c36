"""An index that hides rows from the table's readers."""

from pathlib import Path

from app.services.chain.rules import Verdict
from app.services.retention.prefixes import find_prefixes
from models.engine import Usage
from models.local.database import LocalDatabase
from models.schema import read_stored
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.conftest import NOW
from tests.fixtures.checkpoints import kept, try_to_sign
from tests.fixtures.plain_engine import PlainEngine


def hide(chain: ChainFile, name: str, shown: str) -> None:
    """Makes the index one of the rows that are `shown`, and then lets it pass for one of all rows."""
    column = chain.one("SELECT name FROM pragma_index_info(?)", name)[0]
    chain.run(f"DROP INDEX {name}")
    chain.run(f"CREATE INDEX {name} ON audit_chain({column}) WHERE {shown}")
    chain.run("PRAGMA writable_schema = 1")
    whole = f"CREATE INDEX {name} ON audit_chain({column})"
    chain.run("UPDATE sqlite_master SET sql = ? WHERE name = ?", whole, name)
    chain.run("PRAGMA writable_schema = 0")
    chain.sql.close()


def test_an_index_that_hides_rows_is_named(tmp_path: Path) -> None:
    for name in ("idx_audit_tenant", "idx_audit_type"):
        path = tmp_path / f"{name}.db"
        chain = ChainFile.build(path, rows=50, tenants=2)
        hide(chain, name, "seq < 60")
        report = ChainFile(path).verify()
        assert (codes(report), report.verdict) == ({"INDEX"}, Verdict.TAMPERED)
        assert report.findings[0].message.startswith(f"The index {name} leads to 59 of 100 entries")
        assert report.entries == 100


def test_an_index_that_hides_rows_in_the_middle_is_named_and_no_other(tmp_path: Path) -> None:
    """Also where a sound index is as small as it."""
    for name, other in (("idx_audit_tenant", "idx_audit_type"), ("idx_audit_type", "idx_audit_tenant")):
        path = tmp_path / f"{name}.db"
        chain = ChainFile.build(path, rows=200, tenants=2)
        (whole,) = chain.one("SELECT sql FROM sqlite_master WHERE name = ?", other)
        chain.run(f"DROP INDEX {other}")
        chain.run(whole)
        hide(chain, name, "seq NOT BETWEEN 100 AND 150")
        report = ChainFile(path).verify()
        (finding,) = report.findings
        assert (finding.code, finding.expected, finding.actual) == ("INDEX", "400", "349")
        assert finding.message.startswith(f"The index {name} leads to 349 of 400 entries")


def test_an_index_that_hides_rows_stops_every_removal_and_every_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    hide(ChainFile.build(path, rows=200, tenants=2), "idx_audit_tenant", "seq NOT BETWEEN 100 AND 150")
    tried = try_to_sign(path, tmp_path / "home", now=NOW)
    assert kept(path, tmp_path / "home") == 0
    assert tried.stops is not None and "The index idx_audit_tenant leads to 349" in tried.stops


def test_an_index_that_hides_all_that_is_old_leaves_every_tenant_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    hide(ChainFile.build(path, rows=50, tenants=2), "idx_audit_tenant", "seq > 90")
    live = PlainEngine(path)
    live.usage = Usage()
    for database in (LocalDatabase(path), live):
        with database.connection_context():
            going, left, _ = find_prefixes(database, NOW, read_stored(database)[0])
        assert going == ()
        assert [one.tenant_id for one in left] == [name for (name,) in tenants(path)]
        assert {one.reason.split(",")[0] for one in left} == {
            "The index idx_audit_tenant leads to 10 of 100 entries"
        }


def tenants(path: Path) -> list[tuple[str]]:
    every = "SELECT DISTINCT tenant_id FROM audit_chain NOT INDEXED ORDER BY 1"
    return list(ChainFile(path).sql.execute(every))


def test_an_index_holds_values_of_every_kind(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=50, tenants=2)
    chain.run("UPDATE audit_chain SET event_type = CAST('x' AS BLOB), created_at = 1.5 WHERE seq = 5")
    chain.run("CREATE INDEX both ON audit_chain(created_at, lower(event_type))")
    assert "INDEX" not in codes(chain.verify())


def test_an_index_of_some_rows_that_says_so_is_none(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=50, tenants=2)
    chain.run("CREATE INDEX some ON audit_chain(created_at) WHERE seq < 60")
    assert chain.verify().findings == ()
