"""The rules of the audit chain, each written once: format, formula, codes, markers, starts, times.

What makes one row sound is `entry.py`. What they mean is told in `app/services/chain/README.md`. Whoever
reads or writes a chain asks here, and only the stand-alone verifier of an evidence bundle says them a second
time; how a chain begins is below both these rules and the engines, in `models/genesis.py`. Imports nothing
else of ours, and little of Python, because every process that scans loads it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from models.genesis import GENESIS as GENESIS  # noqa: PLC0414 - which is had from here
from models.genesis import begins_behind as begins_behind  # noqa: PLC0414

# ---------------------------------------------------------------------------------------- format and formula

TABLE: Final = "audit_chain"
COLUMNS: Final = ("seq", "tenant_id", "event_type", "payload", "previous_hash", "hash", "created_at")
TEXT_COLUMNS: Final = COLUMNS[1:6]

LOWEST_SEQ: Final = -(2**63)
HIGHEST_SEQ: Final = 2**63 - 1
"""What SQLite can number rows by."""

MARKER_EVENT: Final = "audit_pruned"
"""The event type of a prune marker."""

EVENT_TYPE: Final = re.compile(r"[A-Za-z0-9._-]+")
"""What the platform's own event types look like; its queue stores any string."""

HASH: Final = re.compile(r"[0-9a-f]{64}")
ARCHIVE_NAME: Final = re.compile(r"audit-[A-Za-z0-9._~%-]*--?[0-9]+--?[0-9]+\.jsonl\.gz")
"""What an archive may be called: a marker that names anything else is not followed."""

ARCHIVES: Final = "audit-*.jsonl.gz"
"""The same as a pattern of the file system, for what an unfinished archive left behind."""

_LONGEST_TENANT: Final = 120
"""Characters of a tenant in a file name, which file systems limit to 255 with the rest."""

SECONDS_LIMIT: Final = 253_402_300_800
"""A time from here on, the end of the year 9999, is not in seconds, and as milliseconds lies behind 1978."""

CLOCK_TOLERANCE: Final = 60
"""Seconds by which another machine's clock may be ahead before a time counts as in the future."""


_SQL_TOKEN: Final = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|[\w$]+|\S", re.DOTALL
)


NUMBERED: Final = """
EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE lower(name) = 'seq' AND pk = 1 AND upper(type) = 'INTEGER')
  AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')
"""
"""Whether seq is the row's own number, in SQL: a key declared INTEGER and kept in no index (as DESC and
WITHOUT ROWID are). Any other may be NULL, text or twice there."""


def deviation(create_table: str, numbered: bool) -> str | None:
    """What in the table's own SQL makes one row answer for another, or an insert do something else.

    `numbered` is what SQL says to `NUMBERED`.
    """
    if not numbered:
        return (
            "does not have seq as the row's own number (INTEGER PRIMARY KEY, neither DESC nor WITHOUT ROWID)"
        )
    words = (word.upper() for word in _SQL_TOKEN.findall(create_table) if not word.startswith(("--", "/*")))
    for word, following in pairwise(words):
        if word == "COLLATE" and following.strip("'\"`[]") != "BINARY":
            return "has a column that is compared otherwise than byte by byte (COLLATE)"
        if (word, following) == ("ON", "CONFLICT"):
            return "has a conflict clause (ON CONFLICT)"
    return None


def archive_name(tenant: str, from_seq: int, to_seq: int) -> str:
    """`audit-<tenant>-<from>-<to>.jsonl.gz`, the tenant percent-encoded where a file name demands it.

    A name that would be too long is cut and gets a part of its SHA-256.
    """
    from urllib.parse import quote  # noqa: PLC0415  # few write one, and every child would load it

    safe = quote(tenant, safe="")
    if len(safe) > _LONGEST_TENANT:
        safe = f"{safe[: _LONGEST_TENANT - 17]}~{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"
    return f"audit-{safe}-{from_seq}-{to_seq}.jsonl.gz"


def hashed(previous_hash: bytes, event_type: bytes, payload: bytes, created_at: bytes) -> bytes:
    """The bytes that the platform's formula hashes."""
    return b":".join((previous_hash, event_type, payload, created_at))


def stored_hash(previous_hash: bytes, event_type: bytes, payload: bytes, created_at: bytes) -> str:
    """The platform's formula over the bytes as stored, in lower-case hex, never of re-serialised JSON."""
    return hashlib.sha256(hashed(previous_hash, event_type, payload, created_at)).hexdigest()


def entry_hash(previous_hash: str, event_type: str, payload: str, created_at: int) -> str:
    """The same of a new entry, in UTF-8."""
    return stored_hash(previous_hash.encode(), event_type.encode(), payload.encode(), b"%d" % created_at)


def utf_8(stored: bytes, encoding: str) -> bytes:
    """A stored text in UTF-8, in which the formula takes it.

    Half of a pair of surrogates becomes the bytes that it would have, half of a unit 0xff: neither is text.
    """
    if encoding == "utf-8":
        return stored
    whole = stored[: len(stored) & ~1].decode(encoding, "surrogatepass")
    return whole.encode("utf-8", "surrogatepass") + b"\xff" * (len(stored) & 1)


def named(stored: bytes, encoding: str = "utf-8") -> str:
    r"""The same as it is told, and a tenant known by: a byte that is no text as NUL and its number, `\0xff`,
    which no sound text holds. So a name that is no text is no other tenant's.
    """
    text = utf_8(stored, encoding).decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda found: f"\0x{ord(found[0]) & 0xFF:02x}", text)


def is_readable(tenant: str) -> bool:
    """Whether all of a tenant's name, as it is known by (`named`), is text, as an entry that holds has it."""
    return "\0" not in tenant


def compact_json(value: Mapping[str, Any], written: Callable[[object], object] | None = None) -> str:
    """JSON as JavaScript's `JSON.stringify` writes it: no spaces, non-ASCII characters as they are, but lone
    surrogates, by which Python names files that are no UTF-8, as escapes. `written` gives what is written of
    what JSON does not know.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=written)
    return text.encode(errors="backslashreplace").decode()


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
    ARCHIVE = "ARCHIVE"
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
    """What a verification says of a tenant, or of the file; the worst last."""

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

OF_AN_ENTRY: Final = frozenset({Code.HASH, Code.TYPE, Code.ENCODING, Code.GRAMMAR})
"""Errors that an entry shows by itself, whatever comes before it."""

OF_MANY: Final = {
    Code.TYPE: "A time that is not a whole number; it was hashed as stored",
    Code.GRAMMAR: "An event type with characters other than letters, digits, dots, hyphens and underscores",
    Code.UNIT: "A time that is not in seconds, and is read as milliseconds",
}
"""Warnings that say nothing more of each entry, so that one is said for all of them."""

ODD_TIMES: Final = {
    "real": re.compile(rb"[0-9]+\.[0-9]+"),
    "text": re.compile(rb"[0-9]{4}(?:-[0-9]{2}){2}[T ][0-9]{2}:[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?"),
}
"""Times that some of the platform's clients write, by storage class: a fraction of a second, or ISO 8601."""

_BREAKS: Final = {Code.LINK, Code.FORK, Code.DUPLICATE, Code.RESTART, Code.CROSS_TENANT, Code.ORDER}

ABOUT_A_CHAIN: Final = frozenset(Code) - OF_AN_ENTRY - _BREAKS - {Code.TIME, Code.UNIT}
"""Findings about a chain or the file: few, and never left out where there are too many about single rows."""

SOUND: Final = frozenset({Verdict.VERIFIED, Verdict.CONSISTENT})
"""Nothing is wrong and every start is proven."""

BROKEN: Final = frozenset({Verdict.TAMPERED, Verdict.UNREADABLE})
"""Nothing may be removed, signed or said to be sound."""

HEADLINES: Final = {
    Verdict.VERIFIED: "Chain verified",
    Verdict.CONSISTENT: "Chain consistent",
    Verdict.UNPROVEN_START: "Start unproven",
    Verdict.EARLIER: "Earlier state",
    Verdict.TAMPERED: "Chain broken",
    Verdict.UNREADABLE: "Chain unreadable",
}
"""A consistent one is right as far as it tells by itself; a verified one is as a checkpoint knows it."""

CALLED: Final = {found: words.removeprefix("Chain ").lower() for found, words in HEADLINES.items()}
"""The same within a sentence, or beside what it is the chain of."""

START_OVER: Final = "start over (“Start over…” at Checkpoints…, or tenant-admin checkpoint --start-over)"
HOW_ANOTHER: Final = " (“Another database…” at Checkpoints…, or tenant-admin checkpoint --another-database)"
IT_IS_ANOTHER: Final = f"say that it is another database{HOW_ANOTHER}"
"""What a person does with a copy of one that is where it was, which does not start over."""
HOW: Final = (
    " (“Start over…” or “Another database…” at Checkpoints…, or tenant-admin checkpoint --start-over or "
    "--another-database)"
)
SAY_SO: Final = f"say so{HOW}"
"""What a person does who knows why a file is not as it was known, where it may be a copy or not."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that says most against a file: `Verdict` has them in this order."""
    return max(verdicts, key=list(Verdict).index)


ANOTHER: Final = "another tenant"


class Other(NamedTuple):
    """Another tenant that a finding names, and its sentence for whoever shall not read the `name`."""

    name: str
    message: str


class Finding(NamedTuple):
    """One thing that is not as it must be, in one plain sentence.

    `tenant` is None for what concerns the whole file, `seq` where no single row can be named. Text that is
    not valid UTF-8 is told as `named` does. `warning` is True where a code that is an error elsewhere
    is not one here. A warning that stands for many `entries` names the first of them, and their tenant where
    that is one. `other` is there where the sentence, or what was expected or found, is another tenant's name.
    """

    code: Code
    tenant: str | None
    seq: int | None
    expected: str | None
    actual: str | None
    message: str
    warning: bool = False
    entries: int = 1
    other: Other | None = None

    @property
    def is_warning(self) -> bool:
        return self.warning or self.code in WARNINGS

    @property
    def is_error(self) -> bool:
        """Whether it makes its tenant TAMPERED (or UNREADABLE)."""
        return not self.is_warning and self.code not in VERDICTS_OF_THEIR_OWN

    @property
    def is_one_of_many(self) -> bool:
        """Whether it is said once for all entries that it is found of."""
        return self.is_warning and self.code in OF_MANY

    def with_like(self, other: "Finding") -> "Finding":
        """The one warning that stands for both; `other` came later."""
        tenant = self.tenant if self.tenant == other.tenant else None
        return self._replace(tenant=tenant, entries=self.entries + other.entries)

    def naming(self, other: str) -> "Finding":
        """The same, as one whose values name another tenant, which its sentence does not."""
        return self._replace(other=Other(other, self.message))

    def told_to(self, tenant: str) -> "Finding":
        """The same without a name of any other tenant."""
        if self.tenant not in (None, tenant):
            whose = f"This is found of {ANOTHER}."
            return self._replace(tenant=ANOTHER, expected=None, actual=None, message=whose, other=None)
        if self.other is None:
            return self
        name, message = self.other
        expected, actual = (ANOTHER if said == name else said for said in (self.expected, self.actual))
        return self._replace(expected=expected, actual=actual, message=message, other=None)

    def in_words(self) -> "Finding":
        """The same with the sentence that says of how many entries it is."""
        if self.entries == 1:
            return self
        sentence = f"{OF_MANY[self.code]}: {self.entries:,} entries, the first of them {self.seq:,}."
        return self._replace(message=sentence)

    def to_json(self) -> dict[str, Any]:
        values = self._asdict() | {"code": str(self.code)}
        del values["warning"], values["other"]
        if self.entries == 1:
            del values["entries"]
        return values


def counter_is_ahead(counter: object, last: int | None) -> bool:
    """Whether entries after the `last` were removed: `counter`, AUTOINCREMENT's, has numbered beyond it.

    A table without any row may be what the platform's own cleanup left.
    """
    return isinstance(counter, int) and last is not None and counter > max(last, 0)


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
        return f"it says that {first:,} to {last:,} were removed, which cannot be before entry {seq:,}"
    if not 1 <= count <= last - first + 1:
        return f"there cannot have been {count} entries from {first:,} to {last:,}"
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


def not_believed(
    tenant: str, seq: int, why: str, *, expected: str | None = None, actual: str | None = None
) -> Finding:
    """The finding of a marker that cannot be true."""
    sentence = f"Entry {seq:,} is a prune marker that cannot be true: {why}."
    return Finding(Code.MARKER, tenant, seq, expected, actual, sentence)


def believed(tenant: str, markers: Iterable[Marker]) -> tuple[list[Marker], list[Finding]]:
    """Those of the tenant that are in order, and the finding of each that is not.

    `markers` are in the order of their own seq; each must begin behind what the one before it removed.
    """
    good: list[Marker] = []
    bad: list[Finding] = []
    for marker in markers:
        if good and marker.from_seq <= good[-1].to_seq:
            why = f"entry {good[-1].seq:,} says already that all up to {good[-1].to_seq:,} were removed"
            bad.append(not_believed(tenant, marker.seq, why, actual=str(marker.from_seq)))
        else:
            good.append(marker)
    return good, bad


# ---------------------------------------------------------------------------------------------------- starts


class Anchor(NamedTuple):
    """What proves the start of a chain; as text it is what reports and evidence bundles hold.

    `genesis`; a `marker` in row `seq` that says that all `through` a seq were removed; an `adopted` start at
    `seq`, which a person accepted; the `entry` before a range that was verified alone; or the `archive`, of
    what was removed since genesis.
    """

    kind: Literal["genesis", "marker", "adopted", "entry", "archive"]
    seq: int = 0
    through: int = 0

    def __str__(self) -> str:
        if self.kind == "marker":
            return f"marker:{self.seq}:through:{self.through}"
        return {"genesis": "genesis", "archive": "archive:genesis"}.get(self.kind, f"{self.kind}:{self.seq}")


def anchor(
    first_seq: int, first_previous: str, furthest: Marker | None, accepted: tuple[int, str] | None = None
) -> Anchor | None:
    """What proves the start of a chain, None if nothing does.

    `accepted` is the seq and the previous hash of a start that a person accepted. Only the furthest marker
    that is believed counts.
    """
    if first_previous == GENESIS:
        return Anchor("genesis") if furthest is None else None
    if furthest is not None and continues(first_seq, first_previous, furthest.to_seq, furthest.last_hash):
        return Anchor("marker", furthest.seq, furthest.to_seq)
    if accepted == (first_seq, first_previous) and not denied(first_seq, first_previous, furthest):
        return Anchor("adopted", first_seq)
    return None


def continues(first_seq: int, first_previous: str, removed_seq: int, removed_hash: str) -> bool:
    """Whether a first entry goes on from the last one that was removed before it."""
    return first_seq > removed_seq and first_previous == removed_hash


def denied(first_seq: int, first_previous: str, furthest: Marker | None) -> bool:
    """Whether a marker contradicts the start: what it says is gone is there, or the chain begins again."""
    return furthest is not None and (first_seq <= furthest.to_seq or first_previous == GENESIS)


def denied_start(tenant: str, marker: Marker) -> str:
    """What is said of a start that the marker denies; the tenant as `text.tenant_name` names it."""
    return (
        f"Entry {marker.seq:,} says that everything up to {marker.to_seq:,} was pruned, "
        f"but the chain of {tenant} does not start behind that."
    )


def broken_link(tenant: str, seq: int) -> str:
    """What is said of a link of which nothing more is known; the tenant as `text.tenant_name` names it."""
    return (
        f"Entry {seq:,} of {tenant} does not continue the entry before it: "
        "entries were removed, or one of the two was changed."
    )


# ----------------------------------------------------------------------------------------------- times

Now: TypeAlias = int | Callable[[], int]
"""Epoch seconds, or the clock that tells them: whatever may have to wait asks it once it has read."""


def moment(now: Now) -> int:
    """In epoch seconds."""
    return now if isinstance(now, int) else now()


def seconds(created_at: int) -> int:
    """A time in seconds; milliseconds, which the platform's first days wrote, are read as what they are."""
    return created_at // 1000 if created_at >= SECONDS_LIMIT else created_at


def in_milliseconds(at: Any, before: int = SECONDS_LIMIT) -> Any:
    """Whether a whole number is a time in milliseconds, before this in seconds; of a column the condition."""
    return (at >= SECONDS_LIMIT) & (at < before * 1000)


def in_unit_of(other: Any, at: int) -> int:
    """A time in seconds as it is stored beside another one: in milliseconds where that is."""
    return at * 1000 if isinstance(other, int) and in_milliseconds(other) else at


def is_no_time(at: Any) -> Any:
    """The same: whether it is a time in neither. None of the platform's is before 1970."""
    return (at < 0) | (at >= SECONDS_LIMIT * 1000)


def no_time(seq: int) -> str:
    """What is said of an entry with such a time, without a full stop."""
    return f"The time of entry {seq:,} is neither in seconds nor in milliseconds"


def time_findings(tenant: str, seq: int, before: int | None, created_at: int, latest: int) -> list[Finding]:
    """What is odd about a time, all of it warnings. `before` is that of the entry before, in seconds.

    `latest` is what is not yet the future.
    """
    found: list[Finding] = []
    if is_no_time(created_at):
        return [Finding(Code.TIME, tenant, seq, "seconds", str(created_at), f"{no_time(seq)}.")]
    at = seconds(created_at)
    if created_at >= SECONDS_LIMIT:
        sentence = f"{OF_MANY[Code.UNIT]}: entry {seq:,}."
        found.append(Finding(Code.UNIT, tenant, seq, "seconds", str(created_at), sentence))
    if before is not None and at < before:
        found.append(backwards(tenant, seq, before, at))
    if at > latest:
        now = latest - CLOCK_TOLERANCE
        sentence = f"Entry {seq:,} lies {at - now} s in the future."
        found.append(Finding(Code.TIME, tenant, seq, f"at most {now}", str(at), sentence))
    return found


def backwards(tenant: str, seq: int, before: int, at: int) -> Finding:
    """Both in seconds."""
    sentence = f"Entry {seq:,} is {before - at} s older than the entry before it."
    return Finding(Code.TIME, tenant, seq, f"at least {before}", str(at), sentence)
