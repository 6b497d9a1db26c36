"""`tenant-admin info` as a shell script meets it."""

import json
from pathlib import Path

from tests.conftest import MIGRATIONS
from tests.fixtures.command import run


def test_info_tells_all_as_json(demo: Path) -> None:
    found = json.loads(run("info", demo, "--json").stdout)
    assert set(found) == {"path", "readOnly", "journalMode", "tables", "tenants", "schema", "migrations"}
    assert found["tables"]["audit_chain"] == {"rows": 600}
    assert found["schema"] == {
        "missingTables": [], "missingColumns": {}, "extraTables": [], "extraColumns": {}
    }  # fmt: skip
    assert found["migrations"]["pending"] == []
    assert found["migrations"]["applied"] == list(MIGRATIONS)
