"""A chain that was witnessed, and what a later verification says of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.checkpoints.document import Checkpoint
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.verify.report import Report
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW


class Witnessed:
    """A chain file and the store that knows it."""

    def __init__(self, chain: ChainFile, store: CheckpointStore) -> None:
        self.chain, self.store = chain, store

    def checkpoint(self, now: int = NOW) -> Checkpoint:
        report = self.verify(seal=True)
        return self.store.create(self.chain.path, report, now=now, reason="verify")

    def verify(self, **options: Any) -> Report:
        return self.chain.verify(checkpoints=self.store.witness(self.chain.path), **options)


@pytest.fixture
def witnessed(tmp_path: Path) -> Callable[..., Witnessed]:
    def build(rows: int = 50, tenants: int = 1, step: int = 1) -> Witnessed:
        chain = ChainFile.build(tmp_path / "a.db", rows=rows, tenants=tenants, step=step)
        found = Witnessed(chain, CheckpointStore(tmp_path / "home"))
        found.checkpoint()
        return found

    return build
