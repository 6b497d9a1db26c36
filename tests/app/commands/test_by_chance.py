"""Verification by command, over histories at random: what the platform, this program and an attacker do to a
file, against an oracle that knows every entry that was gone through. TENANT_ADMIN_ATTACKS is how many there
are.
"""

import os
import random
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import apsw
import pytest

from models.status import DAY
from tests.fixtures import chains
from tests.fixtures.command import run
from tests.fixtures.sample import empty

HISTORIES = int(os.environ.get("TENANT_ADMIN_ATTACKS", "8"))
TENANTS = ["acme", "blue", "coral"]

Entry = tuple[int, str, str]
"""Its number, its tenant and its hash."""


class History:
    """Of `known` entries each was the last one of its tenant when that was found to hold, and nothing that
    may be done has taken it away since. `now` is what every clock says.
    """

    def __init__(self, folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.path = folder, empty(folder / "a.sqlite")
        self.random, self.steps = random.Random(seed), list[str]()
        self.known, self.people = set[Entry](), 0
        self.now = int(time.time()) - 60 * DAY
        monkeypatch.setattr(time, "time", lambda: float(self.now))
        for tenant in TENANTS:
            self.append(tenant, 2)

    def execute(self, *statements: str) -> None:
        with closing(apsw.Connection(str(self.path))) as connection:
            for statement in statements:
                connection.execute(statement).fetchall()

    def entries(self, tenant: str | None = None) -> list[Entry]:
        with closing(apsw.Connection(str(self.path))) as connection:
            if not connection.execute("SELECT 1 FROM pragma_table_list('audit_chain')").fetchall():
                return []
            rows: list[Any] = connection.execute(
                "SELECT seq, tenant_id, hash FROM audit_chain ORDER BY seq"
            ).fetchall()
        return [row for row in rows if tenant in (None, row[1])]

    def append(self, tenant: str, count: int = 1) -> None:
        with closing(apsw.Connection(str(self.path))) as connection:
            chains.append(connection, tenant, [self.now] * count)

    def command(self, *words: object) -> CompletedProcess[str]:
        done = run(*words)
        self.steps.append(f"{' '.join(map(str, words))}: {done.returncode}")
        return done

    def note(self, tenant: str | None = None) -> None:
        """What was found to hold is known from now on."""
        self.known |= set({one[1]: one for one in self.entries(tenant)}.values())

    # What may be done; each gives whether it is refused, or finds anything.

    def platform(self) -> bool:
        for tenant in self.random.choices([*TENANTS, "late"], k=self.random.randint(1, 4)):
            self.append(tenant)
        return False

    def act(self) -> bool:
        self.people += 1
        (listed := self.folder / "new.csv").write_text(f"email\np{self.people}@x.example\n")
        tenant = self.random.choice(TENANTS)
        return (
            self.command("users", "add", self.path, listed, "--tenant", tenant, "--new-tenants").returncode
            > 0
        )

    def retention(self) -> bool:
        days = self.random.choice([5, 15, 30])
        return self.removes("retention", self.path, "--days", days, "--trust-clock", "--allow-majority")

    def erase(self) -> bool:
        tenant = self.random.choice(TENANTS)
        has_any = len(self.entries(tenant)) > 1
        return has_any and self.removes("tenants", "erase", self.path, tenant, "--confirm", tenant)

    def removes(self, *words: object) -> bool:
        done = self.command(*words)
        if done.returncode == 0:
            self.known &= set(self.entries())
        return done.returncode > 0

    def another_file(self) -> bool:
        """As editors save it: the same in another file."""
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (copy := self.folder / "copy").write_bytes(self.path.read_bytes())
        copy.replace(self.path)
        return False

    def checkpoint(self) -> bool:
        return self.finds("checkpoint", self.path)

    def verify(self) -> bool:
        return self.finds("verify", self.path, *self.random.choice([[], ["--whole"]]))

    def since(self) -> bool:
        return self.finds("verify", self.path, "--since-checkpoint")

    def alone(self) -> bool:
        tenant = self.random.choice(TENANTS)
        return self.finds("verify", self.path, "--tenant", tenant, tenant=tenant)

    def ranged(self) -> bool:
        first, last = sorted(self.random.choices([one[0] for one in self.entries()] or [1], k=2))
        ends = self.random.choice([["--from", first], ["--to", last], ["--from", first, "--to", last]])
        of = ["--tenant", self.random.choice(TENANTS)] if self.random.random() < 0.4 else []
        return self.command("verify", self.path, *ends, *of).returncode == 1  # 2 is that there is none

    def finds(self, *words: object, tenant: str | None = None) -> bool:
        done = self.command(*words)
        if done.returncode == 0:
            self.note(tenant)
        return done.returncode == 1 or (done.returncode > 1 and tenant is None)

    def may_be_done(self) -> Callable[[], bool]:
        steps = {
            self.platform: 8, self.act: 2, self.retention: 1, self.erase: 0.6, self.another_file: 0.6,
            self.checkpoint: 1.5, self.verify: 3, self.since: 2, self.alone: 2, self.ranged: 2,
        }  # fmt: skip
        self.now += self.random.choice([0, 1, 60, self.random.randrange(2 * DAY)])
        return self.random.choices([*steps], [*steps.values()])[0]

    # What may not

    def attack(self) -> bool:
        """Whether what is known says that it was done."""
        seq, tenant, _ = self.random.choice(self.entries())
        gone = f"seq >= {seq}" + self.random.choice(["", f" AND tenant_id = '{tenant}'"])
        how = self.random.choice(
            ["cut", "forged", "rehashed", "renamed", "all", "dropped", "instead", "edited"]
        )
        self.steps.append(f"{how} {seq} {tenant}")
        match how:
            case "cut":
                self.execute(f"DELETE FROM audit_chain WHERE {gone}")
            case "instead":
                self.execute(f"DELETE FROM audit_chain WHERE seq >= {seq} AND tenant_id = '{tenant}'")
                self.append(tenant, self.random.randint(1, 3))
            case "forged" | "edited":
                changed = "payload = '{}'" if how == "forged" else "created_at = created_at + 1"
                self.execute(f"UPDATE audit_chain SET {changed} WHERE seq = {seq}")
            case "rehashed":
                with closing(apsw.Connection(str(self.path))) as connection:
                    chains.forge(connection, tenant, seq)
            case "renamed":
                self.execute(f"UPDATE audit_chain SET tenant_id = 'zeta' WHERE tenant_id = '{tenant}'")
            case "all":
                self.execute("DELETE FROM audit_chain")
            case "dropped":
                self.execute("DROP TABLE audit_chain")
        if how != "dropped" and self.random.random() < 0.7:
            self.execute("UPDATE sqlite_sequence SET seq = (SELECT ifnull(max(seq), 0) FROM audit_chain)")
        return how in ("forged", "edited") or not self.known <= set(self.entries())


def cases() -> list[object]:
    return [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, HISTORIES))]


@pytest.mark.parametrize("seed", cases())
def test_what_may_be_done_is_no_finding(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(tmp_path, seed, monkeypatch)
    for _ in range(20):
        assert not history.may_be_done()(), history.steps
    assert not history.verify(), history.steps


@pytest.mark.parametrize("seed", cases())
def test_no_attack_stays_unsaid_that_anything_known_contradicts(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tmp_path, seed, monkeypatch)
    for _ in range(history.random.randint(4, 16)):
        assert not history.may_be_done()(), history.steps
    if not history.attack():
        return  # nobody knew what is gone
    for _ in range(history.random.randint(0, 12)):  # which hide it from nobody
        step = history.may_be_done()
        if history.entries() or step != history.platform:
            step()
    found = history.command("verify", history.path)
    assert found.returncode == 1, (history.steps, found.stdout, found.stderr)
