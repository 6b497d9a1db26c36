"""Checkpoints: signed statements about a file's audit chains, kept outside of the file (`integrity.md` 2).

    document.py   one checkpoint: its JSON, its hash, its signature
    keys.py       where the signing key lives
    records.py    the small SQLite file that keeps checkpoints, adoptions and known keys
    store.py      CheckpointStore: what an administrator does with them
    identity.py   which known database a file is
    exchange.py   export and import as JSON
    continuation.py  "this file continues the one you saw last", or where it does not

Made and used like this:

    store = CheckpointStore(folder)                          # nothing is opened or made yet
    report = verify(path, now=now, checkpoints=store.witness(path), seal=True)
    checkpoint = store.create(path, report, now=now, reason="verify")

A limit that the interface states: whoever runs as the same user can sign. The witness that counts is an
export kept elsewhere.
"""
