"""What a person reads for the codes of findings, which JSON, the command and the reports have."""

from typing import Final

from app.services.chain.rules import Code

KINDS: Final = {
    Code.HASH: "Entry changed",
    Code.LINK: "Link broken",
    Code.FORK: "Chain forks",
    Code.DUPLICATE: "Entry repeated",
    Code.RESTART: "Chain begins again",
    Code.CROSS_TENANT: "Of another tenant",
    Code.ORDER: "Out of order",
    Code.GRAMMAR: "Malformed",
    Code.TYPE: "Stored wrong",
    Code.ENCODING: "Not UTF-8 text",
    Code.MARKER: "Marker wrong",
    Code.ARCHIVE: "Archive wrong",
    Code.INDEX: "Index wrong",
    Code.TRUNCATED: "Entries gone",
    Code.SEQUENCE_COUNTER: "Counter ahead",
    Code.CHECKPOINT: "Not as signed",
    Code.SIGNATURE: "Signature wrong",
    Code.ROLLBACK: "Checkpoints gone",
    Code.UNREADABLE: "Unreadable",
    Code.EARLIER: "Earlier state",
    Code.UNPROVEN_START: "Start unproven",
    Code.TIME: "Time implausible",
    Code.UNIT: "Milliseconds",
    Code.KEY: "Key not known",
    Code.NUMBERING: "Number too low",
}
"""Short enough for the list beside the entries in a small window."""
