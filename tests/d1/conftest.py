"""A new file as a live D1 behind an edge that loses answers when it is told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.d1.database import D1Database
from tests.d1.edge import HUNG, Edge, before
from tests.fixtures.live import Live


@pytest.fixture(scope="module")
def _edge(live: Live) -> Iterator[Edge]:
    with before(live.direct) as edge:
        yield edge


@pytest.fixture
def edge(_edge: Edge) -> Edge:
    _edge.faults, _edge.read_faults, _edge.calls = [], [], []
    _edge.chance = _edge.delay = 0.0
    _edge.hangs.clear()
    _edge.hung = HUNG
    _edge.bookmarks, _edge.restored, _edge.refuses_travel = [], [], False
    return _edge


@pytest.fixture
def file(live: Live, database_path: Path) -> Path:
    return live.put(database_path)


@pytest.fixture
def production(edge: Edge, live: Live, file: Path) -> D1Database:
    return D1Database(edge.client(seconds=0.5), live.ids[file])
