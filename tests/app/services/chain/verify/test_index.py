"""An index that hides rows from the table's readers."""

from pathlib import Path

from app.services.chain.rules import Verdict
from tests.app.services.chain.verify.chains import ChainFile, codes


def hide(chain: ChainFile, name: str, below: int) -> None:
    """Makes the index one of the rows below a seq, and then lets it pass for one of all rows."""
    column = chain.one("SELECT name FROM pragma_index_info(?)", name)[0]
    chain.run(f"DROP INDEX {name}")
    chain.run(f"CREATE INDEX {name} ON audit_chain({column}) WHERE seq < {below}")
    chain.run("PRAGMA writable_schema = 1")
    whole = f"CREATE INDEX {name} ON audit_chain({column})"
    chain.run("UPDATE sqlite_master SET sql = ? WHERE name = ?", whole, name)
    chain.run("PRAGMA writable_schema = 0")
    chain.sql.close()


def test_an_index_that_hides_rows_is_named(tmp_path: Path) -> None:
    for name in ("idx_audit_tenant", "idx_audit_type"):
        path = tmp_path / f"{name}.db"
        chain = ChainFile.build(path, rows=50, tenants=2)
        hide(chain, name, 60)
        report = ChainFile(path).verify()
        assert (codes(report), report.verdict) == ({"INDEX"}, Verdict.TAMPERED)
        assert report.findings[0].message.startswith(f"The index {name} leads to 59 of 100 entries")
        assert report.entries == 100


def test_an_index_of_some_rows_that_says_so_is_none(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=50, tenants=2)
    chain.run("CREATE INDEX some ON audit_chain(created_at) WHERE seq < 60")
    assert chain.verify().findings == ()
