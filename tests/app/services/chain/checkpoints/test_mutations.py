"""Any byte of any column of any row changed, in a file that a checkpoint knows: found every time.

TENANT_ADMIN_MUTATIONS is how many changes are tried.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.services.chain.checkpoint import CheckpointHistory, Seal
from app.services.chain.rules import Verdict
from app.services.chain.where import InFile
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import codes
from tests.fixtures.inserting import INTO_AUDIT_CHAIN

pytestmark = pytest.mark.slow

MUTATIONS = int(os.environ.get("TENANT_ADMIN_MUTATIONS", "100"))
COLUMNS = ("seq", "tenant_id", "event_type", "payload", "previous_hash", "hash", "created_at")
ROWS = [(1, 1), (2, 1), (50, 1), (30, 5)]


@pytest.fixture(params=ROWS, ids=lambda size: f"{size[0]}x{size[1]}")
def known(request: pytest.FixtureRequest, known_chain: Callable[..., KnownChain]) -> Iterator[KnownChain]:
    found = known_chain(*request.param, step=3)
    found.chain.run("PRAGMA synchronous = 0")
    found.chain.run("PRAGMA journal_mode = memory")
    yield found


def changed_bytes(data: st.DataObject, value: bytes) -> bytes:
    at = data.draw(st.integers(0, max(0, len(value) - 1)), label="at")
    new = data.draw(st.binary(max_size=2), label="bytes")
    removed = data.draw(st.integers(0, 2), label="removed")
    return value[:at] + new + value[at + removed :]


def changed_value(data: st.DataObject, column: str, value: Any) -> tuple[str, Any]:
    """The new value as SQL with one parameter."""
    if column == "seq":
        return "?", value + data.draw(st.integers(-200, 200), label="shift")
    how = data.draw(st.sampled_from(["bytes", "bytes", "bytes", "blob", "number", "text"]), label="how")
    if column == "created_at":
        if how in ("bytes", "number"):
            return "?", value + data.draw(st.integers(-(2**40), 2**40), label="shift")
        return ("CAST(? AS BLOB)", str(value)) if how == "blob" else ("?", f"{value}x")
    raw = bytes(value)
    if how == "blob":
        return "CAST(? AS BLOB)", raw
    if how == "number":
        return "?", data.draw(st.integers(0, 10**9), label="number")
    if how == "text":
        return "?", data.draw(st.text(max_size=70), label="text")
    return "CAST(? AS TEXT)", changed_bytes(data, raw)


@settings(
    max_examples=max(1, MUTATIONS // len(ROWS)),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_every_change_of_a_row_is_found(known: KnownChain, data: st.DataObject) -> None:
    sql = known.chain.sql
    history = known.store.known(InFile(known.chain.path))
    seqs = [seq for (seq,) in sql.execute("SELECT seq FROM audit_chain")]
    seq = data.draw(st.sampled_from(seqs), label="seq")
    column = data.draw(st.sampled_from(COLUMNS), label="column")
    stored = "CAST({0} AS BLOB)" if column not in ("seq", "created_at") else "{0}"
    value = known.chain.one(f"SELECT {stored.format(column)} FROM audit_chain WHERE seq = ?", seq)[0]
    expression, new = changed_value(data, column, value)
    assume(column != "seq" or (new not in seqs and new > -(2**62)))
    sql.execute("BEGIN")
    sql.execute(f"UPDATE audit_chain SET {column} = {expression} WHERE seq = ?", (new, seq))
    now = new if column == "seq" else seq
    after = known.chain.one(
        f"SELECT typeof({column}), {stored.format(column)} FROM audit_chain WHERE seq = ?", now
    )
    sql.execute("COMMIT")
    usual = "integer" if column in ("seq", "created_at") else "text"
    try:
        report = known.chain.verify(checkpoints=history)
        alone = known.chain.verify()
    finally:
        undo = "CAST(? AS TEXT)" if usual == "text" else "?"
        sql.execute(f"UPDATE audit_chain SET {column} = {undo} WHERE seq = ?", (value, now))
    if after == (usual, value):
        assert report.verdict == Verdict.VERIFIED
        return
    assert report.verdict == Verdict.TAMPERED, (column, value, new)
    if column not in ("seq", "tenant_id"):
        assert alone.verdict == Verdict.TAMPERED, (column, value, new)
        assert codes(alone) & {"HASH", "GRAMMAR", "TYPE", "ENCODING"}


def with_strangers(
    data: st.DataObject, history: CheckpointHistory, seal: Seal | None
) -> Iterator[CheckpointHistory]:
    """The history with one or two more that say what the file holds, of a key that is not known.

    First where the honest key is known, then where neither is.
    """
    if seal is None:  # nothing is left that could be signed
        return
    made = list(history.checkpoints)
    for _ in range(data.draw(st.integers(1, 2), label="strangers")):
        made.append(
            replace(
                made[-1],
                number=made[-1].number + 1,
                reason=data.draw(st.sampled_from(["request", "retention", "start-over"]), label="reason"),
                after=0,
                through=seal.through,
                rows_ever=made[-1].rows_ever + data.draw(st.integers(-2, 2), label="more"),
                tenants=seal.tenants,
                key="f" * 64,
            )
        )
    for keys in (frozenset({made[0].key}), frozenset[str]()):
        yield replace(history, checkpoints=tuple(made), keys=keys)


@settings(
    max_examples=max(1, MUTATIONS // 10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_every_rewriting_is_found(known: KnownChain, data: st.DataObject) -> None:
    """Rows removed, repeated, moved or edited, and then everything rehashed as a careful forger would.

    Also where the forger appends checkpoints of that to an export, signed with a key of their own.
    """
    sql = known.chain.sql
    history = known.store.known(InFile(known.chain.path))
    kept = sql.execute("SELECT * FROM audit_chain ORDER BY seq").fetchall()
    seqs = known.chain.seqs()
    at = data.draw(st.sampled_from(seqs), label="at")
    how = data.draw(st.sampled_from(["remove", "edit", "insert", "swap", "rename", "cut"]), label="how")
    if how == "remove":
        sql.execute("DELETE FROM audit_chain WHERE seq = ?", (at,))
    elif how == "edit":
        sql.execute("UPDATE audit_chain SET payload = '{\"forged\":1}' WHERE seq = ?", (at,))
    elif how == "insert":
        assume(at > seqs[0])  # behind the last row it would be an append, which nobody can tell
        known.chain.append("tenant-00", seq=at - 1)
    elif how == "swap":
        other = data.draw(st.sampled_from(seqs), label="other")
        assume(other != at)
        for old, new in ((at, -9), (other, at), (-9, other)):
            sql.execute("UPDATE audit_chain SET seq = ? WHERE seq = ?", (new, old))
    elif how == "rename":
        sql.execute("UPDATE audit_chain SET tenant_id = 'other' WHERE seq = ?", (at,))
        known.chain.rehash("other")
    else:
        sql.execute("DELETE FROM audit_chain WHERE tenant_id = 'tenant-00' AND seq >= ?", (at,))
    known.chain.rehash("tenant-00")
    try:
        report = known.chain.verify(checkpoints=history)
        blessed = [
            known.chain.verify(checkpoints=item)
            for item in with_strangers(data, history, known.chain.verify(seal=True).seal)
        ]
    finally:
        with sql:
            sql.execute("DELETE FROM audit_chain")
            sql.executemany(INTO_AUDIT_CHAIN + "(?,?,?,?,?,?,?)", kept)
    assert report.verdict == Verdict.TAMPERED
    assert codes(report) & {"CHECKPOINT", "TRUNCATED"}
    assert {item.verdict for item in blessed} <= {Verdict.TAMPERED}
