"""The import in a child process: the same as in this one, whose memory it does not limit."""

import json
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app.services.files.dump import Note, NoteKind, NotWhole
from app.services.files.importing import Imported, import_dump
from app.services.files.judging import Dangling
from app.workers.importing import build
from models.errors import Cancelled, TenantAdminError
from models.progress import Monitor
from tests.fixtures.dumping import write_dump
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.window import ask

ENDS = (
    ("CREATE VIEW some AS SELECT 1;\n", NotWhole, "cannot come in whole: 1 view left out"),
    (
        INTO_USERS + "(" + "hex(zeroblob(49000000))," * 3 + "1,2,3);\n",
        TenantAdminError,
        "asks for more memory than",
    ),
    ("SELECT load_extension('x');\n", TenantAdminError, r"^export\.sql holds .* at line \d"),
)


@pytest.fixture
def dump(demo: Path, tmp_path: Path) -> Path:
    return write_dump(demo, tmp_path / "export.sql", d1=True)


def test_what_was_made_comes_back_as_it_was() -> None:
    notes = (Note(NoteKind.NUL, "users.email", 7, "a", 2), Note(NoteKind.NO_END, "", None))
    made = Imported(Path("a.sqlite"), {"users": 3}, (Dangling("a", "b", 1),), notes, 0.5, "acme")
    assert Imported.of(json.loads(json.dumps(made.document()))) == made


@pytest.mark.slow
def test_a_child_makes_what_this_process_makes(
    dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = import_dump(dump, tmp_path / "here.sqlite")
    monkeypatch.setattr(apsw, "hard_heap_limit", None)  # which other threads would feel
    seen = list[tuple[int, int]]()
    made = import_dump(
        dump,
        tmp_path / "made.sqlite",
        build=build,
        monitor=Monitor(lambda done, total: seen.append((done, total))),
    )
    assert replace(made, path=here.path, seconds=here.seconds) == here
    assert seen[-1][1] == dump.stat().st_size
    for table in ("audit_chain", "users"):
        assert ask(made.path, f"SELECT * FROM {table}") == ask(here.path, f"SELECT * FROM {table}")


@pytest.mark.slow
@pytest.mark.parametrize(("more", "kind", "said"), ENDS)
def test_what_a_child_cannot_import_leaves_nothing(
    dump: Path, tmp_path: Path, more: str, kind: type[Exception], said: str
) -> None:
    with dump.open("a") as file:
        file.write(more)
    (folder := tmp_path / "made").mkdir()
    with pytest.raises(kind, match=said):
        import_dump(dump, folder / "a.sqlite", strict=True, build=build)
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_child_that_is_cancelled_leaves_nothing(dump: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "made").mkdir()
    with pytest.raises(Cancelled):
        import_dump(dump, folder / "a.sqlite", build=build, monitor=Monitor(cancelled=lambda: True))
    assert list(folder.iterdir()) == []
