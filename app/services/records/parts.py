"""Which of the platform's two databases one is, by its tables (models/README.md).

Apart from what is declared of the tables, which is a lot to load for whoever only asks this.
"""

from collections.abc import Collection
from typing import Final

from models.tables import (
    AuditEntry,
    Notification,
    ParkedIdea,
    PlanningArtifact,
    PlanningRun,
    User,
    WebhookDestination,
)

_USERS, _CHAIN, _WEBHOOKS, _NOTIFICATIONS, _RUNS, _ARTIFACTS, _PARKED = (
    str(model._meta.table_name)
    for model in (
        User,
        AuditEntry,
        WebhookDestination,
        Notification,
        PlanningRun,
        PlanningArtifact,
        ParkedIdea,
    )
)

GATEWAY: Final = frozenset((_USERS, _CHAIN, _WEBHOOKS, _NOTIFICATIONS))
PLANNING: Final = frozenset((_ARTIFACTS, _PARKED))
"""Tables that only one of the two has."""


def part_of_platform(names: Collection[str]) -> str:
    """Which of the two a database with these tables is: "Gateway", "Planning", "Gateway and planning"; or
    "Unknown" without any of them.
    """
    gateway, planning = (not one.isdisjoint(names) for one in (GATEWAY, PLANNING))
    if gateway and planning:
        return "Gateway and planning"
    return "Gateway" if gateway else "Planning" if _RUNS in names else "Unknown"


def whole_part(names: Collection[str]) -> str:
    """Which one of the two a database with these tables is by itself; empty where it is neither, or lacks
    what that one always has: a gateway may be without webhooks and notifications.
    """
    part = part_of_platform(names)
    needed = {"Gateway": {_USERS, _CHAIN}, "Planning": {*PLANNING}}.get(part)
    return part if needed is not None and needed <= set(names) else ""
