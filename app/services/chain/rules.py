"""The rules of the audit chain, each written once: format, formula, markers, starts, sound rows, codes.

What they mean is told in `app/services/chain/README.md`. Whoever reads or writes a chain asks here, and only
the stand-alone verifier of an evidence bundle says them a second time. Imports nothing of ours, and little of
Python, because every process that scans loads it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

# ---------------------------------------------------------------------------------------- format and formula

TABLE: Final = "audit_chain"
COLUMNS: Final = ("seq", "tenant_id", "event_type", "payload", "previous_hash", "hash", "created_at")
TEXT_COLUMNS: Final = COLUMNS[1:6]

GENESIS: Final = "0" * 64
"""`previous_hash` of a tenant's first entry."""

MARKER_EVENT: Final = "audit_pruned"
"""The event type of a prune marker."""

EVENT_TYPE: Final = re.compile(r"[A-Za-z0-9._-]+")
"""What the platform's own event types look like; its queue stores any string."""

HASH: Final = re.compile(r"[0-9a-f]{64}")
ARCHIVE_NAME: Final = re.compile(r"audit-[A-Za-z0-9._~%-]*--?[0-9]+--?[0-9]+\.jsonl\.gz")
"""What an archive may be called: a marker that names anything else is not followed."""

SECONDS_LIMIT: Final = 100_000_000_000
"""A time from here on (the year 5138) is not in seconds; today's milliseconds are 17 times that."""

CLOCK_TOLERANCE: Final = 60
"""Seconds by which another machine's clock may be ahead before a time counts as in the future."""

RAW_COLUMNS: Final = (
    "seq, "
    + ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in (*TEXT_COLUMNS, "created_at"))
    + ", CASE typeof(payload) WHEN 'text' THEN json_valid(payload) END"
)
"""What `Entry` is made of, as the columns of a SELECT."""

JOINED: Final = "CAST(previous_hash || ':' || event_type || ':' || payload || ':' || created_at AS BLOB)"
"""The bytes that the formula hashes, as an SQL expression; right where all have their usual types."""

QUICK_TYPES: Final = "typeof(created_at) = 'integer' AND typeof(payload) = 'text' AND json_valid(payload)"
"""What SQL has to see to before a row may pass `verify.follow.quick_check`."""

SHOWN: Final = 120
"""How many characters of a stored value a finding shows."""


def stored_hash(previous_hash: bytes, event_type: bytes, payload: bytes, created_at: bytes) -> str:
    """The platform's formula over the bytes as stored, in lower-case hex, never of re-serialised JSON."""
    return sha256(b":".join((previous_hash, event_type, payload, created_at))).hexdigest()


def entry_hash(previous_hash: str, event_type: str, payload: str, created_at: int) -> str:
    """The same of a new entry, in UTF-8."""
    return stored_hash(previous_hash.encode(), event_type.encode(), payload.encode(), b"%d" % created_at)


def compact_json(value: Mapping[str, Any]) -> str:
    """JSON as JavaScript's `JSON.stringify` writes it: no spaces, non-ASCII characters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# ------------------------------------------------------------------------------- codes, severities, verdicts


class Code(StrEnum):
    """What a finding is about. The text is part of the CLI's JSON."""

    HASH = "HASH"
    LINK = "LINK"
    FORK = "FORK"
    DUPLICATE = "DUPLICATE"
    RESTART = "RESTART"
    CROSS_TENANT = "CROSS_TENANT"
    ORDER = "ORDER"
    GRAMMAR = "GRAMMAR"
    TYPE = "TYPE"
    ENCODING = "ENCODING"
    MARKER = "MARKER"
    INDEX = "INDEX"
    TRUNCATED = "TRUNCATED"
    SEQUENCE_COUNTER = "SEQUENCE_COUNTER"
    CHECKPOINT = "CHECKPOINT"
    SIGNATURE = "SIGNATURE"
    ROLLBACK = "ROLLBACK"
    UNREADABLE = "UNREADABLE"
    EARLIER = "EARLIER"
    UNPROVEN_START = "UNPROVEN_START"
    TIME = "TIME"
    UNIT = "UNIT"
    KEY = "KEY"
    NUMBERING = "NUMBERING"


class Verdict(StrEnum):
    """What a verification says of a tenant, or of the file."""

    VERIFIED = "VERIFIED"
    CONSISTENT = "CONSISTENT"
    UNPROVEN_START = "UNPROVEN_START"
    EARLIER = "EARLIER"
    TAMPERED = "TAMPERED"
    UNREADABLE = "UNREADABLE"


WARNINGS: Final = frozenset({Code.TIME, Code.UNIT, Code.KEY, Code.NUMBERING})
"""They turn no verdict."""

VERDICTS_OF_THEIR_OWN: Final = frozenset({Code.UNPROVEN_START, Code.EARLIER})
"""Neither errors nor warnings: the verdict of the same name says them."""

ABOUT_A_CHAIN: Final = frozenset(Code) - {
    Code.HASH,
    Code.LINK,
    Code.FORK,
    Code.DUPLICATE,
    Code.RESTART,
    Code.CROSS_TENANT,
    Code.ORDER,
    Code.GRAMMAR,
    Code.TYPE,
    Code.ENCODING,
    Code.TIME,
    Code.UNIT,
}
"""Findings about a chain or the file: few, and never left out where there are too many about single rows."""

SOUND: Final = frozenset({Verdict.VERIFIED, Verdict.CONSISTENT})
"""Nothing is wrong and every start is proven."""

BROKEN: Final = frozenset({Verdict.TAMPERED, Verdict.UNREADABLE})
"""Nothing may be removed, signed or said to be sound."""


class Problem(NamedTuple):
    """One thing that is wrong; `warning` where a code that is an error elsewhere is not one here."""

    code: Code
    expected: str | None
    actual: str | None
    sentence: str
    warning: bool = False

    @property
    def is_error(self) -> bool:
        return is_error(self.code, warning=self.warning)


def end_is_lost(counter: object, last: int | None) -> bool:
    """Whether entries after the `last` were removed: `counter`, AUTOINCREMENT's, has numbered beyond it.

    A table without any row may be what the platform's own cleanup left.
    """
    return isinstance(counter, int) and last is not None and counter > max(last, 0)


def is_error(code: Code, *, warning: bool = False) -> bool:
    """Whether a finding makes its tenant TAMPERED (or UNREADABLE)."""
    return not warning and code not in WARNINGS and code not in VERDICTS_OF_THEIR_OWN


# --------------------------------------------------------------------------------------------- prune markers


class Reference(NamedTuple):
    """What a marker says of its archive: the file's name in the archive folder, and the bytes' SHA-256."""

    file: str
    sha256: str


class Marker(NamedTuple):
    """What the prune marker in row `seq` says: `entries` of them, from `from_seq` to `to_seq`, were removed.

    `last_hash` is that of the last one, `cutoff` the time that all of them were older than, `archive` the
    file that keeps them, if any does.
    """

    seq: int
    from_seq: int
    to_seq: int
    entries: int
    last_hash: str
    cutoff: int
    archive: Reference | None = None


def marker_payload(marker: Marker) -> dict[str, Any]:
    """What such a marker has as its payload."""
    payload: dict[str, Any] = {
        "fromSeq": marker.from_seq,
        "toSeq": marker.to_seq,
        "count": marker.entries,
        "lastHash": marker.last_hash,
        "cutoff": marker.cutoff,
    }
    return payload if marker.archive is None else payload | {"archive": marker.archive._asdict()}


def read_marker(seq: int, created_at: int | None, payload: bytes) -> Marker | str:
    """The marker, or the sentence that says why it is not believed.

    `1 <= fromSeq <= toSeq < seq`, a count of at least 1 that the numbers allow, a hash, and a cutoff that is
    not after the marker's own time.
    """
    try:
        value = json.loads(payload.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return "its payload cannot be read"
    if not isinstance(value, dict):
        return "its payload is no object"
    first, last, count, cutoff = (value.get(name) for name in ("fromSeq", "toSeq", "count", "cutoff"))
    if not (type(first) is type(last) is type(count) is type(cutoff) is int):
        return "fromSeq, toSeq, count and cutoff are not all whole numbers"
    if not 1 <= first <= last < seq:
        return f"it says that {first} to {last} were removed, which cannot be before entry {seq}"
    if not 1 <= count <= last - first + 1:
        return f"there cannot have been {count} entries from {first} to {last}"
    if not isinstance(value.get("lastHash"), str) or HASH.fullmatch(value["lastHash"]) is None:
        return "its lastHash is no hash"
    if created_at is None or cutoff > seconds(created_at):
        return "its cutoff lies after its own time"
    archive = None
    if "archive" in value:
        archive = _archive(value["archive"])
        if archive is None:
            return "it names no archive file by name and SHA-256"
    return Marker(seq, first, last, count, value["lastHash"], cutoff, archive)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name that comes twice would be read in two ways."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _archive(value: object) -> Reference | None:
    file, digest = (value.get("file"), value.get("sha256")) if isinstance(value, dict) else (None, None)
    if not isinstance(file, str) or ARCHIVE_NAME.fullmatch(file) is None:
        return None
    return Reference(file, digest) if isinstance(digest, str) and HASH.fullmatch(digest) else None


def not_believed(seq: int, why: str, *, expected: str | None = None, actual: str | None = None) -> Problem:
    """The finding of a marker that cannot be true."""
    return Problem(
        Code.MARKER, expected, actual, f"Entry {seq} is a prune marker that cannot be true: {why}."
    )


def believed(markers: Iterable[Marker]) -> tuple[list[Marker], list[tuple[int, Problem]]]:
    """Those of one tenant that are in order, and the seq and finding of each that is not.

    `markers` are in the order of their own seq; each must begin behind what the one before it removed.
    """
    good: list[Marker] = []
    bad: list[tuple[int, Problem]] = []
    for marker in markers:
        if good and marker.from_seq <= good[-1].to_seq:
            why = f"entry {good[-1].seq} says already that all up to {good[-1].to_seq} were removed"
            bad.append((marker.seq, not_believed(marker.seq, why, actual=str(marker.from_seq))))
        else:
            good.append(marker)
    return good, bad


# ---------------------------------------------------------------------------------------------------- starts


def anchor(
    first_seq: int, first_previous: str, furthest: Marker | None, accepted: tuple[int, str] | None = None
) -> str | None:
    """What proves the start of a chain, None if nothing does.

    `genesis`, `marker:<its seq>:through:<last pruned seq>`, or `adopted:<seq>` for one that a person accepted
    (`accepted`: its seq and previous hash). Only the furthest marker that is believed counts.
    """
    if first_previous == GENESIS:
        return "genesis" if furthest is None else None
    if furthest is not None and first_seq > furthest.to_seq and furthest.last_hash == first_previous:
        return f"marker:{furthest.seq}:through:{furthest.to_seq}"
    if accepted == (first_seq, first_previous) and not denied(first_seq, first_previous, furthest):
        return f"adopted:{first_seq}"
    return None


def denied(first_seq: int, first_previous: str, furthest: Marker | None) -> bool:
    """Whether a marker contradicts the start: what it says is gone is there, or the chain begins again."""
    return furthest is not None and (first_seq <= furthest.to_seq or first_previous == GENESIS)


# ----------------------------------------------------------------------------------------------- times


def seconds(created_at: int) -> int:
    """A time in seconds; milliseconds, which the platform's first days wrote, are read as what they are."""
    return created_at // 1000 if created_at >= SECONDS_LIMIT else created_at


def time_problems(seq: int, before: int | None, created_at: int, latest: int) -> list[Problem]:
    """What is odd about a time, all of it warnings. `before` is that of the entry before, in seconds.

    `latest` is what is not yet the future.
    """
    found: list[Problem] = []
    at = seconds(created_at)
    if created_at >= SECONDS_LIMIT:
        sentence = f"Entry {seq} has a time that is not in seconds; it is read as milliseconds."
        found.append(Problem(Code.UNIT, "seconds", str(created_at), sentence))
    if before is not None and at < before:
        found.append(backwards(seq, before, at))
    if at > latest:
        now = latest - CLOCK_TOLERANCE
        sentence = f"Entry {seq} lies {at - now} s in the future."
        found.append(Problem(Code.TIME, f"at most {now}", str(at), sentence))
    return found


def backwards(seq: int, before: int, at: int) -> Problem:
    """Both in seconds."""
    sentence = f"Entry {seq} is {before - at} s older than the entry before it."
    return Problem(Code.TIME, f"at least {before}", str(at), sentence)


# ------------------------------------------------------------------------------------------------- one row


class Entry:
    """One row judged by itself, on its bytes and storage classes, never on decoded text.

    `kinds` are the storage classes by column, `raw` the bytes, in UTF-8.
    """

    __slots__ = ("_json", "created_at", "kinds", "raw", "seq")

    def __init__(self, row: tuple[Any, ...], encoding: str = "utf-8") -> None:
        """`row` is of `RAW_COLUMNS`; `encoding` is Python's name for that of the file's text."""
        self.seq: int = row[0]
        self.kinds: dict[str, str] = {}
        self.raw: dict[str, bytes] = {}
        for index, name in enumerate((*TEXT_COLUMNS, "created_at")):
            kind, value = row[1 + 2 * index], row[2 + 2 * index] or b""
            if encoding != "utf-8" and kind != "blob":
                value = value.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
            self.kinds[name] = kind
            self.raw[name] = value
        self._json = row[-1]
        self.created_at = _integer(self.raw["created_at"])

    def text(self, name: str) -> str:
        return self.raw[name].decode("utf-8", "backslashreplace")

    @property
    def tenant(self) -> str:
        return self.text("tenant_id")

    @property
    def clean_tenant(self) -> bool:
        """Whether other rows of the tenant may be recognised by this tenant's text alone."""
        return self.kinds["tenant_id"] == "text" and _bad_byte(self.raw["tenant_id"]) is None

    def is_of(self, tenant: str) -> bool:
        """Whether the row is of this tenant as SQL would compare it."""
        return self.clean_tenant and self.tenant == tenant

    def recomputed(self) -> str:
        raw = self.raw
        return stored_hash(raw["previous_hash"], raw["event_type"], raw["payload"], raw["created_at"])

    def hash_holds(self) -> bool:
        return self.recomputed().encode() == self.raw["hash"]

    @property
    def is_marker(self) -> bool:
        return self.raw["event_type"] == MARKER_EVENT.encode()

    def marker(self) -> Marker | None:
        """The prune marker that the row is, if it is one that can be believed by itself."""
        if not self.is_marker or not self.hash_holds():
            return None
        found = read_marker(self.seq, self.created_at, self.raw["payload"])
        return found if isinstance(found, Marker) else None

    def problems(self) -> list[Problem]:
        """Everything wrong with the row that shows without any other row."""
        found: list[Problem] = []
        recomputed = self.recomputed()
        holds = recomputed.encode() == self.raw["hash"]
        if not holds:
            sentence = (
                f"Entry {self.seq} does not match its own hash: its event type, payload, time or one of its "
                "hashes was changed after it was written."
            )
            found.append(Problem(Code.HASH, recomputed, shown(self.text("hash")), sentence))
        for name, kind in self.kinds.items():
            wanted = "integer" if name == "created_at" else "text"
            if kind != wanted:
                sentence = f"Entry {self.seq} stores {name} as {kind} where the platform writes {wanted}."
                found.append(Problem(Code.TYPE, wanted, kind, sentence))
        for name in TEXT_COLUMNS:
            at = _bad_byte(self.raw[name])
            if at is not None:
                actual = f"{name}: byte {at} is 0x{self.raw[name][at]:02x}"
                sentence = f"Entry {self.seq} holds bytes in {name} that are not valid text."
                found.append(Problem(Code.ENCODING, "UTF-8 text without NUL", actual, sentence))
        if EVENT_TYPE.fullmatch(self.text("event_type")) is None:
            actual = shown(self.text("event_type"))
            sentence = f"Entry {self.seq} has an event type unlike any that the platform itself writes."
            found.append(Problem(Code.GRAMMAR, EVENT_TYPE.pattern, actual, sentence, warning=True))
        if not self._payload_is_json():
            sentence = f"Entry {self.seq} has a payload that is not JSON."
            found.append(Problem(Code.GRAMMAR, "JSON", shown(self.text("payload")), sentence))
        elif holds and self.is_marker:
            claims = read_marker(self.seq, self.created_at, self.raw["payload"])
            if isinstance(claims, str):
                found.append(not_believed(self.seq, claims, actual=shown(self.text("payload"))))
        return found

    def record(self) -> bytes:
        """What a checkpoint's digest takes in of this row: every column with its storage class.

        A row that holds is recorded by seq, length of the event type and hash: the hash stands for the
        joined text, the length for where event type and payload part, and this short form itself for the
        usual storage classes. Any other row is recorded byte by byte. (The tenant is the digest's own.)
        """
        usual = all(
            kind == ("integer" if name == "created_at" else "text") for name, kind in self.kinds.items()
        )
        if usual and self.hash_holds() and all(_bad_byte(self.raw[name]) is None for name in TEXT_COLUMNS):
            return f"{self.seq}:{len(self.text('event_type'))}:{self.text('hash')}\n".encode()
        columns = b"".join(
            b"%s %d:%s\n" % (kind.encode(), len(self.raw[name]), self.raw[name])
            for name, kind in self.kinds.items()
        )
        return b"%d!%s\n" % (self.seq, columns)

    def _payload_is_json(self) -> bool:
        payload = self.raw["payload"]
        if b"\0" in payload:
            return False
        if self._json:
            return True
        # SQLite gives up at 1,000 levels, and judges only text; JSON itself has no such limit.
        return is_json(payload.decode("utf-8", "replace"))


def shown(value: str) -> str:
    return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"


def _integer(raw: bytes) -> int | None:
    try:
        return int(raw)
    except ValueError:
        return None


def _bad_byte(raw: bytes) -> int | None:
    """Where the bytes stop being UTF-8 text without NUL."""
    nul = raw.find(b"\0")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start if nul < 0 else min(nul, error.start)
    return nul if nul >= 0 else None


_JSON_TOKEN = re.compile(
    r"[ \t\r\n]*(?:([{}\[\],:])|(\"(?:[^\"\\\x00-\x1f]|\\(?:[\"\\/bfnrt]|u[0-9A-Fa-f]{4}))*\")"
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null))"
)


def is_json(text: str) -> bool:
    """Whether `text` is JSON (RFC 8259), at any depth of nesting."""
    opened: list[str] = []
    expect = "value"  # value, first (value or ]), key, member (key or }), colon, after
    position, end = 0, len(text.rstrip(" \t\r\n"))
    while position < end:
        match = _JSON_TOKEN.match(text, position, end)
        if match is None:
            return False
        position = match.end()
        mark, string, _ = match.groups()
        if mark is None:
            if expect in ("key", "member"):
                if string is None:
                    return False
                expect = "colon"
            elif expect in ("value", "first"):
                expect = "after"
            else:
                return False
        elif mark in "{[" and expect in ("value", "first"):
            opened.append(mark)
            expect = "member" if mark == "{" else "first"
        elif mark in "}]" and opened[-1:] == ["{" if mark == "}" else "["]:
            if expect not in ("after", "member" if mark == "}" else "first"):
                return False
            opened.pop()
            expect = "after"
        elif mark == "," and opened and expect == "after":
            expect = "key" if opened[-1] == "{" else "value"
        elif mark == ":" and expect == "colon":
            expect = "value"
        else:
            return False
    return expect == "after" and not opened
