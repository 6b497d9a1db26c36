"""What a run has produced as files: exactly as stored, under names that every system takes."""

from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.files.artifact_files import file_name, name_alone, safe, save_all, save_one
from app.services.runs.run_timeline import read
from models.engine import Database
from models.errors import Cancelled, NotFound
from models.progress import Monitor


def store(sql: apsw.Connection, *artifacts: tuple[str | None, str, Any, Any]) -> None:
    sql.execute(
        "INSERT INTO planning_runs (id, idea, status, created_at, updated_at)"
        " VALUES ('r', '../a\\b:c', 'x', 1, 1)"
    )
    for artifact in artifacts:
        sql.execute(
            "INSERT INTO planning_artifacts (id, run_id, phase, version, content, created_at)"
            " VALUES (?, 'r', ?, ?, ?, 1)",
            artifact,
        )


def test_all_of_a_run_is_saved_as_it_is_stored(
    engine: Database, sql: apsw.Connection, tmp_path: Path
) -> None:
    store(
        sql,
        ("1", "strategy", 1, '{"a": 1}'),
        ("2", "strategy", 1, '{"a": 1'),
        ("3", "Strategy", 1, "# T\r\n\x07"),
        ("4", "../../etc/passwd", "x/y", "plain"),
        ("5", "con", 3, b"\xff\x00"),
    )
    found = save_all(engine, "r", tmp_path)
    assert (found.folder, found.files) == (tmp_path / "a-b-c", 5)
    files = {path.name: path.read_bytes() for path in found.folder.iterdir()}
    assert files == {
        "strategy-v1.json": b'{"a": 1}',
        "strategy-v1.txt": b'{"a": 1',
        "Strategy-v1.md": b"# T\r\n\x07",
        "etc-passwd-vx-y.md": b"plain",
        "con--v3.bin": b"\xff\x00",
    }
    assert save_all(engine, "r", tmp_path).folder.name == "a-b-c 2"
    there = sorted(tmp_path.iterdir())
    heard: list[int] = []
    with pytest.raises(Cancelled):
        save_all(engine, "r", tmp_path, Monitor(lambda *far: heard.append(1), lambda: len(heard) > 2))
    assert sorted(tmp_path.iterdir()) == there, "what was written goes again"


def test_one_is_saved_in_place_of_what_was_there(
    engine: Database, sql: apsw.Connection, tmp_path: Path
) -> None:
    store(sql, ("1", "strategy", 1, "as it is\r\n"))
    path = tmp_path / "here.md"
    path.write_text("before")
    found = read(engine, "r")
    (artifact,) = found.artifacts or ()
    assert name_alone(found.run, "strategy", 1, "as it is") == "a-b-c-strategy-v1.md"
    assert save_one(engine, artifact, path) == path
    assert path.read_bytes() == b"as it is\r\n"
    sql.execute("DELETE FROM planning_artifacts")
    with pytest.raises(NotFound):
        save_one(engine, artifact, path)


def test_what_has_no_id_is_saved_as_well(engine: Database, sql: apsw.Connection, tmp_path: Path) -> None:
    store(sql, (None, "strategy", 1, "one"), (None, "strategy", 2, "other"), (None, "strategy", 3, "last"))
    newest, *_ = read(engine, "r").artifacts or ()
    assert save_one(engine, newest, tmp_path / "here.md").read_text() == "last"
    heard: list[tuple[int, int]] = []
    found = save_all(engine, "r", tmp_path, Monitor(lambda *far: heard.append(far)))
    assert sorted(path.read_text() for path in found.folder.iterdir()) == ["last", "one", "other"]
    assert heard == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("..", "x"),
        ("", "x"),
        ("NUL.txt", "NUL.txt-"),
        (".hidden", "hidden"),
        ("a" * 300, "a" * 60),
        ("é/ü", "é-ü"),
    ],
)
def test_a_part_of_a_name_is_safe(text: str, name: str) -> None:
    assert safe(text, "x") == name


def test_names_that_are_taken_are_numbered() -> None:
    taken = {"a-v1.md": 1, "a-v1-2.md": 1}
    assert file_name("a", 1, "x", taken) == "a-v1-3.md"
    assert [file_name("A", 1, "x", taken) for _ in range(2)] == ["A-v1-4.md", "A-v1-5.md"]
    long = file_name("字" * 80, "版" * 12, "x")
    assert len(f"{safe('𠀀' * 80, 'x')}-{long}".encode()) <= 255
    assert file_name("A", None, "x", taken) == "A.md"
