"""Checkpoints: signed statements about a file's audit chains, kept outside of the file.

    document.py   one checkpoint: its JSON, its hash, its signature, and the key for it; exports of them
    tables.py     the small SQLite file that keeps checkpoints, baselines and known keys
    identity.py   which known database a file is, and whether it continues the one seen last
    store.py      CheckpointStore: what an administrator does with them
    making.py     a verification together with checkpoints, in one call for each thing a person does

A limit that the interface states: whoever runs as the same user can sign. What counts against them is an
export kept elsewhere. See `app/services/chain/README.md`.
"""
