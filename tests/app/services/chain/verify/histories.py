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


def brought_back(folder: Path, rng: random.Random, *, apart: bool = False) -> tuple[KnownChain, int]:
    """One of several tenants, pruned and signed now and then, and how many of its checkpoints are from before
    what is there. Entries are numbered `apart`, those of each tenant by themselves, as the gateway does.
    """
    known, clock = KnownChain(ChainFile(folder / "a.db"), CheckpointStore(folder / "home")), NOW - 100 * DAY
    moments: list[bytes] = []
    names = ["acme", "globex", "initech", *(f"new-{number}" for number in range(4))]
    for _ in range(rng.randrange(8, 24)):
        clock += rng.randrange(1, 3 * DAY)
        tenant = rng.choice([*names[:3], f"new-{rng.randrange(4)}"])
        seqs = known.chain.seqs(tenant)
        if rng.random() < 0.15 and len(seqs) > 2 and not apart:
            known.checkpoint(clock)
            known.chain.prune(tenant, rng.choice(seqs[:-1]), at=clock)
            moments.append(known.chain.path.read_bytes())
        (last,) = known.chain.one("SELECT coalesce(max(seq), 0) FROM audit_chain")
        next_one = (seqs or [1000 * names.index(tenant)])[-1] + 1
        known.chain.append(tenant, at=clock, seq=next_one if apart else last + rng.randrange(1, 4))
        if rng.random() < 0.25:
            known.checkpoint(clock)
        moments.append(known.chain.path.read_bytes())
    acme = known.chain.seqs("acme") or [0]
    known.chain.append("acme", at=clock, seq=acme[-1] + 1 if apart else None)
    known.checkpoint(clock + 1)
    put_back(known, rng.choice(moments))
    ends = {name: (known.chain.seqs(name) or [0])[-1] for name in names}
    made = known.store.checkpoints(InFile(known.chain.path))
    before = [all(seal.last_seq <= ends[name] for name, seal in item.tenants.items()) for item in made]
    return known, sum(before)
