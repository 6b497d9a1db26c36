"""Programs that are killed while they act on a live database: the next start knows what has become of it."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from models.status import DAY
from tests.conftest import NOW
from tests.d1.edge import Edge
from tests.fixtures import chains
from tests.fixtures.live import Live

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "72")) // 6


def killed(work: str, edge: Edge, live: Live, file: Path, home: Path, *, rounds: int) -> list[str]:
    command = [sys.executable, "-m", "tests.d1.killed", work, edge.base, live.ids[file], str(file)]
    done = subprocess.run(
        [*command, str(home), str(rounds), "1"], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.splitlines()


def test_a_program_that_was_killed_leaves_nothing_unknown(
    edge: Edge, live: Live, file: Path, tmp_path: Path
) -> None:
    edge.delay, edge.chance = 0.05, 0.2
    *problems, counts = killed("act", edge, live, file, tmp_path / "home", rounds=KILLS)
    assert problems == []
    saved, not_saved, _ = map(int, counts.split())
    assert saved + not_saved >= KILLS // 2


def test_retention_that_was_killed_has_told_what_went(
    edge: Edge, live: Live, database_path: Path, tmp_path: Path
) -> None:
    with closing(apsw.Connection(str(database_path))) as connection:
        chains.append(connection, "acme", [*range(NOW - 200 * DAY, NOW - 200 * DAY + 300), NOW - DAY, NOW])
    edge.delay, edge.chance = 0.02, 0.1
    *problems, amid = killed(
        "retain", edge, live, live.put(database_path), tmp_path / "home", rounds=KILLS // 4
    )
    assert problems == []
    assert int(amid) >= KILLS // 10
