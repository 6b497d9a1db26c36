"""kill -9 while checkpoints are made: none that was acknowledged is lost, none is half there.

TENANT_ADMIN_KILLS is how often.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.where import InFile
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import ChainFile

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "10"))
# A store is read whole by each verification: one with hundreds of checkpoints makes the later kills slow.
KILLS_OF_ONE_STORE = 25


def test_killed_while_making_checkpoints(tmp_path: Path) -> None:
    for done in range(0, KILLS, KILLS_OF_ONE_STORE):
        kill_and_look(tmp_path / str(done), kills=min(KILLS_OF_ONE_STORE, KILLS - done), seed=done)


def kill_and_look(folder: Path, *, kills: int, seed: int) -> None:
    folder.mkdir()
    path, home = folder / "a.db", folder / "home"
    ChainFile.build(path, rows=20, tenants=2).sql.close()
    command = [
        *(sys.executable, "-m", "tests.app.services.chain.checkpoints.killed"),
        *(str(path), str(home), str(kills), str(seed)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    known = KnownChain(ChainFile(path), CheckpointStore(home))
    made = known.store.checkpoints(InFile(path))
    assert len(made) >= int(done.stdout) >= kills
    assert [item.number for item in made] == list(range(1, len(made) + 1))
    assert [item.previous for item in made[1:]] == [item.hash for item in made[:-1]]
    assert len({item.database for item in made}) == 1
    report = known.verify()
    assert (report.verdict, report.findings) == (Verdict.VERIFIED, ())
    assert report.not_covered <= 1
