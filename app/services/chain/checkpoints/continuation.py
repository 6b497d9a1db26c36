"""Whether a file continues the one last seen of its database, or exactly where it does not."""

from dataclasses import dataclass
from pathlib import Path

import apsw

from app.services.chain.verify import source
from app.services.chain.verify.comparison import Witness
from app.services.chain.verify.report import SealedChain


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a chain is not the one last seen: agreed through `agreed_seq` (None: nowhere)."""

    tenant: str
    agreed_seq: int | None
    seq: int
    expected: str
    actual: str | None


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a file compares with what was last seen of its database.

    `known` is False for a file never seen. `new_entries` counts the rows behind the last checkpoint.
    """

    known: bool
    checkpoint: int | None
    seen_at: int | None
    new_entries: int
    divergences: tuple[Divergence, ...]

    @property
    def continues(self) -> bool:
        return self.known and not self.divergences


def compare(path: Path, witness: Witness) -> Continuation:
    """Looks up the last rows that the checkpoints know; says nothing of the rows between them."""
    latest = witness.latest
    if latest is None:
        return Continuation(False, None, None, 0, ())
    with source.reading(path) as connection:
        divergences = []
        for tenant, sealed in latest.tenants.items():
            if _is_there(connection, tenant, sealed) or _was_pruned(connection, tenant, sealed):
                continue
            older = (
                known.tenants[tenant] for known in witness.checkpoints[-2::-1] if tenant in known.tenants
            )
            agreed = next((was.last_seq for was in older if _is_there(connection, tenant, was)), None)
            actual = _hash_at(connection, tenant, sealed.last_seq)
            divergences.append(Divergence(tenant, agreed, sealed.last_seq, sealed.head, actual))
        ((new,),) = connection.execute(
            "SELECT count(*) FROM main.audit_chain WHERE seq > ?", (latest.through,)
        )
    return Continuation(True, latest.number, latest.at, new, tuple(divergences))


def _is_there(connection: apsw.Connection, tenant: str, sealed: SealedChain) -> bool:
    return _hash_at(connection, tenant, sealed.last_seq) == sealed.head


def _was_pruned(connection: apsw.Connection, tenant: str, sealed: SealedChain) -> bool:
    """Whether the tenant's first row continues the one last seen, or lies behind it: retention went by."""
    row = connection.execute(
        "SELECT seq, CAST(previous_hash AS BLOB) FROM main.audit_chain WHERE tenant_id = ? "
        "ORDER BY seq LIMIT 1",
        (tenant,),
    ).fetchone()
    return row is not None and row[0] > sealed.last_seq and bytes(row[1] or b"") == sealed.head.encode()


def _hash_at(connection: apsw.Connection, tenant: str, seq: int) -> str | None:
    row = connection.execute(
        "SELECT CAST(hash AS BLOB) FROM main.audit_chain WHERE seq = ? AND tenant_id = ?", (seq, tenant)
    ).fetchone()
    return None if row is None else bytes(row[0] or b"").decode("utf-8", "backslashreplace")
