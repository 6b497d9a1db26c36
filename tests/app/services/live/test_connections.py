"""The connections that a person has named: what is kept, what is refused, and what a damaged file hides."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from app import paths
from app.services.live.connections import (
    CLOUDFLARE,
    ENVIRONMENT,
    ConnectionExists,
    Connections,
    ConnectionUnreadable,
    Kept,
    NamedConnection,
    NoSuchConnection,
)
from models.d1.client import Client
from models.d1.database import D1Database
from models.errors import ConnectionChanged, InvalidInput, StorageError

PROD = NamedConnection("prod", "0a1b2c", "11111111-1111", "foundation-primary", production=True, colour="red")
LOCAL = NamedConnection("dev", "", "22222222-2222", "foundation", "http://127.0.0.1:8787")


def test_what_is_added_is_found_again_and_only_the_person_can_read_it() -> None:
    connections = Connections()
    assert connections.all() == ()
    for one in (PROD, LOCAL):
        connections.add(one)
    assert connections.all() == (LOCAL, PROD)
    assert (connections.named("prod"), connections.named("PROD")) == (PROD, PROD)
    assert (PROD.place, PROD.base, PROD.is_local, LOCAL.is_local) == ("d1:prod", CLOUDFLARE, False, True)
    assert LOCAL.base == "http://127.0.0.1:8787/cdn-cgi/local/explorer/api"
    folder = paths.connections_dir()
    for path in (folder, *folder.iterdir()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_a_name_is_taken_once_whatever_its_case() -> None:
    connections = Connections()
    connections.add(PROD)
    other = replace(PROD, name="Prod", production=False)
    with pytest.raises(ConnectionExists, match="already a connection d1:prod"):
        connections.add(other)
    assert connections.named("prod") == PROD
    connections.add(other, replace=True)
    assert connections.all() == (other,)


def test_production_is_never_grey_also_where_it_was_kept_so() -> None:
    assert replace(PROD, colour="grey").colour == "yellow"
    assert (PROD.colour, LOCAL.colour) == ("red", "grey"), "what was chosen stays"


def test_another_connection_to_a_database_of_production_is_known() -> None:
    connections = Connections()
    connections.add(PROD)
    connections.add(LOCAL)
    other = replace(PROD, name="other", base="https://elsewhere.example/client/v4", production=False)
    assert connections.production_of(other) == PROD
    for alone in (PROD, replace(other, account="abc"), replace(other, database_id="3333"), LOCAL):
        assert connections.production_of(alone) is None
    named_so_before = replace(other, name="prod")
    assert connections.production_of(other, named_so_before) is None, "it is the same one"


def test_production_is_what_the_database_is_and_said_in_one_place() -> None:
    connections = Connections()
    first, second, third = (replace(PROD, name=name, production=False) for name in ("a", "b", "c"))
    for one in (first, second, LOCAL):
        assert connections.keep(one) == ""
    is_so = Kept(second, connections)
    assert is_so() is None
    marked = replace(first, production=True)
    assert connections.keep(marked, first) == "d1:b, of the same database: production, too"
    assert connections.production() == {"d1:a", "d1:b"} and connections.named("b").production
    assert isinstance(is_so(), ConnectionChanged), "a window that has it open hears of it"
    assert '"production": false' in connections.file("b").read_text(), "it is asked, and not copied"
    assert connections.keep(third) == "", "it is so by the others"
    assert connections.named("c").production
    connections.remove("a")
    assert connections.production() == {"d1:b", "d1:c"}, "the mark does not go with who had it"
    elsewhere = replace(connections.named("b"), database_id="3333", production=False)
    assert connections.keep(elsewhere, connections.named("b")) == ""
    assert connections.production() == {"d1:c"}
    assert connections.keep(third, connections.named("c")) == ""
    assert connections.production() == set()


def test_a_database_is_no_longer_production_where_a_person_says_so_of_a_connection() -> None:
    connections = Connections()
    for name in ("a", "b"):  # as earlier programs kept it, in each
        connections.add(replace(PROD, name=name))
    before = connections.named("b")
    renamed = replace(before, name="c", production=False)
    assert connections.production_of(renamed, before) is None
    assert connections.keep(renamed, before) == (
        "d1:a, of the same database: no longer marked as production, either"
    )
    assert [(one.name, one.production) for one in connections.all()] == [("a", False), ("c", False)]


def test_what_is_removed_is_gone() -> None:
    connections = Connections()
    connections.add(LOCAL)
    connections.add(PROD)
    connections.remove("prod")
    assert connections.all() == (LOCAL,)
    for gone in (connections.named, connections.remove):
        with pytest.raises(NoSuchConnection, match="no connection d1:prod; there are d1:dev"):
            gone("prod")
    connections.remove("dev")
    with pytest.raises(NoSuchConnection, match="add it by `tenant-admin d1 add`"):
        connections.named("dev")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 50_000,
        b'{"name": "prod"}',
        json.dumps({**json.loads('{"production": 1}'), "name": "prod"}).encode(),
        None,
    ],
)
def test_a_damaged_file_hides_no_other_and_can_be_removed(content: bytes | None) -> None:
    connections = Connections()
    connections.add(LOCAL)
    connections.add(PROD)
    if content is None:  # a pipe, which says nothing
        connections.file("prod").unlink()
        os.mkfifo(connections.file("prod"))
    else:
        connections.file("prod").write_bytes(content)
    assert (connections.all(), connections.unreadable()) == ((LOCAL,), ("prod",))
    with pytest.raises(ConnectionUnreadable, match=r"d1:prod \(d1-prod.json\) cannot be read; remove it"):
        connections.named("prod")
    connections.remove("prod")
    assert connections.unreadable() == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"base": "http://api.example.org/client/v4"},
        {"base": 5},
        {"account": "../../x"},
        {"account": "a" * 40},  # as long as a token
        {"account": ""},
        {"database_id": "a/b"},
        {"database_id": None},
        {"database_id": ""},
        {"colour": "mauve"},
        {"production": "no"},
        {"name": "other"},
        {"name": ["prod"]},
    ],
)
def test_a_file_that_somebody_changed_is_no_connection(changed: dict[str, object]) -> None:
    connections = Connections()
    connections.add(PROD)
    file = connections.file("prod")
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    assert (connections.all(), connections.unreadable()) == ((), ("prod",))


def test_what_a_later_version_adds_to_a_file_is_left_aside() -> None:
    connections = Connections()
    connections.add(PROD)
    file = connections.file("prod")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"later": 1}))
    assert connections.all() == (PROD,)


@pytest.mark.parametrize("name", ["", "a b", "-x", ".x", "a/b", "../a", "å", "a:b", "x" * 65, "a\n"])
def test_a_name_can_be_typed_behind_the_prefix(name: str) -> None:
    with pytest.raises(InvalidInput, match="begins with a letter or a digit"):
        replace(PROD, name=name)
    with pytest.raises(InvalidInput):
        Connections().named(name)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://api.cloudflare.com/client/v4", "must begin with https"),
        ("http://127.0.0.1.example.org/x", "must begin with https"),
        ("http://localhost.example.org/x", "must begin with https"),
        ("http://10.0.0.1/x", "must begin with https"),
        ("ftp://localhost/x", "must begin with https"),
        ("https://user:s3cret@example.org/x", "holds more than host, port and path"),
        ("https://example.org/x?token=s3cret", "holds more than host, port and path"),
        ("https://example.org/x#s3cret", "holds more than host, port and path"),
        ("https://", "The address is none"),
        ("https://example.org:port/", "The address is none"),
        ("https://exam ple.org/", "The address is none"),
        ("https://example.org/\nHost: x", "The address is none"),
        ("https://[::1/", "The address is none"),
        ("example.org", "The address is none"),
        ("", "The address is none"),
    ],
)
def test_a_token_goes_nowhere_in_the_clear(url: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        replace(PROD, base=url)
    assert "s3cret" not in str(refused.value)


def test_a_token_in_the_place_of_something_else_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the environment, and what is formed as Cloudflare's are."""
    monkeypatch.setenv(ENVIRONMENT, "s3cret-of-the-environment")
    for token in ("s3cret-of-the-environment", "aB3" * 13 + "x"):
        for name, base in ((token, PROD.base), (PROD.name, f"https://example.org/{token}")):
            with pytest.raises(InvalidInput, match="looks like an API token") as refused:
                replace(PROD, name=name, base=base)
            assert token not in str(refused.value)
    assert replace(PROD, name="a-long-name-of-forty-1-characters-or-more").name


@pytest.mark.parametrize(
    "url", ["https://api.example.org/v4", "http://localhost:1/x", "http://127.0.0.9:1/x", "http://[::1]:1/x"]
)
def test_https_and_this_computer_are_taken(url: str) -> None:
    assert replace(PROD, base=f" {url}/ ").base == url


def test_only_this_computer_needs_no_account() -> None:
    with pytest.raises(InvalidInput, match="The account is missing"):
        replace(PROD, account="")
    with pytest.raises(InvalidInput, match="no account and no fixed address"):
        replace(PROD, project="/srv/foundation")
    assert replace(LOCAL, base="", project="/srv/foundation").is_local


def test_nothing_is_kept_before_a_database_is_chosen() -> None:
    with pytest.raises(InvalidInput, match="Choose a database first"):
        Connections().add(NamedConnection("prod", "0a1b2c"))
    assert not paths.connections_dir().exists()


def test_what_could_not_be_read_again_is_not_kept() -> None:
    """Of a database whose name somebody's API makes that long."""
    connection = NamedConnection("prod", "ab12", "1111", "n" * 100_000)
    with pytest.raises(InvalidInput, match=r"too long to be kept \(100,000 letters\)"):
        Connections().add(connection)
    assert not Connections().all() and not Connections().unreadable()
    Connections().add(replace(connection, database_name="ü" * 10_000))
    assert [len(one.database_name) for one in Connections().all()] == [10_000]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(StorageError):
        Connections(tmp_path / "in the way" / "connections").add(PROD)
    assert list(tmp_path.iterdir()) == [tmp_path / "in the way"]


def test_databases_of_two_projects_are_two_though_they_have_one_id() -> None:
    projects = (NamedConnection("dev", "", "1111", base="", project=folder) for folder in ("/one", "/two"))
    servers = (NamedConnection("dev", "", "1111", base=f"http://127.0.0.1:{port}") for port in (8787, 8788))
    assert len({one.identity for one in (*projects, *servers)}) == 4
    account = D1Database(Client("prod", "https://api.example", "0a1b2c"), "1111")
    assert account.identity == "d1:0a1b2c/1111"
