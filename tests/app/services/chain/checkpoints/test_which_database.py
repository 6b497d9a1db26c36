"""Which database a file is (`app/services/chain/README.md`): histories that are in order, and attacks.

Each is done on real files, and judged as `tenant-admin verify` and `checkpoint` and the window's own
verification do it. TENANT_ADMIN_HISTORIES is how many random ones are tried.
"""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from app import paths
from app.commands.common import database_path
from app.services.chain.checkpoint import CheckpointHistory, Reason
from app.services.chain.checkpoints import doubts, making
from app.services.chain.checkpoints.document import NotSigned, read_export
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import SOUND, Verdict
from app.services.chain.where import InDatabase, InFile, Where
from app.services.demo import create_demo
from app.services.files.importing import Imported, verify_imported
from app.services.files.opening import create, migrate, snapshot_copy
from app.services.files.restoring import carry_out, offer, scratch
from app.services.live.fetching import fetch
from models.errors import Cancelled
from models.progress import Monitor
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.plain_engine import PlainEngine

HISTORIES = int(os.environ.get("TENANT_ADMIN_HISTORIES", "4"))
ACME, GLOBEX = "tenant-00", "tenant-01"
LEDGER = "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name, applied_at)"

Judged = Path | Where


class World:
    """Files in a folder, one store, and a clock that goes on with whatever is signed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.store = CheckpointStore(folder / "home")
        self.export: Path | None = None
        self.heard = ""
        """What the last import has said."""
        self.said = ""
        """What the verdict's notes have to say, among others."""
        self.unsaid: str | None = None
        """What they must not say."""
        self.waits = 0
        """Where nothing is signed, for all that contradicts nothing, before a person has decided: the number
        of the checkpoint that is made then."""

    def file(self, name: str = "a.db", *, seed: int = 1, tenants: int = 2, ledger: str = "") -> Path:
        chain = ChainFile.build(self.folder / name, rows=6, tenants=tenants, seed=seed)
        if ledger:
            chain.run(LEDGER)
            chain.run("INSERT INTO d1_migrations VALUES (1, '0000', ?)", ledger)
        chain.sql.close()
        return chain.path

    def known(self, name: str = "a.db", **options: str | int) -> Path:
        path = self.file(name, **options)  # type: ignore[arg-type]
        assert self.sign(path) is not None
        return path

    def sign(self, where: Judged, reason: Reason = Reason.REQUEST, **ways: Any) -> int | None:
        self.now += 60
        there = InFile(where) if isinstance(where, Path) else where
        made = making.verify_and_sign(there, self.store, VERIFY, now=self.now, reason=reason, **ways)
        return made.checkpoint

    def another(self, path: Path) -> Path:
        assert self.sign(path, Reason.ANOTHER_DATABASE) is not None
        return path

    def copy(self, path: Path, name: str) -> Path:
        (self.folder / name).parent.mkdir(exist_ok=True)
        return Path(shutil.copyfile(path, self.folder / name))

    def part(self, path: Path, name: str = "part.db", tenant: str = ACME) -> Path:
        """One tenant's part, imported as the window and the command import it."""
        part = self.copy(path, name)
        return self.imported(self.alone(part, tenant), tenant)

    def alone(self, path: Path, tenant: str) -> Path:
        self.run(path, "DELETE FROM audit_chain WHERE tenant_id <> ?", tenant)
        return self.run(path, "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")

    def imported(self, path: Path, tenant: str | None = None) -> Path:
        self.now += 60
        _, made = verify_imported(Imported(path, {}, (), (), 0.0, tenant), self.store, VERIFY, now=self.now)
        assert made.checkpoint is not None, made.report.findings
        self.heard = " ".join(made.report.doubts)
        return path

    def run(self, path: Path, sql: str, *params: object) -> Path:
        return self.write(path, lambda chain: chain.run(sql, *params))

    def write(self, path: Path, do: Callable[[ChainFile], object]) -> Path:
        chain = ChainFile(path)
        do(chain)
        chain.sql.close()
        return path

    def grow(self, path: Path, *tenants: str, by: int = 1, late: int = 0) -> Path:
        """Entries of theirs; the clock of who writes them is `late` seconds behind."""
        for tenant in tenants * by:
            payload = f'{{"in":"{path.name}"}}'
            self.write(path, lambda chain: chain.append(tenant, payload=payload, at=self.now - late))  # noqa: B023
        return path

    def forge(self, path: Path, tenant: str, back: int = 1) -> Path:
        """The entry so many before the tenant's end, and all that follow it."""

        def do(chain: ChainFile) -> None:
            seqs = chain.seqs(tenant)
            chain.run("UPDATE audit_chain SET payload = '{\"forged\":1}' WHERE seq = ?", seqs[-back])
            chain.rehash(tenant, seqs[-back - 1] if back < len(seqs) else 0)

        return self.write(path, do)

    def rewritten(self, path: Path, by: int = 77) -> Path:
        def do(chain: ChainFile) -> None:
            chain.run("UPDATE audit_chain SET created_at = created_at + ?", by)
            for tenant in chain.sql.execute("SELECT DISTINCT tenant_id FROM audit_chain").fetchall():
                chain.rehash(str(tenant[0]))

        return self.write(path, do)

    def anew(self, path: Path, tenant: str, *, low: bool = False) -> Path:
        """The tenant wiped, and begun again: at the end, or in the numbers that it had."""

        def do(chain: ChainFile) -> None:
            seqs = chain.seqs(tenant)
            chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", tenant)
            for seq in seqs:
                chain.append(tenant, "settings_changed", at=self.now - 5, seq=seq if low else None)

        return self.write(path, do)

    def renumber(self, path: Path, by: int, tenant: str = "%") -> Path:
        def do(chain: ChainFile) -> None:
            rows = "SELECT seq FROM audit_chain WHERE tenant_id LIKE ? ORDER BY seq DESC"
            for row in chain.sql.execute(rows, (tenant,)).fetchall():
                chain.run("UPDATE audit_chain SET seq = seq + ? WHERE seq = ?", by, *row)

        return self.write(path, do)

    def prune(self, path: Path, tenant: str, left: int = 2) -> Path:
        return self.write(path, lambda chain: chain.prune(tenant, chain.seqs(tenant)[-1 - left], at=self.now))

    def put(self, path: Path, over: Path) -> Path:
        """Its content in the other's place: the very same file on disk."""
        shutil.copyfile(path, over)
        return over


# Histories that are in order


def untouched(world: World) -> Path:
    return world.known()


def went_on(world: World) -> Path:
    return world.grow(world.known(), ACME, "newcomer")


def renamed(world: World) -> Path:
    return world.known().rename(world.folder / "b.db")


def by_a_symbolic_link(world: World) -> Path:
    link = world.folder / "link.db"
    link.symlink_to(world.known())
    return database_path(link)


def copied_elsewhere(world: World) -> Path:
    return world.copy(world.known(), "b.db")


def copied_home(world: World) -> Path:
    """Store, key and files on another disk."""
    path = world.known()
    world.another(world.grow(world.copy(path, "b.db"), ACME))
    shutil.copytree(world.folder, world.folder / "moved")
    world.store = CheckpointStore(world.folder / "moved" / "home")
    return world.folder / "moved" / "a.db"


def restored_in_its_place(world: World) -> Path:
    path = world.known()
    backup = world.copy(path, "backup.db")
    world.sign(world.grow(path, ACME, GLOBEX))
    return world.put(backup, path)


def restored_beside_a_part_and_a_copy(world: World) -> Path:
    path = world.known()
    backup = world.copy(path, "backup.db")
    world.part(path)
    world.another(world.copy(path, "b.db"))
    world.sign(world.grow(path, ACME, GLOBEX))
    return world.put(backup, path)


def a_backup_elsewhere(world: World) -> Path:
    path = world.known()
    backup = world.copy(path, "backup.db")
    world.sign(world.grow(path, ACME, GLOBEX))
    return backup


def pruned(world: World) -> Path:
    return world.prune(world.grow(world.known(), ACME), ACME)


def pruned_behind_all_that_was_known(world: World) -> Path:
    return world.prune(world.grow(world.known(), ACME, GLOBEX, by=2), ACME)


def a_part(world: World) -> Path:
    return world.part(world.known())


def a_part_in_the_place_of_the_whole(world: World) -> Path:
    path = world.known()
    world.said = (
        "This is the part of one tenant alone. The database that was in this place before has 6 entries of "
        "1 other as well."
    )
    part = world.part(path.rename(world.folder / "kept.db"), path.name)
    assert world.said in world.heard
    return world.grow(part, ACME)


def the_whole_moved_from_where_its_part_is(world: World) -> Path:
    a_part_in_the_place_of_the_whole(world)
    world.said, world.unsaid = "", "This is the part"
    return world.folder / "kept.db"


def the_whole_beside_its_part(world: World) -> Path:
    path = world.known()
    world.part(path)
    return world.grow(path, ACME, GLOBEX)


def a_part_that_went_on(world: World) -> Path:
    path = world.known()
    part = world.part(path)
    world.sign(world.grow(path, ACME))
    return world.grow(part, ACME, "newcomer")


def a_part_that_went_on_elsewhere(world: World) -> Path:
    path = world.known()
    part = world.part(path)
    world.sign(world.grow(part, ACME))
    world.sign(world.grow(path, ACME))
    return world.grow(world.copy(part, "b.db"), ACME)


def a_part_in_which_another_tenant_began_again(world: World) -> Path:
    return world.grow(world.part(world.known()), GLOBEX, by=2)


def an_untouched_copy_of_a_part(world: World) -> Path:
    return world.copy(world.part(world.known()), "b.db")


def a_part_of_a_whole_that_went_on_before(world: World) -> Path:
    """What the part ends with, no checkpoint of the whole knew when it was taken."""
    path = world.grow(world.known(), ACME, GLOBEX, by=3)
    part = world.part(path)
    world.sign(world.grow(path, ACME, GLOBEX))
    return part


def one_of_two_parts(world: World) -> Path:
    path = world.known()
    world.part(path)
    return world.part(path, "second.db", GLOBEX)


def the_first_of_two_parts(world: World) -> Path:
    path = world.known()
    part = world.part(path)
    world.part(path, "second.db", GLOBEX)
    return world.grow(part, ACME)


def the_whole_beside_two_parts(world: World) -> Path:
    path = world.known()
    world.part(path)
    world.part(path, "second.db", GLOBEX)
    return world.copy(path, "c.db")


def an_old_copy_of_a_whole_that_was_pruned(world: World) -> Path:
    path = world.known()
    old = world.copy(path, "old.db")
    world.part(path)
    pruned_since(world, path)
    return old


def pruned_since(world: World, path: Path) -> None:
    """So that the newest checkpoints know no entry of an old copy."""
    world.sign(world.grow(path, ACME, GLOBEX, by=3))
    for tenant in (ACME, GLOBEX):
        world.prune(path, tenant)
    for _ in range(4):
        world.sign(world.grow(path, ACME))


def the_original_beside_a_copy(world: World) -> Path:
    path, copy = two(world)
    world.sign(world.grow(copy, GLOBEX))
    return world.grow(path, ACME)


def two(world: World) -> tuple[Path, Path]:
    """Two copies that went their own ways, each in its place."""
    path = world.known()
    copy = world.another(world.grow(world.copy(path, "b.db"), ACME))
    for file in (path, copy):
        world.sign(world.grow(file, ACME, GLOBEX))
    return path, copy


def the_copy_beside_its_original(world: World) -> Path:
    path, copy = two(world)
    world.sign(world.grow(path, GLOBEX))
    return world.grow(copy, ACME)


def the_original_elsewhere(world: World) -> Path:
    return world.grow(world.copy(two(world)[0], "c.db"), ACME)


def the_copy_elsewhere(world: World) -> Path:
    return world.grow(world.copy(two(world)[1], "c.db"), ACME)


def the_original_fetched_anew(world: World) -> Path:
    """For the first time since a copy of it goes its own way."""
    path = world.known()
    world.sign(world.grow(world.another(world.copy(path, "b.db")), ACME, GLOBEX))
    return world.imported(world.copy(world.grow(path, ACME), "c.db"))


def the_original_fetched_anew_and_gone_on(world: World) -> Path:
    path = world.known()
    world.sign(world.grow(world.another(world.copy(path, "b.db")), ACME, GLOBEX))
    return world.copy(world.grow(path, ACME), "c.db")


def the_original_beside_a_copy_that_was_pruned(world: World) -> Path:
    """The copy begins then with an entry that the original has as well, and never signed."""
    path = world.grow(world.known(), ACME, by=3)
    copy = world.another(world.grow(world.copy(path, "b.db"), ACME))
    world.sign(world.grow(copy, ACME, by=2))
    world.sign(world.prune(copy, ACME, left=5))
    return world.grow(path, GLOBEX)


def a_copy_that_has_signed_nothing_since(world: World) -> Path:
    path = world.known()
    copy = world.another(world.copy(path, "b.db"))
    world.sign(world.grow(path, ACME, GLOBEX))
    return world.grow(copy, GLOBEX)


def an_untouched_copy_of_that(world: World) -> Path:
    path = world.known()
    copy = world.another(world.copy(path, "b.db"))
    world.sign(world.grow(path, ACME, GLOBEX))
    return world.copy(copy, "c.db")


def both_began_the_same_tenant(world: World) -> Path:
    path, copy = two(world)
    world.sign(world.grow(path, "system"))
    return world.grow(copy, "system", by=2)


def the_original_put_over_the_copy(world: World) -> Path:
    path, copy = two(world)
    world.said = "another one was last seen in this place. If you put it here"
    return world.put(path, copy)


def the_copy_put_over_the_original(world: World) -> Path:
    path, copy = two(world)
    world.said = "another one was last seen in this place. If you put it here"
    return world.put(copy, path)


def the_original_as_it_was_put_over_the_copy(world: World) -> Path:
    path = world.known()
    old = world.copy(path, "old.db")
    copy = world.another(world.grow(world.copy(path, "b.db"), ACME))
    world.sign(world.grow(path, GLOBEX))
    return world.put(old, copy)


def the_whole_put_over_its_part(world: World) -> Path:
    path = world.known()
    world.waits, world.said = 1, "another one was last seen in this place. If you put it here"
    return world.put(path, world.part(path))


def another_database_with_the_same_tenants(world: World) -> Path:
    world.known()
    return world.file("b.db", seed=2)


def a_project_begun_anew(world: World) -> Path:
    """Its file is the same, its migrations ran again."""
    world.waits, world.said = 1, "Another database was last seen here"
    path = world.known(ledger="2026-01-01 10:00:00")
    return world.put(world.file("b.db", seed=2, ledger="2026-02-01 10:00:00"), path)


def sample_data_put_over_others_of_the_same_second(world: World) -> Path:
    world.waits, world.said = 1, "Another database was last seen here"
    path, other = world.folder / "a.db", world.folder / "b.db"
    for file, rows in ((path, 30), (other, 40)):
        create_demo(file, rows=rows, tenants=1, now=NOW)
    assert world.sign(path) is not None
    return world.put(other, path)


def imported_twice_under_one_name(world: World) -> Path:
    """Of two databases; the second may be the very same file on disk, as numbers are given again."""
    path = world.imported(world.file())
    return world.imported(world.put(with_tenants_renamed(world, world.file("b.db", seed=2)), path))


def with_tenants_renamed(world: World, path: Path) -> Path:
    return world.run(path, "UPDATE audit_chain SET tenant_id = 'b-' || tenant_id")


def imported_over_one_with_its_tenants(world: World) -> Path:
    """Which may be what somebody made of that one: its ledger is one cell, and no entry's."""
    path = world.known(ledger="2026-01-01 10:00:00")
    world.file("made.db", seed=2, ledger="2026-01-01 11:00:00")
    path.unlink()
    made_in_its_place(world, path)
    world.waits, world.said = 1, "this one was made in its place, of a copy or a dump"
    return path


def its_copy_made_again_in_its_place(world: World) -> Path:
    """Two numbers are exchanged in it, which the ends do not tell, and a tenant was begun."""
    path = world.known()
    copy = world.copy(path, "b.db")
    seqs = "UPDATE audit_chain SET seq = {} WHERE seq = {}"
    for new, old in ((-1, 3), (3, 4), (4, -1)):
        world.run(copy, seqs.format(new, old))
    world.sign(world.grow(world.another(copy), ACME, "newcomer"))
    world.copy(copy, "made.db")
    path.unlink()
    made_in_its_place(world, path)
    world.waits, world.said = 1, "another one was last seen in this place"
    return path


def the_same_imported_twice(world: World) -> Path:
    path = world.imported(world.file())
    return world.imported(world.put(world.copy(path, "b.db"), path))


def a_part_imported_twice(world: World) -> Path:
    path = world.known()
    part = world.part(path)
    world.sign(world.grow(path, ACME, GLOBEX))
    part.unlink()
    return world.grow(world.part(path), ACME)


def clocks_a_minute_apart(world: World) -> Path:
    path = world.known()
    world.part(path)
    world.another(world.copy(path, "b.db"))
    world.sign(world.grow(path, ACME, "newcomer", late=60))
    return world.grow(world.copy(path, "c.db"), ACME, "late", late=60)


def started_over(world: World) -> Path:
    path = world.rewritten(world.known())
    assert world.sign(path, Reason.START_OVER) is not None
    return path


def renamed_and_started_over_beside_a_copy(world: World) -> Path:
    """One entry was known under two names then."""
    path = world.run(world.known(), "UPDATE audit_chain SET tenant_id = tenant_id || 'x'")
    assert world.sign(path, Reason.START_OVER) is not None
    world.another(world.copy(path, "b.db"))
    return world.copy(path, "c.db")


def an_older_copy_than_that(world: World) -> Path:
    path = world.known()
    copy = world.copy(path, "b.db")
    assert world.sign(world.rewritten(path), Reason.START_OVER) is not None
    return copy


def by_an_export_elsewhere(world: World) -> Path:
    path = world.known()
    world.part(path)
    exported(world, path)
    return world.grow(world.copy(path, "b.db"), ACME)


def exported(world: World, path: Path) -> None:
    world.export = world.folder / "export.json"
    world.store.export(InFile(path), world.export)
    world.store = CheckpointStore(world.folder / "elsewhere")


def live(world: World, path: Path) -> InDatabase:
    engine = PlainEngine(world.copy(path, "live.db"))
    where = InDatabase(engine)
    return where


def a_live_database(world: World) -> Where:
    where = live(world, world.file())
    assert world.sign(where) is not None
    world.grow(world.folder / "live.db", ACME)
    return where


def an_export_of_a_live_database(world: World) -> Path:
    assert world.sign(live(world, world.file())) is not None
    return world.imported(world.copy(world.folder / "live.db", "b.db"))


def a_live_database_beside_a_part_of_it(world: World) -> Where:
    where = live(world, world.file())
    assert world.sign(where) is not None
    world.part(world.folder / "live.db")
    world.grow(world.folder / "live.db", ACME, GLOBEX)
    return where


def a_copy_in_a_new_place(world: World) -> Path:
    path = world.known()
    world.said = f"Its entries are those of the database that was seen in {path}, and until"
    return world.grow(world.copy(path, "b.db"), ACME)


def moved_before_another_was_put_there(world: World) -> Path:
    """Which is no copy of what is there now."""
    path = world.known()
    moved = path.rename(world.folder / "b.db")
    world.unsaid = "Its entries are those of the database"
    world.another(world.file(seed=2))
    return moved


def moved_back_to_its_old_place(world: World) -> Path:
    """Where another one was seen meanwhile: a person says that it is not that one, and it goes on."""
    path = world.known()
    moved = path.rename(world.folder / "b.db")
    world.another(world.file(seed=2)).rename(world.folder / "c.db")
    world.waits, world.said = 2, "another one was last seen in this place. If you put it here"
    return moved.rename(path)


def beside_a_part_of_a_tenant_begun_since(world: World) -> Path:
    """No checkpoint of the whole knows the one tenant that the part has."""
    path = world.grow(world.known(), "zeta", by=2)
    world.part(path, tenant="zeta")
    return path


def a_part_of_a_tenant_begun_since(world: World) -> Path:
    path = beside_a_part_of_a_tenant_begun_since(world)
    world.sign(path)
    return world.grow(world.folder / "part.db", "zeta")


def beside_a_part_of_a_tenant_begun_since_and_a_copy(world: World) -> Path:
    """Wherever it lies."""
    return world.grow(world.copy(beside_a_part_of_a_tenant_begun_since(world), "b.db"), GLOBEX)


def first_signed_after_its_part(world: World) -> Path:
    path = world.file()
    world.part(path)
    return path


def a_part_of_a_whole_first_signed_later(world: World) -> Path:
    assert world.sign(first_signed_after_its_part(world)) is not None
    return world.grow(world.folder / "part.db", ACME)


def beside_an_old_copy_that_went_on(world: World) -> Path:
    """Which two databases may have become, so that a person is asked."""
    path = world.known()
    old = world.copy(path, "old.db")
    copy = world.another(world.copy(path, "b.db"))
    assert world.sign(world.grow(old, ACME, by=4)) is None
    return world.grow(copy, GLOBEX)


def an_old_copy_that_went_on(world: World) -> Path:
    path = world.known()
    world.another(world.copy(path, "b.db"))
    world.waits, world.said = 1, "this may be the database"
    return world.grow(world.copy(path, "old.db"), ACME, by=4)


def moved_beside_a_copy_that_is_another(world: World) -> Path:
    """And went on, before anybody signed it again: the number of the file tells."""
    path = world.known()
    world.another(world.copy(path, "b.db"))
    world.said = "this may be what became of the database that was seen in"
    return world.grow(path.rename(world.folder / "c.db"), ACME)


def copied_from_one_that_is_another_where_it_was(world: World) -> Path:
    path = world.another(world.known())
    return world.copy(world.grow(path, ACME), "c.db")


def copied_from_a_copy_that_has_signed_nothing_since(world: World) -> Path:
    """By what it has of its own the original would be judged if it were taken for that."""
    path = world.known()
    copy = world.grow(world.another(world.copy(path, "b.db")), ACME, by=3)
    world.said = f"Its entries are those of the database that was seen in {copy}, and until"
    return world.copy(copy, "c.db")


def copied_from_it_and_gone_on(world: World) -> Path:
    """What is in no file that is known may as well be the original's, rewritten."""
    copy = copied_from_a_copy_that_has_signed_nothing_since(world)
    world.waits, world.said = 1, "this may be the database"
    return world.grow(copy, GLOBEX)


def renamed_beside_a_copy_of_which_a_part_was_signed(world: World) -> Path:
    """By the copy alone every entry that it knew is there; what the part knew is another tenant's now."""
    path = world.known()
    copy = world.another(world.alone(world.copy(path, "b.db"), ACME))
    world.grow(copy, "system", by=2)
    world.said = "may be what became of"
    return world.run(
        world.copy(copy, "c.db"), "UPDATE audit_chain SET tenant_id = 'x' WHERE tenant_id = 'system'"
    )


def cut_off_beside_a_part_that_went_on(world: World) -> Path:
    """Nobody signed what is gone of it."""
    copy = world.copy(copied_from_a_part_that_went_on(world), "d.db")
    world.grow(world.folder / "part.db", "system", ACME)
    world.put(world.folder / "part.db", copy)
    return world.run(copy, "DELETE FROM audit_chain WHERE tenant_id = 'system'")


def copied_from_a_part_that_went_on(world: World) -> Path:
    """Which is no whole from which the other tenants were removed."""
    part = world.grow(world.part(world.known()), ACME, by=2)
    return world.copy(part, "c.db")


def copied_beside_a_copy_that_is_another(world: World) -> Path:
    path = world.known()
    world.another(world.copy(path, "b.db"))
    world.said = f"Its entries are those of the database that was seen in {path}, and until"
    return world.copy(world.grow(path, ACME), "c.db")


def a_copy_with_the_number_of_an_original_that_was_deleted(world: World) -> Path:
    """Which its disk gave again; what it has of its own nobody else has."""
    path = world.known()
    copy = world.grow(world.copy(world.another(world.copy(path, "b.db")), "c.db"), ACME)
    path.unlink()
    which = InFile(copy).location[1].partition(" ")[0]
    with closing(apsw.Connection(str(world.folder / "home" / "checkpoints.sqlite"))) as store:
        store.execute("UPDATE databases SET file_id = ? || ' 1.0' WHERE path = ?", (which, str(path)))
    world.waits, world.said = 1, "this may be the database"
    return copy


def beside_a_copy_of_a_copy(world: World) -> Path:
    world.another(copied_from_a_copy_that_has_signed_nothing_since(world))
    world.said = ""
    return world.folder / "a.db"


def a_copy_of_which_a_copy_was_made(world: World) -> Path:
    beside_a_copy_of_a_copy(world)
    return world.folder / "b.db"


def a_copy_of_a_part_that_was_signed(world: World) -> Path:
    path = world.known()
    part = world.part(path)
    copy = world.copy(part, "b.db")
    assert world.sign(copy) is not None and world.sign(part) is not None
    world.sign(world.grow(path, ACME, by=2))
    return world.grow(copy, ACME)


def a_part_beside_a_copy_of_it_that_is_another(world: World) -> Path:
    part = world.part(world.known())
    copy = world.imported(world.copy(part, "b.db"))
    world.sign(world.another(world.grow(copy, ACME, by=2)))
    return world.grow(part, ACME)


def said_of_the_original(world: World) -> Path:
    path = world.known()
    world.copy(path, "b.db")
    return world.grow(world.another(path), ACME)


def a_file_of_ours_in_an_old_place(world: World) -> Path:
    """As `demo` and `backup` make them."""
    path = world.known()
    path.unlink()
    world.file(seed=2)
    world.store.made(InFile(path), unrelated=True)
    return path


# Attacks, and what nobody but a person can tell from one


def forged_in_its_place(world: World) -> Path:
    return world.forge(world.known(), ACME)


def forged_elsewhere(world: World) -> Path:
    return world.forge(world.copy(world.known(), "b.db"), ACME, 3)


def forged_in_a_copied_home(world: World) -> Path:
    return world.forge(copied_home(world), ACME, 3)


def cut_off_in_its_place(world: World) -> Path:
    path = world.known()
    return world.run(path, "DELETE FROM audit_chain WHERE seq > 9")


def emptied(world: World) -> Path:
    return world.run(world.known(), "DELETE FROM audit_chain")


def emptied_and_begun_by_others(world: World) -> Path:
    path = emptied(world)
    world.run(path, "DELETE FROM sqlite_sequence")
    return world.grow(path, "fresh", by=3)


def emptied_with_its_ledger_and_begun_by_others(world: World) -> Path:
    path = world.known(ledger="2026-01-01 10:00:00")
    world.run(path, "DELETE FROM audit_chain; DELETE FROM sqlite_sequence; DELETE FROM d1_migrations")
    return world.grow(path, "fresh", by=3)


def rewritten_in_its_place(world: World) -> Path:
    return world.rewritten(world.known())


def a_rewritten_copy_in_its_place(world: World) -> Path:
    path = world.known(ledger="2026-01-01 10:00:00")
    return world.rewritten(world.copy(path, "b.db")).replace(path)


def numbered_anew_elsewhere(world: World) -> Path:
    return world.renumber(world.copy(world.known(), "b.db"), 1_000)


def tenants_renamed(world: World) -> Path:
    return world.run(world.copy(world.known(), "b.db"), "UPDATE audit_chain SET tenant_id = tenant_id || 'x'")


def beside_a_part(world: World, name: str = "b.db") -> tuple[Path, Path, Path]:
    """The whole, a part, and a copy of the whole to be forged."""
    path = world.known()
    return path, world.part(path), world.copy(path, name)


def beside_a_part_forged(world: World) -> Path:
    return world.forge(beside_a_part(world)[2], GLOBEX, 2)


def beside_a_part_rewritten(world: World) -> Path:
    return world.forge(beside_a_part(world)[2], GLOBEX, 6)


def beside_a_part_begun_anew(world: World) -> Path:
    return world.anew(beside_a_part(world)[2], GLOBEX)


def beside_a_part_begun_anew_in_its_numbers(world: World) -> Path:
    return world.anew(beside_a_part(world)[2], GLOBEX, low=True)


def beside_a_part_numbered_anew(world: World) -> Path:
    return world.renumber(beside_a_part(world)[2], 1_000, GLOBEX)


def beside_a_part_wiped(world: World) -> Path:
    """Which is the part, where nothing has come since; here something has."""
    copy = world.run(beside_a_part(world)[2], "DELETE FROM audit_chain WHERE tenant_id = ?", GLOBEX)
    return world.grow(copy, ACME)


def begun_anew_and_put_over_the_original(world: World) -> Path:
    path, _, copy = beside_a_part(world)
    return world.put(world.anew(copy, GLOBEX), path)


def numbered_anew_and_put_over_the_original(world: World) -> Path:
    path, _, copy = beside_a_part(world)
    return world.put(world.renumber(copy, 1_000, GLOBEX), path)


def a_part_put_over_the_original(world: World) -> Path:
    path, part, _ = beside_a_part(world)
    return world.put(part, path)


def begun_anew_in_its_numbers_and_put_over_the_part(world: World) -> Path:
    world.said = "another one was last seen in this place"
    _, part, copy = beside_a_part(world)
    return world.put(world.anew(copy, GLOBEX, low=True), part)


def forged_and_put_over_the_part(world: World) -> Path:
    world.said = "another one was last seen in this place"
    _, part, copy = beside_a_part(world)
    return world.put(world.forge(copy, GLOBEX, 2), part)


def beside_two_parts_forged(world: World) -> Path:
    path = world.known(tenants=3)
    world.part(path)
    world.part(path, "second.db", GLOBEX)
    return world.anew(world.copy(path, "b.db"), "tenant-02")


def beside_a_part_that_went_on_forged(world: World) -> Path:
    _, part, copy = beside_a_part(world)
    world.sign(world.grow(part, ACME))
    return world.anew(copy, GLOBEX)


def an_old_copy_of_a_pruned_whole_forged(world: World) -> Path:
    path, _, old = beside_a_part(world)
    pruned_since(world, path)
    return world.forge(old, GLOBEX, 6)


def an_old_copy_of_a_pruned_whole_begun_anew(world: World) -> Path:
    path, _, old = beside_a_part(world)
    pruned_since(world, path)
    return world.anew(old, GLOBEX)


def an_old_copy_of_a_pruned_whole_forged_and_put_back(world: World) -> Path:
    path, _, old = beside_a_part(world)
    pruned_since(world, path)
    return world.put(world.anew(old, GLOBEX), path)


def of_two_a_third(world: World) -> tuple[Path, Path, Path]:
    """The first line alone knew the newest entries; the second is from before them."""
    path = world.known()
    copy = world.another(world.copy(path, "b.db"))
    world.sign(world.grow(path, ACME, GLOBEX))
    return path, copy, world.copy(path, "c.db")


def of_two_a_third_forged(world: World) -> Path:
    return world.forge(of_two_a_third(world)[2], ACME)


def of_two_a_third_cut_off(world: World) -> Path:
    _, _, third = of_two_a_third(world)
    world.run(third, "DELETE FROM audit_chain WHERE seq = 14")
    return world.grow(third, ACME)


def of_two_the_first_forged(world: World) -> Path:
    path, _, _ = of_two_a_third(world)
    return world.forge(path, ACME)


def of_two_where_the_copy_knew_more(world: World) -> Path:
    """What the copy was signed with, the original had as well, and more since."""
    path = world.grow(world.known(), ACME, GLOBEX)
    world.another(world.copy(path, "b.db"))
    world.sign(world.grow(path, ACME, GLOBEX))
    return world.forge(path, ACME)


def of_two_the_copy_elsewhere_that_signed_nothing(world: World) -> Path:
    """In order, perhaps: nothing tells it from the original, forged behind what both knew."""
    path = world.known()
    copy = world.another(world.copy(path, "b.db"))
    world.sign(world.grow(path, ACME, GLOBEX))
    return world.grow(world.copy(copy, "c.db"), ACME)


def of_two_both_in_one(world: World) -> Path:
    """Entries that the copy alone had in one tenant, those of the original forged in the other."""
    world.said = "another one was last seen in this place"
    path = world.known()
    copy = world.another(world.copy(path, "b.db"))
    world.write(copy, lambda chain: chain.append(ACME, seq=50))
    world.sign(copy)
    for _ in range(2):
        world.sign(world.grow(path, GLOBEX))
    world.run(
        copy, f"ATTACH '{path}' AS a; INSERT INTO audit_chain SELECT * FROM a.audit_chain WHERE seq > 12"
    )
    return world.forge(copy, GLOBEX)


def by_an_export_forged(world: World) -> Path:
    path = world.known()
    exported(world, path)
    return world.anew(path, GLOBEX)


def a_live_database_rewritten(world: World) -> Where:
    where = live(world, world.file())
    assert world.sign(where) is not None
    world.rewritten(world.folder / "live.db")
    return where


def a_live_database_beside_a_part_begun_anew(world: World) -> Where:
    where = a_live_database_beside_a_part_of_it(world)
    world.anew(world.folder / "live.db", GLOBEX)
    return where


def a_file_of_a_live_database_forged(world: World) -> Path:
    a_live_database_beside_a_part_of_it(world)
    return world.anew(world.copy(world.folder / "live.db", "b.db"), GLOBEX)


def rewritten_after(world: World, sign: Callable[[World, Path], object]) -> Path:
    """In its place, when something of the line was signed elsewhere."""
    path = world.known()
    sign(world, path)
    return world.rewritten(path)


def rewritten_after_a_copy_was_signed(world: World) -> Path:
    return rewritten_after(world, lambda world, path: world.sign(world.copy(path, "b.db")))


def rewritten_after_an_import(world: World) -> Path:
    return rewritten_after(world, lambda world, path: world.imported(world.copy(path, "b.db")))


def rewritten_after_it_was_said_of_it(world: World) -> Path:
    return rewritten_after(world, lambda world, path: world.another(path))


def emptied_after_an_import(world: World) -> Path:
    path = world.known()
    world.imported(world.copy(path, "b.db"))
    return world.run(path, "DELETE FROM audit_chain; DELETE FROM sqlite_sequence")


def tenants_wiped_after_an_import_beside_a_part(world: World) -> Path:
    path = world.known(tenants=3)
    world.part(path)
    world.imported(world.copy(path, "b.db"))
    return world.alone(path, ACME)


def cut_off_after_an_import_beside_a_copy(world: World) -> Path:
    path = world.known()
    old = world.copy(world.another(world.copy(path, "b.db")), "old.db")
    world.sign(world.grow(path, ACME, by=6))
    world.imported(world.copy(path, "nightly.db"))
    world.said = "If you put it here, say that it is another database"
    return world.put(old, path)


def cut_off_after_it_was_said_of_it(world: World) -> Path:
    path = world.known()
    old = world.copy(path, "b.db")
    world.sign(world.grow(world.another(path), ACME, by=6))
    world.said = "the database that was in this place before"
    return world.put(old, path)


def old_file_put_back_where_another_is_now(world: World) -> Path:
    path = world.known()
    old = world.copy(path, "old.db")
    copy = world.another(world.grow(world.copy(path, "b.db"), ACME))
    world.sign(world.another(world.put(copy, path)))
    return world.put(old, path)


def rewritten_and_imported_elsewhere(world: World) -> Path:
    path = world.rewritten(world.known())
    world.imported(world.copy(path, "b.db"))
    world.waits, world.said = 1, "No entry that checkpoints know of the one last seen here is left."
    return path


def rewritten_with_its_ledger_and_imported_elsewhere(world: World) -> Path:
    path = world.rewritten(world.known(ledger="2026-01-01 10:00:00"))
    world.imported(world.copy(path, "b.db"))
    world.said = "its entries were removed or rewritten"
    return path


def rewritten_and_a_part_imported(world: World) -> Path:
    path = world.rewritten(world.known())
    world.part(path)
    return path


def rewritten_and_signed_by_a_hard_link(world: World) -> Path:
    path = world.rewritten(world.known())
    link = world.folder / "link.db"
    link.hardlink_to(path)
    assert world.sign(link) is not None
    world.waits = 2
    return path


def rewritten_with_another_ledger(world: World) -> Path:
    """Which a person alone tells from a database that was made again."""
    return with_another_ledger(world, world.rewritten(world.known(ledger="2026-01-01 10:00:00")))


def with_another_ledger(world: World, path: Path) -> Path:
    world.waits, world.said = 1, "Another database was last seen here"
    return world.run(path, "UPDATE d1_migrations SET applied_at = '2026-01-01 11:00:00'")


def a_part_that_went_on_put_over_the_whole(world: World) -> Path:
    path = world.known()
    part = world.part(path)
    world.sign(world.grow(part, ACME, by=2))
    world.said = f"seen in {part}; another one was last seen in this place"
    return world.put(part, path)


def numbers_exchanged_beside_a_part_of_a_tenant_begun_since(world: World) -> Path:
    path = beside_a_part_of_a_tenant_begun_since(world)
    for old, new in ((4, 99), (5, 4), (99, 5)):
        world.run(path, "UPDATE audit_chain SET seq = ? WHERE seq = ?", new, old)
    return path


def of_two_a_third_that_neither_was(world: World) -> Path:
    path = world.known()
    third = world.copy(path, "c.db")
    world.sign(world.grow(world.another(world.copy(path, "b.db")), ACME, by=3))
    world.sign(world.grow(path, GLOBEX, by=4))
    world.said = "this may be what became of the database that was seen in"
    return world.grow(third, ACME)


def a_live_database_rewritten_after_an_import(world: World) -> Where:
    where = live(world, world.file())
    assert world.sign(where) is not None
    world.imported(world.copy(world.folder / "live.db", "b.db"))
    world.rewritten(world.folder / "live.db")
    return where


def verified_where_it_was_moved_and_rewritten(world: World) -> Path:
    path = renamed(world)
    report = making.verify_with_checkpoints(InFile(path), world.store, VERIFY, now=world.now, by="ops")
    assert report.verdict is VERIFIED
    return world.rewritten(path)


def names_exchanged(world: World) -> Path:
    path, other = world.known(), world.known("b.db", seed=2)
    world.waits, world.said = 2, f"seen in {other}; another one was last seen in this place"
    path.rename(world.folder / "c.db")
    other.rename(path)
    (world.folder / "c.db").rename(other)
    return path


def put_back_where_another_was_signed(world: World) -> Path:
    path = world.known()
    kept = path.rename(world.folder / "kept.db")
    world.another(world.file(seed=2))
    world.waits, world.said = 2, "the database that was in this place before; another one"
    return kept.replace(path)


def put_back_where_another_was_signed_and_cut_off(world: World) -> Path:
    path = put_back_where_another_was_signed(world)
    world.waits = 0
    return world.run(path, "DELETE FROM audit_chain WHERE seq > 9")


def made_in_its_place(world: World, path: Path) -> None:
    """As the program does, by `made` of the new file."""
    (world.folder / "made.db").replace(path)
    world.store.made(InFile(path))


def a_newer_dump_imported_over_it(world: World) -> Path:
    path = world.known(ledger="2026-01-01 10:00:00")
    world.grow(world.copy(path, "made.db"), ACME)
    made_in_its_place(world, path)
    return path


def rewritten_and_its_own_dump_imported_over_it(world: World) -> Path:
    path = world.known(ledger="2026-01-01 10:00:00")
    world.rewritten(world.copy(path, "made.db"))
    made_in_its_place(world, path)
    return path


def rewritten_and_put_back_where_one_was_made(world: World) -> Path:
    path = world.known()
    kept = path.rename(world.folder / "kept.db")
    world.file("made.db", seed=2)
    made_in_its_place(world, path)
    path.unlink()
    return world.rewritten(world.put(kept, path))  # which may get the same number on its disk


def brought_back(world: World) -> Path:
    path = world.known(ledger="2026-01-01 10:00:00")
    world.copy(path, "made.db")
    path.unlink()
    made_in_its_place(world, path)
    return path


def brought_back_and_rewritten(world: World) -> Path:
    return world.rewritten(brought_back(world))


def brought_back_and_rewritten_with_its_ledger(world: World) -> Path:
    return with_another_ledger(world, brought_back_and_rewritten(world))


def rewritten_and_made_again_of_a_copy_that_was_signed(world: World) -> Path:
    """What it was signed as elsewhere says nothing of the one that was in this place."""
    path = world.known(ledger="2026-01-01 10:00:00")
    copy = world.rewritten(path).rename(world.folder / "b.db")
    assert world.sign(copy) is not None
    world.copy(copy, "made.db")
    made_in_its_place(world, path)
    world.waits, world.said = 1, "another one was last seen in this place"
    return path


def rewritten_and_made_here_before_it_was_signed_elsewhere(world: World) -> Path:
    """Nobody knew its entries when it was made; who signed them since says nothing of this place."""
    path = world.rewritten(world.known(ledger="2026-01-01 10:00:00"))
    copy = world.copy(path, "b.db")
    world.copy(path, "made.db")
    path.unlink()
    made_in_its_place(world, path)
    assert world.sign(copy) is not None
    world.waits, world.said = 1, "another one was last seen in this place"
    return path


def forged_behind_an_older_checkpoint_and_made_again_of_a_copy_that_was_signed(world: World) -> Path:
    """Some entries of the line are left, and others contradict it."""
    path = world.known(ledger="2026-01-01 10:00:00")
    world.grow(path, ACME, by=3)
    assert world.sign(path) is not None
    copy = world.another(world.forge(world.copy(path, "b.db"), ACME))
    world.copy(copy, "made.db")
    path.unlink()
    made_in_its_place(world, path)
    world.said = "another one was last seen in this place"
    return path


def its_part_made_whole_and_forged_where_that_was_signed_since(world: World) -> Path:
    """What was made in this very file before is not what decides when it is looked at again."""
    whole = world.file("whole.db")
    path = world.part(whole, "a.db")
    world.copy(whole, "made.db")
    path.unlink()
    made_in_its_place(world, path)
    assert world.sign(whole) is not None
    world.store.made(InFile(path))
    return world.forge(path, GLOBEX)


def cut_off_and_made_again_of_a_copy_that_was_signed(world: World) -> Path:
    path = world.known(ledger="2026-01-01 10:00:00")
    world.grow(path, ACME, by=3)
    assert world.sign(path) is not None
    copy = world.copy(path, "b.db")
    world.run(copy, "DELETE FROM audit_chain WHERE seq > (SELECT max(seq) FROM audit_chain) - 2")
    world.another(copy)
    world.copy(copy, "made.db")
    path.unlink()
    made_in_its_place(world, path)
    world.said = "another one was last seen in this place"
    return path


def of_two_in_one_place_brought_back_and_restored_elsewhere(world: World) -> Path:
    """The later one of them goes on there."""
    path = world.another(world.known(ledger="2026-01-01 10:00:00"))
    copy = world.copy(path, "b.db")
    world.copy(path, "made.db")
    path.unlink()
    made_in_its_place(world, path)
    world.grow(path, ACME, by=2)
    restored_from(world, path, into=copy)
    return path


def put_into_a_file_of_ours_and_rewritten_with_its_ledger(world: World) -> Path:
    """What was made there is not what is there now, be it the very same file."""
    path = world.known(ledger="2026-01-01 10:00:00")
    kept = path.rename(world.folder / "kept.db")
    world.file(seed=2, ledger="2026-03-01 10:00:00")
    world.store.made(InFile(path), unrelated=True)
    return with_another_ledger(world, world.rewritten(world.put(kept, path)))


def beside_its_part_in_whose_place_it_was_restored(world: World) -> Path:
    """And had an entry that nobody had signed."""
    path = world.known()
    return restored_from(world, path, into=world.part(path))


def restored_from(world: World, path: Path, *, into: Path) -> Path:
    world.grow(path, ACME)
    with scratch(into) as folder:
        offered = offer(into, path, Path(folder), world.store, VERIFY, now=world.now)
        done = carry_out(into, offered, world.store, VERIFY, actor="ops", now=world.now)
    assert done.checkpoint == 1, "of a database that goes its own way from here on"
    return path


def beside_a_copy_into_which_it_was_restored(world: World) -> Path:
    """Neither what that one held before nor what it holds now is signed as this one's."""
    path = world.known()
    return restored_from(world, path, into=world.grow(world.copy(path, "b.db"), GLOBEX))


def beside_another_one_into_which_it_was_restored(world: World) -> Path:
    path = world.known()
    return restored_from(world, path, into=world.another(world.copy(path, "b.db")))


def restored_into_a_file_of_ours_and_put_back(world: World) -> Path:
    """What was wrong with it is not forgotten by way of another file."""
    path = world.known()
    moved = world.forge(path, ACME, 3).rename(world.folder / "moved.db")
    new = world.folder / "new.db"
    create(new, now=world.now)
    with scratch(new) as folder:
        offered = offer(new, moved, Path(folder), world.store, VERIFY, now=world.now)
        assert (offered.holds, offered.alone) == (False, True)
        assert carry_out(new, offered, world.store, VERIFY, actor="ops", now=world.now).checkpoint == 1
    return new.rename(path)


def behind_a_link_with_its_name(world: World) -> Path:
    path = world.known()
    (world.folder / "there").mkdir()
    path.symlink_to(path.rename(world.folder / "there" / "x.db"))
    return database_path(path)


def rewritten_behind_a_link_with_its_name(world: World) -> Path:
    return world.rewritten(behind_a_link_with_its_name(world))


def a_whole_never_seen_put_over_its_part(world: World) -> Path:
    path = world.file()
    world.waits, world.said = 1, "One tenant's part of a database was last seen here"
    return world.put(path, world.part(path))


def a_pruned_whole_put_over_its_part(world: World) -> Path:
    """So that the other tenants' entries all lie behind those of the part."""
    path = world.known()
    part = world.part(path)
    for _ in range(3):
        world.sign(world.grow(path, GLOBEX, by=5))
    world.sign(world.prune(path, GLOBEX, left=6))
    world.waits, world.said = 1, "another one was last seen in this place"
    return world.put(path, part)


def a_pruned_whole_forged_and_put_over_its_part(world: World) -> Path:
    part = a_pruned_whole_put_over_its_part(world)
    world.waits = 0
    return world.forge(part, GLOBEX, 3)


def a_live_copy_of_a_live_database(world: World) -> Where:
    """Never the same one; signed as another one, which it stays."""
    assert world.sign(live(world, world.file())) is not None
    world.said = "this is another one, made as a copy of it: it has checkpoints of its own"
    return InDatabase(PlainEngine(world.copy(world.folder / "live.db", "staging.db")))


def a_live_database_made_of_a_known_file(world: World) -> Where:
    return live(world, world.known())


VERIFIED, EARLIER, OTHER, NOT = Verdict.VERIFIED, Verdict.EARLIER, Verdict.CONSISTENT, Verdict.TAMPERED
TABLE: dict[Callable[[World], Judged], Verdict] = {
    untouched: VERIFIED,
    went_on: VERIFIED,
    renamed: VERIFIED,
    by_a_symbolic_link: VERIFIED,
    copied_elsewhere: VERIFIED,
    copied_home: VERIFIED,
    restored_in_its_place: EARLIER,
    restored_beside_a_part_and_a_copy: EARLIER,
    a_backup_elsewhere: EARLIER,
    pruned: VERIFIED,
    pruned_behind_all_that_was_known: VERIFIED,
    a_part: VERIFIED,
    a_part_in_the_place_of_the_whole: VERIFIED,
    the_whole_moved_from_where_its_part_is: VERIFIED,
    the_whole_beside_its_part: VERIFIED,
    a_part_that_went_on: VERIFIED,
    a_part_that_went_on_elsewhere: VERIFIED,
    a_part_in_which_another_tenant_began_again: VERIFIED,
    an_untouched_copy_of_a_part: VERIFIED,
    a_part_of_a_whole_that_went_on_before: VERIFIED,
    one_of_two_parts: VERIFIED,
    the_first_of_two_parts: VERIFIED,
    the_whole_beside_two_parts: VERIFIED,
    an_old_copy_of_a_whole_that_was_pruned: EARLIER,
    the_original_beside_a_copy: VERIFIED,
    the_copy_beside_its_original: VERIFIED,
    the_original_elsewhere: VERIFIED,
    the_copy_elsewhere: VERIFIED,
    the_original_fetched_anew: VERIFIED,
    the_original_fetched_anew_and_gone_on: VERIFIED,
    the_original_beside_a_copy_that_was_pruned: VERIFIED,
    a_copy_that_has_signed_nothing_since: VERIFIED,
    an_untouched_copy_of_that: VERIFIED,
    both_began_the_same_tenant: VERIFIED,
    the_original_put_over_the_copy: NOT,
    the_copy_put_over_the_original: NOT,
    the_original_as_it_was_put_over_the_copy: EARLIER,
    the_whole_put_over_its_part: OTHER,
    another_database_with_the_same_tenants: OTHER,
    a_project_begun_anew: OTHER,
    sample_data_put_over_others_of_the_same_second: OTHER,
    imported_twice_under_one_name: VERIFIED,
    imported_over_one_with_its_tenants: OTHER,
    its_copy_made_again_in_its_place: OTHER,
    the_same_imported_twice: VERIFIED,
    a_part_imported_twice: VERIFIED,
    clocks_a_minute_apart: VERIFIED,
    started_over: VERIFIED,
    renamed_and_started_over_beside_a_copy: VERIFIED,
    an_older_copy_than_that: EARLIER,
    by_an_export_elsewhere: VERIFIED,
    a_live_database: VERIFIED,
    an_export_of_a_live_database: VERIFIED,
    a_live_database_beside_a_part_of_it: VERIFIED,
    a_copy_in_a_new_place: VERIFIED,
    moved_before_another_was_put_there: VERIFIED,
    moved_back_to_its_old_place: OTHER,
    beside_a_part_of_a_tenant_begun_since: VERIFIED,
    a_part_of_a_tenant_begun_since: VERIFIED,
    beside_a_part_of_a_tenant_begun_since_and_a_copy: VERIFIED,
    first_signed_after_its_part: OTHER,
    a_part_of_a_whole_first_signed_later: VERIFIED,
    beside_an_old_copy_that_went_on: VERIFIED,
    an_old_copy_that_went_on: OTHER,
    moved_beside_a_copy_that_is_another: VERIFIED,
    copied_from_one_that_is_another_where_it_was: VERIFIED,
    copied_from_a_copy_that_has_signed_nothing_since: VERIFIED,
    copied_from_it_and_gone_on: OTHER,
    copied_from_a_part_that_went_on: VERIFIED,
    cut_off_beside_a_part_that_went_on: NOT,
    renamed_beside_a_copy_of_which_a_part_was_signed: NOT,
    copied_beside_a_copy_that_is_another: VERIFIED,
    a_copy_with_the_number_of_an_original_that_was_deleted: OTHER,
    beside_a_copy_of_a_copy: VERIFIED,
    a_copy_of_which_a_copy_was_made: VERIFIED,
    a_copy_of_a_part_that_was_signed: VERIFIED,
    a_part_beside_a_copy_of_it_that_is_another: VERIFIED,
    said_of_the_original: VERIFIED,
    a_file_of_ours_in_an_old_place: OTHER,
    forged_in_its_place: NOT,
    forged_elsewhere: NOT,
    forged_in_a_copied_home: NOT,
    cut_off_in_its_place: NOT,
    emptied: NOT,
    emptied_and_begun_by_others: NOT,
    emptied_with_its_ledger_and_begun_by_others: NOT,
    rewritten_in_its_place: NOT,
    a_rewritten_copy_in_its_place: NOT,
    numbered_anew_elsewhere: NOT,
    tenants_renamed: NOT,
    beside_a_part_forged: NOT,
    beside_a_part_rewritten: NOT,
    beside_a_part_begun_anew: NOT,
    beside_a_part_begun_anew_in_its_numbers: NOT,
    beside_a_part_numbered_anew: NOT,
    beside_a_part_wiped: NOT,
    begun_anew_and_put_over_the_original: NOT,
    numbered_anew_and_put_over_the_original: NOT,
    a_part_put_over_the_original: NOT,
    begun_anew_in_its_numbers_and_put_over_the_part: NOT,
    forged_and_put_over_the_part: NOT,
    beside_two_parts_forged: NOT,
    beside_a_part_that_went_on_forged: NOT,
    an_old_copy_of_a_pruned_whole_forged: NOT,
    an_old_copy_of_a_pruned_whole_begun_anew: NOT,
    an_old_copy_of_a_pruned_whole_forged_and_put_back: NOT,
    of_two_a_third_forged: NOT,
    of_two_a_third_cut_off: NOT,
    of_two_the_first_forged: NOT,
    of_two_where_the_copy_knew_more: NOT,
    of_two_the_copy_elsewhere_that_signed_nothing: NOT,
    of_two_both_in_one: NOT,
    by_an_export_forged: NOT,
    a_live_database_rewritten: NOT,
    a_live_database_beside_a_part_begun_anew: NOT,
    a_file_of_a_live_database_forged: NOT,
    rewritten_after_a_copy_was_signed: NOT,
    rewritten_after_an_import: NOT,
    rewritten_after_it_was_said_of_it: NOT,
    emptied_after_an_import: NOT,
    tenants_wiped_after_an_import_beside_a_part: NOT,
    cut_off_after_an_import_beside_a_copy: EARLIER,
    cut_off_after_it_was_said_of_it: EARLIER,
    old_file_put_back_where_another_is_now: EARLIER,
    rewritten_and_imported_elsewhere: OTHER,
    rewritten_with_its_ledger_and_imported_elsewhere: NOT,
    rewritten_and_a_part_imported: NOT,
    rewritten_and_signed_by_a_hard_link: OTHER,
    rewritten_with_another_ledger: OTHER,
    a_part_that_went_on_put_over_the_whole: NOT,
    numbers_exchanged_beside_a_part_of_a_tenant_begun_since: NOT,
    of_two_a_third_that_neither_was: NOT,
    a_live_database_rewritten_after_an_import: NOT,
    verified_where_it_was_moved_and_rewritten: NOT,
    names_exchanged: OTHER,
    put_back_where_another_was_signed: OTHER,
    put_back_where_another_was_signed_and_cut_off: NOT,
    a_newer_dump_imported_over_it: VERIFIED,
    rewritten_and_its_own_dump_imported_over_it: NOT,
    rewritten_and_put_back_where_one_was_made: NOT,
    brought_back: VERIFIED,
    brought_back_and_rewritten: NOT,
    brought_back_and_rewritten_with_its_ledger: OTHER,
    rewritten_and_made_again_of_a_copy_that_was_signed: OTHER,
    rewritten_and_made_here_before_it_was_signed_elsewhere: OTHER,
    cut_off_and_made_again_of_a_copy_that_was_signed: NOT,
    forged_behind_an_older_checkpoint_and_made_again_of_a_copy_that_was_signed: NOT,
    its_part_made_whole_and_forged_where_that_was_signed_since: NOT,
    of_two_in_one_place_brought_back_and_restored_elsewhere: VERIFIED,
    put_into_a_file_of_ours_and_rewritten_with_its_ledger: OTHER,
    beside_its_part_in_whose_place_it_was_restored: VERIFIED,
    beside_a_copy_into_which_it_was_restored: VERIFIED,
    beside_another_one_into_which_it_was_restored: VERIFIED,
    restored_into_a_file_of_ours_and_put_back: NOT,
    behind_a_link_with_its_name: VERIFIED,
    rewritten_behind_a_link_with_its_name: NOT,
    a_whole_never_seen_put_over_its_part: OTHER,
    a_pruned_whole_put_over_its_part: OTHER,
    a_pruned_whole_forged_and_put_over_its_part: NOT,
    a_live_copy_of_a_live_database: OTHER,
    a_live_database_made_of_a_known_file: VERIFIED,
}
"""The verdict of each. What is not sound is not signed, neither by the window nor by a command."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


QUICK = {untouched, beside_a_part_begun_anew, of_two_a_third_forged}
HISTORY = [
    pytest.param(item, marks=() if item in QUICK else pytest.mark.slow, id=item.__name__) for item in TABLE
]


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("history", HISTORY)
def test_what_is_said_of_a_file_and_whether_it_is_signed(
    world: World, history: Callable[[World], Judged]
) -> None:
    judged = history(world)
    where, expected, now = (
        InFile(judged) if isinstance(judged, Path) else judged,
        TABLE[history],
        world.now + 9,
    )
    trust = [read_export(world.export)[0].key] if world.export else []
    report = making.verify_with_checkpoints(
        where, world.store, VERIFY, now=now, export=world.export, trust=trust
    )
    assert report.verdict is expected, report.findings
    assert not (report.undecided and world.store.continuation(where).known)
    notes = " ".join(report.notes)
    assert world.said in notes and (world.unsaid is None or world.unsaid not in notes)
    if world.export is not None:
        return
    sound = expected in SOUND and not world.waits
    assert report.intact is sound and (report.undecided or not world.waits)
    by_window = making.verify_by_itself(where, world.store, VERIFY, now=now, by="ops", sign=True)
    assert by_window.report.intact is sound
    assert sound or by_window.checkpoint is None
    assert (world.sign(where) is not None) is sound
    if world.waits:
        beside = making.try_to_sign(where, world.store, VERIFY, clock=lambda: now, reason=None)
        assert beside.why_not_of({ACME: 1}) == doubts.UNDECIDED
        with pytest.raises(Cancelled):
            world.sign(where, Reason.ANOTHER_DATABASE, monitor=Monitor(cancelled=lambda: True))
        assert world.sign(where) is None, "what a person said is taken back with it"
        assert world.sign(where, Reason.ANOTHER_DATABASE) == world.waits
    if expected in SOUND:
        assert making.verify_with_checkpoints(where, world.store, VERIFY, now=world.now).verdict is VERIFIED


@pytest.mark.parametrize("left", ["0", "seq > 2"])
def test_no_start_is_accepted_of_what_may_be_another_database(world: World, left: str) -> None:
    path = a_project_begun_anew(world)
    world.run(path, f"DELETE FROM audit_chain WHERE NOT ({left})")
    made = making.verify_and_sign(
        InFile(path), world.store, VERIFY, now=NOW + 99, reason=Reason.REQUEST, accepted_by="ops"
    )
    assert made.report.verdict is Verdict.UNPROVEN_START and made.checkpoint is None
    with pytest.raises(NotSigned, match="Which database is this"):
        world.store.accept_starts(InFile(path), made.report, actor="ops", now=NOW + 99)
    assert world.sign(path, Reason.START_OVER) == 2


def test_a_copy_does_not_start_over_while_the_original_is_where_it_was(world: World) -> None:
    path = world.known()
    copy = world.copy(path, "b.db")
    world.sign(world.grow(path, ACME))
    assert world.store.known(InFile(copy)).recognised.copy_of == str(path)
    with pytest.raises(NotSigned, match="say that it is another database"):
        world.sign(copy, Reason.START_OVER)
    assert world.sign(copy) is None
    report = making.verify_with_checkpoints(InFile(path), world.store, VERIFY, now=world.now)
    assert report.verdict is VERIFIED and not report.not_covered
    path.unlink()
    assert world.sign(copy, Reason.START_OVER) == 3


def test_what_is_done_to_a_live_copy_is_not_held_against_its_original(world: World) -> None:
    where = live(world, world.file())
    copy = a_live_copy_of_a_live_database(world)
    world.grow(world.folder / "staging.db", ACME)
    assert world.sign(copy) == 1
    world.prune(world.folder / "staging.db", ACME)
    assert world.sign(copy) == 2
    assert world.store.identify(copy) != world.store.identify(where)
    world.grow(world.folder / "live.db", ACME, GLOBEX)
    for item in (where, copy):
        report = making.verify_with_checkpoints(item, world.store, VERIFY, now=world.now)
        assert report.verdict is VERIFIED and not report.notes


MAKERS: dict[str, Callable[[Path, Path], object]] = {
    "a copy": snapshot_copy,
    "one fetched": lambda source, path: fetch(PlainEngine(source), path),
    "a new one": lambda _, path: create(path, now=NOW),
    "one of all migrations": lambda _, path: migrate(path, now=NOW),
    "sample data": lambda _, path: create_demo(path, rows=20, tenants=1, now=NOW),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_this_program_makes_is_none_of_those_seen_in_its_place(
    world: World, make: Callable[[Path, Path], object]
) -> None:
    world.store = CheckpointStore(paths.checkpoints_dir())
    path = world.known()
    source = with_tenants_renamed(world, world.file("b.db", seed=2))
    path.unlink()
    make(source, path)
    assert world.store.known(InFile(path)) == CheckpointHistory()


# Histories at random

Content = frozenset[tuple[str, int, str]]
"""Tenant, seq and hash of every entry of a file."""


def content(path: Path) -> Content:
    chain = ChainFile(path)
    found = chain.sql.execute("SELECT tenant_id, seq, hash FROM audit_chain").fetchall()
    chain.sql.close()
    return frozenset((str(tenant), int(str(seq)), str(value)) for tenant, seq, value in found)


def ends(of: Content) -> set[tuple[str, int, str]]:
    return {max(row for row in of if row[0] == tenant) for tenant in {row[0] for row in of}}


@dataclass
class Member:
    """A database of a history: its file, and each content that was signed of it."""

    path: Path
    parted: bool
    """Whether a person said of it that it is another one: what it held then, another held as well."""
    signed: list[Content] = field(default_factory=list)

    def is_told_by(self, there: Content, place: Path, members: Sequence["Member"]) -> bool:
        """Whether a file may be this one, as far as it was signed, with more entries; written as an oracle.

        It has all that was known last, and nothing more, or lies in its place, or has what it alone had, or
        what none of those that parted before had.
        """
        others = [other for other in members if other is not self]
        known = {row for other in others for each in other.signed for row in each}
        own = {row for each in self.signed[self.parted :] for row in each} & there
        before = members[: members.index(self)]
        kin = [item for item in before if any(each & there for each in item.signed)]
        is_first = all(own - {row for each in item.signed for row in each} for item in kin)
        return ends(self.signed[-1]) <= there and (
            there == self.signed[-1] or place == self.path or bool(own - known) or is_first
        )


class History:
    """What became of one database and of copies and parts of it, by a random seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.world, self.random = World(folder), random.Random(seed)
        self.members: list[Member] = []
        self.backups: list[Path] = []
        path = self.world.file("0.db", tenants=self.random.choice([1, 2, 3]))
        self.join(self.world.grow(path))
        for _ in range(self.random.randrange(3, 14)):
            self.random.choice(
                [self.grow, self.grow, self.sign, self.copy, self.part, self.prune, self.move]
            )()

    def name(self) -> str:
        return f"{len(list(self.world.folder.iterdir()))}-{self.random.randrange(10**9)}.db"

    def join(self, path: Path, reason: Reason = Reason.REQUEST) -> None:
        assert self.world.sign(path, reason) is not None
        self.members.append(Member(path, reason is Reason.ANOTHER_DATABASE, [content(path)]))
        self.backups.append(self.world.copy(path, self.name()))

    def any(self) -> Member:
        return self.random.choice(self.members)

    def tenants(self, path: Path) -> list[str]:
        return sorted({tenant for tenant, _, _ in content(path)})

    def grow(self) -> None:
        path = self.any().path
        some = [*self.tenants(path), ACME, GLOBEX, "system"]
        self.world.grow(
            path, *self.random.choices(some, k=self.random.randrange(1, 4)), late=self.random.randrange(90)
        )

    def sign(self, member: Member | None = None) -> None:
        member = member or self.any()
        made = self.world.sign(member.path)
        assert made is not None, member.path
        member.signed.append(content(member.path))
        self.backups.append(self.world.copy(member.path, self.name()))

    def copy(self) -> None:
        copy = self.world.copy(self.any().path, self.name())
        if self.random.random() < 0.5:
            self.world.grow(copy, self.random.choice(self.tenants(copy)))
        self.join(copy, Reason.ANOTHER_DATABASE)

    def part(self) -> None:
        member = self.any()
        tenant = self.random.choice(self.tenants(member.path))
        if len(self.tenants(member.path)) > 1:
            copy = self.world.copy(member.path, self.name())
            self.join(self.world.alone(copy, tenant), Reason.ANOTHER_DATABASE)

    def prune(self) -> None:
        """As retention does, with checkpoints before and after."""
        member = self.any()
        self.sign(member)
        rows = content(member.path)
        tenant = self.random.choice(self.tenants(member.path))
        if sum(row[0] == tenant for row in rows) > 4:
            self.world.prune(member.path, tenant)
        self.sign(member)

    def move(self) -> None:
        member = self.any()
        self.sign(member)
        member.path = member.path.rename(self.world.folder / self.name())
        self.sign(member)

    def verdict(self, path: Path) -> Verdict:
        report = making.verify_with_checkpoints(
            InFile(path), self.world.store, VERIFY, now=self.world.now + 99
        )
        return report.verdict

    def attack(self, path: Path) -> bool:
        """Of a copy; whether an entry that was signed is not there any more as it was."""
        world, how = self.world, self.random.choice(["forge", "anew", "low", "number", "cut", "rename"])
        tenant = self.random.choice(self.tenants(path))
        own = sorted(row for row in content(path) if row[0] == tenant)
        before = {row for member in self.members for each in member.signed for row in each} & content(path)
        back = self.random.randrange(1, len(own) + 1)
        if how == "forge":
            world.forge(path, tenant, back)
        elif how in ("anew", "low"):
            world.anew(path, tenant, low=how == "low")
        elif how == "number":
            world.renumber(path, self.random.choice([1_000, 100_000]), tenant)
        elif how == "cut":
            world.run(path, "DELETE FROM audit_chain WHERE tenant_id = ? AND seq >= ?", tenant, own[-back][1])
        else:
            world.run(path, "UPDATE audit_chain SET tenant_id = 'renamed' WHERE tenant_id = ?", tenant)
        return not before <= content(path)


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(HISTORIES), 38, 524, 1506])
def test_histories_at_random(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path, seed)
    world, choose = history.world, history.random.choice
    for member in history.members:  # grown since, perhaps
        assert history.verdict(member.path) is VERIFIED, member
    for backup in history.backups:
        assert history.verdict(backup) in (VERIFIED, EARLIER), backup
    for _ in range(6):
        base = world.copy(
            choose([*(member.path for member in history.members), *history.backups]), history.name()
        )
        if not history.attack(base):
            continue
        there = content(base)
        for place in (base, choose(history.members).path):
            kept = place.read_bytes()
            world.put(base, place) if place != base else None
            may_be = any(item.is_told_by(there, place, history.members) for item in history.members)
            assert may_be or history.verdict(place) is not VERIFIED, (base, place)
            place.write_bytes(kept)
