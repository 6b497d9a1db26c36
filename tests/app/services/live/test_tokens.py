"""Where a token comes from, and that it stays in none of our files and sentences."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.services.keyring import KeyringAbsent, KeyringBroken, KeyringProblem, KeyringUnavailable
from app.services.live.connecting import identified
from app.services.live.connections import ENVIRONMENT, NamedConnection, TokenMissing, Tokens
from models.d1.client import Client
from models.errors import InvalidInput
from tests.fixtures.keyrings import MemoryKeyring

PROD = NamedConnection("prod", "0a1b2c", "11111111", "foundation", production=True)
SECRET = "tok-Zm9v-secret"

PROBLEMS = (
    (KeyringAbsent(), "there is no system keyring"),
    (KeyringUnavailable("is locked"), "the system's keyring is locked"),
    (KeyringUnavailable("does not answer"), "the system's keyring does not answer"),
    (KeyringBroken("TypeError"), r"the system's keyring cannot be used \(TypeError\)"),
)


@pytest.fixture(autouse=True)
def _none_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)


def test_the_keyring_comes_before_the_environment_and_that_before_a_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring, asked = MemoryKeyring(), list[str]()

    def ask(connection: NamedConnection) -> str:
        asked.append(connection.place)
        return f" {SECRET}\n"

    assert (Tokens(keyring, ask).of(PROD), asked) == (SECRET, ["d1:prod"])
    monkeypatch.setenv(ENVIRONMENT, "of-the-environment")
    assert Tokens(keyring, ask).of(PROD) == "of-the-environment"
    assert Tokens(keyring).keep(PROD, "of-the-keyring") is None
    assert (Tokens(keyring, ask).of(PROD), asked) == ("of-the-keyring", ["d1:prod"])


def test_what_was_asked_for_is_asked_once() -> None:
    answers = iter([SECRET])
    tokens = Tokens(MemoryKeyring(), lambda connection: next(answers))
    assert (tokens.of(PROD), tokens.of(PROD)) == (SECRET, SECRET)


def test_one_that_was_replaced_counts_once_the_other_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = MemoryKeyring()
    tokens = Tokens(keyring)
    tokens.keep(PROD, "first")
    assert tokens.another(PROD, ["first"]) is None
    assert tokens.of(PROD) == "first", "what was refused may be allowed again"
    Tokens(keyring).keep(PROD, "second")  # by another program
    assert tokens.of(PROD) == "first"
    assert (tokens.another(PROD, ["first"]), tokens.of(PROD)) == ("second", "second")
    tokens.enter(PROD, "third")
    assert tokens.another(PROD, ["first", "second"]) == "third"
    assert tokens.another(PROD, ["first", "second", "third"]) is None
    monkeypatch.setenv(ENVIRONMENT, "of-the-environment")
    for none in (tokens, Tokens(None), Tokens(MemoryKeyring(KeyringAbsent()))):
        assert none.another(PROD, ["first", "second", "third"]) is None, "who entered one means that"


def test_a_wrangler_dev_needs_none() -> None:
    local = NamedConnection("dev", "", "22222222", "foundation", "http://127.0.0.1:8787")
    broken = Tokens(MemoryKeyring(KeyringBroken("TypeError")))
    assert (broken.of(local), broken.another(local, []), broken.forget(local)) == (None, None, None)


@pytest.mark.parametrize(("problem", "said"), PROBLEMS)
def test_how_a_keyring_is_decides_what_is_said(problem: KeyringProblem, said: str) -> None:
    keyring = MemoryKeyring(problem)
    with pytest.raises(TokenMissing, match=rf"d1:prod needs an API token .* at hand \({said}\)"):
        Tokens(keyring).of(PROD)
    tokens = Tokens(keyring)
    why = tokens.keep(PROD, SECRET)
    assert why is not None and "is not kept" in why and SECRET not in why
    assert tokens.of(PROD) == SECRET, "for as long as this lasts"


def test_an_address_that_was_changed_is_sent_no_token() -> None:
    keyring = MemoryKeyring()
    Tokens(keyring).keep(PROD, SECRET)
    for other in (replace(PROD, base="https://evil.example/v4"), replace(PROD, account="ffff")):
        with pytest.raises(TokenMissing):
            Tokens(keyring).of(other)


def test_a_removed_connection_leaves_no_token() -> None:
    keyring = MemoryKeyring()
    tokens = Tokens(keyring)
    tokens.keep(PROD, SECRET)
    assert (tokens.forget(PROD), keyring.kept) == (None, {})
    assert tokens.forget(PROD) is None
    with pytest.raises(TokenMissing):
        tokens.of(PROD)
    assert Tokens(MemoryKeyring(KeyringAbsent())).forget(PROD) is None
    locked = Tokens(MemoryKeyring(KeyringUnavailable("is locked"))).forget(PROD)
    assert locked == "A token of d1:prod may still be kept: the system's keyring is locked."


def test_one_that_was_entered_is_forgotten_with_its_connection() -> None:
    tokens = Tokens(MemoryKeyring())
    tokens.enter(PROD, "entered")
    assert tokens.was_entered(PROD) and tokens.of(PROD) == "entered"
    tokens.forget(PROD)
    assert not tokens.was_entered(PROD)


def test_what_was_forgotten_while_the_keyring_was_slow_is_not_kept() -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow(MemoryKeyring):
        def set_password(self, *of: str) -> None:
            begun.set()
            assert go.wait(10)
            super().set_password(*of)

    tokens = Tokens(keyring := Slow())
    tokens.enter(PROD, SECRET)
    with ThreadPoolExecutor(1) as other:
        kept = other.submit(tokens.keep_tried, PROD)
        assert begun.wait(10)
        assert tokens.forget(PROD) is None
        go.set()
        assert (kept.result(10), keyring.kept) == (None, {})
    assert tokens.keep_tried(PROD) is None and not keyring.kept


@pytest.mark.parametrize("given", ["", "  ", "two words", "line\nbreak", "é" * 8, "x" * 5000, "\x00abc"])
def test_what_is_no_token_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(InvalidInput, match="That is no API token") as refused:
        Tokens(MemoryKeyring()).keep(PROD, given)
    assert not given.strip() or given.strip() not in str(refused.value)


def test_no_repr_holds_it() -> None:
    tokens = Tokens(MemoryKeyring())
    tokens.keep(PROD, SECRET)
    assert SECRET not in f"{tokens!r}{PROD!r}"


def test_a_token_in_the_place_of_a_database_is_not_repeated() -> None:
    with pytest.raises(InvalidInput, match="the API token; give the id or the name") as refused:
        identified(PROD, Client(PROD.place, PROD.base, PROD.account, SECRET), SECRET)
    assert SECRET not in str(refused.value)
