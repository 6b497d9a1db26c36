"""What the real wrangler exports comes in here, and what its export changes is reported."""

import json
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from app.services.files.dump import NoteKind
from app.services.files.importing import import_dump
from app.workers import scan_pool
from tests.fixtures.chains import COLUMNS, GENESIS, digest
from tests.fixtures.connected import execute
from tests.wrangler.test_audit_chain import NOW, PAYLOADS, TENANTS
from tests.wrangler.toolchain import DATABASE, Project

pytestmark = pytest.mark.wrangler

MakeProject = Callable[[], Project]
BOTH = json.dumps({"text": "a real\nbreak"}, indent=1).replace("a real", "a literal")
"""Pretty-printed JSON: it holds line breaks, and the two characters that JSON writes for one."""


def append(path: Path, tenant: str, payloads: list[str]) -> None:
    connection = apsw.Connection(str(path))
    head = GENESIS
    for payload in payloads:
        entry = digest(head, "user_updated", payload, NOW)
        connection.execute(
            f"INSERT INTO audit_chain ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            (tenant, "user_updated", payload, head, entry, NOW),
        )
        head = entry
    connection.close()


def export(project: Project) -> Path:
    project.run("d1", "export", DATABASE, "--local", "--output", "export.sql")
    return project.folder / "export.sql"


def rows(path: Path) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        entries = connection.execute("SELECT * FROM audit_chain ORDER BY seq").fetchall()
        return [*entries, *connection.execute("SELECT * FROM d1_migrations ORDER BY id").fetchall()]
    finally:
        connection.close()


def test_an_export_comes_in_and_one_change_of_it_is_reported(project: MakeProject, tmp_path: Path) -> None:
    theirs = project()
    theirs.apply_migrations()
    texts = [json.dumps(payload, ensure_ascii=False) for payload in PAYLOADS]
    texts += [json.dumps(PAYLOADS[1], indent=1).replace("\\n", ""), "[1,\r\n2]"]
    for tenant in TENANTS:
        append(theirs.file, tenant, texts)
    new = tmp_path / "new.sqlite"
    made = import_dump(export(theirs), new)
    assert made.rows["audit_chain"] == len(TENANTS) * len(texts)
    assert rows(new) == rows(theirs.file)
    report = scan_pool.verify(new, now=NOW + 3000)
    assert (report.verdict, report.findings) == ("CONSISTENT", ())

    # D1's export writes a line break as the two characters \n, and cannot tell it from them afterwards.
    append(theirs.file, "both", ["{}", BOTH, "{}"])
    changed = tmp_path / "changed.sqlite"
    import_dump(export(theirs), changed)
    findings = scan_pool.verify(changed, now=NOW + 3000).findings
    assert {(finding.tenant, finding.seq) for finding in findings} == {
        ("both", len(TENANTS) * len(texts) + 2)
    }
    assert "HASH" in {finding.code for finding in findings}

    execute(theirs.file, "UPDATE audit_chain SET event_type = 'a' || char(0) WHERE seq = 1")
    made = import_dump(export(theirs), tmp_path / "zero.sqlite")
    assert {note.kind for note in made.notes if note.kind.is_loss} == {NoteKind.NUL, NoteKind.ALTERED}
    found = apsw.Connection(str(made.path)).execute("SELECT hex(event_type) FROM audit_chain WHERE seq = 1")
    assert found.get == "6100"
