"""One declaration a table: what its columns are and are called, and what a list, a search, an inspector and
an export make of them. `app/README.md` says what else a new column takes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property

from peewee import AutoField, Model

from app.services import text
from app.services.records.rows import RawText, Value
from app.services.secrets import names
from app.services.secrets.forms import PASSWORD_MARK, SECRET_MARK, Told, is_digest, told, without_keys
from models import schema, status, tables


@dataclass(frozen=True, slots=True)
class Scope:
    """The tenant an administrator looks at, or all of them (None)."""

    tenant_id: str | None = None


EVERYONE = Scope()


class ColumnKind(Enum):
    """What a column holds, and so how it is read, sorted and shown.

    KEY: names the record; read whole. ID: the id of something else, or a hash. WORD: short text, sorted as
    stored so that an index can serve. NAME: text for people, sorted without regard to ASCII case. PROSE: text
    of any length, sorted by its beginning. JSON: read whole with its record, never in a list. NUMBER: as
    stored. TIME: epoch seconds, or milliseconds (`rules.seconds`). FLAG: 0 or 1 (`flag`). LENGTH: the
    characters of a text that is not read. MEMBER: the text that a JSON object has under the name `member`.
    PRESENCE: whether a secret is stored; the secret itself never is.
    """

    KEY = auto()
    ID = auto()
    WORD = auto()
    NAME = auto()
    PROSE = auto()
    JSON = auto()
    NUMBER = auto()
    TIME = auto()
    FLAG = auto()
    LENGTH = auto()
    MEMBER = auto()
    PRESENCE = auto()


RANK = "rank"
"""In the place of a column's name: an order that the database does not know (`ListQuery.ranks`)."""

NAMES_RUN = "runId"
"""What a run is named by in JSON that the platform writes."""

ACTOR = "actor"
"""What an audit entry's payload calls who acted."""

UNDONE, REDONE = "undone", "redone"
"""Of which kind the change was that an entry tells was undone, or done again."""

ON, OFF = (1, "1"), (0, "0")
"""What a flag is stored as: the platform asks for `active = 1`, which a text is in a column of texts."""


def flag(stored: object) -> bool | None:
    """Whether a flag is on; None for whatever is neither 1 nor 0, which the platform finds by neither."""
    return True if stored in ON else False if stored in OFF else None


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column as people know it.

    `searched`: a text filter and the global search look into it. `offered`: its values can be picked
    from, with their counts. `hidden`: in a table only when asked for. `listed`: read with every row of a
    list; else only with a whole record. `of` is the file's column where the name differs. `words` are those
    for yes and no. `host_only`: a URL, its host or what people write with one, whole on the screen, of which
    copies and exports hold the host alone (`urls.host_alone`). `is_declared`: it is one of ours. `tells`
    gives what a person is told of a secret beside that it is there, and nothing of the secret. `digests`: it
    may hold bare digests of passwords, which their form alone does not tell from others (`said`). `steps`:
    values, each a plain word, that come in this order, before any other text.
    """

    name: str
    kind: ColumnKind
    label: str
    searched: bool = False
    offered: bool = False
    hidden: bool = False
    listed: bool = True
    of: str = ""
    member: str = ""
    words: tuple[str, str] = ("yes", "no")
    host_only: bool = False
    is_declared: bool = True
    tells: Callable[[object], Told | None] | None = None
    digests: bool = False
    steps: tuple[str, ...] = ()

    def said(self, value: Value) -> Value:
        """The value as it may be shown, copied and exported: of what only the file has none that is a token
        or a hash of a password by its form.
        """
        return value if self.is_declared else _without_secrets(value, digests=self.digests)

    @property
    def source(self) -> str:
        """The column of the file that it is read from."""
        return self.of or self.name

    @property
    def is_derived(self) -> bool:
        """Whether it is read from a column that stands for itself as well."""
        return self.kind in (ColumnKind.LENGTH, ColumnKind.MEMBER)

    def word(self, stored: object) -> str | None:
        """The word for the state of a flag; None for what is neither."""
        state = flag(stored)
        return None if state is None else self.words[0 if state else 1]


@dataclass(frozen=True, eq=False)
class Table:
    """One table of the platform, its columns in the order they are shown.

    `noun` is what one and several records are called. `main` is the column that takes the room the others
    leave; where it has less than `enough` pixels, those of `gives_way` go out of sight, the first of them
    first. The tenant goes first of all where one is chosen, which all rows then have, and else late, since it
    says whose a record is; after it the state of a record, and last what names one. Ids and times go before
    these, but for the one that the rows are in order of, which stays. A list is in order of `sort` at first;
    `time` is what a date range restricts.

    The global search looks into tables with a `heading`: the first of its columns that is not empty names a
    record. `details` tell it from others; of several columns in one place the first that has the text
    searched for is taken, else the last.
    """

    model: type[Model]
    title: str
    noun: tuple[str, str]
    columns: tuple[TableColumn, ...]
    main: str = ""
    enough: int = 200
    gives_way: tuple[str, ...] = ()
    sort: str = "created_at"
    descending: bool = True
    time: str = "created_at"
    heading: tuple[str, ...] = ()
    details: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def name(self) -> str:
        return str(self.model._meta.table_name)

    @cached_property
    def key(self) -> TableColumn:
        """The column that names a record."""
        return next(column for column in self.columns if column.kind is ColumnKind.KEY)

    @cached_property
    def numbered(self) -> bool:
        """Whether SQLite numbers the records; else an id is a text."""
        return isinstance(self.model._meta.primary_key, AutoField)

    def has_tenants(self, stored: schema.StoredTable) -> bool:
        """Whether its rows belong to tenants; planning runs do where the file's table says so."""
        return "tenant_id" in self.model._meta.fields or stored.tenant_column is not None

    @cached_property
    def listed(self) -> tuple[TableColumn, ...]:
        """The columns of a list's row, in the order of the table itself, which begins with the key."""
        order = [field.column_name for field in self.model._meta.sorted_fields]
        listed = (column for column in self.columns if column.listed)
        return tuple(sorted(listed, key=lambda column: order.index(column.source)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of a list's columns in the order of a row."""
        return tuple(column.name for column in self.listed)

    @cached_property
    def searched(self) -> tuple[TableColumn, ...]:
        return tuple(column for column in self.columns if column.searched)

    @cached_property
    def names_things(self) -> tuple[TableColumn, ...]:
        """Ids and hashes: a search finds them by how they begin, and a number whole."""
        return tuple(column for column in self.shortened if not column.searched)

    @cached_property
    def shortened(self) -> tuple[TableColumn, ...]:
        """Those that lists show with a "…" in the middle, by which a search finds them, too."""
        return tuple(column for column in self.listed if column.kind in (ColumnKind.KEY, ColumnKind.ID))

    @cached_property
    def offered(self) -> tuple[TableColumn, ...]:
        return tuple(column for column in self.columns if column.offered)

    @cached_property
    def of_people(self) -> bool:
        return names.is_of_people(self.name, [column.source for column in self.columns])

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The columns of the file that hold secrets."""
        return frozenset(column.source for column in self.columns if column.kind is ColumnKind.PRESENCE)

    @cached_property
    def plain(self) -> frozenset[str]:
        """Those that hold no secret, whatever their rows are."""
        secret = self.secrets | {column.source for column in self.columns if column.host_only}
        return frozenset(column.source for column in self.columns) - secret

    def asks_for(self, stored: schema.StoredTable) -> tuple[str, ...]:
        """The columns of a file's table that nobody has declared and that no new row may leave empty."""
        declared = {column.source for column in self.columns}
        return tuple(name for name in stored.never_null if name not in declared | stored.defaults.keys())

    def others(self, stored: schema.StoredTable) -> tuple[str, ...]:
        """The columns of a file's table that nobody has declared and people may fill: those that hold values
        of their own, and no secrets.
        """
        declared = {column.source for column in self.columns}
        unknown = (
            undeclared(name, of_people=self.of_people) for name in stored.columns if name not in declared
        )
        return tuple(column.name for column in unknown if column.kind is not ColumnKind.PRESENCE)

    def sorted_by(self, name: str | None) -> TableColumn:
        """What the rows of a list are in order of, which is its own where no column is named; by `RANK` it is
        the key, by which the ranks are given.
        """
        return self.key if name == RANK else self.of_file(name or self.sort)

    def extras(self, stored: schema.StoredTable) -> tuple[TableColumn, ...]:
        """The columns of a file's table that nobody has declared, as a list has them behind its own: each by
        its name in the file, without those that a column of ours is called.
        """
        ours = {name for column in self.columns for name in (column.name, column.source)}
        others = (name for name in stored.names if name not in ours)
        return tuple(replace(undeclared(name, of_people=self.of_people), name=name) for name in others)

    def of_file(self, name: str) -> TableColumn:
        """A column by its name, declared or as the file alone has it."""
        own = (column for column in self.columns if column.name == name)
        return next(own, None) or undeclared(name, of_people=self.of_people)

    def column(self, name: str) -> TableColumn:
        """Raises `KeyError` for a name that is not declared."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def valid_beside(column: str, value: str) -> str:
    """A value for a column that `Table.asks_for`, without surrounding space. Raises `InvalidInput`."""
    return text.single_line(column, column, value, longest=1000)


def _without_secrets(value: Value, *, digests: bool) -> Value:
    """A value without the tokens and the hashes of passwords that are known by their form; with `digests`
    none that is a bare digest either. As it is stored, where nothing is taken out.
    """
    if isinstance(value, str):
        said = value
    elif isinstance(value, bytes | RawText):
        said = (value if isinstance(value, bytes) else value.raw).decode("latin-1")
    else:
        return value
    if digests and is_digest(said):
        return PASSWORD_MARK
    found = without_keys(said, SECRET_MARK)
    if found == said:
        return value
    return found if isinstance(value, str) else SECRET_MARK if SECRET_MARK in found else PASSWORD_MARK


_C, _K = TableColumn, ColumnKind
_STORED = ("set", "none")
"""Whether there is a secret, in words."""


def undeclared(name: str, *, of_people: bool = False) -> TableColumn:
    """A column that only the file has: as it is stored, but of a secret whether there is one. Whether it is
    one is told by what it is called; in a table `of_people` a hash is one, too.
    """
    if names.is_secret(name, of_people=of_people):
        return _secret(name)
    is_webhook, digests = names.is_webhook(name), of_people and names.may_hold_passwords(name)
    return TableColumn(name, ColumnKind.ID, name, host_only=is_webhook, is_declared=False, digests=digests)


def undeclared_of(table: str, name: str, beside: Iterable[str]) -> TableColumn:
    """The same of a table that nobody has declared, with these columns `beside` it."""
    if names.is_secret_beside(table, name, beside):
        return _secret(name)
    column = undeclared(name, of_people=names.is_of_people(table, beside))
    return replace(column, host_only=names.is_webhook_beside(table, name))


def _secret(name: str) -> TableColumn:
    return TableColumn(f"has_{name}", ColumnKind.PRESENCE, name, of=name, words=_STORED, is_declared=False)


USERS = Table(
    tables.User,
    "Users",
    ("user", "users"),
    main="email",
    gives_way=("updated_at", "has_password", "id", "created_at", "tenant_id"),
    heading=("email",),
    details=(("id",),),
    columns=(
        _C("email", _K.NAME, "E-mail", searched=True),
        _C("tenant_id", _K.WORD, "Tenant"),
        _C("id", _K.KEY, "Id", searched=True),
        _C(
            "has_password",
            _K.PRESENCE,
            "Password",
            of="password_hash",
            offered=True,
            words=_STORED,
            tells=told,
        ),
        _C("created_at", _K.TIME, "Created"),
        _C("updated_at", _K.TIME, "Updated"),
    ),
)

AUDIT_CHAIN = Table(
    tables.AuditEntry,
    "Audit chain",
    ("entry", "entries"),
    main="payload",
    enough=300,
    sort="seq",
    gives_way=("hash", "event_type", "tenant_id", "previous_hash", "created_at"),
    heading=("event_type",),
    details=(("seq",), ("hash", "previous_hash", "payload")),
    columns=(
        _C("seq", _K.KEY, "Seq"),
        _C("created_at", _K.TIME, "Time"),
        _C("tenant_id", _K.WORD, "Tenant"),
        _C("event_type", _K.WORD, "Event type", searched=True, offered=True),
        _C("payload", _K.PROSE, "Payload", searched=True),
        _C("actor", _K.MEMBER, "Actor", of="payload", member=ACTOR, listed=False, offered=True),
        _C("hash", _K.ID, "Hash"),
        _C("previous_hash", _K.ID, "Link"),
    ),
)

WEBHOOK_DESTINATIONS = Table(
    tables.WebhookDestination,
    "Webhooks",
    ("webhook", "webhooks"),
    main="url",
    enough=148,  # it still tells where it leads, and one sees beside it how each fares
    gives_way=("updated_at", "has_secret", "events", "tenant_id"),
    heading=("name", "hostname"),
    details=(("url",),),
    columns=(
        _C("active", _K.FLAG, "State", offered=True, words=("active", "inactive")),
        _C("name", _K.NAME, "Name", searched=True, host_only=True),
        _C("url", _K.NAME, "URL", searched=True, host_only=True),
        _C("hostname", _K.NAME, "Host", searched=True, hidden=True, host_only=True),
        _C("events", _K.WORD, "Events"),
        _C("has_secret", _K.PRESENCE, "Secret", of="secret", offered=True, hidden=True, words=_STORED),
        _C("tenant_id", _K.WORD, "Tenant"),
        _C("id", _K.KEY, "Id", hidden=True),
        _C("created_at", _K.TIME, "Created"),
        _C("updated_at", _K.TIME, "Updated"),
    ),
)

NOTIFICATIONS = Table(
    tables.Notification,
    "Notifications",
    ("notification", "notifications"),
    main="message",
    enough=160,
    gives_way=("type", "created_at", "tenant_id", "read", "title"),
    heading=("title", "type"),
    details=(("message",),),
    columns=(
        _C("read", _K.FLAG, "State", offered=True, words=("read", "unread")),
        _C("title", _K.PROSE, "Title", searched=True),
        _C("message", _K.PROSE, "Message", searched=True),
        _C("type", _K.WORD, "Type", offered=True),
        _C("tenant_id", _K.WORD, "Tenant"),
        _C("id", _K.KEY, "Id", hidden=True),
        _C("created_at", _K.TIME, "Created"),
        _C("metadata", _K.JSON, "Metadata", listed=False),
        _C("names_run", _K.MEMBER, "Run", of="metadata", member=NAMES_RUN, listed=False),
    ),
)

PLANNING_RUNS = Table(
    tables.PlanningRun,
    "Planning runs",
    ("run", "runs"),
    main="idea",
    gives_way=(
        "mode",
        "revenue_potential",
        "quality_score",
        "updated_at",
        "created_at",
        "current_phase",
        "status",
    ),
    heading=("idea",),
    details=(("status",), ("kill_verdict", "refined_idea", "id")),
    columns=(
        _C("status", _K.WORD, "Status", offered=True),
        _C("idea", _K.PROSE, "Idea", searched=True),
        _C("refined_idea", _K.PROSE, "Refined idea", searched=True, hidden=True),
        _C("current_phase", _K.WORD, "Phase", offered=True, steps=tuple(status.Phase)),
        _C("quality_score", _K.NUMBER, "Score"),
        _C("revenue_potential", _K.NUMBER, "Revenue"),
        _C("mode", _K.WORD, "Mode", offered=True),
        _C("kill_verdict", _K.WORD, "Kill verdict", searched=True, hidden=True),
        _C("pivot_count", _K.NUMBER, "Pivots", hidden=True),
        _C("id", _K.KEY, "Id", searched=True, hidden=True),
        _C("workflow_instance_id", _K.ID, "Workflow", listed=False),
        _C("package_key", _K.ID, "Package", listed=False),
        _C("created_at", _K.TIME, "Created"),
        _C("updated_at", _K.TIME, "Updated"),
        _C("config", _K.JSON, "Config", listed=False),
    ),
)

PLANNING_ARTIFACTS = Table(
    tables.PlanningArtifact,
    "Artifacts",
    ("artifact", "artifacts"),
    columns=(
        _C("id", _K.KEY, "Id", searched=True),
        _C("run_id", _K.ID, "Run id"),
        _C("phase", _K.WORD, "Phase"),
        _C("version", _K.NUMBER, "Version"),
        _C("content", _K.PROSE, "Content", searched=True, listed=False),
        _C("length", _K.LENGTH, "Length", of="content"),
        _C("review_verdict", _K.WORD, "Verdict"),
        _C("overall_score", _K.NUMBER, "Score"),
        _C("created_at", _K.TIME, "Created"),
    ),
)

PLANNING_PARKED_IDEAS = Table(
    tables.ParkedIdea,
    "Parked ideas",
    ("idea", "ideas"),
    main="idea",
    gives_way=("reason", "revisit_estimate_months"),
    heading=("idea",),
    details=(("reason",),),
    columns=(
        _C("idea", _K.PROSE, "Idea", searched=True),
        _C("refined_idea", _K.PROSE, "Refined idea", hidden=True),
        _C("reason", _K.PROSE, "Reason", searched=True),
        _C("artifact_summary", _K.PROSE, "Summary", listed=False),
        _C("revisit_estimate_months", _K.NUMBER, "Revisit"),
        _C("revisit_estimate_note", _K.PROSE, "Note", listed=False),
        _C("source_phase", _K.WORD, "Phase", hidden=True),
        _C("run_id", _K.ID, "Run id", hidden=True),
        _C("id", _K.KEY, "Id", hidden=True),
        _C("created_at", _K.TIME, "Parked"),
    ),
)

DECLARED: dict[str, Table] = {
    table.name: table
    for table in (
        USERS,
        AUDIT_CHAIN,
        WEBHOOK_DESTINATIONS,
        NOTIFICATIONS,
        PLANNING_RUNS,
        PLANNING_ARTIFACTS,
        PLANNING_PARKED_IDEAS,
    )
}
"""Every table by its name in the file; those with a tab of their own come in the tabs' order."""


def title_of(table: str) -> str:
    """What the rows of a table are called in a heading: a table that nobody declared by its own name."""
    if table == AUDIT_CHAIN.name:
        return "Audit entries"
    return DECLARED[table].title if table in DECLARED else table
