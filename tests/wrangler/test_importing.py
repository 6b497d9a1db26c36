"""What the real wrangler exports comes in here, and what its export changes is reported."""

import json
from pathlib import Path

import apsw
import pytest

from app.services.chain.where import InFile
from app.services.files.dump import NoteKind
from app.services.files.importing import import_dump
from app.workers import scan_pool
from tests.conftest import MIGRATIONS
from tests.fixtures.chains import COLUMNS, GENESIS, digest
from tests.fixtures.connected import execute
from tests.fixtures.inserting import INTO_USERS
from tests.wrangler.conftest import copied
from tests.wrangler.test_audit_chain import NOW, PAYLOADS, TENANTS
from tests.wrangler.toolchain import DATABASE, Project

pytestmark = pytest.mark.wrangler

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


def test_an_export_comes_in_and_what_it_alters_is_reported(
    migrated_by_wrangler: Project, tmp_path: Path
) -> None:
    theirs = copied(migrated_by_wrangler, tmp_path / "project")
    texts = [json.dumps(payload, ensure_ascii=False) for payload in PAYLOADS]
    texts += [json.dumps(PAYLOADS[1], indent=1).replace("\\n", ""), "[1,\r\n2]"]
    for tenant in TENANTS:
        append(theirs.file, tenant, texts)
    # D1's export writes a line break as the two characters \n, and cannot tell it from them afterwards; a
    # text with a NUL it writes as it is, which no text file holds.
    altered = {"both": ["{}", BOTH, "{}"], "zero": ["{}"]}
    for tenant, payloads in altered.items():
        append(theirs.file, tenant, payloads)
    execute(theirs.file, "UPDATE audit_chain SET event_type = 'a' || char(0) WHERE tenant_id = 'zero'")
    execute(theirs.file, f"{INTO_USERS}('u', 't', 'e@e.example', NULL, {2**53 + 1}, {2**63 - 1})")
    made = import_dump(export(theirs), tmp_path / "changed.sqlite")
    assert made.rows["audit_chain"] == len(TENANTS) * len(texts) + 4
    came, there = ([row for row in rows(file) if row[1] not in altered] for file in (made.path, theirs.file))
    assert came == there and len(came) == len(TENANTS) * len(texts) + len(MIGRATIONS)
    assert {note.kind for note in made.notes} >= {NoteKind.NUL, NoteKind.ALTERED}
    assert [note.count for note in made.notes if note.kind is NoteKind.ROUNDED] == [2]
    found = apsw.Connection(str(made.path)).execute("SELECT hex(event_type) FROM audit_chain ORDER BY seq")
    assert [kind for (kind,) in found][-1] == "6100"
    findings = scan_pool.verify(InFile(made.path), now=NOW + 3000).findings
    last = len(TENANTS) * len(texts) + 4
    assert {(finding.tenant, finding.seq) for finding in findings} == {("both", last - 2), ("zero", last)}
    assert "HASH" in {finding.code for finding in findings if finding.tenant == "both"}
