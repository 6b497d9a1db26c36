"""What is known of the ends of chains, over histories at random: verifications of all kinds, acts, cuts and
what is put in their place, against an oracle that knows every entry that was gone through. TENANT_ADMIN_ENDS
is how many there are.
"""

import os
import random
from functools import partial
from typing import Any

import apsw
import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import lost_ends, making
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import SOUND
from app.services.chain.verify.report import EVERYTHING, Report, Section
from app.services.chain.where import InDatabase, InFile
from app.services.records import users
from models.engine import Database
from models.errors import NotAllowed
from models.status import DAY
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.retaining import path_of

HISTORIES = int(os.environ.get("TENANT_ADMIN_ENDS", "4"))
STEPS = 45
TENANTS = ["acme", "blue", "coral"]

Entry = tuple[int, str]
"""Its number and its hash."""


class History:
    """Of each tenant `ends` are the entries that are known, the first one that is missed first, and `own` the
    newest that was made here.
    """

    def __init__(self, engine: Database, sql: apsw.Connection, store: CheckpointStore, seed: int) -> None:
        self.engine, self.sql, self.store = engine, sql, store
        self.random, self.steps = random.Random(seed), list[str]()
        self.where = InDatabase(engine) if engine.costs else InFile(path_of(engine))
        self.ends, self.own = dict[str, list[Entry]](), dict[str, Entry]()
        self.signed = self.people = 0
        engine.on_own = partial(store.verdicts.own.keep, self.where)
        for tenant in self.random.choices(TENANTS, k=8):
            self.append(tenant)

    def append(self, tenant: str) -> None:
        count = self.random.randint(1, 3)
        chains.append(self.sql, tenant, [NOW - 9 * DAY + self.random.randrange(DAY)] * count)

    def entries(self, tenant: str) -> list[Entry]:
        return [
            (seq, stored)
            for seq, stored in self.sql.execute(
                "SELECT seq, hash FROM audit_chain WHERE tenant_id = ? ORDER BY seq", (tenant,)
            )
        ]

    def gone(self, tenant: str) -> list[Entry]:
        """Of what is known, the one first that was missed first."""
        there, own = self.entries(tenant), self.own.get(tenant)
        return [one for one in [*self.ends.get(tenant, []), *([own] if own else [])] if one not in there]

    @property
    def missing(self) -> set[str]:
        return {tenant for tenant in TENANTS if self.gone(tenant)}

    def note(self, section: Section = EVERYTHING) -> None:
        """Takes up how far a verification went."""
        for tenant in TENANTS if section.tenant is None else [section.tenant]:
            met = [one for one in self.entries(tenant) if section.has(one[0])]
            known = self.ends.get(tenant, [])
            if met and any(one in self.gone(tenant) for one in known):
                known.append(met[-1])
            elif met and (not known or met[-1][0] > known[-1][0]):
                self.ends[tenant] = [met[-1]]

    def verify(self, **how: Any) -> Report:
        return making.verify_with_checkpoints(self.where, self.store, VERIFY, now=NOW, by="ada", **how)

    def section(self, *, is_range: bool) -> Section:
        tenant = self.random.choice([None, *TENANTS])
        if not is_range:
            return Section(tenant)
        last = max((entry[0] for tenant in TENANTS for entry in self.entries(tenant)), default=1)
        first = self.random.randint(2, max(2, last))
        return Section(tenant, first, self.random.choice([None, self.random.randint(first, first + 9)]))

    def step(self) -> None:
        step = self.random.choices(
            [self.others, self.cut, self.verified, self.ranged, self.since, self.sign, self.accept, self.act],
            [4, 3, 3, 4, 1, 1, 1, 2],
        )[0]
        step()

    def others(self) -> None:
        tenant = self.random.choice(TENANTS)
        self.steps.append(f"append {tenant}")
        self.append(tenant)

    def cut(self) -> None:
        """Some of a tenant's newest that no checkpoint knows; others may come in their place."""
        tenant = self.random.choice(TENANTS)
        newest = [seq for seq, _ in self.entries(tenant) if seq > self.signed][-self.random.randint(1, 4) :]
        self.steps.append(f"cut {tenant} {newest}")
        for seq in newest:
            self.sql.execute("DELETE FROM audit_chain WHERE seq = ?", (seq,))
        self.sql.execute(
            "UPDATE sqlite_sequence SET seq = ifnull((SELECT max(seq) FROM audit_chain), 0) "
            "WHERE name = 'audit_chain'"
        )
        if newest and self.random.random() < 1 / 3:
            self.others()

    def verified(self) -> None:
        section = self.section(is_range=False)
        self.steps.append(f"verify {section.tenant}")
        report = self.verify(section=section)
        told = self.missing if section.tenant is None else self.missing & {section.tenant}
        assert report.verdict in SOUND and report.stands is not bool(told), (told, report.notes)
        if report.lost_end is not None:
            assert report.lost_end.tenants == told
        self.note(section)

    def ranged(self) -> None:
        """An end in the range is lost; of one before it a note tells."""
        section = self.section(is_range=True)
        self.steps.append(f"verify {section}")
        must, may, before = set[str](), set[str](), set[str]()
        for tenant in TENANTS if section.tenant is None else [section.tenant]:
            gone, first = self.gone(tenant), [*self.ends.get(tenant, [])[:1]]
            within = {one for one in gone if section.has(one[0])}
            must |= {tenant} if within.intersection([*first, self.own.get(tenant)]) else set()
            may |= {tenant} if within else set()  # verified with all, while an end before it was lost
            is_met = any(section.has(seq) for seq, _ in self.entries(tenant))
            is_sooner = any(one in gone and one[0] < (section.first or 0) for one in first)
            before |= {tenant} if is_met and is_sooner else set()
        report = self.verify(section=section)
        told = set[str]() if report.lost_end is None else report.lost_end.tenants
        assert report.verdict in SOUND and must <= told <= may, (must, may, told, report.notes)
        is_noted = any(note.startswith("What comes before these entries") for note in report.notes)
        assert is_noted is bool(before), (before, report.notes)
        self.note(section)

    def since(self) -> None:
        self.steps.append("verify since")
        found = making.verify_by_itself(self.where, self.store, VERIFY, now=NOW, by="ada", sign=False)
        assert found.report.stands is not bool(self.missing), found.report.notes
        self.note()

    def sign(self) -> None:
        self.steps.append("checkpoint")
        made = making.verify_and_sign(
            self.where, self.store, VERIFY, now=NOW, by="ada", reason=Reason.REQUEST
        )
        has_entries = any(map(self.entries, TENANTS))
        assert (made.checkpoint is not None) is (has_entries and not self.missing), made
        self.note()
        if made.checkpoint is not None:
            self.signed = max(seq for tenant in TENANTS for seq, _ in self.entries(tenant))

    def accept(self) -> None:
        self.steps.append("accept")
        assert self.verify(accepts_end=True).stands
        for tenant in self.missing:
            self.ends.pop(tenant, None)
            self.own.pop(tenant, None)
        self.note()

    def act(self) -> None:
        """Of one of which nobody is asked, and that is refused while an end is lost."""
        tenant, self.people = self.random.choice(TENANTS), self.people + 1
        self.steps.append(f"user of {tenant}")
        try:
            lost_ends.require_end(self.where, self.store)
        except NotAllowed:
            assert self.missing
            return
        assert not self.missing
        users.create(self.engine, tenant, f"u{self.people}@{tenant}.example", actor="ada", now=NOW)
        self.own[tenant] = self.entries(tenant)[-1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_is_known_of_ends_is_missed_and_nothing_else(
    engine: Database, sql: apsw.Connection, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    history = History(engine, sql, CheckpointStore(tmp_path_factory.mktemp("home")), seed)
    for _ in range(STEPS):
        try:
            history.step()
        except AssertionError as error:
            error.add_note(f"seed {seed}: {', '.join(history.steps)}")
            raise
