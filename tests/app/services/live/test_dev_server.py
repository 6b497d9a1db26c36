"""Which running `wrangler dev` has a file open, and never another database of the same id."""

import shutil
from pathlib import Path

import pytest

from app.services.files.find import file_name
from app.services.live.dev_server import project_of, running, serving
from models.errors import InvalidInput
from tests.fixtures.live import Live
from tests.wrangler import toolchain
from tests.wrangler.toolchain import CONFIG, Project


def test_a_project_is_found_from_what_lies_in_it(tmp_path: Path) -> None:
    inner = tmp_path / "state" / "x.sqlite"
    with pytest.raises(InvalidInput, match="is in no wrangler project"):
        project_of(inner)
    (tmp_path / "wrangler.toml").write_text("")
    assert project_of(inner) == project_of(tmp_path / "wrangler.toml") == project_of(tmp_path) == tmp_path
    assert list(running(tmp_path)) == []


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_file_leads_to_the_server_that_has_it_open(live: Live, database_path: Path, tmp_path: Path) -> None:
    file = live.put(database_path, listed=True)
    found = serving(file)
    assert found is not None and found.base.startswith(live.address)
    assert (found.database_id, found.is_local, found.name[:5]) == (live.ids[file], True, "copy-")
    assert (found.place, found.within) == (f"wrangler dev: {found.name}", str(file))
    assert serving(live.state / "metadata.sqlite") is None
    shutil.copy(project_of(file) / "wrangler.jsonc", tmp_path)
    elsewhere = tmp_path / file.relative_to(project_of(file))
    elsewhere.parent.mkdir(parents=True)
    shutil.copy(file, elsewhere)
    assert serving(elsewhere) is None


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_server_that_keeps_its_state_elsewhere_has_not_the_project_s_file(
    database_path: Path, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", toolchain.install())
    (project.folder / "home").mkdir(parents=True)
    (project.folder / "wrangler.jsonc").write_text(CONFIG)
    shutil.copy(Path(toolchain.__file__).with_name("worker.mjs"), project.folder)
    project.state.mkdir(parents=True)
    own = project.state / file_name("11111111-1111-1111-1111-111111111111")
    shutil.copy(database_path, own)
    with project.serve("--persist-to", str(tmp_path / "state")) as address:
        (server,) = running(project.folder)
        assert server.base.startswith(address) and [*server.databases.values()] == ["DB"]
        assert serving(own) is None
        (kept,) = (tmp_path / "state").rglob("miniflare-D1DatabaseObject")
        found = serving(kept / own.name)
        assert found is not None and found.base == server.base
