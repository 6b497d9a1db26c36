"""One row of the chain judged by itself, on its bytes and storage classes, never on decoded text."""

import json
import re
from hashlib import sha256
from typing import Any

from app.services.chain.verify.codes import Code

SECONDS_LIMIT = 100_000_000_000
"""A time from here on (the year 5138) is not in seconds; today's milliseconds are 17 times that."""

GENESIS = "0" * 64
MARKER = "audit_pruned"
TEXT_COLUMNS = ("tenant_id", "event_type", "payload", "previous_hash", "hash")
EVENT_TYPE = re.compile(r"[A-Za-z0-9._-]+")

RAW_COLUMNS = (
    "seq, "
    + ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in (*TEXT_COLUMNS, "created_at"))
    + ", CASE typeof(payload) WHEN 'text' THEN json_valid(payload) END"
)
"""What `Entry` is made of, as the columns of a SELECT."""

SHOWN = 120
"""How many characters of a stored value a finding shows."""

Problem = tuple[str, str | None, str | None, str]
"""Code, expected, actual, sentence."""


def stored_hash(previous_hash: bytes, event_type: bytes, payload: bytes, created_at: bytes) -> str:
    """The platform's formula over the bytes as stored (`database-schema.md`, Hash Chain Algorithm)."""
    return sha256(b":".join((previous_hash, event_type, payload, created_at))).hexdigest()


class Entry:
    """A row as stored: `kinds` are the storage classes by column, `raw` the bytes, in UTF-8."""

    __slots__ = ("_json", "created_at", "kinds", "raw", "seq")

    def __init__(self, row: tuple[Any, ...], encoding: str) -> None:
        """`row` is of `RAW_COLUMNS`; `encoding` is Python's name for that of the file's text."""
        self.seq = row[0]
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

    def problems(self) -> list[Problem]:
        """Everything wrong with the row that shows without any other row."""
        found: list[Problem] = []
        recomputed = self.recomputed()
        if recomputed.encode() != self.raw["hash"]:
            found.append(
                (
                    Code.HASH,
                    recomputed,
                    shown(self.text("hash")),
                    f"Entry {self.seq} does not match its own hash: its event type, payload, time or "
                    "one of its hashes was changed after it was written.",
                )
            )
        for name, kind in self.kinds.items():
            wanted = "integer" if name == "created_at" else "text"
            if kind != wanted:
                found.append(
                    (
                        Code.TYPE,
                        wanted,
                        kind,
                        f"Entry {self.seq} stores {name} as {kind} where the platform writes {wanted}.",
                    )
                )
        for name in TEXT_COLUMNS:
            at = _bad_byte(self.raw[name])
            if at is not None:
                found.append(
                    (
                        Code.ENCODING,
                        "UTF-8 text without NUL",
                        f"{name}: byte {at} is 0x{self.raw[name][at]:02x}",
                        f"Entry {self.seq} holds bytes in {name} that are not valid text.",
                    )
                )
        if EVENT_TYPE.fullmatch(self.text("event_type")) is None:
            found.append(
                (
                    Code.GRAMMAR,
                    EVENT_TYPE.pattern,
                    shown(self.text("event_type")),
                    f"Entry {self.seq} has an event type that the platform never writes.",
                )
            )
        if not self._payload_is_json():
            found.append(
                (
                    Code.GRAMMAR,
                    "JSON",
                    shown(self.text("payload")),
                    f"Entry {self.seq} has a payload that is not JSON.",
                )
            )
        return found

    def _payload_is_json(self) -> bool:
        payload = self.raw["payload"]
        if b"\0" in payload:
            return False
        if self._json:
            return True
        # SQLite gives up at 1,000 levels, and judges only text; JSON itself has no such limit.
        return is_json(payload.decode("utf-8", "replace"))

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

    def marker(self) -> tuple[int, str, int] | None:
        """(pruned through seq, the last pruned hash, own seq) if the row is a prune marker that holds."""
        if self.raw["event_type"] != MARKER.encode() or not self.hash_holds():
            return None
        try:
            payload = json.loads(self.raw["payload"])
            through, last_hash = payload["toSeq"], payload["lastHash"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if type(through) is not int or type(last_hash) is not str:
            return None
        return through, last_hash, self.seq


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
