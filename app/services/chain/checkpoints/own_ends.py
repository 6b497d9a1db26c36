"""The newest entries that were made here, of each tenant: whether they are still there is looked for until
somebody has accepted that one is gone. What it records may be undone as well, and no verification need have
seen it.
"""

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from operator import attrgetter
from pathlib import Path

from app import paths
from app.services.chain.checkpoints.rows import ChainRows, is_another, ledger_of, rows_of
from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ
from app.services.chain.verify.report import LostEnd
from app.services.chain.where import Where
from models.engine import MOST_OWN_KEPT, OwnEntry
from models.errors import StorageError, TenantAdminError


class OwnEnds:
    """A file for each database, in a folder beside the store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "own"

    def keep(self, where: Where, made: Sequence[OwnEntry]) -> None:
        """Remembers them, each in the place of its tenant's last one, where that can be written: an act does
        not fail for it.
        """
        with suppress(OSError, StorageError, TenantAdminError):
            known, sent = self._stored(where)
            heads = {one.head for one in made}
            left = [one for one in sent if one.head not in heads]
            self._write(where, [*known, *made], left)

    def expect(self, where: Where, made: Sequence[tuple[str, str]], at: int, act: str) -> None:
        """Remembers of a file, before they are written, whose entries are made and their hashes: where the
        program ends before it can `keep` them, those that are there later are known as its own. Those that
        are not may never have been written: they are not missed.
        """
        with suppress(OSError, StorageError, TenantAdminError), rows_of(where) as rows:
            behind = max((seq for seq, _ in rows.ends), default=0)
            known, sent = self._stored(where)
            more = [OwnEntry(name, behind, head, at, act) for name, head in made]
            self._write(where, known, [*sent, *more])

    def all(self, where: Where) -> list[OwnEntry]:
        """Those of this file or live database, by their numbers; also of a copy that took the file's place,
        as editors and restores do it, unless that is another database by its ledger.
        """
        known, sent = self._stored(where)
        if not sent:
            return known
        with suppress(OSError, StorageError, TenantAdminError):
            with rows_of(where) as rows:
                numbers = [rows.number_of(one.tenant, one.head, behind=one.number) for one in sent]
            both = zip(sent, numbers, strict=True)
            if there := [replace(one, number=number) for one, number in both if number is not None]:
                newest = {one.tenant: one.number for one in known}
                behind = [one for one in there if one.number < newest.get(one.tenant, 0)]
                self.keep(where, [one for one in there if one not in behind])
                return self._stored(where)[0]
        return known

    def _stored(self, where: Where) -> tuple[list[OwnEntry], list[OwnEntry]]:
        """The same, and what was to be made when it was kept last, each with the number that it is behind."""
        try:
            stored = json.loads(paths.content(self._place(where)))
            found = [OwnEntry(*one) for one in stored["made"]]
            sent = [OwnEntry(*one) for one in stored.get("sent", ())]
            if not (isinstance(stored["ledger"], str) and all(map(_is_sound, [*found, *sent]))):
                return [], []
            if stored["file"] != where.location[1] and is_another(where, stored["ledger"]):
                return [], []
            return sorted(found, key=attrgetter("number")), sent
        except (OSError, StorageError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return [], []

    def forget(self, where: Where, numbers: Collection[int] | None = None) -> None:
        """Those with these numbers, or all."""
        with suppress(OSError, StorageError):
            known = [] if numbers is None else self.all(where)
            self._keep_alone(where, [one for one in known if one.number not in (numbers or ())])

    def forget_tenant(self, where: Where, tenant: str) -> None:
        """What was made in it says whom it was about."""
        with suppress(OSError, StorageError):
            self._keep_alone(where, [one for one in self.all(where) if one.tenant != tenant])

    def _keep_alone(self, where: Where, left: Sequence[OwnEntry]) -> None:
        known, sent = self._stored(where)
        if len(left) < len(known) or sent:
            self._write(where, left)

    def _write(self, where: Where, made: Sequence[OwnEntry], sent: Sequence[OwnEntry] = ()) -> None:
        """The last one of each tenant."""
        if paths.NO_HOME in self._folder.parents:
            return
        newest = sorted({one.tenant: one for one in made}.values(), key=attrgetter("number"))[-MOST_OWN_KEPT:]
        kept: dict[str, object] = {"file": where.location[1], "ledger": ledger_of(where)}
        for name, entries in (("made", newest), ("sent", sent[-MOST_OWN_KEPT:])):
            kept[name] = [[one.tenant, one.number, one.head, one.at, one.act] for one in entries]
        paths.keep(self._place(where), json.dumps(kept))

    def _place(self, where: Where) -> Path:
        return self._folder / name_of(where)


def name_of(where: Where) -> str:
    """Of the file in which something is kept of a database. Raises as `Where.location`."""
    return f"{sha256(where.location[0].encode()).hexdigest()[:32]}.json"


def lost_own(rows: ChainRows, made: Sequence[OwnEntry], ends_at: int) -> list[LostEnd]:
    """Those that are lost; `ends_at` is the last entry there is."""
    lost = rows.lost([(one.tenant, one.number, one.head) for one in made])
    return [lost_entry(one, ends_at) for one in made if (one.tenant, one.number, one.head) in lost]


def lost_entry(one: OwnEntry, ends_at: int) -> LostEnd:
    """That it is gone."""
    return LostEnd(one.number, one.at, one.head, ends_at, one.tenant, missed=True, known_by=known_by(one.act))


def _is_sound(one: OwnEntry) -> bool:
    texts, numbers = (one.tenant, one.head, one.act), (one.number, one.at)
    are_texts = all(isinstance(text, str) for text in texts)
    return are_texts and all(
        type(number) is int and LOWEST_SEQ <= number <= HIGHEST_SEQ for number in numbers
    )


def known_by(act: str) -> str:
    """How an entry that was made here is told, behind its number, also when the program runs again."""
    return f" ({act}), made here" if act else ", made here"
