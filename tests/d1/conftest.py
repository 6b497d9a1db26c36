"""A new file as a live D1 behind an edge that loses answers when it is told to."""

from pathlib import Path

import pytest

from models.d1.database import D1Database
from tests.d1.edge import Edge
from tests.fixtures.live import Live


@pytest.fixture
def file(live: Live, database_path: Path) -> Path:
    return live.put(database_path)


@pytest.fixture
def production(edge: Edge, live: Live, file: Path) -> D1Database:
    return D1Database(edge.client(seconds=0.5), live.ids[file])
