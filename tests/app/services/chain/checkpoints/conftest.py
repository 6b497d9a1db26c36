"""A chain that a checkpoint knows, and what a later verification says of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.checkpoints.document import Checkpoint, Reason
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.verify.report import Report
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW


class KnownChain:
    """A chain file and the store that knows it."""

    def __init__(self, chain: ChainFile, store: CheckpointStore) -> None:
        self.chain, self.store = chain, store

    def checkpoint(self, now: int = NOW) -> Checkpoint:
        report = self.verify(seal=True)
        return self.store.create(self.chain.path, report, now=now, reason=Reason.VERIFY)

    def verify(self, **options: Any) -> Report:
        return self.chain.verify(checkpoints=self.store.known(self.chain.path), **options)

    def exported(self) -> Path:
        """All its checkpoints, in a file beside it."""
        export = self.chain.path.with_name("export.json")
        self.store.export(self.chain.path, export)
        return export

    def verify_by(self, export: Path, **options: Any) -> Report:
        """Against what an export says."""
        return self.chain.verify(checkpoints=self.store.known_from(self.chain.path, export, **options))


@pytest.fixture
def known_chain(tmp_path: Path) -> Callable[..., KnownChain]:
    def build(rows: int = 50, tenants: int = 1, step: int = 1) -> KnownChain:
        chain = ChainFile.build(tmp_path / "a.db", rows=rows, tenants=tenants, step=step)
        found = KnownChain(chain, CheckpointStore(tmp_path / "home"))
        found.checkpoint()
        return found

    return build
