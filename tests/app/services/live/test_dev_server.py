"""Which running `wrangler dev` has a file open, and never another database of the same id."""

import shutil
from pathlib import Path

import pytest

from app.services.live import connecting
from app.services.live.connections import NamedConnection, Tokens
from app.services.live.dev_server import file_behind, project_of, running, serving
from models.d1.database import D1Database
from models.engine import Settled
from models.errors import InvalidInput
from tests.d1.edge import before
from tests.fixtures.live import Live
from tests.wrangler import toolchain
from tests.wrangler.toolchain import CONFIG, DATABASE_ID, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One whose server has not run yet."""
    found = Project(tmp_path / "project", toolchain.install())
    (found.folder / "home").mkdir(parents=True)
    (found.folder / "wrangler.jsonc").write_text(CONFIG)
    shutil.copy(Path(toolchain.__file__).with_name("worker.mjs"), found.folder)
    found.state.mkdir(parents=True)
    return found


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
    project: Project, database_path: Path, tmp_path: Path
) -> None:
    own = project.file
    shutil.copy(database_path, own)
    with project.serve("--persist-to", str(tmp_path / "state")) as address:
        (server,) = running(project.folder)
        assert server.base.startswith(address) and [*server.databases.values()] == ["DB"]
        assert serving(own) is None
        (kept,) = (tmp_path / "state").rglob("miniflare-D1DatabaseObject")
        found = serving(kept / own.name)
        assert found is not None and found.base == server.base


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_database_is_the_same_at_another_port_and_by_another_connection(
    project: Project, database_path: Path, tmp_path: Path
) -> None:
    """So that what is not known of a change is asked wherever it is found again, and nowhere else."""
    own = project.file
    shutil.copy(database_path, own)

    def reached(address: str, name: str = "dev") -> D1Database:
        connection = NamedConnection(name, "", DATABASE_ID, base=address)
        return connecting.database(connection, Tokens(None))[1]

    with project.serve() as address:
        first = reached(address)
        assert first.identity == f"d1:{own}/{DATABASE_ID}"
        offered = serving(own)
        assert offered is not None
        of_project = NamedConnection("dev", "", DATABASE_ID, base="", project=str(project.folder))
        for one in (offered, of_project):
            assert connecting.identity(one, Tokens(None)) == first.identity
        shared = first.client.shared
        shared.unknown(shared.keep(first.identity, {"sql": "SELECT 1", "params": []}, "A user deleted"))
    assert connecting.identity(of_project, Tokens(None)) != first.identity, "nobody answers"
    elsewhere = "--persist-to", str(tmp_path / "state")
    with project.serve() as again, project.serve(*elsewhere) as other:
        assert reached(other).identity not in {first.identity, reached(again).identity}
        assert reached(other).settle() is None
        assert reached(again).settle() == Settled(True, "A user deleted")
        with before(again) as edge:
            assert file_behind(edge.base, DATABASE_ID) is None, "what stands between may lead anywhere"
