from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.cautions import Agreed
from app.services.chain.where import InFile
from app.services.records import users, webhooks, writing
from app.services.records.record import read_record
from app.services.records.tables import USERS
from app.services.records.users import valid_email
from app.services.records.webhooks import WebhookInput
from app.workers import scan_pool
from models.engine import Database
from models.errors import (
    ChangedSince,
    InvalidInput,
    NotFound,
    NothingToDo,
    ReadOnlyFile,
    ReferredByChange,
    RowChanged,
)
from tests.app.services.conftest import Events
from tests.conftest import NOW
from tests.fixtures.connected import execute


def create(engine: Database, email: str = "ada@acme.example", tenant: str = "acme") -> str:
    return str(users.create(engine, tenant, email, actor="ops", now=NOW).rows[0].key["id"])


def test_a_new_user_is_stored_and_on_record(engine: Database, events: Events) -> None:
    user_id = create(engine, "  ada@acme.example ")
    found = read_record(engine, USERS, user_id)
    assert (found["tenant_id"], found["email"], found["has_password"]) == ("acme", "ada@acme.example", False)
    assert (found["created_at"], found["updated_at"]) == (NOW, NOW)
    assert events() == [
        ("acme", "user_created", {"actor": "ops", "userId": user_id, "email": "ada@acme.example"})
    ]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE users SET email = 'else@acme.example'", r"the user ada@acme.example \(E-mail\) was changed"),
        ("UPDATE users SET tenant_id = 'globex', password_hash = 'h'", r"\(Tenant, Password\) was changed"),
        ("INSERT INTO notes SELECT id FROM users", "More or other rows of notes would go"),
        ("UPDATE notes SET rowid = 7", "More or other rows of notes would go"),
        ("UPDATE users SET updated_at = 7", ""),
    ],
)
def test_what_was_asked_about_goes_only_as_it_was_named(
    engine: Database, database_path: Path, statement: str, sentence: str
) -> None:
    execute(database_path, "CREATE TABLE notes (of REFERENCES users (id) ON DELETE CASCADE)")
    by: dict[str, Any] = {"actor": "ops", "now": NOW}
    ids = [create(engine)]
    execute(database_path, "INSERT INTO notes SELECT id FROM users")
    planned = writing.preview(users.delete, engine, ids, **by)
    execute(database_path, statement)
    delete = partial(writing.carry_out, users.delete, engine, ids, agreed=Agreed(asks=True), **by)
    if not sentence:
        assert delete(planned=planned).summary == "User ada@acme.example deleted, with 1 row of notes"
        return
    with pytest.raises(RowChanged, match=sentence):
        delete(planned=planned)
    assert read_record(engine, USERS, ids[0])
    delete()


def test_what_is_no_address_is_refused_and_nothing_is_written(engine: Database, events: Events) -> None:
    for email in ("", "ada", "ada@", "@acme", "a b@acme.example", "ada@acme\n.example", "ada@@acme",
                  "a..b@acme.example", "ada@acme.example.", "ada\u202e@acme.example",
                  "a" * 250 + "@acme.example"):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            create(engine, email)
        assert refused.value.field == "email"
    assert events() == []


def test_the_same_address_twice_in_a_tenant_is_refused_but_not_in_another(engine: Database) -> None:
    create(engine)
    with pytest.raises(InvalidInput, match="already has a user"):
        create(engine, "ADA@acme.example")
    assert create(engine, tenant="globex")


@pytest.mark.parametrize(
    ("there", "new"),
    [
        ("É@x.example", "É@x.example"),
        ("É@x.example", "é@x.example"),
        ("é@x.example", "É@x.example"),
        ("caf\u00e9@x.example", "cafe\u0301@x.example"),
        ("cafe\u0301@x.example", "CAF\u00c9@x.example"),
        ("straße@x.example", "STRASSE@x.example"),
        ("strasse@x.example", "Straße@x.example"),
        ("STRASSE@x.example", "straße@x.example"),
        ("İ@x.example", "i\u0307@x.example"),
        ("ö@bücher.example", "Ö@XN--BCHER-KVA.example"),
        ("ö@xn--bcher-kva.example", "ö@Bücher.example"),
        ("x@xn--bcher-kva.example", "x@BÜCHER.example"),
    ],
)
def test_spellings_of_one_address_are_one(engine: Database, there: str, new: str) -> None:
    create(engine, there)
    other = create(engine, "other@x.example")
    with pytest.raises(InvalidInput, match="already has a user"):
        create(engine, new)
    with pytest.raises(InvalidInput, match="already has a user"):
        users.rename(engine, other, new, actor="ops", now=NOW)
    assert create(engine, new, tenant="globex")
    assert create(engine, f"x{new}")


def test_an_address_taken_meanwhile_keeps_an_undo_from_giving_it_back(engine: Database) -> None:
    user_id = create(engine, "É@x.example")
    change = users.rename(engine, user_id, "a@x.example", actor="ops", now=NOW)
    create(engine, "e\u0301@x.example")
    with pytest.raises(InvalidInput, match="already has a user"):
        writing.undo(engine, change, now=NOW)


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize(
    ("gone", "there"),
    [
        ("ada.lovelace@x.example", "Ada.Lovelace@x.example"),
        ("ada.lovelace@x.example", "aDa.loVelace@X.Example"),
        ("ägidius@x.example", "ÄgiDius@x.example"),
        ("A\u0308gidius@x.example", "äGidius@x.example"),
        ("straße@x.example", "STRASSE@x.example"),
        ("strasse@x.example", "sTraẞe@x.example"),
        ("Νίκος@x.example", "νΊκοΣ@x.example"),
        ("ada@xn--bcher-kva.example", "aDa@BÜCHER.example"),
        ("µmega@x.example", "Μmega@x.example"),
        ("ﬃlip@x.example", "fFIlip@x.example"),
    ],
)
def test_the_same_in_other_capitals_keeps_an_undo_from_it(
    engine: Database, sql: apsw.Connection, gone: str, there: str
) -> None:
    """And not where it was so before."""
    others = [create(engine, f"u{number}@x.example") for number in range(7)]
    user_id, other = create(engine, gone), create(engine, "other@x.example")
    sql.execute("UPDATE users SET email = ? WHERE id = ?", (there, other))
    change = users.delete(engine, [user_id], actor="ops", now=NOW)
    writing.undo(engine, change, now=NOW)
    users.delete(engine, [other], actor="ops", now=NOW)
    change = users.delete(engine, [user_id, *others], actor="ops", now=NOW)
    create(engine, there)
    with pytest.raises(ChangedSince, match="already has a user"):
        writing.undo(engine, change, now=NOW)


def test_an_address_that_is_no_text_is_in_nobodys_way(engine: Database, sql: apsw.Connection) -> None:
    broken = create(engine)
    sql.execute("UPDATE users SET email = CAST(x'ff40' AS TEXT) WHERE id = ?", (broken,))
    assert create(engine, "é@x.example")


def test_two_who_share_an_address_already_come_back_with_it(engine: Database, sql: apsw.Connection) -> None:
    """The platform lets that happen; nothing has changed since, so the undo goes through."""
    first = create(engine)
    second = create(engine, "b@acme.example")
    sql.execute("UPDATE users SET email = 'Ada@acme.example' WHERE id = ?", (second,))
    for ids in ([first], [first, second]):
        change = users.delete(engine, ids, actor="ops", now=NOW)
        undone = writing.undo(engine, change, now=NOW)
    renamed = users.rename(engine, first, "c@acme.example", actor="ops", now=NOW)
    writing.undo(engine, renamed, now=NOW)
    writing.undo(engine, undone, now=NOW)
    create(engine)
    with pytest.raises(ChangedSince, match="already has a user"):
        writing.undo(engine, change, now=NOW)


def test_an_address_that_somebody_else_has_changed_since_it_was_seen_stays(engine: Database) -> None:
    user_id = create(engine)
    users.rename(engine, user_id, "b@acme.example", "ada@acme.example", actor="ops", now=NOW)
    with pytest.raises(RowChanged, match="by somebody else in the meantime; nothing was changed"):
        users.rename(engine, user_id, "c@acme.example", "ada@acme.example", actor="ops", now=NOW)
    assert read_record(engine, USERS, user_id)["email"] == "b@acme.example"


def test_renaming_names_both_addresses_and_can_be_undone_and_redone(engine: Database, events: Events) -> None:
    user_id = create(engine)
    change = users.rename(engine, user_id, "lovelace@acme.example", actor="ops", now=NOW + 5)
    assert read_record(engine, USERS, user_id)["updated_at"] == NOW + 5
    assert events()[-1][2]["changes"] == {
        "email": {"from": "ada@acme.example", "to": "lovelace@acme.example"}
    }
    undone = writing.undo(engine, change, now=NOW + 6)
    assert read_record(engine, USERS, user_id)["email"] == "ada@acme.example"
    writing.undo(engine, undone, now=NOW + 7)
    assert read_record(engine, USERS, user_id)["email"] == "lovelace@acme.example"
    assert [kind for _, kind, _ in events()] == [
        "user_created",
        "user_updated",
        "user_updated",
        "user_updated",
    ]


def test_undo_never_overwrites_what_somebody_else_did_since(engine: Database, events: Events) -> None:
    user_id = create(engine)
    change = users.rename(engine, user_id, "lovelace@acme.example", actor="ops", now=NOW + 5)
    users.rename(engine, user_id, "byron@acme.example", actor="other", now=NOW + 6)
    before = events()
    with pytest.raises(RowChanged):
        writing.undo(engine, change, now=NOW + 7)
    assert read_record(engine, USERS, user_id)["email"] == "byron@acme.example"
    assert events() == before


def test_one_without_an_address_goes_by_its_id(engine: Database, sql: apsw.Connection) -> None:
    user_id = create(engine, "user@acme.example")
    sql.execute("UPDATE users SET email = ''")
    assert users.delete(engine, [user_id], actor="ops", now=NOW).summary == f"User {user_id} deleted"


def test_deleting_several_is_undone_whole_with_their_password_hashes(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    ids = [create(engine, f"user{number}@acme.example") for number in range(3)]
    sql.execute("UPDATE users SET password_hash = 'pbkdf2$secret' WHERE id = ?", (ids[0],))
    change = users.delete(engine, ids, actor="ops", now=NOW)
    assert change.summary == "3 users deleted"
    with pytest.raises(NotFound):
        read_record(engine, USERS, ids[0])
    writing.undo(engine, change, now=NOW)
    assert read_record(engine, USERS, ids[0])["has_password"]
    with pytest.raises(ChangedSince, match="is there again"):
        writing.undo(engine, change, now=NOW)
    assert [kind for _, kind, _ in events()][-3:] == ["user_restored"] * 3
    assert "pbkdf2" not in repr(change) + repr(events())


def test_a_read_only_database_cannot_be_changed(engine: Database, events: Events) -> None:
    user_id = create(engine)
    engine.read_only = True
    with pytest.raises(ReadOnlyFile):
        users.delete(engine, [user_id], actor="ops", now=NOW)
    assert read_record(engine, USERS, user_id)["email"] == "ada@acme.example"
    assert len(events()) == 1


@pytest.mark.parametrize("email", ["özge@müller.de", "Иван@почта.рф", "a.b+c@x.example", "root@intern.local"])
def test_an_address_in_any_script_is_one(email: str) -> None:
    assert valid_email(email) == email


@pytest.mark.parametrize("email", ["a@.com", "a@-x.de", ".a@x.de", "a@x..de", "a@", '"q"@x.de'])
def test_what_no_mail_reaches_is_no_address(email: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not an e-mail address"):
        valid_email(email)


def test_a_user_moves_with_an_entry_in_each_chain_and_comes_back(
    engine: Database, sql: apsw.Connection, events: Events, database_path: Path
) -> None:
    create(engine, "b@globex.example", "globex")
    user = create(engine)
    sql.execute("UPDATE users SET password_hash = 'kept' WHERE id = ?", (user,))
    before = [*sql.execute("SELECT * FROM users ORDER BY id")]
    change = users.move(engine, [user], "globex", actor="ops", now=NOW + 5)
    assert change.summary == "User ada@acme.example moved from acme to globex"
    found = read_record(engine, USERS, user)
    assert (found["tenant_id"], found["has_password"], found["updated_at"]) == ("globex", True, NOW + 5)
    payload = {
        "actor": "ops",
        "userId": user,
        "email": "ada@acme.example",
        "changes": {"tenant_id": {"from": "acme", "to": "globex"}},
    }
    assert events()[2:] == [("acme", "user_moved", payload), ("globex", "user_moved", payload)]
    undone = writing.undo(engine, change, now=NOW + 6)
    assert [*sql.execute("SELECT * FROM users ORDER BY id")] == before
    back = payload | {"changes": {"tenant_id": {"from": "globex", "to": "acme"}}, "undone": "user_moved"}
    assert events()[4:] == [("globex", "user_moved", back), ("acme", "user_moved", back)]
    writing.undo(engine, undone, now=NOW + 7)
    assert read_record(engine, USERS, user)["tenant_id"] == "globex"
    report = scan_pool.verify(InFile(database_path), now=NOW + 9)
    assert (report.entries, list(report.findings)) == (8, [])


def test_a_tenant_that_ends_with_a_space_is_not_the_one_without(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    """Somebody has made one, and it is chosen as any other."""
    users.create_many(
        engine, [("acme", "a@x.example", None), ("acme ", "b@x.example", None)], actor="o", now=NOW
    )
    user = create(engine, "new@x.example", "acme ")
    ((first,),) = sql.execute("SELECT id FROM users WHERE tenant_id = 'acme'")
    users.move(engine, [first], "acme ", actor="ops", now=NOW)
    webhooks.create(engine, "acme ", WebhookInput(name="CI", url="https://h.example/"), actor="ops", now=NOW)
    assert read_record(engine, USERS, user)["tenant_id"] == "acme "
    assert {row[0] for row in sql.execute("SELECT tenant_id FROM users")} == {"acme "}
    assert [tenant for tenant, *_ in events()[-2:]] == ["acme ", "acme "]


def test_few_users_of_a_tenant_are_counted_by_its_index_and_no_more(
    engine: Database, sql: apsw.Connection
) -> None:
    for number in range(3):
        users.create(engine, "acme", f"{number}@x.example", actor="ops", now=NOW)
    assert users.few_of(engine, "acme", 3) == 3
    assert users.few_of(engine, "acme", 2) is None
    assert users.few_of(engine, "nobody", 2) == 0
    sql.execute("DROP INDEX idx_users_tenant")
    assert users.few_of(engine, "acme", 3) is None, "each user would be read"


def test_several_move_at_once_and_those_whose_address_is_taken_stay(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    ids = [create(engine, f"u{number}@x.example", f"t{number}") for number in range(4)]
    there = create(engine, "U3@x.example", "globex")
    with pytest.raises(InvalidInput, match="globex already has a user with the e-mail address U3"):
        users.move(engine, ids[3:], "globex", actor="ops", now=NOW)
    moved = users.move(engine, [*ids, "none"], "globex", actor="ops", now=NOW)
    assert moved.told == (
        "3 users moved from 3 tenants to globex; 2 left as they are: "
        "1 globex has a user with the address (u3@x.example), "
        "1 no longer there"
    )
    assert [row[0] for row in sql.execute("SELECT tenant_id FROM users ORDER BY email")][-1] == "t3"
    writing.undo(engine, moved, now=NOW)
    users.delete(engine, [there], actor="ops", now=NOW)
    told = len(events())
    assert "already of t0 (u0@x.example)" in users.move(engine, ids, "t0", actor="ops", now=NOW).told
    assert {row[0] for row in sql.execute("SELECT tenant_id FROM users")} == {"t0"}
    assert sorted(tenant for tenant, *_ in events()[told:]) == ["t0", "t0", "t0", "t1", "t2", "t3"]
    with pytest.raises(NothingToDo, match="Already of t0"):
        users.move(engine, ids, "t0", actor="ops", now=NOW)


def test_two_of_one_address_do_not_move_together(engine: Database, sql: apsw.Connection) -> None:
    ids = [create(engine, "é@x.example", "t0"), create(engine, "É@x.example", "t1")]
    with pytest.raises(InvalidInput, match="another of them has the address"):
        users.move(engine, ids, "globex", actor="ops", now=NOW)
    with pytest.raises(InvalidInput) as refused:
        users.move(engine, ids[:1], "t1", actor="ops", now=NOW)
    assert refused.value.field == "tenant_id"
    assert [row[0] for row in sql.execute("SELECT tenant_id FROM users ORDER BY tenant_id")] == ["t0", "t1"]


def test_one_of_two_who_had_the_same_address_before_comes_back_beside_the_other(
    engine: Database, sql: apsw.Connection
) -> None:
    user, other = create(engine), create(engine, "b@acme.example")
    sql.execute("UPDATE users SET email = 'Ada@acme.example' WHERE id = ?", (other,))
    change = users.move(engine, [user], "globex", actor="ops", now=NOW)
    undone = writing.undo(engine, change, now=NOW)
    assert read_record(engine, USERS, user)["tenant_id"] == "acme", "as it was before"
    change = writing.undo(engine, undone, now=NOW)
    third = create(engine, "c@acme.example")
    sql.execute("UPDATE users SET email = 'ADA@acme.example' WHERE id = ?", (third,))
    with pytest.raises(InvalidInput, match="acme already has a user"):
        writing.undo(engine, change, now=NOW)


def test_who_cannot_come_back_stays_where_they_moved(engine: Database) -> None:
    user = create(engine)
    change = users.move(engine, [user], "globex", actor="ops", now=NOW)
    create(engine, "Ada@acme.example")
    with pytest.raises(InvalidInput, match="acme already has a user"):
        writing.undo(engine, change, now=NOW)
    assert read_record(engine, USERS, user)["tenant_id"] == "globex"


def test_what_refers_to_a_user_and_its_tenant_keeps_it_there(engine: Database, database_path: Path) -> None:
    user = create(engine)
    execute(
        database_path,
        "CREATE UNIQUE INDEX both ON users (tenant_id, id)",
        "CREATE TABLE seats (tenant, of, FOREIGN KEY (tenant, of) REFERENCES users (tenant_id, id))",
        "INSERT INTO seats SELECT tenant_id, id FROM users",
    )
    with pytest.raises(ReferredByChange, match="seats"):
        users.move(engine, [user], "globex", actor="ops", now=NOW)
    assert read_record(engine, USERS, user)["tenant_id"] == "acme"
