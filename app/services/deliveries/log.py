"""What was sent to webhooks from here, and what came of it: kept in a small file of the program's own folder,
never in the database.

It holds neither a secret nor more of a URL than its host, and of an answer no more than was read. A row that
cannot be read is left out, and takes no other with it.

How webhooks fare goes by it; what the platform itself delivers cannot be seen. Others are given it without
secrets, and without what tells who somebody is.
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from peewee import AutoField, BlobField, IntegerField, Model, SchemaManager, Select, TextField, fn

from app import paths
from app.services.deliveries import hiding
from app.services.deliveries.destination import Destination
from app.services.deliveries.hiding import without_signatures
from app.services.deliveries.request import (
    STANDARD_ID,
    STOPPED_HERE,
    DeliveryAnswer,
    DeliveryFate,
    DeliveryOutcome,
    DeliveryPart,
    Header,
    Request,
    Step,
    fate,
)
from app.services.deliveries.signing import Signing
from app.services.records.urls import host_alone, without_urls
from app.services.secrets.forms import GONE
from app.services.secrets.names import words
from app.services.sought import sought
from app.services.text import utc_time
from models import errors
from models.files import atomic
from models.files.at_path import require_file
from models.files.atomic import expected_errors, replacing
from models.local.database import LocalDatabase
from models.progress import PATIENCE
from models.status import DAY

FILE: Final = "deliveries.sqlite"
VERSION: Final = 2
"""The file's `user_version`. A newer one is not read; an older one is renewed when it is opened."""

MOST: Final = 20_000
"""Deliveries that are kept at most, whatever their age."""
SHOWN: Final = 500
"""Of those that a list shows, the newest."""


class StoredDelivery(Model):
    """`database` is what tells a database from others (`Opened.kept_by`); `parts` is the answer as JSON, and
    `request` the headers that were sent, which version 1 did not keep.
    """

    id = AutoField()
    database = TextField()
    webhook = TextField()
    tenant = TextField()
    name = TextField()
    host = TextField()
    event = TextField()
    signing = TextField()
    message = TextField()
    at = IntegerField(index=True)
    body = TextField()
    resent = IntegerField(default=0)
    code = TextField()
    is_ok = IntegerField()
    took_ms = IntegerField()
    parts = TextField()
    answer = BlobField()
    request = TextField(null=True)

    class Meta:
        table_name = "deliveries"
        indexes = ((("database", "webhook", "at"), False),)


class LogUnreadable(errors.StorageError):
    heading = "The delivery log cannot be used"
    sentence = (
        "The delivery log {what} cannot be used ({why}). Nothing of the database depends on it: put it "
        "right, or move it away and a new one is begun."
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that was sent `at`, in epoch seconds; `resent` is the number of the one that it repeats, or 0. Its
    `headers` have how it was signed, and not the signature; there are none where they were not kept.
    """

    number: int
    webhook: str
    tenant: str
    name: str
    host: str
    event: str
    signing: Signing
    message: str
    at: int
    body: str = field(repr=False)
    resent: int
    code: str
    is_ok: bool
    took_ms: int
    headers: Sequence[Header] = ()

    @property
    def fate(self) -> DeliveryFate:
        return fate(self.code, is_ok=self.is_ok)


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """Of a delivery what came of it, without what was sent."""

    number: int
    webhook: str
    tenant: str
    event: str
    at: int
    resent: int
    code: str
    is_ok: bool
    took_ms: int


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which deliveries of a database a list shows: of one webhook and tenant, or all; those that count as
    one thing, or all; those with a text in event, name, host, code, message id or body.
    """

    database: str
    webhook: str | None = None
    tenant: str | None = None
    fate: DeliveryFate | None = None
    text: str = ""


class DeliveryLog:
    """The log in `folder`, made when something is first kept. Any thread may call it; every method may raise
    `LogUnreadable`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or paths.deliveries_dir()) / FILE

    def add(
        self,
        database: str,
        destination: Destination,
        request: Request,
        answer: DeliveryAnswer,
        *,
        signing: Signing,
        days: int,
        resent: int = 0,
    ) -> int:
        """Keeps a delivery, and lets go of those older than so many days; gives its number."""
        row = {
            "database": database,
            "webhook": str(destination.key),
            "tenant": destination.tenant,
            "name": str(without_urls(destination.name)),
            "host": host_alone(destination.url),
            "event": request.event,
            "signing": signing.value,
            "message": dict(request.headers).get(STANDARD_ID, ""),
            "at": request.at,
            "body": request.body.decode(),
            "resent": resent,
            "code": answer.code,
            "is_ok": int(answer.is_ok),
            "took_ms": round(answer.seconds * 1000),
            "parts": json.dumps(_parts(answer)),
            "answer": answer.body,
            "request": json.dumps([*map(list, without_signatures(request.headers))]),
        }
        with self._opened(make=True) as file, file.atomic("IMMEDIATE"):
            number = int(file.last_insert_id(file.execute(StoredDelivery.insert(row))))
            _prune(file, request.at - days * DAY)
        return number

    def prune(self, days: int, *, now: int) -> None:
        """Lets go of what is older than so many days."""
        with self._opened() as file:
            if file is not None:
                with file.atomic("IMMEDIATE"):
                    _prune(file, now - days * DAY)

    def forget(self, database: str, tenant: str) -> None:
        """Lets go of all that was sent to the webhooks of one tenant."""
        its_own = (StoredDelivery.database == database) & (StoredDelivery.tenant == tenant)
        with self._opened() as file:
            if file is not None:
                with file.atomic("IMMEDIATE"):
                    file.execute(StoredDelivery.delete().where(its_own))

    def find(self, wanted: LogQuery) -> list[Delivery]:
        """The newest of them, newest first."""
        query = StoredDelivery.select(*_LISTED).where(StoredDelivery.database == wanted.database)
        for column, value in (
            (StoredDelivery.webhook, wanted.webhook),
            (StoredDelivery.tenant, wanted.tenant),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.fate is not None:
            is_stopped = StoredDelivery.code.in_(STOPPED_HERE)
            query = query.where(
                StoredDelivery.is_ok == int(wanted.fate is DeliveryFate.DELIVERED),
                is_stopped if wanted.fate is DeliveryFate.STOPPED else ~is_stopped,
            )
        query = query.order_by(StoredDelivery.at.desc(), StoredDelivery.id.desc())
        if not wanted.text:
            query = query.limit(SHOWN)
        with self._opened() as file:
            rows = [] if file is None else file.rows(query)
        found = [one for row in rows if (one := _delivery(row)) is not None]
        words = sought(wanted.text)
        kept = (one for one in found if words in sought("\0".join(_sought(one))))
        return [one for one, _ in zip(kept, range(SHOWN), strict=False)]

    def last(self, database: str, tenant: str | None, most: int) -> list[DeliverySummary]:
        """Of each webhook, of a tenant or of all, the last so many that tell something of it, the oldest
        first; fewer where most of the last were stopped here.
        """
        newest = StoredDelivery.at.desc(), StoredDelivery.id.desc()
        place = fn.ROW_NUMBER().over(partition_by=[StoredDelivery.webhook], order_by=newest)
        # By the index alone, in which those stopped are not told: so twice as many are looked at.
        of_all = StoredDelivery.select(StoredDelivery.id, place.alias("place")).where(
            StoredDelivery.database == database
        )
        recent = Select([of_all], [of_all.c.id]).where(of_all.c.place <= 2 * most)
        query = StoredDelivery.select(*_TRIED).where(
            StoredDelivery.id.in_(recent), StoredDelivery.code.not_in(STOPPED_HERE)
        )
        if tenant is not None:
            query = query.where(StoredDelivery.tenant == tenant)
        with self._opened() as file:
            rows = [] if file is None else file.rows(query.order_by(StoredDelivery.at, StoredDelivery.id))
        found: dict[str, deque[DeliverySummary]] = {}
        for one in map(_attempt, rows):
            if one is not None:
                found.setdefault(one.webhook, deque(maxlen=most)).append(one)
        return [one for attempts in found.values() for one in attempts]

    def answer(self, number: int) -> DeliveryAnswer | None:
        """What came of a delivery; None where it is gone or cannot be read."""
        query = StoredDelivery.select(StoredDelivery.parts, StoredDelivery.answer).where(
            StoredDelivery.id == number
        )
        with self._opened() as file:
            rows = [] if file is None else file.rows(query)
        for parts, body in rows:
            with suppress(ValueError, TypeError, KeyError, LookupError, RecursionError):
                return _answer(json.loads(parts), bytes(memoryview(body)))  # a number is no body
        return None

    @contextmanager
    def _opened(self, *, make: bool = False) -> Iterator[Any]:
        """The file; None where there is none and none is to be made."""
        with self._expected_errors():
            if make:
                self._make()
            try:
                require_file(self.path)
            except errors.FileMissing:
                yield None
                return
            file = LocalDatabase(self.path)
            with file.connection_context():
                file.pragma("busy_timeout", int(PATIENCE * 1000))
                version = int(file.pragma("user_version"))
                if not 1 <= version <= VERSION:
                    why = f"it is in format {version}, and this program knows up to {VERSION}"
                    raise LogUnreadable(self.path, why)
                if version < VERSION:
                    _renew(file)
                yield file

    def _make(self) -> None:
        """Whole or not at all."""
        if paths.exists(self.path):
            return
        paths.make_private(self.path.parent)
        with suppress(errors.AlreadyThere), atomic.unfinished(self.path) as building:
            building.touch(0o600)
            file = LocalDatabase(building)
            with file.connection_context(), file.atomic():
                SchemaManager(StoredDelivery, file).create_all()
                file.pragma("user_version", VERSION)
            atomic.give_name(building, self.path)

    @contextmanager
    def _expected_errors(self) -> Iterator[None]:
        try:
            with LocalDatabase(self.path).expected_errors():
                yield
        except LogUnreadable:
            raise
        except errors.StorageError as error:
            raise LogUnreadable(self.path, error.heading.lower()) from error
        except OSError as error:
            raise LogUnreadable(self.path, error.strerror or str(error)) from error


def _renew(file: LocalDatabase) -> None:
    """Makes a log of this version of an older one, unless another program has done so meanwhile."""
    with file.atomic("IMMEDIATE"):
        if int(file.pragma("user_version")) < VERSION:
            file.execute_sql("ALTER TABLE deliveries ADD COLUMN request TEXT")
            file.pragma("user_version", VERSION)


def _prune(file: LocalDatabase, before: int) -> None:
    """What is older, and what is more than `MOST`, by their numbers."""
    file.execute(StoredDelivery.delete().where(StoredDelivery.at < before))
    newest = StoredDelivery.select(StoredDelivery.id).order_by(StoredDelivery.id.desc()).limit(1).offset(MOST)
    rows = file.rows(newest)
    if rows:
        file.execute(StoredDelivery.delete().where(StoredDelivery.id <= rows[0][0]))


def _sought(one: Delivery) -> tuple[str, ...]:
    return one.event, one.name, one.host, one.code, one.tenant, one.message, one.body


def _delivery(row: Sequence[Any]) -> Delivery | None:
    """None of one that this program has not written."""
    *row, request = row
    number, webhook, tenant, name, host, event, signing, message, at, body, resent, code, is_ok, took = row
    texts = (webhook, tenant, name, host, event, message, body, code)
    numbers = (number, at, resent, is_ok, took)
    if not all(isinstance(one, str) for one in texts) or not all(isinstance(one, int) for one in numbers):
        return None
    with suppress(ValueError):
        how = Signing(signing)
        return Delivery(
            number,
            webhook,
            tenant,
            name,
            host,
            event,
            how,
            message,
            at,
            body,
            resent,
            code,
            bool(is_ok),
            took,
            _headers(request),
        )
    return None


def _headers(kept: object) -> tuple[Header, ...]:
    """None of a delivery that was kept without them, or whose own cannot be read."""
    with suppress(ValueError, TypeError, RecursionError):
        return tuple((str(name), str(text)) for name, text in json.loads(str(kept or "[]")))
    return ()


def _attempt(row: Sequence[Any]) -> DeliverySummary | None:
    """None of one that this program has not written."""
    number, webhook, tenant, event, at, resent, code, is_ok, took = row
    texts, numbers = (webhook, tenant, event, code), (number, at, resent, is_ok, took)
    if not all(isinstance(one, str) for one in texts) or not all(isinstance(one, int) for one in numbers):
        return None
    return DeliverySummary(number, webhook, tenant, event, at, resent, code, bool(is_ok), took)


def _parts(answer: DeliveryAnswer) -> dict[str, Any]:
    """All of it but the body."""
    return {
        "outcome": answer.outcome.value,
        "why": answer.why,
        "status": answer.status,
        "headers": [*map(list, answer.headers)],
        "isCut": answer.is_cut,
        "address": answer.address,
        "tls": answer.tls,
        "steps": [[step.part.value, step.begun, step.took] for step in answer.steps],
        "seconds": answer.seconds,
    }


def _answer(parts: dict[str, Any], body: bytes) -> DeliveryAnswer:
    """Raises ValueError, TypeError and LookupError for what `_parts` has not given."""
    status = parts["status"]
    return DeliveryAnswer(
        DeliveryOutcome(parts["outcome"]),
        str(parts["why"]),
        None if status is None else int(status),
        tuple((str(name), str(text)) for name, text in parts["headers"]),
        body,
        bool(parts["isCut"]),
        str(parts["address"]),
        str(parts["tls"]),
        tuple(Step(DeliveryPart(part), float(begun), float(took)) for part, begun, took in parts["steps"]),
        float(parts["seconds"]),
    )


_LISTED: Final = (
    StoredDelivery.id,
    StoredDelivery.webhook,
    StoredDelivery.tenant,
    StoredDelivery.name,
    StoredDelivery.host,
    StoredDelivery.event,
    StoredDelivery.signing,
    StoredDelivery.message,
    StoredDelivery.at,
    StoredDelivery.body,
    StoredDelivery.resent,
    StoredDelivery.code,
    StoredDelivery.is_ok,
    StoredDelivery.took_ms,
    StoredDelivery.request,
)
_TRIED: Final = (
    StoredDelivery.id,
    StoredDelivery.webhook,
    StoredDelivery.tenant,
    StoredDelivery.event,
    StoredDelivery.at,
    StoredDelivery.resent,
    StoredDelivery.code,
    StoredDelivery.is_ok,
    StoredDelivery.took_ms,
)


LAST: Final = 20
"""Deliveries to each that are looked at."""


class Fares(StrEnum):
    """The worst first."""

    FAILING = "failing"
    """The last delivery failed."""
    UNEVEN = "uneven"
    """The last went well, and one before it did not."""
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Health:
    """Of one webhook its last deliveries, oldest first: one at least, and `LAST` at most."""

    attempts: tuple[DeliverySummary, ...]

    @property
    def last(self) -> DeliverySummary:
        return self.attempts[-1]

    @property
    def well(self) -> int:
        """How many of them went well."""
        return sum(one.is_ok for one in self.attempts)

    @property
    def fares(self) -> Fares:
        if not self.last.is_ok:
            return Fares.FAILING
        return Fares.WELL if self.well == len(self.attempts) else Fares.UNEVEN

    @property
    def failures(self) -> tuple[DeliverySummary, ...]:
        """Those at the end that failed, one after the other."""
        start = max((place for place, one in enumerate(self.attempts, 1) if one.is_ok), default=0)
        return self.attempts[start:]

    @property
    def words(self) -> str:
        """`15 of 20`, and what stands in the place of a status where the last one failed."""
        words = f"{self.well} of {len(self.attempts)}"
        return words if self.last.is_ok else f"{words} · {self.last.code}"

    @property
    def sentence(self) -> str:
        """The same as a sentence."""
        whole, failed = len(self.attempts), len(self.failures)
        if whole in (failed, self.well):
            which = "The last delivery" if whole == 1 else f"The last {whole} deliveries all"
            return f"{which} {'failed' if failed else 'went well'}."
        if not failed:
            return f"{self.well} of the last {whole} deliveries went well."
        earlier = whole - failed
        words = "The last delivery failed" if failed == 1 else f"The last {failed} deliveries failed"
        if earlier > self.well:
            return f"{words}; before that {earlier - self.well} of {earlier}."
        return f"{words}; the {'one' if earlier == 1 else earlier} before went well."


def health_of(log: DeliveryLog, database: str, tenant: str | None = None) -> Mapping[tuple[str, str], Health]:
    """By tenant and webhook, of all of which a delivery tells something; of one tenant's, or of all.
    `database` is `Opened.kept_by`. Raises `LogUnreadable`.
    """
    found: defaultdict[tuple[str, str], list[DeliverySummary]] = defaultdict(list)
    for one in log.last(database, tenant, LAST):
        found[one.tenant, one.webhook].append(one)
    return {key: Health(tuple(attempts)) for key, attempts in found.items()}


def failing_of(found: Mapping[tuple[str, str], Health]) -> frozenset[str]:
    """The ids of the webhooks to which what was sent last has failed."""
    return frozenset(webhook for (_, webhook), one in found.items() if one.fares is Fares.FAILING)


_MAIL: Final = re.compile(r"[^\s@\"'<>(),;:\[\]\\]{1,64}(?:@|%40)[^\s@\"'<>(),;:\[\]\\/]{1,255}")
_PERSON: Final = re.compile(
    r"e_?mail|(?:^|_)(?:first|last|full|user|given|family|display|sur)?_?name$|phone|mobile|address|street"
    r"|birth|(?:^|_)(?:ip|ssn|iban|dob|tel|mail|cv[vc]|card_?number|credit_?card|tax_?id|s(?:ession_?)?id"
    r"|remote_?addr|forwarded_?for|login)(?:_|$)"
)
"""What a member is called that says who somebody is, as far as a name can tell."""
_TAG: Final = re.compile(r"(<([A-Za-z][\w.:-]{0,60})>)[^<>]+(</\2>)")
"""An element of XML that holds a text."""


def lines(deliveries: Iterable[tuple[Delivery, DeliveryAnswer | None]]) -> Iterable[str]:
    """A JSON object each, oldest first as given."""
    for delivery, answer in deliveries:
        body, headers = redacted(delivery.body), hiding.without_signatures(delivery.headers)
        document: dict[str, Any] = {
            "number": delivery.number,
            "at": utc_time(delivery.at),
            "webhookId": delivery.webhook,
            "tenant": delivery.tenant,
            "name": redacted(delivery.name),
            "url": delivery.host,
            "event": delivery.event,
            "messageId": redacted(delivery.message) or None,
            "signedAs": delivery.signing.value,
            "requestHeaders": [[name, _without_persons(text)] for name, text in headers] or None,
            "body": body,
            "bodyIsRedacted": body != delivery.body,
            "resent": delivery.resent or None,
            "result": delivery.code,
            "milliseconds": delivery.took_ms,
        }
        if answer is not None:
            document |= {
                "why": redacted(answer.why),
                "headers": [[name, _shared_header(name, text)] for name, text in answer.headers],
                "answer": redacted(answer.text()),
                "isCut": answer.is_cut,
                "address": answer.address,
                "tls": answer.tls,
                "steps": {step.part.value: round(step.took * 1000, 1) for step in answer.steps},
            }
        yield json.dumps(document) + "\n"


def export(path: Path, deliveries: Iterable[tuple[Delivery, DeliveryAnswer | None]]) -> int:
    """Writes them to a file, whole or not at all; gives how many. Raises the storage errors of the file."""
    count = 0
    with expected_errors(path), replacing(path) as building, building.open("w", encoding="ascii") as stream:
        for line in lines(deliveries):
            stream.write(line)
            count += 1
    return count


def redacted(text: str) -> str:
    """A text, and JSON by its members' names: those that hold a secret, or say who somebody is, are gone. One
    without either is as it was sent, to be checked against its signature.
    """
    return hiding.rid(text, _without_persons, _tells)


def _tells(name: str) -> bool:
    return hiding.names_secret(name) or _PERSON.search(words(name)) is not None


def _shared_header(name: str, text: str) -> str:
    return GONE if _tells(name) else _without_persons(hiding.header(name, text))


def _without_persons(text: str) -> str:
    without = _TAG.sub(lambda tag: f"{tag[1]}{GONE}{tag[3]}" if _tells(tag[2]) else tag[0], text)
    return _MAIL.sub(GONE, hiding.without_private(str(without_urls(without))))
