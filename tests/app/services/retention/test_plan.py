"""What a plan says of what would go."""

from pathlib import Path

from app.services.retention.prefixes import TenantShare, find_prefixes
from models.schema import read_stored
from tests.app.services.chain.verify.chains import ChainFile
from tests.fixtures.connected import connected
from tests.fixtures.plain_engine import PlainEngine


def test_a_majority_is_more_than_half_of_the_live_entries() -> None:
    assert [TenantShare("acme", 1, 99, 60, 100, losing).is_majority for losing in (49, 50, 51)] == [
        False,
        False,
        True,
    ]


def test_of_many_tenants_no_more_is_asked_than_of_few(tmp_path: Path) -> None:
    """Each call of a live database takes its time, and an account has few of them."""
    asked = []
    for tenants in (2, 30):
        chain = ChainFile.build(tmp_path / f"{tenants}.db", rows=4, tenants=tenants)
        (middle,) = (
            chain.sql.execute("SELECT created_at FROM audit_chain WHERE seq = 2 * ?", (tenants,)).get,
        )
        chain.sql.close()
        database = PlainEngine(chain.path)
        with database.connection_context():
            going, left, _ = find_prefixes(database, middle, read_stored(database)[0])
        assert len(going) > tenants // 2 and left == ()
        asked.append(database.requests)
    assert asked[0] == asked[1]


def test_markers_of_a_name_in_bytes_are_nobody_elses(tmp_path: Path) -> None:
    chain = ChainFile(tmp_path / "a.db")
    for event in ("audit_pruned", "user_created"):
        chain.append("acme", event)
    chain.run("UPDATE audit_chain SET tenant_id = CAST(tenant_id AS BLOB) WHERE seq = 1")
    chain.append("a\0b", "user_created")
    with connected(chain.path) as database:
        shares, left, _ = find_prefixes(database, 1, read_stored(database)[0])
    assert shares == ()
    reason = "The tenant's name is not readable text."
    assert sorted((one.tenant_id, one.reason) for one in left) == [("a\0b", reason), ("acme", reason)]
