"""Acts, undo and redo against a copy of the file's content, with others writing in between.

`TENANT_ADMIN_ACTS` says how many histories are tried, 4 by default and one on a live database,
`TENANT_ADMIN_SEED` sets others than the same ones every time, and `TENANT_ADMIN_KILLS` how often a program
that acts and undoes is killed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test, invariant, precondition, rule

from app import paths
from app.services.chain.where import InFile
from app.services.records import notifications, users, webhooks, writing
from app.services.records.change import Change
from app.services.records.notifications import Composed, compose
from app.services.records.typed import Typed
from app.services.records.webhooks import Secret, WebhookInput
from app.services.runs import statuses
from app.workers import scan_pool
from models.engine import Database
from models.errors import ChangedSince, InvalidInput, NotAllowed, NotFound
from models.local.database import LocalDatabase
from models.local.migrations import create_database
from models.status import RunStatus
from tests.app.services.chain.test_append import assert_one_chain
from tests.conftest import NOW
from tests.fixtures.live import Live

SEED = int(os.environ.get("TENANT_ADMIN_SEED", "0"))
KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "8"))

Cell = tuple[str, str]
Key = tuple[str, Any]
Content = dict[Key, dict[str, Cell]]

SCHEMA = (
    "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator'",
    "ALTER TABLE users ADD COLUMN extra",
    "CREATE TABLE operator_reviews (id INTEGER PRIMARY KEY,"
    " operator_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE, note)",
    "CREATE TABLE answers (review_id INTEGER REFERENCES operator_reviews ON DELETE CASCADE, note)",
    "CREATE TABLE escalations (id INTEGER PRIMARY KEY,"
    " to_supervisor_id TEXT REFERENCES users(id) ON DELETE SET NULL, note)",
)
ROWS = (
    "INSERT INTO users (id, tenant_id, email, created_at, updated_at, extra) VALUES"
    " ('u-1', 'acme', 'ada@example.org', 1, 1, x'ff'), ('u-2', 'acme', 'bob@example.org', 1, 1, 0.5),"
    " ('u-3', 'globex', 'ada@example.org', 1, 1, NULL)",
    "INSERT INTO operator_reviews VALUES (1, 'u-1', 'a'), (2, 'u-1', x''), (3, 'u-2', 9e999)",
    "INSERT INTO answers VALUES (1, 'a'), (1, 'a'), (3, CAST(x'ff' AS TEXT))",
    "INSERT INTO escalations VALUES (1, 'u-1', 'a'), (2, 'u-2', 1)",
    "INSERT INTO notifications (id, tenant_id, type, created_at) VALUES ('n-1', 'acme', 't', 1),"
    " ('n-2', 'acme', 't', 1)",
    "INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES ('r-1', 'An idea', 1, 1),"
    " ('r-2', 'An idea', 1, 1)",
)
KEYS = {
    "users": "id",
    "webhook_destinations": "id",
    "notifications": "id",
    "planning_runs": "id",
    "operator_reviews": "id",
    "answers": "rowid",
    "escalations": "id",
}
REFERENCES = (
    ("operator_reviews", "operator_id", "users"),
    ("escalations", "to_supervisor_id", "users"),
    ("answers", "review_id", "operator_reviews"),
)
OTHERS = (
    ("users", "INSERT INTO operator_reviews (operator_id, note) VALUES (?, {literal})"),
    ("operator_reviews", "INSERT INTO answers (review_id, note) VALUES (?, {literal})"),
    ("users", "INSERT INTO escalations (to_supervisor_id, note) VALUES (?, {literal})"),
    ("users", "UPDATE users SET extra = {literal} WHERE id = ?"),
    ("users", "UPDATE users SET email = {email} WHERE id = ?"),
    ("users", "DELETE FROM users WHERE id = ?"),
    ("escalations", "UPDATE escalations SET to_supervisor_id = NULL, note = {literal} WHERE id = ?"),
    ("webhook_destinations", "UPDATE webhook_destinations SET active = 2, name = {email} WHERE id = ?"),
    ("notifications", "UPDATE notifications SET read = 1 - read WHERE id = ?"),
)
TENANTS = ("acme", "globex")
EMAILS = st.sampled_from([f"{name}@example.org" for name in ("ada", "Ada", "bob", "cleo", "dan")])
ODD = st.sampled_from(
    ["NULL", "7", "0.5", "9e999", "'text'", "''", "x'00ff'", "CAST(x'ff41' AS TEXT)", "'a' || char(0)", "1.0"]
)
SECONDS = st.integers(1, 3)
PASSWORD = Typed("A long one, with 9 words")


def cell(value: Any) -> Cell:
    match value:
        case None:
            return "null", "NULL"
        case int():
            return "integer", str(value)
    return "text", value.encode().hex().upper()


def read(connection: apsw.Connection) -> Content:
    """Every row of every table but the chain, each value in its storage class."""
    found: Content = {}
    for table, key in KEYS.items():
        names = [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
        cells = ", ".join(
            f"typeof({name}), iif(typeof({name}) IN ('text', 'blob'), hex({name}), quote({name}))"
            for name in names
        )
        for row in connection.execute(f"SELECT {key}, {cells} FROM {table}"):
            values = zip(row[1::2], row[2::2], strict=True)
            found[table, row[0]] = dict(zip(names, values, strict=True))
    return found


@dataclass
class Done:
    """A change that was committed, and the rows before and after it, of an update the columns that differ."""

    change: Change
    rows: dict[Key, tuple[dict[str, Cell] | None, dict[str, Cell] | None]]
    twins: set[tuple[Key, Key]] = field(default_factory=set)

    def inverse(self, change: Change) -> "Done":
        return Done(change, {key: (after, before) for key, (before, after) in self.rows.items()}, self.twins)


def differences(
    before: Content, after: Content
) -> dict[Key, tuple[dict[str, Cell] | None, dict[str, Cell] | None]]:
    found = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None:
            names = [name for name in old if old[name] != new[name]]
            if key[0] == "users" and "tenant_id" in names:
                names.append("email")  # which has to be free in the other tenant
            old, new = {name: old[name] for name in names}, {name: new[name] for name in names}
        if old != new:
            found[key] = old, new
    return found


class Acts(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.path, self.database = self._made()
        self._stack.enter_context(self.database.connection_context())
        self.other = apsw.Connection(str(self.path))
        self.other.pragma("foreign_keys", 1)
        self._stack.callback(self.other.close)
        self.now = NOW
        self.seen: dict[Key, int] = {}
        self.model = read(self.other)
        self.undo_stack: list[Done] = []
        self.redo_stack: list[Done] = []

    def _made(self) -> tuple[Path, Database]:
        """A database like the template: the file that others write to, and what acts are done through."""
        path = Path(self._stack.enter_context(TemporaryDirectory())) / "acts.sqlite"
        shutil.copyfile(self.template, path)
        return path, LocalDatabase(path)

    def teardown(self) -> None:
        report = scan_pool.verify(InFile(self.path), now=self.now)
        self._stack.close()
        assert (str(report.verdict), report.findings) in (("CONSISTENT", ()), ("VERIFIED", ()))

    @invariant()
    def the_file_is_as_the_model(self) -> None:
        assert read(self.other) == self.model
        for tenant in (*TENANTS, "system"):
            assert_one_chain(self.path, tenant)

    # ------------------------------------------------------------------ acts

    @rule(tenant=st.sampled_from(TENANTS), email=EMAILS, later=SECONDS)
    def create_user(self, tenant: str, email: str, later: int) -> None:
        def expected(after: Content, change: Change) -> None:
            key = change.rows[0].key["id"]
            columns = self.other.execute("SELECT name FROM pragma_table_info('users')")
            stored = {"id": key, "tenant_id": tenant, "email": email, "role": "operator"}
            stored |= dict.fromkeys(("created_at", "updated_at"), self.now)
            after["users", key] = {name: cell(stored.get(name)) for (name,) in columns}

        taken = any(
            row["tenant_id"] == cell(tenant) and self._email(row) == email.lower()
            for (table, _), row in self.model.items()
            if table == "users"
        )
        self._act(later, expected, taken, users.create, tenant, email)

    @rule(email=EMAILS, later=SECONDS, data=st.data())
    def rename_user(self, email: str, later: int, data: st.DataObject) -> None:
        key = data.draw(self._some("users"))

        def expected(after: Content, change: Change) -> None:
            after["users", key] |= {"email": cell(email), "updated_at": cell(self.now)}

        row = self.model.get(("users", key), {})
        refused = not row or row["email"] == cell(email) or self._taken(("users", key), email)
        self._act(later, expected, refused, users.rename, key, email)

    @rule(later=SECONDS, data=st.data())
    def delete_users(self, later: int, data: st.DataObject) -> None:
        keys = data.draw(st.lists(self._some("users"), min_size=1, max_size=3))

        def expected(after: Content, change: Change) -> None:
            gone = {("users", key) for key in keys} & after.keys()
            while gone:
                key = gone.pop()
                del after[key]
                for child, column in self._children(after, key):
                    if child[0] == "escalations":
                        after[child] |= {column: cell(None)}
                    else:
                        gone.add(child)

        refused = not any(("users", key) in self.model for key in keys)
        self._act(later, expected, refused, users.delete, keys)

    @rule(wanted=st.lists(st.tuples(st.sampled_from(TENANTS), EMAILS), min_size=1, max_size=3), later=SECONDS)
    def create_many_users(self, wanted: list[tuple[str, str]], later: int) -> None:
        columns = [name for (name,) in self.other.execute("SELECT name FROM pragma_table_info('users')")]

        def expected(after: Content, change: Change) -> None:
            for (tenant, email), row in zip(wanted, change.rows, strict=True):
                key = row.key["id"]
                stored = {"id": key, "tenant_id": tenant, "email": email, "role": "operator"}
                stored |= dict.fromkeys(("created_at", "updated_at"), self.now)
                after["users", key] = {name: cell(stored.get(name)) for name in columns}

        folded = [(tenant, email.lower()) for tenant, email in wanted]
        refused = len(set(folded)) < len(folded) or not self._addresses().isdisjoint(folded)
        self._act(later, expected, refused, users.create_many, [(*one, None) for one in wanted])

    @rule(tenants=st.lists(st.sampled_from(TENANTS), max_size=3), later=SECONDS, data=st.data())
    def compose_notifications(self, tenants: list[str], later: int, data: st.DataObject) -> None:
        title = data.draw(st.sampled_from(["Down", "Down", ""]))
        note = Composed("maintenance", title, "", '{"runId": "r-1"}')

        def expected(after: Content, change: Change) -> None:
            for tenant, row in zip(dict.fromkeys(tenants), change.rows, strict=True):
                key = row.key["id"]
                after["notifications", key] = {
                    **{"id": cell(key), "tenant_id": cell(tenant), "type": cell("maintenance")},
                    **{"title": cell("Down"), "message": cell(""), "metadata": cell('{"runId":"r-1"}')},
                    **{"read": cell(0), "created_at": cell(self.now)},
                }

        self._act(later, expected, not (tenants and title), compose, tenants, note)

    @rule(tenant=st.sampled_from(TENANTS), later=SECONDS, data=st.data())
    def move_users(self, tenant: str, later: int, data: st.DataObject) -> None:
        keys = data.draw(st.lists(self._some("users"), min_size=1, max_size=3, unique=True))
        there = [key for key in keys if ("users", key) in self.model]
        others = [key for key in there if self.model["users", key]["tenant_id"] != cell(tenant)]
        emails = [self._email(self.model["users", key]) for key in others]
        stay = {one for one in emails if emails.count(one) > 1 or (tenant, one) in self._addresses()}
        moving = [key for key, one in zip(others, emails, strict=True) if one not in stay]

        def expected(after: Content, change: Change) -> None:
            for key in moving:
                after["users", key] |= {"tenant_id": cell(tenant), "updated_at": cell(self.now)}

        self._act(later, expected, not moving, users.move, keys, tenant)

    @rule(later=SECONDS, role=st.sampled_from(["admin", "operator"]), data=st.data())
    def set_another_column(self, later: int, role: str, data: st.DataObject) -> None:
        key = data.draw(self._some("users"))
        self._set(later, "users", [key], {"role": role}, users.set_others, key, {"role": role})

    @rule(later=SECONDS, data=st.data())
    def set_a_password(self, later: int, data: st.DataObject) -> None:
        key = data.draw(self._some("users"))

        def expected(after: Content, change: Change) -> None:
            values = {"password_hash": PASSWORD.stored, "updated_at": self.now}
            after["users", key] |= {name: cell(value) for name, value in values.items()}

        refused = ("users", key) not in self.model
        self._act(later, expected, refused, users.set_password, key, PASSWORD)

    @rule(later=SECONDS, data=st.data())
    def take_passwords_away(self, later: int, data: st.DataObject) -> None:
        keys = data.draw(st.lists(self._some("users"), min_size=1, max_size=3))
        self._set(later, "users", keys, {"password_hash": None}, users.invalidate_passwords, keys)

    @rule(later=SECONDS, secret=st.sampled_from(["whsec_one", "whsec_two"]), data=st.data())
    def rotate_a_secret(self, later: int, secret: str, data: st.DataObject) -> None:
        key = data.draw(self._some("webhook_destinations"))

        def expected(after: Content, change: Change) -> None:
            values = {"secret": secret, "updated_at": self.now}
            after["webhook_destinations", key] |= {name: cell(value) for name, value in values.items()}

        refused = ("webhook_destinations", key) not in self.model
        self._act(later, expected, refused, webhooks.set_secret, key, Secret(secret))

    @rule(later=SECONDS, table=st.sampled_from(["webhook_destinations", "notifications"]), data=st.data())
    def delete_what_nothing_refers_to(self, later: int, table: str, data: st.DataObject) -> None:
        keys = data.draw(st.lists(self._some(table), min_size=1, max_size=3, unique=True))
        there = {(table, key) for key in keys} & self.model.keys()

        def expected(after: Content, change: Change) -> None:
            for key in there:
                del after[key]

        act = webhooks.delete if table == "webhook_destinations" else notifications.delete
        self._act(later, expected, not there, act, keys)

    @rule(tenant=st.sampled_from(TENANTS), later=SECONDS, data=st.data())
    def create_or_change_webhook(self, tenant: str, later: int, data: st.DataObject) -> None:
        host = data.draw(st.sampled_from(["a.example", "b.example"]))
        secret = data.draw(st.sampled_from([None, "", "whsec"]))
        form = WebhookInput("CI", f"https://{host}/in", secret=secret)
        stored = {"name": "CI", "hostname": host, "url": form.url, "active": 1, "events": "*"}
        if data.draw(st.booleans()):
            names = ("id", "tenant_id", "created_at", "updated_at", "secret")

            def created(after: Content, change: Change) -> None:
                key = change.rows[0].key["id"]
                values = zip(names, (key, tenant, self.now, self.now, secret or None), strict=True)
                after["webhook_destinations", key] = {
                    name: cell(value) for name, value in [*values, *stored.items()]
                }

            self._act(later, created, False, webhooks.create, tenant, form)
            return
        key = data.draw(self._some("webhook_destinations"))
        wanted = dict(stored) if secret is None else {**stored, "secret": secret or None}
        row = self.model.get(("webhook_destinations", key), {})

        def changed(after: Content, change: Change) -> None:
            values = {**wanted, "updated_at": self.now}
            after["webhook_destinations", key] |= {name: cell(value) for name, value in values.items()}

        same = all(row.get(name) == cell(value) for name, value in wanted.items())
        self._act(later, changed, not row or same, webhooks.update, key, form)

    @rule(later=SECONDS, on=st.booleans(), data=st.data())
    def set_a_value_of_several(self, later: int, on: bool, data: st.DataObject) -> None:
        table = data.draw(st.sampled_from(["webhook_destinations", "notifications", "planning_runs"]))
        keys = data.draw(st.lists(self._some(table), min_size=1, max_size=3))
        if table == "webhook_destinations":
            self._set(later, table, keys, {"active": int(on)}, webhooks.set_active, keys, on)
        elif table == "notifications":
            self._set(later, table, keys, {"read": int(on)}, partial(notifications.mark, read=on), keys)
        else:
            there = [row for key in keys if (row := self.model.get((table, key)))]
            keys = [] if any(row["status"] == cell("deleted") for row in there) else keys
            self._set(later, table, keys, {"status": "deleted"}, statuses.set_status, keys, RunStatus.DELETED)

    # ------------------------------------------------------------------ undo and redo

    @precondition(lambda self: self.undo_stack)
    @rule(later=SECONDS)
    def undo(self, later: int) -> None:
        self._revert(later, self.undo_stack, self.redo_stack)

    @precondition(lambda self: self.undo_stack)
    @rule(later=SECONDS, literal=ODD, data=st.data())
    def undo_behind_the_back_of_others(self, later: int, literal: str, data: st.DataObject) -> None:
        self.others_write(literal, data)
        self.undo(later)

    @precondition(lambda self: self.redo_stack)
    @rule(later=SECONDS)
    def redo(self, later: int) -> None:
        self._revert(later, self.redo_stack, self.undo_stack)

    @rule(literal=ODD, data=st.data())
    def others_write(self, literal: str, data: st.DataObject) -> None:
        """Somebody else, mostly where the last act was."""
        table, sql = data.draw(st.sampled_from(OTHERS))
        key = data.draw(self._some(table))
        if (table, key) in self.model:
            email = data.draw(EMAILS)
            self.other.execute(sql.format(literal=literal, email=f"'{email}'"), (key,)).fetchall()
            self.model = read(self.other)

    # ------------------------------------------------------------------ the model

    def _some(self, table: str) -> st.SearchStrategy[Any]:
        for key in self.model:  # ids are random, and a history must be the same when it is tried again
            self.seen.setdefault(key, len(self.seen))
        keys = sorted((key for (of, key) in self.model if of == table), key=lambda key: self.seen[table, key])
        last = [key for key in keys if self.undo_stack and (table, key) in self.undo_stack[-1].rows]
        return st.sampled_from([*last * 4, *keys, "gone"])

    def _act(
        self,
        later: int,
        expected: Callable[[Content, Change], None],
        refused: bool,
        act: Callable[..., Change],
        *args: Any,
    ) -> None:
        self.now += later
        try:
            change = act(self.database, *args, actor="ops", now=self.now)
        except (InvalidInput, NotAllowed, NotFound):
            assert refused
            return
        assert not refused
        after = {key: dict(row) for key, row in self.model.items()}
        expected(after, change)
        done = Done(change, differences(self.model, after))
        done.twins |= set(self._sharing(self.model, done, 0))
        self.model = after
        self.undo_stack.append(done)
        self.redo_stack.clear()

    def _set(
        self,
        later: int,
        table: str,
        keys: list[str],
        values: dict[str, Any],
        act: Callable[..., Change],
        *args: Any,
    ) -> None:
        """An act that gives rows the same values and leaves alone those that have them already."""
        wanted = {name: cell(value) for name, value in values.items()}
        changing = {
            key
            for key in keys
            if (row := self.model.get((table, key))) and any(row[name] != wanted[name] for name in wanted)
        }

        def expected(after: Content, change: Change) -> None:
            for key in changing:
                stamp = {"updated_at": cell(self.now)} if "updated_at" in after[table, key] else {}
                after[table, key] |= wanted | stamp

        self._act(later, expected, not changing, act, *args)

    def _revert(self, later: int, taken: list[Done], other: list[Done]) -> None:
        self.now += later
        done = taken.pop()
        inverse = done.inverse(done.change)
        reason = self._obstacle(inverse)
        try:
            change = writing.undo(self.database, done.change, now=self.now)
        except (ChangedSince, InvalidInput) as error:
            assert reason is type(error), (reason, error)
            taken.clear()
            other.clear()
            return
        assert reason is None, reason
        done.twins |= set(self._sharing(self.model, inverse, 0))
        for key, (_, after) in inverse.rows.items():
            if after is None:
                del self.model[key]
            else:
                self.model[key] = self.model.get(key, {}) | after
        other.append(done.inverse(change))

    def _obstacle(self, wanted: Done) -> type[Exception] | None:
        """What must keep a change from being written: an address that is taken, or anything else since."""
        if set(self._sharing(self.model, wanted, 1)) - wanted.twins:
            return InvalidInput if len(wanted.rows) == 1 else ChangedSince
        for key, (before, after) in wanted.rows.items():
            row = self.model.get(key)
            if before is None and row is not None:
                return ChangedSince
            if before is not None and (row is None or any(row[name] != before[name] for name in before)):
                return ChangedSince
            if after is None:
                gone = {other for other, (_, then) in wanted.rows.items() if then is None}
                for child, column in self._children(self.model, key):
                    _, then = wanted.rows.get(child, (None, None))
                    if child not in gone and column not in (then or {}):
                        return ChangedSince
        return None

    def _sharing(self, content: Content, done: Done, side: int) -> Iterator[tuple[Key, Key]]:
        """Users of a change, and others that have the address which they had before it, or have after it."""
        for key, sides in done.rows.items():
            image = sides[side]
            if key[0] == "users" and image and "email" in image:
                whole = image if "tenant_id" in image else content.get(key, {})
                for other, row in content.items():
                    theirs = (
                        other[0] == "users" and other != key and row["tenant_id"] == whole.get("tenant_id")
                    )
                    if theirs and self._email(row) == self._email(image):
                        yield key, other

    def _addresses(self) -> set[tuple[str, str]]:
        """Those that are taken, each with its tenant."""
        return {
            (bytes.fromhex(row["tenant_id"][1]).decode(), self._email(row))
            for (table, _), row in self.model.items()
            if table == "users"
        }

    def _taken(self, key: Key, email: str) -> bool:
        return any(
            other[0] == "users"
            and other != key
            and row["tenant_id"] == self.model[key]["tenant_id"]
            and self._email(row) == email.lower()
            for other, row in self.model.items()
        )

    @staticmethod
    def _email(row: dict[str, Cell]) -> str:
        return bytes.fromhex(row["email"][1]).decode().lower()

    @staticmethod
    def _children(content: Content, key: Key) -> list[tuple[Key, str]]:
        found = [(table, column) for table, column, parent in REFERENCES if parent == key[0]]
        return [
            (child, column)
            for child, row in content.items()
            for table, column in found
            if child[0] == table and row[column] == cell(key[1])
        ]


class LiveActs(Acts):
    """The same through `wrangler dev`."""

    live: Live

    def _made(self) -> tuple[Path, Database]:
        path = self.live.put(self.template)
        return path, self.live.open(path)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.sqlite"
    create_database(path, paths.migrations_dir(), now=NOW)
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("journal_mode", "delete")
        for statement in (*SCHEMA, *ROWS):
            connection.execute(statement)
    return path


def tried(machine: type[Acts], histories: int) -> None:
    """Raises what the first history fails with that is not as the model says."""
    test: Callable[[], None] = get_state_machine_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("TENANT_ADMIN_ACTS", histories)),
            stateful_step_count=40,
            deadline=None,
            derandomize=not SEED,
            phases=[Phase.generate],  # each history ends with a verification; shrinking takes minutes
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    (seed(SEED)(test) if SEED else test)()


@pytest.mark.slow
def test_acts_undo_and_redo(template: Path) -> None:
    Acts.template = template
    tried(Acts, 4)


@pytest.mark.slow
@pytest.mark.wrangler
def test_acts_undo_and_redo_on_a_live_database(template: Path, live: Live) -> None:
    LiveActs.template, LiveActs.live = template, live
    tried(LiveActs, 1)


@pytest.mark.slow
def test_killed_while_acts_are_done_and_undone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fixtures.acting", str(tmp_path), str(KILLS), "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    *found, numbers = done.stdout.splitlines()
    assert found == []
    assert KILLS // 2 < sum(map(int, numbers.split())) <= KILLS
