"""Sample data: a new file that looks like a platform at work, the same every time for the same seed.

What its tenants have is made in `world`, what their audit chains tell of it here.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import accumulate, chain
from pathlib import Path
from random import Random
from typing import Final

from app import paths
from app.services.chain.checkpoints.places import remember_new
from app.services.chain.rules import GENESIS, entry_hash
from app.services.demo import world
from app.services.demo.world import (
    FILES,
    HANDFUL,
    SETTINGS,
    SPAN,
    Row,
    Tenant,
    make_user,
    make_webhook,
    shares,
)
from app.services.records.tables import AUDIT_CHAIN
from app.services.runs.statuses import PHASES
from models.errors import InvalidInput
from models.files.atomic import new_file
from models.local.file import connect
from models.local.migrations import create_database
from models.progress import UNWATCHED, Monitor, Progress, ignore
from models.status import DAY, AuditEvent

MAX_ROWS: Final = 20_000_000
MAX_TENANTS: Final = 1_000
_STEP: Final = 5_000
"""Rows between two looks whether it is cancelled: some 20 ms."""


def create_demo(
    path: Path, *, rows: int = 5_000, tenants: int = 6, seed: int = 1, now: int, monitor: Monitor = UNWATCHED
) -> dict[str, int]:
    """Writes sample data with `rows` audit entries to a new file at `path`; returns the rows by table.

    Everything lies in the 120 days before `now`. The same `rows`, `tenants`, `seed` and `now` give the same
    contents. The file is built under another name and appears whole or not at all. `monitor` is told
    audit entries. Raises `InvalidInput`, `AlreadyThere`, `CannotOpen`, `DiskFull`,
    `MigrationError` and `Cancelled`.
    """
    if not 0 <= rows <= MAX_ROWS:
        raise InvalidInput(
            "rows", f"Sample data can have 0 to {MAX_ROWS:,} audit entries; choose such a number."
        )
    if not 1 <= tenants <= MAX_TENANTS:
        raise InvalidInput(
            "tenants", f"Sample data can have 1 to {MAX_TENANTS:,} tenants; choose such a number."
        )

    def watched(given: Iterable[Row], progress: Progress) -> Iterator[Row]:
        for number, row in enumerate(given):
            if number % _STEP == 0:
                progress(number, rows)
                monitor.check()
            yield row

    counts: dict[str, int] = {}
    with new_file(path) as building:
        create_database(building, paths.migrations_dir(), now=now)
        with closing(connect(building)) as connection:
            # Nobody else can see this file yet, and a failed build is thrown away: no journal is needed.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                connection.execute(f"PRAGMA {pragma}")
            with connection:
                for table, content in _tables(Random(seed), rows, tenants, now):  # noqa: S311  # no secret
                    said = monitor.progress if table == AUDIT_CHAIN.name else ignore
                    before = connection.total_changes()
                    if (first := next(content, None)) is not None:
                        shape = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
                        names = [name for (name,) in shape if name in first]
                        connection.executemany(
                            f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608  # of our own schema
                            f" VALUES ({', '.join(f':{name}' for name in names)})",
                            watched(chain([first], content), said),
                        )
                    counts[table] = connection.total_changes() - before
                monitor.progress(rows, rows)
                # Two of one second are two databases, which tell themselves apart by when they were made.
                began = now - SPAN - Random(f"{rows} {tenants} {seed}").randrange(DAY)  # noqa: S311  # no secret
                connection.execute("UPDATE d1_migrations SET applied_at = datetime(?, 'unixepoch')", (began,))
            connection.execute("PRAGMA journal_mode = WAL")
    remember_new(path, unrelated=True)
    return counts


def _tables(rng: Random, rows: int, count: int, now: int) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each table's rows, to be taken in this order: the chain tells of the people and webhooks there are."""
    tenants = world.make_tenants(rng, count, now - SPAN)
    runs = world.make_runs(rng, max(58, count, min(2_000, rows // 500)), now)
    for index, run in enumerate(runs):
        tenants[index % count].runs.append(run)
    yield AUDIT_CHAIN.name, chain_rows(rng, tenants, 60 + min(19_940, rows // 50), rows, now)
    yield "users", (user for tenant in tenants for user in tenant.users)
    yield "webhook_destinations", (hook for tenant in tenants for hook in tenant.webhooks)
    notifications = 150 + min(29_850, rows * 3 // 100)
    yield "notifications", world.notification_rows(rng, tenants, notifications, now)
    yield "planning_runs", (world.run_row(rng, run) for run in runs)
    yield "planning_artifacts", (row for run in runs for row in world.artifact_rows(rng, run))
    yield "planning_parked_ideas", world.parked_rows(rng, runs, len(runs) * 9 // 58, now)


Told = tuple[str, str]
"""An event's type and payload."""


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


class TenantStory:
    """What happens at one tenant: each `next_event` changes its records and says so."""

    def __init__(self, rng: Random, tenant: Tenant, rows: int, users: int) -> None:
        self._rng, self._random = rng, rng.random
        self._tenant = tenant
        self._actors = [_text(user["email"]) for user in tenant.users]
        self._pending: deque[tuple[Row, str]] = deque(maxlen=50)
        self._started = 0
        self._plan = iter(self._planned(rows, users))

    def _planned(self, rows: int, users: int) -> list[Callable[[int, str], Told]]:
        """Events in order: everyday work, with people and destinations coming early and going late."""
        rng = self._rng
        everyday: dict[Callable[[int, str], Told], int] = {
            self._user_updated: 20,
            self._workflow_dispatched: 28,
            self._workflow_completed: 27,
            self._file_uploaded: 19,
            self._settings_changed: 6,
        }
        plan = rng.choices(list(everyday), list(everyday.values()), k=rows)
        joining = min(users, rows // 4)
        for _ in range(joining):
            plan[int(rows * rng.random() ** 1.5)] = self._user_created
        for _ in range(joining // 12):
            plan[int(rows * rng.random() ** 0.5)] = self._user_deleted
        for _ in range(min(4, rows // 40)):
            plan[int(rows * rng.random())] = self._webhook_created
        if rows > 200:
            plan[int(rows * 0.8)] = self._webhook_deleted
        if plan:
            plan[0] = self._settings_changed
        return plan

    def next_event(self, at: int) -> Told:
        actors = self._actors
        return next(self._plan)(at, actors[int(self._random() * len(actors))])

    def _user_created(self, at: int, actor: str) -> Told:
        user = make_user(self._rng, self._tenant, at)
        self._tenant.users.append(user)
        self._actors.append(_text(user["email"]))
        role = "admin" if self._random() < 0.1 else "member"
        return AuditEvent.USER_CREATED, (
            f'{{"userId":"{user["id"]}","email":"{user["email"]}","name":{_text(user["name"])},'
            f'"role":"{role}","actor":{actor}}}'
        )

    def _user_updated(self, at: int, actor: str) -> Told:
        user = self._tenant.users[int(self._random() * len(self._tenant.users))]
        user["updated_at"] = at
        changed = ("name", "role", "locale", "password")[int(self._random() * 4)]
        return AuditEvent.USER_UPDATED, f'{{"userId":"{user["id"]}","changed":["{changed}"],"actor":{actor}}}'

    def _user_deleted(self, at: int, actor: str) -> Told:
        position = int(self._random() * len(self._tenant.users))
        if position < 2:  # the first two people stay, so somebody always acts
            return self._settings_changed(at, actor)
        user = self._tenant.users.pop(position)
        del self._actors[position]
        payload = f'{{"userId":"{user["id"]}","email":"{user["email"]}","actor":{actor}}}'
        return AuditEvent.USER_DELETED, payload

    def _workflow_dispatched(self, at: int, actor: str) -> Told:
        runs = self._tenant.runs
        while self._started < len(runs) and runs[self._started]["created_at"] <= at:
            self._started += 1
        if not self._started:
            return self._file_uploaded(at, actor)
        run = runs[int(self._random() * self._started)]
        phase = PHASES[int(self._random() * run["phases"])]
        self._pending.append((run, phase))
        return AuditEvent.WORKFLOW_DISPATCHED, (
            f'{{"runId":"{run["id"]}","phase":"{phase}",'
            f'"workflowInstanceId":"{run["workflow_instance_id"]}","actor":{actor}}}'
        )

    def _workflow_completed(self, at: int, actor: str) -> Told:
        if not self._pending:
            return self._workflow_dispatched(at, actor)
        run, phase = self._pending.popleft()
        took, score = int(self._random() * 600_000), int(self._random() * 50) + 48
        return AuditEvent.WORKFLOW_COMPLETED, (
            f'{{"runId":"{run["id"]}","phase":"{phase}","durationMs":{took},"score":{score},"actor":"workflow"}}'
        )

    def _file_uploaded(self, at: int, actor: str) -> Told:
        number = self._rng.getrandbits(64)
        name = FILES[number % len(FILES)]
        return AuditEvent.FILE_UPLOADED, (
            f'{{"fileId":"file_{number:016x}","name":"{name}","size":{number % 9_000_000},"actor":{actor}}}'
        )

    def _webhook_created(self, at: int, actor: str) -> Told:
        hook = make_webhook(self._rng, self._tenant, at)
        self._tenant.webhooks.append(hook)
        events = json.dumps(hook["events"].split(","), separators=(",", ":"))
        url = f"https://{hook['hostname']}/…"  # as ours say it (urls.host_alone)
        return AuditEvent.WEBHOOK_CREATED, (
            f'{{"webhookId":"{hook["id"]}","actor":{actor},"url":"{url}","events":{events}}}'
        )

    def _webhook_deleted(self, at: int, actor: str) -> Told:
        hook = self._tenant.webhooks.pop()
        payload = f'{{"webhookId":"{hook["id"]}","actor":{actor},"url":"https://{hook["hostname"]}/…"}}'
        return AuditEvent.WEBHOOK_DELETED, payload

    def _settings_changed(self, at: int, actor: str) -> Told:
        name, before, after = SETTINGS[int(self._random() * len(SETTINGS))]
        payload = f'{{"setting":"{name}","from":{before},"to":{after},"actor":{actor}}}'
        return AuditEvent.SETTINGS_CHANGED, payload


def chain_rows(rng: Random, tenants: list[Tenant], users: int, rows: int, now: int) -> Iterator[Row]:
    """`rows` entries in order of time.

    Each tenant's entries form one chain from genesis. Consuming the iterator fills in the tenants' users and
    webhooks as the entries tell of them.
    """
    order = _order(rng, len(tenants), rows)
    amounts = Counter(order)
    stories = [
        TenantStory(rng, tenant, amounts[index], round(users * share) - 2)
        for index, (tenant, share) in enumerate(zip(tenants, shares(len(tenants)), strict=True))
    ]
    heads = [GENESIS] * len(tenants)
    names = [tenant.name for tenant in tenants]
    for index, at in zip(order, _times(rng, rows, now), strict=True):
        kind, payload = stories[index].next_event(at)
        previous = heads[index]
        heads[index] = digest = entry_hash(previous, kind, payload, at)
        yield {
            "tenant_id": names[index],
            "event_type": kind,
            "payload": payload,
            "previous_hash": previous,
            "hash": digest,
            "created_at": at,
        }


def _order(rng: Random, tenants: int, rows: int) -> list[int]:
    """Which tenant each entry belongs to: every tenant once, then by share; the last one stays a handful."""
    order = rng.choices(range(tenants), shares(tenants), k=rows)
    order[:tenants] = range(min(tenants, rows))
    if tenants > 2:
        for position in range(1, HANDFUL if rows >= 100 else 1):
            order[position * rows // HANDFUL] = tenants - 1
    return order


def _times(rng: Random, rows: int, now: int) -> Iterator[int]:
    """`rows` times that never go backwards, over the last 120 days: quiet at night and at weekends."""
    hours = SPAN // 3_600
    start = now - SPAN
    weights = [_activity(start + hour * 3_600) for hour in range(hours)]
    ends = list(accumulate(weights))
    hour = 0
    for row in range(rows):
        target = (row + rng.random()) / rows * ends[-1]
        while ends[hour] <= target and hour < hours - 1:
            hour += 1
        inside = 1 - (ends[hour] - target) / weights[hour]
        yield min(start + hour * 3_600 + int(inside * 3_600), now - 1)


def _activity(at: int) -> float:
    weekday, hour = (at // DAY + 3) % 7, at % DAY // 3_600
    by_hour = 1.0 if 8 <= hour < 18 else 0.35 if 6 <= hour < 22 else 0.08
    return by_hour * (0.3 if weekday >= 5 else 1.0)
