"""A chain that a checkpoint knows, and what a later verification says of it."""

import shutil
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.checkpoint import Checkpoint, Reason
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.verify.report import Report
from app.services.chain.where import InFile
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW


class KnownChain:
    """A chain file and the store that knows it."""

    def __init__(self, chain: ChainFile, store: CheckpointStore) -> None:
        self.chain, self.store = chain, store

    def checkpoint(self, now: int = NOW) -> Checkpoint:
        report = self.verify(seal=True)
        return self.store.create(InFile(self.chain.path), report, now=now, reason=Reason.VERIFY)

    def verify(self, **options: Any) -> Report:
        return self.chain.verify(checkpoints=self.store.known(InFile(self.chain.path)), **options)

    def exported(self) -> Path:
        """All its checkpoints, in a file beside it."""
        export = self.chain.path.with_name("export.json")
        self.store.export(InFile(self.chain.path), export)
        return export

    def verify_by(self, export: Path, **options: Any) -> Report:
        """Against what an export says."""
        return self.chain.verify(
            checkpoints=self.store.known_from(InFile(self.chain.path), export, **options)
        )


@pytest.fixture(scope="session")
def _known_chains(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder with the chain and the store, made once for each size."""

    @cache
    def made(rows: int, tenants: int, step: int) -> Path:
        folder = tmp_path_factory.mktemp("known")
        chain = ChainFile.build(folder / "a.db", rows=rows, tenants=tenants, step=step)
        KnownChain(chain, CheckpointStore(folder / "home")).checkpoint()
        chain.sql.close()
        return folder

    return made


@pytest.fixture
def known_chain(_known_chains: Callable[..., Path], tmp_path: Path) -> Callable[..., KnownChain]:
    def build(rows: int = 50, tenants: int = 1, step: int = 1) -> KnownChain:
        shutil.copytree(_known_chains(rows, tenants, step), tmp_path, dirs_exist_ok=True)
        chain, home = ChainFile(tmp_path / "a.db"), tmp_path / "home"
        with closing(apsw.Connection(str(home / "checkpoints.sqlite"))) as store:
            store.pragma("synchronous", "off")
            seen = InFile(chain.path).location
            store.execute("UPDATE databases SET path = ?, file_id = ?", seen)  # here, and not as made
        return KnownChain(chain, CheckpointStore(home))

    return build
