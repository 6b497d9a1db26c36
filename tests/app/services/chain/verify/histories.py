"""Databases that lived, and were brought back to a moment of that."""

import random
from pathlib import Path

from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import InFile
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW

DAY = 86_400


def put_back(known: KnownChain, content: bytes) -> None:
    known.chain.sql.close()
    known.chain.path.write_bytes(content)
    known.chain = ChainFile(known.chain.path)


def brought_back(folder: Path, rng: random.Random) -> tuple[KnownChain, int]:
    """One of several tenants, pruned and signed now and then, and how many of its checkpoints are from before
    what is there.
    """
    known, clock = KnownChain(ChainFile(folder / "a.db"), CheckpointStore(folder / "home")), NOW - 100 * DAY
    moments: list[bytes] = []
    for _ in range(rng.randrange(8, 24)):
        clock += rng.randrange(1, 3 * DAY)
        tenant = rng.choice(["acme", "globex", "initech", f"new-{rng.randrange(4)}"])
        seqs = known.chain.seqs(tenant)
        if rng.random() < 0.15 and len(seqs) > 2:
            known.checkpoint(clock)
            known.chain.prune(tenant, rng.choice(seqs[:-1]), at=clock)
            moments.append(known.chain.path.read_bytes())
        (last,) = known.chain.one("SELECT coalesce(max(seq), 0) FROM audit_chain")
        known.chain.append(tenant, at=clock, seq=last + rng.randrange(1, 4))
        if rng.random() < 0.25:
            known.checkpoint(clock)
        moments.append(known.chain.path.read_bytes())
    known.chain.append("acme", at=clock)
    known.checkpoint(clock + 1)
    put_back(known, rng.choice(moments))
    (end,) = known.chain.one("SELECT max(seq) FROM audit_chain")
    return known, sum(item.last_seq <= end for item in known.store.checkpoints(InFile(known.chain.path)))
