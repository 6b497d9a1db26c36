"""What a list of each table shows, searches, offers to pick from and sorts by."""

from dataclasses import dataclass
from enum import Enum, auto

from peewee import Model

from models.tables import (
    AuditEntry,
    Notification,
    ParkedIdea,
    PlanningArtifact,
    PlanningRun,
    User,
    WebhookDestination,
)


class Kind(Enum):
    """How a list reads a column.

    KEY: whole, it names the record. NUMBER: as stored. WORD: short text, sorted as stored so that an index
    can serve. NAME: text for people, sorted without regard to ASCII case. PROSE: text of any length, sorted
    by its beginning. PRESENT: 1 when there is a value, else 0; the value itself is never read.
    """

    KEY = auto()
    NUMBER = auto()
    WORD = auto()
    NAME = auto()
    PROSE = auto()
    PRESENT = auto()


@dataclass(frozen=True, slots=True)
class ListColumn:
    """One column of a list; `source` is the file's column where the name differs."""

    name: str
    kind: Kind
    source: str


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What a list of one table is made of.

    The first column is the record's id. `searched` are the columns that a text filter looks into, `time`
    is the column of a date range, `choices` are the columns with pick lists. Secrets and password hashes
    are never columns, only whether there is one.
    """

    model: type[Model]
    columns: tuple[ListColumn, ...]
    searched: tuple[str, ...]
    choices: tuple[str, ...] = ()
    time: str = "created_at"
    sort: str = "created_at"
    descending: bool = True

    @property
    def table(self) -> str:
        return str(self.model._meta.table_name)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in the order of a row."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ListColumn:
        """Raises `KeyError` for a column that is not in the list."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _columns(**kinds: Kind | tuple[Kind, str]) -> tuple[ListColumn, ...]:
    return tuple(
        ListColumn(name, *kind) if isinstance(kind, tuple) else ListColumn(name, kind, name)
        for name, kind in kinds.items()
    )


USERS = TableSpec(
    model=User,
    columns=_columns(
        id=Kind.KEY,
        tenant_id=Kind.WORD,
        email=Kind.NAME,
        has_password=(Kind.PRESENT, "password_hash"),
        created_at=Kind.NUMBER,
        updated_at=Kind.NUMBER,
    ),
    searched=("email", "id"),
    choices=("tenant_id", "has_password"),
)

AUDIT_CHAIN = TableSpec(
    model=AuditEntry,
    columns=_columns(
        seq=Kind.KEY,
        tenant_id=Kind.WORD,
        event_type=Kind.WORD,
        payload=Kind.PROSE,
        previous_hash=Kind.WORD,
        hash=Kind.WORD,
        created_at=Kind.NUMBER,
    ),
    searched=("payload", "event_type"),
    choices=("event_type", "tenant_id"),
    sort="seq",
)

WEBHOOK_DESTINATIONS = TableSpec(
    model=WebhookDestination,
    columns=_columns(
        id=Kind.KEY,
        tenant_id=Kind.WORD,
        name=Kind.NAME,
        hostname=Kind.NAME,
        url=Kind.NAME,
        active=Kind.NUMBER,
        events=Kind.WORD,
        has_secret=(Kind.PRESENT, "secret"),
        created_at=Kind.NUMBER,
        updated_at=Kind.NUMBER,
    ),
    searched=("name", "url", "hostname"),
    choices=("active", "tenant_id", "has_secret"),
)

NOTIFICATIONS = TableSpec(
    model=Notification,
    columns=_columns(
        id=Kind.KEY,
        tenant_id=Kind.WORD,
        type=Kind.WORD,
        title=Kind.PROSE,
        message=Kind.PROSE,
        read=Kind.NUMBER,
        created_at=Kind.NUMBER,
    ),
    searched=("title", "message"),
    choices=("type", "read", "tenant_id"),
)

PLANNING_RUNS = TableSpec(
    model=PlanningRun,
    columns=_columns(
        id=Kind.KEY,
        idea=Kind.PROSE,
        refined_idea=Kind.PROSE,
        status=Kind.WORD,
        current_phase=Kind.WORD,
        mode=Kind.WORD,
        quality_score=Kind.NUMBER,
        revenue_potential=Kind.NUMBER,
        kill_verdict=Kind.WORD,
        pivot_count=Kind.NUMBER,
        created_at=Kind.NUMBER,
        updated_at=Kind.NUMBER,
    ),
    searched=("idea", "refined_idea", "id"),
    choices=("status", "mode", "current_phase"),
)

PLANNING_ARTIFACTS = TableSpec(
    model=PlanningArtifact,
    columns=_columns(
        id=Kind.KEY,
        run_id=Kind.WORD,
        phase=Kind.WORD,
        version=Kind.NUMBER,
        content=Kind.PROSE,
        review_verdict=Kind.WORD,
        overall_score=Kind.NUMBER,
        created_at=Kind.NUMBER,
    ),
    searched=("content", "id"),
    choices=("phase", "review_verdict", "run_id"),
)

PLANNING_PARKED_IDEAS = TableSpec(
    model=ParkedIdea,
    columns=_columns(
        id=Kind.KEY,
        idea=Kind.PROSE,
        refined_idea=Kind.PROSE,
        reason=Kind.PROSE,
        source_phase=Kind.WORD,
        run_id=Kind.WORD,
        revisit_estimate_months=Kind.NUMBER,
        created_at=Kind.NUMBER,
    ),
    searched=("idea", "reason"),
    choices=("source_phase",),
)

SPECS: dict[str, TableSpec] = {
    spec.table: spec
    for spec in (
        USERS,
        AUDIT_CHAIN,
        WEBHOOK_DESTINATIONS,
        NOTIFICATIONS,
        PLANNING_RUNS,
        PLANNING_ARTIFACTS,
        PLANNING_PARKED_IDEAS,
    )
}
