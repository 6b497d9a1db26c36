"""What checkpoints say of one tenant alone, signed again for whoever shall not read the names of the others.

A checkpoint is signed whole, of all tenants: without their names its signature would not hold. So each of
the line becomes one that says the same of this tenant, in a line of its own, which the stand-alone verifier
checks as any. That they say what the ones before said, and when, rests on whoever holds the key.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints.document import SigningKey
from app.services.chain.checkpoints.signing import signed

EXTRACT: Final = "extract"
"""In the place of a reason: it is signed that this is no checkpoint of all that there was."""


def extracts(line: Sequence[Checkpoint], tenant: str, key: SigningKey) -> tuple[Checkpoint, ...]:
    """Of each that knew the tenant what it knew, under its number and time, and of no database that a
    checkpoint was made of. Raises `NotSigned` for what could not be read back.
    """
    made: list[Checkpoint] = []
    for item in line:
        if (sealed := item.tenants.get(tenant)) is not None:
            of_one = replace(
                item,
                database=sha256(f"{EXTRACT}\0{item.database}\0{tenant}".encode()).hexdigest(),
                reason=EXTRACT,
                rows_ever=sealed.entries,
                tenants={tenant: sealed},
                previous=made[-1].hash if made else None,
                key=key.public,
                signature="",
            )
            made.append(signed(of_one, key))
    return tuple(made)
