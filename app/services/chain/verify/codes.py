"""The codes of findings and the verdicts (`integrity.md` 3). Their text is part of the CLI's JSON."""

from enum import StrEnum


class Code(StrEnum):
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
    TIME = "TIME"
    TRUNCATED = "TRUNCATED"
    SEQUENCE_COUNTER = "SEQUENCE_COUNTER"
    CHECKPOINT = "CHECKPOINT"
    SIGNATURE = "SIGNATURE"
    ROLLBACK = "ROLLBACK"
    UNPROVEN_START = "UNPROVEN_START"
    UNREADABLE = "UNREADABLE"


class Verdict(StrEnum):
    VERIFIED = "VERIFIED"
    CONSISTENT = "CONSISTENT"
    UNPROVEN_START = "UNPROVEN_START"
    TAMPERED = "TAMPERED"
    UNREADABLE = "UNREADABLE"


WARNINGS = frozenset({Code.TIME})
NOT_ERRORS = WARNINGS | {Code.UNPROVEN_START}
ABOUT_A_CHAIN = frozenset(
    {
        Code.TRUNCATED,
        Code.SEQUENCE_COUNTER,
        Code.CHECKPOINT,
        Code.SIGNATURE,
        Code.ROLLBACK,
        Code.UNPROVEN_START,
        Code.UNREADABLE,
    }
)
"""Findings about a chain or the file: few, and never left out where there are too many about single rows."""
