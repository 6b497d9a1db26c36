"""What the tests of services look at: the audit entries as the platform would read them."""

import json
from collections.abc import Callable
from typing import Any

import apsw
import pytest

from models.local.database import LocalDatabase

Events = Callable[[], list[tuple[str, str, dict[str, Any]]]]


@pytest.fixture
def sql(database: LocalDatabase) -> apsw.Connection:
    """The new file as plain SQL, past the program."""
    connection: apsw.Connection = database.connection()
    return connection


@pytest.fixture
def events(database: LocalDatabase) -> Events:
    """Tenant, type and payload of every audit entry so far, oldest first."""

    def read() -> list[tuple[str, str, dict[str, Any]]]:
        rows = database.connection().execute(
            "SELECT tenant_id, event_type, payload FROM audit_chain ORDER BY seq"
        )
        return [(tenant, kind, json.loads(payload)) for tenant, kind, payload in rows]

    return read
