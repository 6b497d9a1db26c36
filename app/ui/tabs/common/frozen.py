"""The exact set of records that a bulk act is about, frozen before the person is asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.ui.widgets.dialogs import LISTED


@dataclass(frozen=True, slots=True)
class Frozen:
    """The ids of all, names for the first few as a question lists them, and of how many tenants they are."""

    ids: tuple[Any, ...]
    names: tuple[str, ...]
    tenants: int


def freeze(rows: Iterable[tuple[Any, ...]]) -> Frozen:
    """Freezes rows of (id, name, tenant). A record without an id cannot be acted on and is left out."""
    ids: list[Any] = []
    names: list[str] = []
    tenants: set[Any] = set()
    for record_id, name, tenant in rows:
        if record_id is None:
            continue
        ids.append(record_id)
        tenants.add(tenant)
        if len(names) < LISTED:
            names.append(f"{name or record_id} · {tenant}")
    return Frozen(tuple(ids), tuple(names), len(tenants))
