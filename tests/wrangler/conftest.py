"""One wrangler for the session, one project for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app import paths
from tests.conftest import MIGRATIONS
from tests.wrangler import toolchain
from tests.wrangler.toolchain import CONFIG, Project

WORKER = Path(__file__).with_name("worker.mjs")


@pytest.fixture(scope="session")
def wrangler() -> Path:
    return toolchain.install()


@pytest.fixture(scope="session")
def begun_by_wrangler(wrangler: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose database wrangler made from all of our migrations but the last."""
    project = _project(tmp_path_factory.mktemp("begun"), wrangler)
    (project.migrations / MIGRATIONS[-1]).unlink()
    project.apply_migrations()
    return project


@pytest.fixture(scope="session")
def migrated_by_wrangler(begun_by_wrangler: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same with the last one; tests look at it and change nothing."""
    project = copied(begun_by_wrangler, tmp_path_factory.mktemp("migrated"))
    shutil.copy(paths.migrations_dir() / MIGRATIONS[-1], project.migrations)
    project.apply_migrations()
    return project


@pytest.fixture
def project(wrangler: Path, tmp_path: Path) -> Callable[[], Project]:
    """Makes projects with our migrations and no database yet."""
    made: list[Project] = []

    def make() -> Project:
        made.append(_project(tmp_path / f"project{len(made)}", wrangler))
        return made[-1]

    return make


def copied(project: Project, folder: Path) -> Project:
    """A project of a test's own that begins as another one is."""
    shutil.copytree(project.folder, folder, dirs_exist_ok=True)
    return Project(folder, project.installed)


def _project(folder: Path, installed: Path) -> Project:
    (folder / "home").mkdir(parents=True)
    (folder / "wrangler.jsonc").write_text(CONFIG, encoding="utf-8")
    shutil.copy(WORKER, folder)
    shutil.copytree(paths.migrations_dir(), folder / "migrations")
    return Project(folder, installed)
