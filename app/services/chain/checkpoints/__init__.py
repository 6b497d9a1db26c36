"""Checkpoints: signed statements about a file's audit chains, kept outside of the file.

A limit that the interface states: whoever runs as the same user can sign. What counts against them is an
export kept elsewhere. See `app/services/chain/README.md`.
"""
