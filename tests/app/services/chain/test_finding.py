"""An entry found by its number or hash, and what is said where there is none."""

import pytest

from app.services.chain.reading import find_entry, meant
from models.engine import Database
from models.errors import InvalidInput
from models.local.database import LocalDatabase
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW


def refusal(engine: Database, typed: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        find_entry(engine, meant(typed))
    return str(refused.value)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("1,200", 1200),
        (" 12 ", 12),
        ("ABCD", "abcd"),
        ("12ab", "12ab"),
        ("9" * 64, "9" * 64),
        ("1 234", 1234),
    ],
)
def test_what_is_typed_is_a_number_or_a_hash(typed: str, wanted: int | str) -> None:
    assert meant(typed) == wanted


@pytest.mark.parametrize("typed", ["", "abc", "-3", "user_created", "a" * 65, "1.5", "٣٤٥"])
def test_all_else_is_neither(typed: str) -> None:
    with pytest.raises(InvalidInput, match="number of an entry, such as 1,200, or a hash of 64"):
        meant(typed)


@pytest.fixture
def chain(database: LocalDatabase) -> ChainFile:
    chain = ChainFile(database.path)
    for _ in range(6):
        chain.append("acme", at=NOW - 100)
    chain.prune("acme", 4, at=NOW - 50)
    chain.append("globex", at=NOW)
    return chain


def test_an_entry_is_found_by_number_and_by_hash(chain: ChainFile, engine: Database) -> None:
    (value,) = chain.one("SELECT hash FROM audit_chain WHERE seq = 8")
    assert (
        find_entry(engine, 8) == find_entry(engine, value) == find_entry(engine, value[:20]) == (8, "globex")
    )


def test_an_entry_is_found_by_its_number_without_reading_the_others(
    chain: ChainFile, engine: Database
) -> None:
    for _ in range(50):
        chain.append("globex", at=NOW)
    before = 0 if engine.usage is None else engine.usage.read
    find_entry(engine, 8)
    assert engine.usage is None or engine.usage.read - before <= 8


def test_where_there_is_none_it_is_said_why(chain: ChainFile, engine: Database) -> None:
    assert refusal(engine, "9") == "There is no entry 9: the last is 8."
    assert refusal(engine, "3") == (
        "Entry 3 is not there any more: marker 7 says that entries from 1 to 4 of acme were removed."
    )
    assert refusal(engine, "0") == "There is no entry 0, and no marker tells of it; the first is 5."
    assert refusal(engine, "f" * 64) == "No entry's hash is or begins with this."
    for seq in (5, 6, 7, 8):
        chain.run("UPDATE audit_chain SET hash = 'abcd' || seq WHERE seq = ?", seq)
    assert refusal(engine, "abcd") == (
        "The hashes of several entries begin with this: 5, 6, 7 and others. Type more of it."
    )
    chain.run("DELETE FROM audit_chain")
    assert refusal(engine, "3") == "The audit chain has no entries."
