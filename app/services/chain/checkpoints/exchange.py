"""Checkpoints as a JSON file, to be kept elsewhere and checked anywhere."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.services.chain.checkpoints.document import Checkpoint
from app.services.chain.verify.codes import Code
from app.services.chain.verify.report import Finding
from app.services.errors import FileMissing, InvalidInput
from models.local import atomic

FORMAT = "tenant-admin checkpoints 1"


def write(out: Path, checkpoints: Iterable[Checkpoint]) -> None:
    """Takes the place of an earlier export only when it is complete. Raises `OSError`."""
    value = {"format": FORMAT, "checkpoints": [item.to_json() for item in checkpoints]}
    atomic.write(out, json.dumps(value, indent=1, sort_keys=True) + "\n")


def read(file: Path) -> list[Checkpoint]:
    """The checkpoints of an export, oldest first; nothing of them is believed yet.

    Raises `FileMissing`, and `InvalidInput` when the file is no export.
    """
    if not file.exists():
        raise FileMissing(file)
    try:
        value = json.loads(file.read_bytes())
        if value["format"] != FORMAT:
            raise ValueError
        found = [Checkpoint.from_json(item) for item in value["checkpoints"]]
        if not found:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInput(
            "checkpoints", f"{file.name} holds no exported checkpoints; choose another file."
        ) from error
    return sorted(found, key=lambda item: (item.database, item.number))


def authentic(
    checkpoints: Sequence[Checkpoint], keys: frozenset[str], database: str | None
) -> tuple[list[Checkpoint], list[Finding]]:
    """Those that hold, in order, and a SIGNATURE finding for each that does not or lacks the one before it.

    `keys` are the public keys that are trusted; when none is, that of the oldest checkpoint is taken at its
    word. `database` is the one they must speak of, or None if that is not known.
    """
    good: list[Checkpoint] = []
    findings: list[Finding] = []
    trusted = keys or frozenset(item.key for item in checkpoints[:1])
    wanted = database or next((item.database for item in checkpoints if item.signature_holds()), None)
    before, before_holds = None, True
    for item in checkpoints:
        problem = _problem(item, trusted, wanted) or _gap(item, before, before_holds)
        if problem is None:
            good.append(item)
        else:
            findings.append(Finding(Code.SIGNATURE, None, None, *problem))
        before, before_holds = item, problem is None
    return good, findings


def _problem(
    item: Checkpoint, trusted: frozenset[str], database: str | None
) -> tuple[str | None, str | None, str] | None:
    if not item.signature_holds():
        return None, item.signature[:16], f"Checkpoint {item.number} was changed after it was signed."
    if item.key not in trusted:
        return (
            None,
            item.key,
            f"Checkpoint {item.number} is signed with a key not known here; import it if you trust it.",
        )
    if item.database != database:
        return database, item.database, f"Checkpoint {item.number} was made of another database."
    return None


def _gap(
    item: Checkpoint, before: Checkpoint | None, before_holds: bool
) -> tuple[str | None, str | None, str] | None:
    """What is wrong with its place in the row; the hash of one that does not hold itself says nothing."""
    number, previous = (0, None) if before is None else (before.number, before.hash)
    if item.number > number + 1:
        return previous, item.previous, f"Before checkpoint {item.number}, number {number + 1} is left out."
    if item.number <= number or (before_holds and item.previous != previous):
        return previous, item.previous, f"Checkpoint {item.number} does not follow from the one before it."
    return None
