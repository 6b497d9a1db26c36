"""What runs work for a new file."""

from collections.abc import Iterator

import pytest

from app.workers.runner import Runner
from models.local.database import LocalDatabase


@pytest.fixture
def runner(database: LocalDatabase) -> Iterator[Runner]:
    runner = Runner(database)
    yield runner
    runner.stop()
