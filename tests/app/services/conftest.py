"""What the tests of services look at: the audit entries as the platform would read them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from models.local.database import LocalDatabase

Events = Callable[[], list[tuple[str, str, dict[str, Any]]]]


@pytest.fixture
def events(database: LocalDatabase) -> Events:
    """Tenant, type and payload of every audit entry so far, oldest first."""

    def read() -> list[tuple[str, str, dict[str, Any]]]:
        rows = database.connection().execute(
            "SELECT tenant_id, event_type, payload FROM audit_chain ORDER BY seq"
        )
        return [(tenant, kind, json.loads(payload)) for tenant, kind, payload in rows]

    return read
