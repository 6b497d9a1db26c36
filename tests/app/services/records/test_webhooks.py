import time
from dataclasses import replace
from typing import Any

import apsw
import pytest

from app.services.records import urls, webhooks, writing
from app.services.records.record import read_record
from app.services.records.tables import WEBHOOK_DESTINATIONS, ColumnKind, TableColumn
from app.services.records.urls import valid_url
from app.services.records.webhooks import WebhookInput
from models.engine import Database
from models.errors import ChangedMeanwhile, InvalidInput, NotAllowed, RowChanged
from tests.app.services.conftest import Events
from tests.conftest import NOW


def create(engine: Database, **changes: Any) -> str:
    form = WebhookInput(
        **{"name": "CI", "url": "https://hooks.acme.example/in", "secret": "whsec_1", **changes}
    )
    return str(webhooks.create(engine, "acme", form, actor="ops", now=NOW).rows[0].key["id"])


def test_a_destination_stores_the_urls_own_host_and_hides_its_secret(
    engine: Database, events: Events
) -> None:
    webhook_id = create(engine, url="https://Hooks.Acme.example:8443/in?token=hidden-token")
    found = read_record(engine, WEBHOOK_DESTINATIONS, webhook_id)
    assert found["hostname"] == "hooks.acme.example"
    assert found["has_secret"] and found["active"]
    assert "whsec_1" not in repr(found) + repr(events())
    assert "hidden-token" not in repr(events())


@pytest.mark.parametrize(
    "url",
    ["", "hooks.acme.example", "ftp://a.example/", "http://a.example/", "https://user@a.example/",
     "https://a.example\\@b.example/", "https://127.1/", "https://0x7f.1/", "https://2130706433/",
     "https://a%00.example/", "https://a b.example/", "https://[::1/", "https://a.example:99999/",
     "https://a.example:0/", "https:///path", "https://-a-.example/", "https://ü.example/"],
)  # fmt: skip
def test_urls_that_two_programs_could_read_differently_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        urls.valid_url(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://a.example", "a.example"), ("https://A.Example:8443/x?y=1#z", "a.example"),
     ("http://localhost:8787/in", "localhost"), ("https://[2001:DB8::0:1]/", "[2001:db8::1]"),
     ("https://192.0.2.1/", "192.0.2.1"), ("https://xn--bcher-kva.example/", "xn--bcher-kva.example")],
)  # fmt: skip
def test_the_host_is_what_javascript_gives(url: str, host: str) -> None:
    assert urls.valid_url(url) == (url, host)


@pytest.mark.parametrize(
    ("url", "hostname", "doubt"),
    [
        ("https://a.example/in", "a.example", ""),
        (
            "https://a.example/in",
            "evil.example",
            "host differs: not the URL's host, so the platform does not",
        ),
        ("https://xn--zz/", "xn--zz", "host unclear: not clear by its URL: “xn--zz” stands for no name"),
        ("http://[fe80::1%eth0]/", "[fe80::1%eth0]", "host unclear: not clear by its URL: An address"),
        ("https://ü.example/", "xn--tda.example", "host unclear: not clear by its URL: Write the host"),
    ],
)
def test_a_stored_host_that_is_not_the_urls_is_noticed(url: str, hostname: str, doubt: str) -> None:
    """Of a URL that is refused here it is not said that its host is another."""
    said = ": ".join(urls.host_doubt(url, hostname) or ())
    assert said.startswith(doubt) and bool(said) == bool(doubt)


def test_an_edit_names_what_changed_but_no_secret(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    webhook_id = create(engine)
    form = WebhookInput("CI", "https://other.example/in", "run_killed, run_started", True, "whsec_2")
    change = webhooks.update(engine, webhook_id, form, actor="ops", now=NOW + 1)
    assert events()[-1][1:] == (
        "webhook_updated",
        {
            "actor": "ops",
            "webhookId": webhook_id,
            "changes": {
                "hostname": {"from": "hooks.acme.example", "to": "other.example"},
                "url": {"from": "https://hooks.acme.example/…", "to": "https://other.example/…"},
                "events": {"from": "*", "to": "run_killed,run_started"},
                "secret": "replaced",
            },
        },
    )
    assert "whsec" not in repr(change) + repr(form) + repr(events())
    writing.undo(engine, change, now=NOW + 2)
    assert read_record(engine, WEBHOOK_DESTINATIONS, webhook_id)["url"] == "https://hooks.acme.example/in"
    assert sql.execute("SELECT secret FROM webhook_destinations").get == "whsec_1"


def test_an_edit_beside_odd_values_leaves_them_as_they_are(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    webhook_id = create(engine)
    sql.execute("UPDATE webhook_destinations SET name = x'0102', active = 2, events = '*, run_killed'")
    shown = read_record(engine, WEBHOOK_DESTINATIONS, webhook_id)
    form = WebhookInput(shown.text("name"), "https://other.example/in", shown.text("events"), False)
    change = webhooks.update(engine, webhook_id, form, actor="ops", now=NOW)
    assert events()[-1][2]["changes"].keys() == {"url", "hostname"}
    stored = "SELECT name, active, events FROM webhook_destinations"
    assert sql.execute(stored).fetchone() == (b"\1\2", 2, "*, run_killed")
    writing.undo(engine, change, now=NOW)
    with pytest.raises(NotAllowed, match="Nothing was changed"):
        webhooks.update(engine, webhook_id, replace(form, url=shown.text("url")), actor="ops", now=NOW)


def test_an_edit_judges_only_what_it_changes(engine: Database, sql: apsw.Connection, events: Events) -> None:
    webhook_id = create(engine)
    url = "https://user:password@hooks.acme.example/in"
    sql.execute("UPDATE webhook_destinations SET url = ?, events = ''", (url,))
    renamed = WebhookInput("Renamed", url, "")
    webhooks.update(engine, webhook_id, renamed, actor="ops", now=NOW)
    stored = "SELECT name, hostname, url, events FROM webhook_destinations"
    assert sql.execute(stored).fetchone() == ("Renamed", "hooks.acme.example", url, "")
    assert events()[-1][2]["changes"] == {"name": {"from": "CI", "to": "Renamed"}}
    refusable: dict[str, Any] = {"url": url.replace("/in", "/out"), "events": " , ", "name": "a\u202eb"}
    for field, value in refusable.items():
        with pytest.raises(InvalidInput) as refused:
            webhooks.update(engine, webhook_id, replace(renamed, **{field: value}), actor="ops", now=NOW)
        assert refused.value.field == field
    webhooks.update(engine, webhook_id, replace(renamed, events="run_killed"), actor="ops", now=NOW)
    assert events()[-1][2]["changes"] == {"events": {"from": "", "to": "run_killed"}}


@pytest.mark.parametrize("name", ["'CI'", "CAST(x'ff' AS TEXT)", "x'0102'"])
def test_an_edit_of_what_was_seen_leaves_alone_what_others_have_changed_since(
    engine: Database, sql: apsw.Connection, name: str
) -> None:
    webhook_id = create(engine)
    sql.execute(f"UPDATE webhook_destinations SET name = {name}")
    shown = read_record(engine, WEBHOOK_DESTINATIONS, webhook_id)
    seen = WebhookInput(shown.text("name"), shown.text("url"), shown.text("events"))
    elsewhere = "https://hooks.acme.example/new"
    sql.execute("UPDATE webhook_destinations SET url = ?, events = '*', active = 0", (elsewhere,))
    webhooks.update(engine, webhook_id, replace(seen, name="New"), seen, actor="ops", now=NOW)
    stored = "SELECT name, url, active FROM webhook_destinations"
    assert sql.execute(stored).fetchone() == ("New", elsewhere, 0)
    for edited in (replace(seen, url="https://other.example/in"), replace(seen, name="Newer")):
        with pytest.raises(RowChanged, match="by somebody else in the meantime; nothing was changed"):
            webhooks.update(engine, webhook_id, edited, seen, actor="ops", now=NOW)
    assert sql.execute(stored).fetchone() == ("New", elsewhere, 0)


def test_an_edit_gives_a_destination_no_host_of_an_address_that_it_has_no_more(
    engine: Database, sql: apsw.Connection
) -> None:
    webhook_id = create(engine)
    seen = webhooks.as_seen(read_record(engine, WEBHOOK_DESTINATIONS, webhook_id).values)
    webhooks.update(
        engine, webhook_id, replace(seen, url="https://new.example/in", active=False), actor="ops", now=NOW
    )
    webhooks.update(engine, webhook_id, replace(seen, name="Renamed"), seen, actor="ops", now=NOW)
    stored = "SELECT name, hostname, url FROM webhook_destinations"
    assert sql.execute(stored).fetchone() == ("Renamed", "new.example", "https://new.example/in")
    both = replace(seen, url="https://other.example/in", active=False, name="Other")
    with pytest.raises(ChangedMeanwhile, match=r"shown of the webhook \(Name, URL\) was changed"):
        webhooks.update(engine, webhook_id, both, seen, actor="ops", now=NOW)


def test_no_column_that_is_declared_a_secret_is_in_an_audit_entry(
    engine: Database, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_id = create(engine)
    second = TableColumn("has_name", ColumnKind.PRESENCE, "Name", of="name")
    declared = replace(WEBHOOK_DESTINATIONS, columns=(*WEBHOOK_DESTINATIONS.columns, second))
    monkeypatch.setattr(webhooks, "WEBHOOK_DESTINATIONS", declared)
    form = WebhookInput("Other", "https://hooks.acme.example/in", secret="whsec_2")
    webhooks.update(engine, webhook_id, form, actor="ops", now=NOW + 1)
    assert events()[-1][2]["changes"] == {"name": "replaced", "secret": "replaced"}


def test_an_edit_without_a_secret_keeps_it_and_an_empty_one_removes_it(engine: Database) -> None:
    webhook_id = create(engine)
    webhooks.update(
        engine, webhook_id, WebhookInput("New", "https://hooks.acme.example/in"), actor="ops", now=NOW
    )
    assert read_record(engine, WEBHOOK_DESTINATIONS, webhook_id)["has_secret"]
    webhooks.update(
        engine,
        webhook_id,
        WebhookInput("New", "https://hooks.acme.example/in", secret=""),
        actor="ops",
        now=NOW,
    )
    assert not read_record(engine, WEBHOOK_DESTINATIONS, webhook_id)["has_secret"]


def test_switching_off_and_on_is_on_record_and_undoable(engine: Database, events: Events) -> None:
    first, second = create(engine), create(engine)
    change = webhooks.set_active(engine, [first, second], False, actor="ops", now=NOW)
    assert change.summary == "2 webhooks deactivated"
    assert not read_record(engine, WEBHOOK_DESTINATIONS, first)["active"]
    with pytest.raises(NotAllowed, match="Already inactive"):
        webhooks.set_active(engine, [first], False, actor="ops", now=NOW)
    writing.undo(engine, change, now=NOW)
    assert read_record(engine, WEBHOOK_DESTINATIONS, second)["active"]
    kinds = [kind for _, kind, _ in events()]
    assert kinds[2:] == ["webhook_deactivated"] * 2 + ["webhook_activated"] * 2


def test_a_deleted_destination_comes_back_with_its_secret(engine: Database, events: Events) -> None:
    webhook_id = create(engine)
    change = webhooks.delete(engine, [webhook_id], actor="ops", now=NOW)
    writing.undo(engine, change, now=NOW)
    assert read_record(engine, WEBHOOK_DESTINATIONS, webhook_id)["has_secret"]
    assert [kind for _, kind, _ in events()] == ["webhook_created", "webhook_deleted", "webhook_restored"]


def test_one_without_a_name_and_a_host_goes_by_its_id(engine: Database, sql: apsw.Connection) -> None:
    webhook_id = create(engine)
    sql.execute("UPDATE webhook_destinations SET name = '', hostname = ''")
    change = webhooks.delete(engine, [webhook_id], actor="ops", now=NOW)
    assert change.summary == f"Webhook {webhook_id} deleted"


CREDENTIALS = "https://bob:pass-word@hooks.slack.com:8443/services/T0/secret-path?token=in-query#piece"
SECRETS = ("bob", "pass-word", "services", "secret-path", "token", "in-query", "piece")


def test_no_part_of_a_url_that_may_be_a_credential_is_in_the_chain(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    webhook_id = create(engine, url="https://discord.com/api/webhooks/1/secret-path?token=in-query")
    hostname = CREDENTIALS.removeprefix("https://")
    sql.execute("UPDATE webhook_destinations SET url = ?, hostname = ?", (CREDENTIALS, hostname))
    off = webhooks.set_active(engine, [webhook_id], False, actor="ops", now=NOW)
    writing.undo(engine, off, now=NOW)
    form = WebhookInput("CI", "https://hooks.slack.com/services/other/secret-path")
    edit = webhooks.update(engine, webhook_id, form, actor="ops", now=NOW)
    writing.undo(engine, edit, now=NOW)
    gone = webhooks.delete(engine, [webhook_id], actor="ops", now=NOW)
    assert not [secret for secret in SECRETS if secret in off.told + edit.told + gone.told]
    writing.undo(engine, gone, now=NOW)
    assert sql.execute("SELECT url FROM webhook_destinations").get == CREDENTIALS
    edited = next(payload for _, kind, payload in events() if kind == "webhook_updated")
    assert edited["changes"]["hostname"] == {"from": "hooks.slack.com", "to": "hooks.slack.com"}
    written = repr(events())
    assert not [secret for secret in SECRETS if secret in written]
    assert [payload.get("url") for _, kind, payload in events() if kind != "webhook_updated"] == [
        "https://discord.com/…",
        *["https://hooks.slack.com:8443/…"] * 4,
    ]


def test_a_url_in_a_name_is_said_as_any_other(engine: Database, events: Events) -> None:
    webhook_id = create(engine, name=f"CI ({CREDENTIALS}")
    form = WebhookInput("plain", "https://hooks.slack.com/services/other/secret-path")
    webhooks.update(engine, webhook_id, form, actor="ops", now=NOW)
    webhooks.delete(engine, [webhook_id], actor="ops https://discord.com/api/webhooks/1/secret-path", now=NOW)
    assert events()[-1][2]["actor"] == "ops https://discord.com/…"
    assert not [part for part in SECRETS if part in repr(events())]
    assert events()[0][2]["name"] == "CI (https://hooks.slack.com:8443/…"


@pytest.mark.parametrize(
    ("url", "said"),
    [(CREDENTIALS, "https://hooks.slack.com:8443/…"), ("https://a.example", "https://a.example"),
     ("https://A.example/", "https://a.example"), ("https://a.example?q", "https://a.example/…"),
     ("https://u@a.example", "https://a.example/…"), ("https://a.example/x", "https://a.example/…"),
     ("https://[2001:DB8::0:1]/x", "https://[2001:db8::1]/…"), ("//a.example/secret", "…"),
     ("secret://a.example", "…"), ("a.example/secret", "…"), ("https://u:secret/x@a.example/", "…"),
     ("https://a.example\\secret", "…"), ("https://[::1/secret", "…"), (b"https://a/secret", "…"),
     (None, "…"), (7, "…")],
)  # fmt: skip
def test_of_a_url_the_host_alone_is_said(url: Any, said: str) -> None:
    assert urls.host_alone(url) == said


def test_urls_are_found_behind_whatever_and_a_long_word_takes_no_time() -> None:
    said = "see -1.https://u:hidden@a.example/hidden, (7http://b.example/hidden) x+https://c.example/hidden"
    found = str(urls.without_urls(said))
    assert "hidden" not in found and found.startswith("see -1.https://a.example/…")
    begun = time.monotonic()
    for word in ("x", "x-", "-", "x.7", "7", "x://", "x:/"):
        urls.without_urls(word * 100_000)
    assert time.monotonic() - begun < 5  # by its square it would take minutes


@pytest.mark.parametrize("text", ["", " , ", "run started", "run;killed"])
def test_event_lists_that_the_platform_could_not_match_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        webhooks.valid_events(text)


def test_event_lists_are_stored_without_spaces_or_repetitions() -> None:
    assert webhooks.valid_events(" run_killed , run_started,run_killed") == "run_killed,run_started"
    assert webhooks.valid_events("run_killed,*") == "*"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://[fe80::1%eth0]/", "zone"),
        ("https://xn--zz/", "stands for no name"),
        ("https://a.xn--zz.com/", "name"),
    ],
)
def test_a_host_that_means_nothing_elsewhere_is_refused(url: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        valid_url(url)


@pytest.mark.parametrize("stored", ["yes", 7, b"\x01", None])
@pytest.mark.parametrize("active", [True, False])
def test_a_state_that_is_neither_on_nor_off_can_be_made_either(
    engine: Database, sql: apsw.Connection, stored: Any, active: bool
) -> None:
    """The platform asks for `active = 1`, and so delivers to none of them."""
    sql.execute("ALTER TABLE webhook_destinations RENAME COLUMN active TO was")
    sql.execute("ALTER TABLE webhook_destinations ADD COLUMN active")
    webhook_id = create(engine)
    sql.execute("UPDATE webhook_destinations SET active = ?", (stored,))
    change = webhooks.set_active(engine, [webhook_id], active, actor="ops", now=NOW)
    asked = "SELECT active FROM webhook_destinations"
    assert sql.execute(asked).get == int(active)
    writing.undo(engine, change, now=NOW)
    assert sql.execute(asked).get == stored


def test_an_edit_leaves_a_state_that_nobody_touched(engine: Database, sql: apsw.Connection) -> None:
    webhook_id = create(engine)
    sql.execute("UPDATE webhook_destinations SET active = 'yes'")
    form = WebhookInput("New", "https://hooks.acme.example/in", active=False)
    webhooks.update(engine, webhook_id, form, actor="ops", now=NOW)
    assert sql.execute("SELECT name, active FROM webhook_destinations").get == ("New", "yes")
