"""One row of the audit chain judged by itself, and its forms in SQL.

Told in `app/services/chain/README.md`, A sound entry. Imports the rules and little of Python,
because every process that scans loads it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from app.services.chain.rules import (
    COLUMNS,
    EVENT_TYPE,
    MARKER_EVENT,
    ODD_TIMES,
    OF_MANY,
    TEXT_COLUMNS,
    Code,
    Finding,
    Marker,
    believed,
    named,
    not_believed,
    read_marker,
    stored_hash,
    utf_8,
)

KINDS: Final = {name: "integer" if name in ("seq", "created_at") else "text" for name in COLUMNS}
"""The storage class that the platform writes, by column."""

JUDGED: Final = COLUMNS[1:]
"""The columns of which the storage class says something: `seq` is the row's own number."""

RAW_COLUMNS: Final = (
    "CAST(seq AS TEXT), "
    + ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in JUDGED)
    + ", CASE typeof(payload) WHEN 'text' THEN json_valid(payload) END"
)
"""What `Entry` is made of, as the columns of a SELECT; the number as text, which JSON does not round."""

USUAL_KINDS: Final = " AND ".join(f"typeof({name}) = '{KINDS[name]}'" for name in JUDGED)
"""Whether every column has its usual storage class, in SQL."""

SIZE: Final = " + ".join(f"ifnull(octet_length({name}), 0)" for name in TEXT_COLUMNS)
"""What a row takes, which SQLite knows without reading it."""

JOINED: Final = "CAST(previous_hash || ':' || event_type || ':' || payload || ':' || created_at AS BLOB)"
"""The bytes that the formula hashes, in SQL that every engine knows; NULL where a column is."""

SCAN_JOINED: Final = "CAST(concat_ws(':', previous_hash, event_type, payload, created_at) AS BLOB)"
"""The same in one call, for the scan of a million rows: never NULL, and SQLite 3.44 at least."""

QUICK_TYPES: Final = "typeof(created_at) = 'integer' AND typeof(payload) = 'text' AND json_valid(payload)"
"""What SQL has to see to before a row may pass `verify.follow.quick_check`."""

SHOWN: Final = 120
"""How many characters of a stored value a finding shows."""


class Entry:
    """One row judged by itself, on its bytes and storage classes, never on decoded text.

    `kinds` are the storage classes by column, `raw` the bytes, in UTF-8.
    """

    __slots__ = ("_json", "created_at", "kinds", "raw", "seq")

    def __init__(self, row: tuple[Any, ...], encoding: str = "utf-8") -> None:
        """`row` is of `RAW_COLUMNS`; `encoding` is Python's name for that of the file's text."""
        self.seq = int(row[0])
        self.kinds: dict[str, str] = {}
        self.raw: dict[str, bytes] = {}
        for index, name in enumerate(JUDGED):
            kind, value = row[1 + 2 * index], row[2 + 2 * index] or b""
            self.kinds[name] = kind
            self.raw[name] = value if kind == "blob" else utf_8(value, encoding)
        self._json = row[-1]
        self.created_at = integer(self.raw["created_at"])

    def text(self, name: str) -> str:
        return named(self.raw[name])

    @property
    def tenant(self) -> str:
        return self.text("tenant_id")

    @property
    def clean_tenant(self) -> bool:
        """Whether other rows of the tenant may be recognised by this tenant's text alone."""
        return self.kinds["tenant_id"] == "text" and _bad_byte(self.raw["tenant_id"]) is None

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

    def findings(self) -> list[Finding]:
        """Everything wrong with the row that shows without any other row, each cause once."""
        found: list[Finding] = []
        where = self.tenant, self.seq
        recomputed = self.recomputed()
        holds = recomputed.encode() == self.raw["hash"]
        bad = {name: at for name in TEXT_COLUMNS if (at := _bad_byte(self.raw[name])) is not None}
        odd = {name for name, kind in self.kinds.items() if kind != KINDS[name]}
        if not holds and not (bad.keys() | odd) - {"tenant_id"}:  # which is not hashed; the others say why
            sentence = (
                f"Entry {self.seq:,} does not match its own hash: its event type, payload, time or one of "
                "its hashes was changed after it was written."
            )
            found.append(Finding(Code.HASH, *where, recomputed, cut(self.text("hash")), sentence))
        for name in filter(odd.__contains__, self.kinds):
            kind, wanted = self.kinds[name], KINDS[name]
            sentence = f"Entry {self.seq:,} stores {name} as {kind} where the platform writes {wanted}."
            # Nobody can have made it of another: its hash says what its writer wrote.
            is_written = holds and name == "created_at" and is_odd_time(kind, self.raw[name])
            if is_written:
                sentence = f"{OF_MANY[Code.TYPE]}: entry {self.seq:,}."
            found.append(Finding(Code.TYPE, *where, wanted, kind, sentence, warning=is_written))
        for name, at in bad.items():
            actual = f"{name}: byte {at} is 0x{self.raw[name][at]:02x}"
            sentence = f"Entry {self.seq:,} holds bytes in {name} that are not valid text."
            found.append(Finding(Code.ENCODING, *where, "UTF-8 text without NUL", actual, sentence))
        parsed = "payload" in bad or self._payload_is_json()
        if parsed and "event_type" not in bad and EVENT_TYPE.fullmatch(self.text("event_type")) is None:
            actual = cut(self.text("event_type"))
            sentence = f"{OF_MANY[Code.GRAMMAR]}: entry {self.seq:,}."
            found.append(Finding(Code.GRAMMAR, *where, EVENT_TYPE.pattern, actual, sentence, warning=True))
        if not parsed:
            sentence = f"Entry {self.seq:,} has a payload that is not JSON."
            found.append(Finding(Code.GRAMMAR, *where, "JSON", cut(self.text("payload")), sentence))
        elif holds and self.is_marker and "payload" not in bad:
            claims = read_marker(self.seq, self.created_at, self.raw["payload"])
            if isinstance(claims, str):
                found.append(not_believed(*where, claims, actual=cut(self.text("payload"))))
        return found

    def record(self) -> bytes:
        """What a checkpoint's digest takes in of this row: every column with its storage class.

        A row that holds is recorded by seq, length of the event type and hash: the hash stands for the
        joined text, the length for where event type and payload part, and this short form itself for the
        usual storage classes. Any other row is recorded byte by byte. (The tenant is the digest's own.)
        """
        usual = all(kind == KINDS[name] for name, kind in self.kinds.items())
        if usual and self.hash_holds() and all(_bad_byte(self.raw[name]) is None for name in TEXT_COLUMNS):
            return f"{self.seq}{record_middle(self.text('event_type'))}{self.text('hash')}\n".encode()
        columns = b"".join(
            b"%s %d:%s\n" % (kind.encode(), len(self.raw[name]), self.raw[name])
            for name, kind in self.kinds.items()
        )
        return b"%d!%s\n" % (self.seq, columns)

    def _payload_is_json(self) -> bool:
        payload = self.raw["payload"]
        if b"\0" in payload:
            return False
        # SQLite gives up at 1,000 levels, and judges only text; JSON itself has no such limit.
        return bool(self._json) or is_json(payload.decode("utf-8", "replace"))


def record_middle(event_type: str) -> str:
    """What stands between a sound row's seq and its hash in what a checkpoint's digest takes in of it: how
    many characters the event type has.
    """
    return f":{len(event_type)}:"


def is_odd_time(kind: str, raw: bytes) -> bool:
    """Whether a time of this storage class is one of those that some of the platform's clients write."""
    return kind in ODD_TIMES and ODD_TIMES[kind].fullmatch(raw) is not None


def is_plain(values: Mapping[str, Any]) -> bool:
    """Whether a row of these values, whose hash holds, is surely sound: the faster form of `Entry.findings`.

    Prune markers are never plain, and text with NUL is not for the caller to pass.
    """
    return (
        all(type(values[name]) is str for name in TEXT_COLUMNS)
        and type(values["created_at"]) is int
        and values["event_type"] != MARKER_EVENT
        and EVENT_TYPE.fullmatch(values["event_type"]) is not None
        and is_json(values["payload"])
    )


def believed_of(tenant: str, entries: Iterable[Entry]) -> tuple[list[Marker], list[Finding]]:
    """The prune markers of a tenant that are believed, and an error of each that is not.

    `entries` are all of the tenant, in the order of seq; those that are no markers are passed over.
    """
    sound: list[Marker] = []
    doubted: list[Finding] = []
    for entry in entries:
        if entry.is_marker:
            doubted += [finding for finding in entry.findings() if finding.is_error][:1]
            if (marker := entry.marker()) is not None:
                sound.append(marker)
    markers, disorderly = believed(tenant, sound)
    return markers, [*doubted, *disorderly]


def cut(value: str) -> str:
    return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"


def integer(raw: bytes) -> int | None:
    """The number that a text of SQLite's says; None where it says none, or a longer one than any is."""
    try:
        return int(raw)
    except ValueError:
        return None


def is_text(raw: bytes) -> bool:
    """Whether the bytes are UTF-8 text without NUL."""
    return _bad_byte(raw) is None


def _bad_byte(raw: bytes) -> int | None:
    """Where the bytes stop being UTF-8 text without NUL."""
    nul = raw.find(b"\0")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start if nul < 0 else min(nul, error.start)
    return nul if nul >= 0 else None


_JSON_TOKEN: Final = re.compile(
    r"[ \t\r\n]*(?:([{}\[\],:])|(\"(?:[^\"\\\x00-\x1f]|\\(?:[\"\\/bfnrt]|u[0-9A-Fa-f]{4}))*\")"
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null))"
)
_JSON_LEVEL: Final = re.compile(r"\{(?:s:[sv](?:(?>,s:[sv]))*+)?\}|\[(?:[sv](?:(?>,[sv]))*+)?\]")
"""An object or array as the kinds of its tokens: strings, other values, and marks."""


def is_json(text: str) -> bool:
    """Whether `text` is JSON (RFC 8259), at any depth of nesting."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _is_deep_json(text)  # or has more digits than Python converts
    return True


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are JSON for Python alone."""
    raise ValueError(constant)


def _is_deep_json(text: str) -> bool:
    """Objects and arrays are matched from the inmost on, each then being one value of the one around it."""
    levels: list[list[str]] = [[]]
    position, end = 0, len(text.rstrip(" \t\r\n"))
    while position < end:
        match = _JSON_TOKEN.match(text, position, end)
        if match is None:
            return False
        position = match.end()
        mark = match[1] or ("s" if match[2] else "v")
        if mark in "{[":
            levels.append([])
        levels[-1].append(mark)
        if mark in "}]":
            if len(levels) == 1 or _JSON_LEVEL.fullmatch("".join(levels.pop())) is None:
                return False
            levels[-1].append("v")
    return levels in ([["s"]], [["v"]])
