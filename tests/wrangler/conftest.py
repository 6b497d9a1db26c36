"""One wrangler for the session, one project for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app import paths
from tests.wrangler import toolchain
from tests.wrangler.toolchain import CONFIG, Project

WORKER = Path(__file__).with_name("worker.mjs")


@pytest.fixture(scope="session")
def wrangler() -> Path:
    return toolchain.install()


@pytest.fixture(scope="session")
def migrated_by_wrangler(wrangler: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose database wrangler made from our migrations; tests look at it and change nothing."""
    project = _project(tmp_path_factory.mktemp("wrangler"), wrangler)
    project.apply_migrations()
    (file,) = project.files()
    return Project(project.folder, wrangler, file.name)


@pytest.fixture
def project(migrated_by_wrangler: Project, tmp_path: Path) -> Callable[[], Project]:
    """Makes projects with our migrations and no database yet."""
    made: list[Project] = []

    def make() -> Project:
        base = _project(tmp_path / f"project{len(made)}", migrated_by_wrangler.installed)
        made.append(Project(base.folder, base.installed, migrated_by_wrangler.file_name))
        return made[-1]

    return make


def _project(folder: Path, installed: Path) -> Project:
    (folder / "home").mkdir(parents=True)
    (folder / "wrangler.jsonc").write_text(CONFIG, encoding="utf-8")
    shutil.copy(WORKER, folder)
    shutil.copytree(paths.migrations_dir(), folder / "migrations")
    return Project(folder, installed)
