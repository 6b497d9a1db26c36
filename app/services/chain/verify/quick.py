"""The quick check of rows that are in order: SQLite joins a row's text, one function judges it.

It may only be too strict, never too lax: what it turns down is read again and judged by `entry.Entry`.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from app.services.chain.verify.follow import WITNESS, Follower

QUICK = """
SELECT seq FROM main.audit_chain NOT INDEXED
WHERE seq BETWEEN ? AND ? {tenant}
AND NOT (typeof(created_at) = 'integer' AND typeof(payload) = 'text' AND json_valid(payload) AND quick(
  CAST(concat_ws(':', previous_hash, event_type, payload, created_at) AS BLOB),
  hash, previous_hash, tenant_id, event_type, created_at, seq))
ORDER BY seq"""
"""The rows that fail. `quick` notes each row that passes, so it comes last: nothing may fail behind it."""

QuickCheck = Callable[..., Any]


def quick_check(follower: Follower, latest: int, *, record: bool) -> QuickCheck:
    """The check of one row that is in order, for all rows; it says no to everything it does not know.

    A tenant's first row has a check of its own, so that a range need not read many tenants slowly. Types
    follow from equality: only text equals the text it is compared with, and the SQL has seen to payload and
    time. An event type is known once the slow way has found it in order; prune markers never are, so that
    they are always read. With `record` a row that passes goes into the checkpoint's digest.
    """
    states, events, digest, witness = follower.fast, follower.events, sha256, WITNESS

    def quick(  # noqa: PLR0917  # SQLite passes arguments by position
        data: bytes, stored: str, previous: str, tenant: str, event: str, at: int, seq: int
    ) -> bool:
        try:
            state = states[tenant]
            if (
                state[0] == previous
                and state[1] <= at <= latest
                and state[2] < seq
                and event in events
                and digest(data).hexdigest() == stored
                and 0 not in data
                and (data.isascii() or data.decode())
            ):
                state[0] = stored
                state[1] = at
                state[2] = seq
                state[3] += 1
                if record:
                    state[witness](f"{seq}:{len(event)}:{stored}\n".encode())
                return True
        except KeyError:
            return first(data, stored, previous, tenant, event, at, seq)
        except UnicodeDecodeError:
            pass
        return False

    def first(  # noqa: PLR0917
        data: bytes, stored: str, previous: str, tenant: str, event: str, at: int, seq: int
    ) -> bool:
        if (
            tenant in follower.states
            or not (type(tenant) is type(previous) is str)
            or "\0" in tenant
            or at > latest
            or event not in events
            or digest(data).hexdigest() != stored
            or 0 in data
            or not _is_utf8(data)
        ):
            return False
        state = states[tenant] = follower.begin(tenant, seq, previous, stored, at, holds=True)
        if record:
            state[witness](f"{seq}:{len(event)}:{stored}\n".encode())
        return True

    return quick


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
