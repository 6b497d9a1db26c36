"""Payloads of prune markers, for the rules and the evidence bundle's own verifier to judge alike."""

import json
from typing import Any

HASH = "a" * 64
AT = 1_795_000_000
SEQ = 11
"""The row that the marker is in, and its time."""


def payload(**changes: Any) -> bytes:
    value = {"fromSeq": 1, "toSeq": 10, "count": 10, "lastHash": HASH, "cutoff": AT - 5} | changes
    return json.dumps({name: item for name, item in value.items() if item != "none"}).encode()


ARCHIVE = {"file": "audit-acme-1-10.jsonl.gz", "sha256": "0" * 64}

BELIEVED = [
    payload(**changes)
    for changes in (
        {},
        {"archive": ARCHIVE},
        {"archive": ARCHIVE | {"more": 1}},
        {"archive": ARCHIVE | {"file": "audit-%C3%A4~0f--5-10.jsonl.gz"}},
        {"note": "x"},
        {"fromSeq": 10, "count": 1},
        {"cutoff": AT},
        {"cutoff": -1},
    )
]

NOT_BELIEVED = [
    *(
        payload(**changes)
        for changes in (
            {"fromSeq": 0},
            {"fromSeq": -1},
            {"fromSeq": 11},
            {"toSeq": 11},
            {"toSeq": 2**63},
            {"count": 0},
            {"count": -5},
            {"count": 11},
            {"count": True},
            {"count": 10.0},
            {"count": "10"},
            {"count": "none"},
            {"lastHash": "A" * 64},
            {"lastHash": HASH[1:]},
            {"lastHash": HASH + "\n"},
            {"lastHash": None},
            {"cutoff": AT + 1},
            {"cutoff": AT * 1000},
            {"cutoff": "none"},
            {"archive": None},
            {"archive": "audit-acme-1-10.jsonl.gz"},
            {"archive": {"file": "audit-acme-1-10.jsonl.gz"}},
            {"archive": ARCHIVE | {"file": "../x.jsonl.gz"}},
            {"archive": ARCHIVE | {"file": 1}},
            {"archive": ARCHIVE | {"sha256": "x"}},
        )
    ),
    payload()[:-1] + b',"toSeq":3}',
    payload()[:-1] + b',"note":{"a":1,"a":2}}',
    payload()[:-1] + b',"note":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    payload().decode().encode("utf-16"),
    *(b"", b"[]", b"1", b'"x"', b"null", b"\xff", b"{}", b"[" * 100_000, b"1" * 5_000),
]
"""The one with the name twice can be read in two ways, the deep one not at all."""
